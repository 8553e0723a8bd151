#ifndef FLEXILIB_HTTP_RESPONSE_RULES_H
#define FLEXILIB_HTTP_RESPONSE_RULES_H

/* What every version of HTTP says of a response that a front writes (RFC 9110). */

#include "filter/exchange.h"

/* Whether the response has a Content-Length (section 8.6): never with 101 and 204. With 304 it would describe the
 * representation, of which a filter that answers with an empty body says nothing. */
bool response_tells_length(const struct response_head *response);

#endif
