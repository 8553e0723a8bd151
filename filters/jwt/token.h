#ifndef JWT_TOKEN_H
#define JWT_TOKEN_H

/* A signed token in compact form (RFC 7515 section 7.1, RFC 7519), taken apart. What it says counts for nothing until
 * its signature has been verified. */

#include "algorithm.h"

#include <flexilib/filter.h>
#include <jansson.h>

struct token {
    struct flexilib_text signed_part; /* in the text that was parsed */
    unsigned char *signature;
    size_t signature_length;
    const struct algorithm *algorithm;
    struct flexilib_text key_id; /* data NULL: it names none; lives as long as header */
    json_t *header, *claims;
};

/* Takes the text apart, which has to stay while the token is used. Returns NULL, or what is wrong with it, in words
 * that may be told to the client; token_finish is due in either case. */
const char *token_parse(struct token *token, struct flexilib_text text);

void token_finish(struct token *token);

#endif
