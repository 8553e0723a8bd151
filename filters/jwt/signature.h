#ifndef JWT_SIGNATURE_H
#define JWT_SIGNATURE_H

/* Whether a signature is one of that key over that text. */

#include "key_set.h"

/* key_fits has been asked before. */
bool signature_is_good(const struct key *key, const struct algorithm *algorithm, const char *text, size_t length,
                       const unsigned char *signature, size_t signature_length);

#endif
