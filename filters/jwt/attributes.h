#ifndef JWT_ATTRIBUTES_H
#define JWT_ATTRIBUTES_H

/* What a good token claims, as attributes of the exchange. */

#include <flexilib/filter.h>
#include <jansson.h>

/* Sets PREFIX.NAME for each claim that is a text, a number or a truth value, and for lists of texts, with blanks
 * between them. A claim inside of another is PREFIX.OUTER.INNER. Names are in lower case; claims whose names have other
 * characters than an attribute's, whose values have control characters, or lists with a text that is empty or has a
 * blank of its own, are left out. Where two claims would give one name, it is that of the one that is spelled so. */
void attributes_set(const struct flexilib_core *core, struct flexilib_exchange *exchange, struct flexilib_text prefix,
                    const json_t *claims);

#endif
