#ifndef JWT_BASE64URL_H
#define JWT_BASE64URL_H

/* Base64 as tokens and keys have it (RFC 4648 section 5, without padding): strict, so that one value has one spelling.
 */

#include <stdbool.h>
#include <stddef.h>

/* How many bytes so many characters stand for at most. */
static inline size_t base64url_room(size_t length)
{
    return length / 4 * 3 + 3;
}

/* Decodes into out, which has base64url_room bytes. False for other characters, a length that cannot be, and bits that
 * are left over and not zero. */
bool base64url_decode(const char *data, size_t length, unsigned char *out, size_t *out_length);

#endif
