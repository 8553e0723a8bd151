#ifndef FLEXILIB_FRONT_HTTP2_REQUEST_H
#define FLEXILIB_FRONT_HTTP2_REQUEST_H

/* Judges the fields of an HTTP/2 request (RFC 9113 section 8): as strict as http1_request.h, so that a request means
 * the same however it comes. Relies on nobody to have checked anything before. No I/O. */

#include "filter/exchange.h"
#include "http/request_rules.h"

/* The fields of a request while they come, pseudo-fields first. */
struct http2_fields {
    struct headers list;
    size_t bytes;       /* as SETTINGS_MAX_HEADER_LIST_SIZE counts them */
    size_t field_count; /* where all fields Cookie count as one: clients split it */
    bool has_cookie;
    bool is_too_large; /* what came since was left out */
};

/* Adds a field, its texts copied into the arena, unless that would be more than the limits allow. */
void http2_fields_add(struct http2_fields *fields, struct arena *arena, const struct settings *settings,
                      const struct header *field);

/* Counts one more, within the same limits. Returns false where it is too much. */
bool http2_fields_count(struct http2_fields *fields, const struct settings *settings, const struct header *field);

/* Frees the list, but not its texts, and leaves it empty. */
void http2_fields_finish(struct http2_fields *fields);

struct http2_framing {
    int64_t content_length; /* -1 where it is not told */
    size_t path_bytes;      /* taken for the path in its one spelling */
    bool expects_continue;
    bool is_server_wide; /* OPTIONS *: about FlexiLib itself, nothing to route */
    bool is_websocket;   /* RFC 8441 */
};

/* Fills request and framing from the fields, whose texts it refers to. request->headers keeps end-to-end fields only,
 * and the fields Cookie joined to one. On a refusal, method and target are filled as far as they are known.
 *
 * A request for a WebSocket becomes what it would be in HTTP/1: GET, with request->upgrade; its key is for others to
 * make. */
struct request_refusal http2_request_build(const struct http2_fields *fields, struct arena *arena,
                                           struct request_head *request, struct http2_framing *framing);

/* Fills just method and target, for the log; "-" where there are none. */
void http2_request_guess(const struct http2_fields *fields, struct request_head *request);

#endif
