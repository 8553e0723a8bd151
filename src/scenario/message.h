#ifndef FLEXILIB_SCENARIO_MESSAGE_H
#define FLEXILIB_SCENARIO_MESSAGE_H

/* A request or a response as somebody on the stage has seen it so far. */

#include "base/text.h"
#include "filter/attributes.h"
#include "filter/headers.h"

struct message {
    bool has_head;
    struct slice start; /* "GET /path?query" or "200" */
    struct headers headers;
    struct headers attributes; /* of the exchange, as they were when this was seen */
    struct text body;
    size_t noticed_bytes; /* of the body: what events have told of */
    bool is_ended;        /* the body is whole */
    bool is_broken;       /* no more comes, though it is not whole */
    bool is_broken_noticed;
};

/* Forgets everything. */
void message_clear(struct message *message);
void message_finish(struct message *message);

/* Adds copies of fields. */
void message_add_fields(struct message *message, struct arena *arena, const struct headers *fields);

/* Takes copies of the attributes, in place of those it had. */
void message_take_attributes(struct message *message, struct arena *arena, const struct attributes *attributes);

/* Adds a content-length. */
void message_add_length(struct message *message, struct arena *arena, int64_t length);

#endif
