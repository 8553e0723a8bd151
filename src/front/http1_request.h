#ifndef FLEXILIB_FRONT_HTTP1_REQUEST_H
#define FLEXILIB_FRONT_HTTP1_REQUEST_H

/* Judges the head of an HTTP/1 request after head_parser.h has split it: how the body is framed, what Host and target
 * mean, which fields stay (RFC 9110, RFC 9112). Strict: where two readers could understand a request differently, it is
 * refused, so that nothing can be hidden between us and the servers behind. No I/O. */

#include "filter/exchange.h"
#include "http/head_parser.h"
#include "http/request_rules.h"

struct http1_framing {
    uint64_t content_length; /* 0 where there is no body; of no meaning when chunked */
    bool is_chunked;
    bool keep_alive; /* what the client asks for */
    bool expects_continue;
    bool asks_upgrade;   /* whether or not anything comes of it */
    bool is_server_wide; /* OPTIONS *: about FlexiLib itself, nothing to route */
    /* The fields that Connection names, where they may stand in a trailer section too. */
    const struct slice *named;
    size_t named_count;
};

/* Fills request and framing from a head that parsed, copying its text, which is text's first head->length bytes, into
 * the arena. request->headers keeps end-to-end fields only: what frames the message, what belongs to the connection,
 * what Connection names (unless that would take away a field that is end-to-end by its nature), and what spells one of
 * those or a forwarding field with "_" is left out. request->upgrade is filled where the client may be switched to
 * another protocol: HTTP/1.1, Connection names Upgrade, and no body stands in between (RFC 9110 section 7.8). On a
 * refusal the request line is filled as far as it is known. */
struct request_refusal http1_request_build(const struct parsed_head *head, struct slice text, struct arena *arena,
                                           struct request_head *request, struct http1_framing *framing);

/* Fills method and raw_target from the start of a head that did not parse, for the log; "-" where they cannot be made
 * out. */
void http1_request_guess(struct slice text, struct arena *arena, struct request_head *request);

#endif
