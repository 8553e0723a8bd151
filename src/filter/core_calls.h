#ifndef FLEXILIB_FILTER_CORE_CALLS_H
#define FLEXILIB_FILTER_CORE_CALLS_H

/* The core calls of flexilib/filter.h, which core_table.c lists. What each does is told there. Outside of a hook of the
 * exchange, those that change something do nothing and say so by what they return.
 *
 * core_message.c: what stands in the heads. core_body.c, core_decode.c: what a filter does with bodies. core_reply.c:
 * what it answers. core_values.c: what is known beside them. core_options.c: what concerns options. core_exchange.c:
 * everything else about an exchange. readiness.c: what create puts off. */

#include "filter/exchange_state.h"

static inline struct exchange *exchange_of(struct flexilib_exchange *seen)
{
    return (struct exchange *)seen;
}

static inline const struct exchange *exchange_of_const(const struct flexilib_exchange *seen)
{
    return (const struct exchange *)seen;
}

static inline struct flexilib_text text_of(struct slice slice)
{
    return (struct flexilib_text){slice.data == NULL ? "" : slice.data, slice.length};
}

/* The half whose hook is running and may change things; NULL outside of one. */
static inline struct half *working_half(const struct exchange *exchange)
{
    struct half *running = exchange->state->running;
    return running != NULL && running->hook != SLOT_HOOK_END ? running : NULL;
}

static inline bool is_head_hook(const struct half *half)
{
    return half->hook == SLOT_HOOK_REQUEST_HEAD || half->hook == SLOT_HOOK_RESPONSE_HEAD;
}

/* Says why a call did nothing, where a filter is there to blame. Always false. */
static inline bool refuse_call(const struct exchange *exchange, const char *call, const char *why)
{
    const struct half *running = exchange->state->running;
    if (running != NULL)
        exchange_blame(exchange, running->step, "%s in %s was refused: %s", call, slot_hook_name(running->hook), why);
    else
        exchange_blame_stranger(exchange, call);
    return false;
}

enum {
    CORE_SENTENCE_BYTES = 512,
};

/* What a filter says is wrong, cut to that size. It may travel as one line, so what would break a line becomes '?'. */
struct slice core_clean_sentence(const char *sentence, size_t length, char cleaned[CORE_SENTENCE_BYTES]);

struct flexilib_text core_method(const struct flexilib_exchange *seen);
bool core_set_method(struct flexilib_exchange *seen, const char *data, size_t length);
struct flexilib_text core_scheme(const struct flexilib_exchange *seen);
struct flexilib_text core_authority(const struct flexilib_exchange *seen);
bool core_set_authority(struct flexilib_exchange *seen, const char *data, size_t length);
struct flexilib_text core_path(const struct flexilib_exchange *seen);
bool core_set_path(struct flexilib_exchange *seen, const char *data, size_t length);
struct flexilib_text core_query(const struct flexilib_exchange *seen);
bool core_set_query(struct flexilib_exchange *seen, const char *data, size_t length);
int32_t core_status(const struct flexilib_exchange *seen);
bool core_set_status(struct flexilib_exchange *seen, int32_t status);
size_t core_header_count(const struct flexilib_exchange *seen, flexilib_half half);
bool core_header_at(const struct flexilib_exchange *seen, flexilib_half half, size_t index,
                    struct flexilib_pair *field);
bool core_header(const struct flexilib_exchange *seen, flexilib_half half, const char *name, size_t name_length,
                 struct flexilib_text *value);
bool core_set_header(struct flexilib_exchange *seen, flexilib_half half, const char *name, size_t name_length,
                     const char *value, size_t value_length);
bool core_add_header(struct flexilib_exchange *seen, flexilib_half half, const char *name, size_t name_length,
                     const char *value, size_t value_length);
size_t core_remove_header(struct flexilib_exchange *seen, flexilib_half half, const char *name, size_t name_length);

void core_log(const struct flexilib_core *core, const struct flexilib_exchange *seen, flexilib_level level,
              const char *data, size_t length);
struct flexilib_text core_peer_address(const struct flexilib_exchange *seen);
uint16_t core_peer_port(const struct flexilib_exchange *seen);
struct flexilib_text core_route(const struct flexilib_exchange *seen);
struct flexilib_text core_request_id(const struct flexilib_exchange *seen);
void *core_allocate(struct flexilib_exchange *seen, size_t size);
void *core_state(const struct flexilib_exchange *seen);
void core_set_state(struct flexilib_exchange *seen, void *state);
bool core_reply(struct flexilib_exchange *seen, int32_t status, const char *content_type, size_t content_type_length,
                const char *body, size_t body_length);
bool core_pass(struct flexilib_exchange *seen);
bool core_write(struct flexilib_exchange *seen, const char *data, size_t length);
bool core_collect(struct flexilib_exchange *seen, flexilib_half half, uint64_t limit);
bool core_hold_head(struct flexilib_exchange *seen, flexilib_half half);
bool core_skip_body(struct flexilib_exchange *seen, flexilib_half half);
bool core_decode(struct flexilib_exchange *seen, flexilib_half half);
bool core_reply_lent(struct flexilib_exchange *seen, int32_t status, const char *content_type,
                     size_t content_type_length, const char *body, size_t body_length, void (*release)(void *data),
                     void *data);
bool core_reply_stream(struct flexilib_exchange *seen, int32_t status, const char *content_type,
                       size_t content_type_length);
bool core_end_reply(struct flexilib_exchange *seen);
uint64_t core_ticket(struct flexilib_exchange *seen);
void core_resume(const struct flexilib_core *core, uint64_t ticket, void *result, void (*drop)(void *result));
const void *core_extension(const struct flexilib_core *core, const char *id);
void core_defer_ready(const struct flexilib_core *core);
void core_set_ready(const struct flexilib_core *core, const char *sentence, size_t length);
bool core_tls(const struct flexilib_exchange *seen, flexilib_tls_fact fact, struct flexilib_text *value);

void core_refuse(const struct flexilib_core *core, int32_t option, const char *sentence, size_t length);
void core_refuse_value(const struct flexilib_core *core, const struct flexilib_value *value, const char *sentence,
                       size_t length);
size_t core_match(const struct flexilib_regex *regex, const char *data, size_t length, size_t from,
                  struct flexilib_text *groups, size_t count);
bool core_in_ranges(const struct flexilib_ranges *ranges, const char *address, size_t length);

struct flexilib_text core_trace_id(const struct flexilib_exchange *seen);
bool core_set_attribute(struct flexilib_exchange *seen, const char *name, size_t name_length, const char *value,
                        size_t value_length);
bool core_attribute(const struct flexilib_exchange *seen, const char *name, size_t name_length,
                    struct flexilib_text *value);
struct flexilib_text core_expand(struct flexilib_exchange *seen, const struct flexilib_template *expansion);
bool core_set_scheme(struct flexilib_exchange *seen, const char *data, size_t length);
bool core_set_upstream(struct flexilib_exchange *seen, const char *name, size_t length);

#endif
