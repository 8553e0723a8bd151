#ifndef FLEXILIB_PROXY_CONTENT_CODING_H
#define FLEXILIB_PROXY_CONTENT_CODING_H

/* What Accept-Encoding says of a coding (RFC 9110 section 12.5.3). */

#include "filter/headers.h"

/* How welcome the coding is, from 0 (not at all) to 1000. Without the field nothing but the plain bytes is. */
unsigned content_coding_weight(const struct headers *request, struct slice coding);

#endif
