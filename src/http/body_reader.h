#ifndef FLEXILIB_HTTP_BODY_READER_H
#define FLEXILIB_HTTP_BODY_READER_H

/* Takes the body of an HTTP/1 response out of what is received, by one of the ways RFC 9112 section 6.3 knows. Knows no
 * socket: the owner receives, and says when the connection has ended. */

#include "http/chunked.h"

enum body_framing {
    BODY_NONE = 0,
    BODY_LENGTH,      /* as many bytes as Content-Length says */
    BODY_CHUNKED,     /* until the last chunk */
    BODY_UNTIL_CLOSE, /* until the connection ends in good order */
};

struct body_reader {
    enum body_framing framing;
    bool is_done;
    uint64_t left; /* BODY_LENGTH */
    struct chunked chunked;
};

/* length is used for BODY_LENGTH only. */
void body_reader_init(struct body_reader *reader, enum body_framing framing, uint64_t length);

/* Takes what was just received; not after is_done. *data is the part of the body in it, in one piece: chunks are moved
 * together within input. *extra is how many bytes stand behind the body's end. Returns false where the chunks are
 * malformed. */
bool body_reader_take(struct body_reader *reader, char *input, size_t length, struct slice *data, size_t *extra);

/* BODY_LENGTH: so many bytes of those that are left were received by another way. */
void body_reader_skip(struct body_reader *reader, size_t length);

/* The connection has ended in good order. Returns false where that cuts the body. */
bool body_reader_end(struct body_reader *reader);

#endif
