#ifndef FLEXILIB_FILTER_ISOLATED_MESSAGE_H
#define FLEXILIB_FILTER_ISOLATED_MESSAGE_H

/* What travels between the stand-in of a filter (isolated_use.c, in a worker) and the filter itself (isolated_guest.c,
 * in a runner): a call for each hook, with what the filter may look at and has not been told yet, and an answer with
 * what it has changed. Neither side believes the other: an answer is applied by the same rules as what filters do. */

#include "filter/exchange_state.h"
#include "filter/isolated_wire.h"

/* What a call says of the exchange beside what it is read into. */
struct isolated_call {
    unsigned step; /* number of the use, as in step_settings */
    enum slot_hook hook;
    bool is_first; /* the runner knows nothing of the exchange yet */
    enum exchange_phase phase;
    bool is_held, is_head_sent, is_client_head, is_last;
    uint64_t request_bytes;
    uint64_t upstream; /* its index in the settings, plus 1; 0: none */
    struct slice piece;
};

/* Adds the call of the hook that half is in. attribute_bytes is what the runner knows of the attributes (see struct
 * attributes). settings are those that both sides have. */
void isolated_call_print(struct exchange *exchange, const struct half *half, bool is_first, size_t attribute_bytes,
                         struct text *out);

/* The number of the use, which stands in front. */
unsigned isolated_call_step(struct slice message);

/* Reads the call; what concerns the exchange goes into it, and is copied but for the piece, which points into the
 * message. Returns false where it is no call. */
bool isolated_call_read(struct slice message, struct exchange *exchange, struct isolated_call *call)
    __attribute__((warn_unused_result));

/* What a hook has answered and done. */
struct isolated_answer {
    flexilib_answer answer;
    bool asks_hold, asks_whole, asks_decoding, skips_request, skips_response;
    bool is_passed; /* the output is the piece itself */
    bool is_reply, is_reply_streamed, is_reply_ended;
    bool has_request, has_response, has_attributes; /* those have changed */
    uint64_t most_bytes;                            /* asks_whole: of the body */
    int status;                                     /* of an answer of FlexiLib's own; 0: none */
    unsigned retry_after_s;
    struct slice trace; /* the digits, or zero bytes */
    struct slice method, scheme, authority, path, query;
    bool has_new_authority;
    uint64_t upstream; /* as in the call */
    struct headers request_headers;
    int response_status;
    struct headers response_headers;
    struct headers attributes;
    int reply_status;
    struct headers reply_headers;
    struct slice reply_body;
    struct slice output;
};

void isolated_answer_print(const struct isolated_answer *answer, struct text *out);

/* Its texts point into the message, its lists are made in the arena. Returns false where it is no answer. */
bool isolated_answer_read(struct slice message, struct arena *arena, struct isolated_answer *answer)
    __attribute__((warn_unused_result));

/* The upstream's number for messages, and back; NULL for none. */
uint64_t isolated_upstream_number(const struct settings *settings, const struct upstream_settings *upstream);
const struct upstream_settings *isolated_upstream(const struct settings *settings, uint64_t number);

#endif
