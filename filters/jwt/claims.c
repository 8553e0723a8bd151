#include "claims.h"

#include <string.h>
#include <strings.h>

static bool is_text(const json_t *value, struct flexilib_text text)
{
    return json_is_string(value) && json_string_length(value) == text.length &&
           memcmp(json_string_value(value), text.data, text.length) == 0;
}

/* A claim that is one text or a list of them holds this one. */
static bool holds(const json_t *claim, struct flexilib_text text)
{
    for (size_t i = 0; i < json_array_size(claim); ++i) {
        if (is_text(json_array_get(claim, i), text))
            return true;
    }
    return is_text(claim, text);
}

static bool holds_any(const json_t *claim, const struct flexilib_value *wanted)
{
    for (size_t i = 0; i < wanted->count; ++i) {
        if (holds(claim, wanted->list[i]))
            return true;
    }
    return wanted->count == 0;
}

/* Who has issued it is one text (RFC 7519 section 4.1.1), not a list of whoever might have. */
static bool is_issuer(const json_t *claim, const struct flexilib_value *wanted)
{
    return wanted->count == 0 || (json_is_string(claim) && holds_any(claim, wanted));
}

/* RFC 8693 section 4.2: words with blanks between them; some write a list. */
static bool grants(const json_t *scope, struct flexilib_text wanted)
{
    const char *at = json_string_value(scope);
    if (at == NULL)
        return holds(scope, wanted);
    while (*at != '\0') {
        size_t length = strcspn(at, " ");
        if (length == wanted.length && memcmp(at, wanted.data, length) == 0)
            return true;
        at += length;
        at += strspn(at, " ");
    }
    return false;
}

static const char *check_times(const struct claim_rules *rules, const json_t *claims, int64_t now_s)
{
    const json_t *expiry = json_object_get(claims, "exp");
    const json_t *begin = json_object_get(claims, "nbf");
    double now = (double)now_s, leeway = (double)rules->leeway_s;
    if (expiry == NULL && rules->needs_expiry)
        return "the token does not say when it expires";
    if ((expiry != NULL && !json_is_number(expiry)) || (begin != NULL && !json_is_number(begin)))
        return "the token is malformed";
    if (expiry != NULL && json_number_value(expiry) + leeway <= now)
        return "the token has expired";
    if (begin != NULL && json_number_value(begin) - leeway > now)
        return "the token is not valid yet";
    return NULL;
}

/* "role: admin" means the text, or a list that has it; numbers and truth values are written as JSON writes them. */
static bool is_claim(const json_t *claim, struct flexilib_text wanted)
{
    if (claim == NULL)
        return false;
    if (json_is_string(claim) || json_is_array(claim))
        return holds(claim, wanted);
    char text[64];
    size_t length = json_dumpb(claim, text, sizeof(text), JSON_ENCODE_ANY | JSON_COMPACT);
    return length == wanted.length && length <= sizeof(text) && memcmp(text, wanted.data, length) == 0;
}

static bool has_claims(const struct flexilib_value *wanted, const json_t *claims)
{
    for (size_t i = 0; i < wanted->count; ++i) {
        const struct flexilib_pair *pair = &wanted->map[i];
        if (!is_claim(json_object_getn(claims, pair->name.data, pair->name.length), pair->value))
            return false;
    }
    return true;
}

/* Media types compare without case, and "application/" may be left out (RFC 7515 section 4.1.9). */
static bool is_type(const json_t *header, struct flexilib_text wanted)
{
    static const char prefix[] = "application/";
    const char *type = json_string_value(json_object_get(header, "typ"));
    if (type == NULL)
        return false;
    if (strncasecmp(type, prefix, sizeof(prefix) - 1) == 0)
        type += sizeof(prefix) - 1;
    return strlen(type) == wanted.length && strncasecmp(type, wanted.data, wanted.length) == 0;
}

enum claims_verdict claims_check(const struct claim_rules *rules, const struct token *token, int64_t now_s,
                                 const char **reason)
{
    const json_t *scope = json_object_get(token->claims, "scope");
    *reason = check_times(rules, token->claims, now_s);
    if (*reason != NULL)
        return CLAIMS_INVALID;
    if (rules->type.length != 0 && !is_type(token->header, rules->type))
        *reason = "the token is of another type";
    else if (!is_issuer(json_object_get(token->claims, "iss"), rules->issuers))
        *reason = "the token is from another issuer";
    else if (!holds_any(json_object_get(token->claims, "aud"), rules->audiences))
        *reason = "the token is for another audience";
    if (*reason != NULL)
        return CLAIMS_INVALID;
    if (!has_claims(rules->claims, token->claims))
        *reason = "the token does not claim what is needed here";
    for (size_t i = 0; i < rules->scopes->count && *reason == NULL; ++i) {
        if (!grants(scope == NULL ? json_object_get(token->claims, "scp") : scope, rules->scopes->list[i]))
            *reason = "the token does not grant what is needed here";
    }
    return *reason == NULL ? CLAIMS_GOOD : CLAIMS_INSUFFICIENT;
}
