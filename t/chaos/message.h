#ifndef T_CHAOS_MESSAGE_H
#define T_CHAOS_MESSAGE_H

/* Reads messages of HTTP/1.1, and believes nothing: whatever a careful peer need not understand is a fault, and so is a
 * byte of a body that is not the letter of its request. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    LONGEST_HEAD_BYTES = 262144,
    MOST_FIELDS = 256,
};

enum message_kind {
    MESSAGE_REQUEST = 1,
    MESSAGE_RESPONSE,
    MESSAGE_RESPONSE_TO_HEAD,
};

enum message_part {
    PART_HEAD = 0,
    PART_LENGTH, /* a body of known length */
    PART_TO_END, /* one that ends with the connection */
    PART_CHUNK_SIZE,
    PART_CHUNK,
    PART_CHUNK_END,
    PART_TRAILER,
    PART_NOTHING, /* all of it is there */
};

struct message_field {
    const char *name, *value;
};

struct message {
    enum message_kind kind;
    enum message_part part;
    char *line; /* what of the head, or of a line, is there */
    size_t line_length;
    char *head; /* cut into texts */
    struct message_field fields[MOST_FIELDS];
    size_t field_count;
    const char *method;
    int status;
    bool closes;    /* it says that the connection ends with it */
    char letter;    /* of the body; 0: any */
    uint64_t left;  /* of the body, or of a chunk */
    uint64_t bytes; /* of the body so far */
    const char *fault;
    char wrong[128]; /* the fault, where it is made of bytes that came */
};

void message_begin(struct message *message, enum message_kind kind);
void message_finish(struct message *message);

/* Takes bytes, and says how many: not all of them where the head ends (so that somebody can look at it), or the
 * message. */
size_t message_read(struct message *message, const char *data, size_t length);

/* Whether the message is whole if the connection ends here. */
bool message_may_end(const struct message *message);

/* The value of the first field of that name (in lower case), or NULL. */
const char *message_field(const struct message *message, const char *name);

/* The number in that field; 0 without it. */
uint64_t message_number(const struct message *message, const char *name);

static inline bool message_has_head(const struct message *message)
{
    return message->part != PART_HEAD;
}

static inline bool message_is_whole(const struct message *message)
{
    return message->part == PART_NOTHING;
}

#endif
