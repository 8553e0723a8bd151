#ifndef FLEXILIB_PROXY_HTTP1_BODY_H
#define FLEXILIB_PROXY_HTTP1_BODY_H

/* The body of an HTTP/1 request, collected whole under a limit. Memory grows as bytes come, so that announcing a large
 * body costs us nothing. No I/O. */

#include "proxy/chunked.h"
#include "proxy/http1_request.h"

enum http1_body_result {
    HTTP1_BODY_MORE = 0,
    HTTP1_BODY_WHOLE,
    HTTP1_BODY_BAD,       /* answer 400 */
    HTTP1_BODY_TOO_LARGE, /* answer 413 */
};

struct http1_body {
    char *data;
    size_t length, capacity;
    uint64_t left; /* still to come, where the length was announced */
    uint64_t limit_bytes;
    bool is_chunked;
    struct chunked chunked;
};

/* Starts with the framing of a request. What was collected before has been freed. */
enum http1_body_result http1_body_begin(struct http1_body *body, const struct http1_framing *framing,
                                        uint64_t limit_bytes);

/* Takes what belongs to the body from the front of *input. */
enum http1_body_result http1_body_take(struct http1_body *body, struct slice *input);

/* Where bytes can be received straight into the body, and how many, none of which belong to what follows it: at least
 * one. NULL where memory is gone. Only for bodies that are not chunked and not whole. */
char *http1_body_reserve(struct http1_body *body, size_t *room);
enum http1_body_result http1_body_add_received(struct http1_body *body, size_t length);

/* Frees what was collected. */
void http1_body_finish(struct http1_body *body);

#endif
