#ifndef JWT_CLAIMS_H
#define JWT_CLAIMS_H

/* What a token has to claim (RFC 7519 section 4.1), beyond being signed. */

#include "token.h"

struct claim_rules {
    const struct flexilib_value *issuers;   /* a list; without items: any */
    const struct flexilib_value *audiences; /* likewise */
    const struct flexilib_value *claims;    /* a map: claims that have to be there with that value */
    const struct flexilib_value *scopes;    /* a list: all of them have to be granted */
    struct flexilib_text type;              /* of the token (typ); empty: any */
    int64_t leeway_s;
    bool needs_expiry;
};

enum claims_verdict {
    CLAIMS_GOOD = 0,
    CLAIMS_INVALID,      /* 401, invalid_token */
    CLAIMS_INSUFFICIENT, /* 403, insufficient_scope */
};

/* now_s is the time of day, in seconds since 1970. Writes why not, in words that may be told to the client. */
enum claims_verdict claims_check(const struct claim_rules *rules, const struct token *token, int64_t now_s,
                                 const char **reason);

#endif
