#include "http/websocket.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <sys/random.h>

enum {
    KEY_BYTES = 16,
    KEY_DIGITS = 24, /* in base64 */
    DIGEST_BYTES = 20,
    DIGEST_DIGITS = 28,
};

struct slice websocket_make_key(struct arena *arena)
{
    unsigned char bytes[KEY_BYTES];
    char *text = arena_alloc(arena, KEY_DIGITS + 1);
    if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
        abort();
    EVP_EncodeBlock((unsigned char *)text, bytes, sizeof(bytes));
    return slice_of(text, KEY_DIGITS);
}

bool websocket_is_accepted(struct slice key, struct slice accept)
{
    static const struct slice suffix = {"258EAFA5-E914-47DA-95CA-C5AB0DC85B11", 36};
    char asked[KEY_DIGITS + 36];
    unsigned char digest[EVP_MAX_MD_SIZE], expected[DIGEST_DIGITS + 1];
    if (key.length != KEY_DIGITS)
        return false;
    memcpy(asked, key.data, key.length);
    memcpy(asked + key.length, suffix.data, suffix.length);
    if (EVP_Digest(asked, sizeof(asked), digest, NULL, EVP_sha1(), NULL) != 1)
        return false;
    EVP_EncodeBlock(expected, digest, DIGEST_BYTES);
    return slice_equals(accept, slice_of((const char *)expected, DIGEST_DIGITS));
}
