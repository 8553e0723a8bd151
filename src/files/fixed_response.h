#ifndef FLEXILIB_FILES_FIXED_RESPONSE_H
#define FLEXILIB_FILES_FIXED_RESPONSE_H

/* Responses that stand in the configuration: `redirect` and `respond`. They pass the chain like any other. */

#include "plan/plan.h"
#include "upstream/response_source.h"

/* Starts the response of a route whose target is PLAN_REDIRECT or PLAN_RESPOND. */
struct response_source fixed_response_start(struct exchange *exchange, const struct plan_route *route,
                                            void (*on_over)(struct exchange *exchange));

/* Starts a response whose body is at hand: the exchange's arena or something that lives longer holds it. The response's
 * header fields stand in the exchange already. */
struct response_source fixed_response_send(struct exchange *exchange, int status, struct slice body,
                                           void (*on_over)(struct exchange *exchange));

/* Starts a redirect. */
struct response_source fixed_response_redirect(struct exchange *exchange, const struct redirect_settings *redirect,
                                               void (*on_over)(struct exchange *exchange));

/* What a redirect's Location is for this request; empty where it needs a host and the request names none. Whatever the
 * request holds, the result can stand in a header. In the arena. */
struct slice redirect_location(const struct redirect_settings *redirect, const struct request_head *request,
                               struct arena *arena);

#endif
