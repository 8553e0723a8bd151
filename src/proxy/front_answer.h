#ifndef FLEXILIB_PROXY_FRONT_ANSWER_H
#define FLEXILIB_PROXY_FRONT_ANSWER_H

/* What a front of any kind answers by itself, in exchanges that were opened but never started: nobody else has anything
 * to do with them. Fills exchange->response; the front writes it. */

#include "filter/exchange.h"

/* Refuses the request with an error, and logs why. Returns the body, which is to be left out where the method is HEAD.
 */
struct slice front_answer_refusal(struct exchange *exchange, int status, const char *reason);

/* Answers OPTIONS *, with an empty body. */
void front_answer_server_wide(struct exchange *exchange);

#endif
