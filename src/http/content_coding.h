#ifndef FLEXILIB_HTTP_CONTENT_CODING_H
#define FLEXILIB_HTTP_CONTENT_CODING_H

/* What Accept-Encoding says of a coding (RFC 9110 section 12.5.3). */

#include "config/settings_compress.h"
#include "filter/headers.h"

/* How welcome the coding is, from 0 (not at all) to 1000. Without the field nothing but the plain bytes is. */
unsigned content_coding_weight(const struct headers *request, struct slice coding);

/* The number of the coding that the client likes best, of those that it likes equally the first; count where it takes
 * none of them, or likes the plain bytes better. */
size_t content_coding_choose(const struct headers *request, const enum coding *codings, size_t count);

#endif
