#ifndef FLEXILIB_HTTP_HTTP1_RESPONSE_H
#define FLEXILIB_HTTP_HTTP1_RESPONSE_H

/* Judges the head of a server's HTTP/1 response after head_parser.h has split it: how its body is framed, and which
 * fields stay (RFC 9110, RFC 9112). Strict: a response that two readers could frame differently is refused, so that a
 * server cannot be made to answer another client's request. No I/O. */

#include "filter/exchange.h"
#include "http/body_reader.h"
#include "http/head_parser.h"
#include "http/trailers.h"

struct http1_response {
    bool is_interim; /* 1xx: the response proper follows; of what stands below, only body_length is filled */
    bool is_switch;  /* 101: what follows is another protocol */
    enum body_framing framing;
    int64_t body_length; /* what Content-Length says, -1 where it says nothing */
    bool keep_alive;     /* the connection can be used again when the body has ended */
};

/* method is what was asked, and upgrade the one protocol that may be switched to, or empty. Returns false and a phrase
 * for the log where the response cannot be trusted. */
bool http1_response_judge(const struct parsed_head *head, struct slice method, struct slice upgrade,
                          struct http1_response *response, const char **reason);

/* Fills out from a head that was found good, copying its text, which is text's first head->length bytes, into the
 * arena. Only end-to-end fields are kept, and Via tells that the response came by us. */
void http1_response_build(const struct parsed_head *head, struct slice text, const struct http1_response *response,
                          struct arena *arena, struct response_head *out);

/* Notes in section which fields belong to the connection, copying their names into the arena. */
void http1_response_note_named(const struct parsed_head *head, struct arena *arena, struct trailer_section *section);

#endif
