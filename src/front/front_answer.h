#ifndef FLEXILIB_FRONT_FRONT_ANSWER_H
#define FLEXILIB_FRONT_FRONT_ANSWER_H

/* What a front of any kind answers by itself. Exchanges that were opened but never started are nobody else's concern:
 * exchange->response is filled, and the front writes it. */

#include "filter/exchange.h"

/* Refuses the request with an error, and logs why. Returns the body, which is to be left out where the method is HEAD.
 */
struct slice front_answer_refusal(struct exchange *exchange, int status, const char *reason);

/* Refuses a request that is under way, since the rest of its body cannot be had, and logs why. */
void front_answer_bad_body(struct exchange *exchange, int status, const char *reason);

/* Answers OPTIONS *, with an empty body. */
void front_answer_server_wide(struct exchange *exchange);

#endif
