/* jwt: lets requests pass that carry a good JSON Web Token (RFC 7519), and tells later filters what it claims.
 *
 *     filters:
 *       - jwt:
 *           jwks: { upstream: login, path: /.well-known/jwks.json }
 *           issuer: https://login.example.com/
 *           audience: shop
 *
 * What the token claims is there as attributes: {jwt.sub}, {jwt.scope}. See README.md beside this file. */

#include "attributes.h"
#include "bearer.h"
#include "claims.h"
#include "key_source.h"
#include "signature.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum {
    OPTION_JWKS_FILE,
    OPTION_JWKS,
    OPTION_SECRET,
    OPTION_ALGORITHMS,
    OPTION_ISSUER,
    OPTION_AUDIENCE,
    OPTION_CLAIMS,
    OPTION_SCOPE,
    OPTION_TYPE,
    OPTION_EXPIRY,
    OPTION_LEEWAY,
    OPTION_HEADER,
    OPTION_COOKIE,
    OPTION_QUERY,
    OPTION_OPTIONAL,
    OPTION_KEEP,
    OPTION_NAME,
    OPTION_REALM,
    OPTION_LONGEST,
    OPTION_COUNT,
};

enum {
    MOST_ALGORITHMS = 16,
    MOST_KEYS_TRIED = 16, /* for one token: without a kid any key of its kind may be meant */
    LONGEST_CHALLENGE_BYTES = 512,
    LONGEST_PREFIX_BYTES = 32,
};

static const struct flexilib_option options[OPTION_COUNT] = {
    [OPTION_JWKS_FILE] = {"jwks_file", FLEXILIB_OPTION_FILE, .summary = "the keys: a JWK set, or public keys in PEM"},
    [OPTION_JWKS] = {"jwks", FLEXILIB_OPTION_TABLE, .fields = key_server_options,
                     .field_count = KEY_SERVER_OPTION_COUNT, .summary = "the server that the keys are fetched from"},
    [OPTION_SECRET] = {"secret", FLEXILIB_OPTION_SECRET,
                       .summary =
                           "the shared secret of HS algorithms, of 32 bytes at least; 48 for HS384, 64 for HS512"},
    [OPTION_ALGORITHMS] = {"algorithms", FLEXILIB_OPTION_LIST,
                           .summary = "those that are accepted; else all that the keys are for, HS with secret only"},
    [OPTION_ISSUER] = {"issuer", FLEXILIB_OPTION_LIST, .summary = "who may have issued it (iss): one of these"},
    [OPTION_AUDIENCE] = {"audience", FLEXILIB_OPTION_LIST, .summary = "whom it has to be for (aud): one of these"},
    [OPTION_CLAIMS] = {"claims", FLEXILIB_OPTION_MAP, .summary = "what else it has to claim, else 403"},
    [OPTION_SCOPE] = {"scope", FLEXILIB_OPTION_LIST, .summary = "what it has to grant: all of these, else 403"},
    [OPTION_TYPE] = {"type", FLEXILIB_OPTION_TEXT, .summary = "what it has to be (typ), as at+jwt"},
    [OPTION_EXPIRY] = {"expiry", FLEXILIB_OPTION_BOOL, .fallback = "yes", .summary = "it has to say when it expires"},
    [OPTION_LEEWAY] = {"leeway", FLEXILIB_OPTION_DURATION, .fallback = "30s", .minimum = 0, .maximum = 600000,
                       .summary = "how far clocks may differ"},
    [OPTION_HEADER] = {"header", FLEXILIB_OPTION_TEXT, .fallback = "authorization",
                       .summary = "the field that it stands in; \"\" for none"},
    [OPTION_COOKIE] = {"cookie", FLEXILIB_OPTION_TEXT, .summary = "the cookie that it may stand in"},
    [OPTION_QUERY] = {"query", FLEXILIB_OPTION_TEXT, .summary = "the parameter that it may stand in"},
    [OPTION_OPTIONAL] = {"optional", FLEXILIB_OPTION_BOOL, .fallback = "no",
                         .summary = "requests without a token pass too, without attributes"},
    [OPTION_KEEP] = {"keep", FLEXILIB_OPTION_BOOL, .fallback = "yes",
                     .summary = "no: a field that held the token goes no further"},
    [OPTION_NAME] = {"name", FLEXILIB_OPTION_TEXT,
                     .summary = "tells its attributes from another jwt's: {jwt-NAME.sub} instead of {jwt.sub}"},
    [OPTION_REALM] = {"realm", FLEXILIB_OPTION_TEXT, .fallback = "flexilib",
                      .summary = "what clients are told it is for"},
    [OPTION_LONGEST] = {"longest", FLEXILIB_OPTION_SIZE, .fallback = "8KB", .minimum = 64, .maximum = 65536,
                        .summary = "tokens that are longer are refused unread"},
};

struct jwt {
    const struct flexilib_core *core;
    struct flexilib_value values[OPTION_COUNT]; /* what they point to lives as long as the filter */
    const struct algorithm *algorithms[MOST_ALGORITHMS];
    size_t algorithm_count; /* 0: any that the keys are for */
    struct claim_rules rules;
    struct bearer_places places;
    char prefix[LONGEST_PREFIX_BYTES]; /* of its attributes */
    size_t prefix_length;
    struct key_source *keys;
};

static bool refuse(const struct flexilib_core *core, int32_t option, const char *sentence)
{
    core->refuse(core, option, sentence, strlen(sentence));
    return false;
}

static bool read_algorithms(struct jwt *jwt)
{
    const struct flexilib_value *names = &jwt->values[OPTION_ALGORITHMS];
    if (names->count > MOST_ALGORITHMS)
        return refuse(jwt->core, OPTION_ALGORITHMS, "there are not that many algorithms");
    for (size_t i = 0; i < names->count; ++i) {
        const struct algorithm *found = algorithm_find(names->list[i].data, names->list[i].length);
        if (found == NULL)
            return refuse(jwt->core, OPTION_ALGORITHMS,
                          "the algorithms are RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA, "
                          "HS256, HS384 and HS512");
        if ((found->kind == KEY_SECRET) != jwt->values[OPTION_SECRET].present)
            return refuse(jwt->core, OPTION_ALGORITHMS, "HS algorithms go with 'secret', and no other does");
        if (found->kind == KEY_SECRET && jwt->values[OPTION_SECRET].text.length < found->digest_bytes)
            return refuse(jwt->core, OPTION_ALGORITHMS, "a secret has 48 bytes at least for HS384, and 64 for HS512");
        jwt->algorithms[jwt->algorithm_count++] = found;
    }
    return true;
}

static bool is_quotable(struct flexilib_text text)
{
    for (size_t i = 0; i < text.length; ++i) {
        if (text.data[i] < 0x20 || text.data[i] > 0x7e || text.data[i] == '"' || text.data[i] == '\\')
            return false;
    }
    return text.length <= 100;
}

static bool read_name(struct jwt *jwt)
{
    struct flexilib_text name = jwt->values[OPTION_NAME].text;
    size_t room = sizeof(jwt->prefix) - sizeof("jwt-");
    bool is_good = name.length != 0 && name.length <= room;
    for (size_t i = 0; i < name.length && is_good; ++i) {
        char c = name.data[i];
        is_good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    }
    if (!jwt->values[OPTION_NAME].present)
        jwt->prefix_length = (size_t)snprintf(jwt->prefix, sizeof(jwt->prefix), "jwt");
    else if (is_good)
        jwt->prefix_length =
            (size_t)snprintf(jwt->prefix, sizeof(jwt->prefix), "jwt-%.*s", (int)name.length, name.data);
    else
        return refuse(jwt->core, OPTION_NAME, "a name is made of a-z, 0-9, '-' and '_', 27 of them at most");
    return true;
}

/* As media types are compared, "application/" may be left out (RFC 7515 section 4.1.9). */
static struct flexilib_text shorten_type(struct flexilib_text type)
{
    static const char prefix[] = "application/";
    size_t length = sizeof(prefix) - 1;
    if (type.length > length && strncasecmp(type.data, prefix, length) == 0)
        return (struct flexilib_text){type.data + length, type.length - length};
    return type;
}

static bool read_options(struct jwt *jwt)
{
    const struct flexilib_value *values = jwt->values;
    jwt->rules = (struct claim_rules){
        .issuers = &values[OPTION_ISSUER],
        .audiences = &values[OPTION_AUDIENCE],
        .claims = &values[OPTION_CLAIMS],
        .scopes = &values[OPTION_SCOPE],
        .type = shorten_type(values[OPTION_TYPE].text),
        .leeway_s = (values[OPTION_LEEWAY].integer + 999) / 1000,
        .needs_expiry = values[OPTION_EXPIRY].boolean,
    };
    jwt->places =
        (struct bearer_places){values[OPTION_HEADER].text, values[OPTION_COOKIE].text, values[OPTION_QUERY].text};
    if (!is_quotable(values[OPTION_REALM].text))
        return refuse(jwt->core, OPTION_REALM, "a realm is up to 100 printable characters without '\"' and '\\'");
    return read_name(jwt) && read_algorithms(jwt);
}

static void destroy(void *filter)
{
    struct jwt *jwt = filter;
    key_source_destroy(jwt->keys);
    free(jwt);
}

static bool create(const struct flexilib_core *core, const struct flexilib_value *values, void **filter)
{
    struct jwt *jwt = calloc(1, sizeof(*jwt));
    if (jwt == NULL)
        return false;
    jwt->core = core;
    memcpy(jwt->values, values, sizeof(jwt->values));
    /* the caller's own values: places of options are found by them */
    const struct key_source_options keys = {&values[OPTION_JWKS_FILE], &values[OPTION_SECRET], &values[OPTION_JWKS]};
    if (read_options(jwt))
        jwt->keys = key_source_create(core, &keys);
    if (jwt->keys == NULL) {
        free(jwt);
        return false;
    }
    *filter = jwt;
    return true;
}

/* RFC 6750 section 3. Without error the client has just not shown any token. */
static flexilib_answer challenge(const struct jwt *jwt, struct flexilib_exchange *exchange, int32_t status,
                                 const char *error, const char *reason)
{
    const struct flexilib_core *core = jwt->core;
    struct flexilib_text realm = jwt->values[OPTION_REALM].text;
    const char *body = status == 400 ? "400 Bad Request\n" : status == 403 ? "403 Forbidden\n" : "401 Unauthorized\n";
    char field[LONGEST_CHALLENGE_BYTES], name[LONGEST_PREFIX_BYTES + sizeof(".error")];
    int length = snprintf(field, sizeof(field), "Bearer realm=\"%.*s\"", (int)realm.length, realm.data);
    if (error != NULL) {
        int name_length = snprintf(name, sizeof(name), "%.*s.error", (int)jwt->prefix_length, jwt->prefix);
        length += snprintf(field + length, sizeof(field) - (size_t)length, ", error=\"%s\", error_description=\"%s\"",
                           error, reason);
        core->set_attribute(exchange, name, (size_t)name_length, reason, strlen(reason));
    }
    core->set_header(exchange, FLEXILIB_RESPONSE, FLEXILIB_ARG("www-authenticate"), field, (size_t)length);
    core->reply(exchange, status, FLEXILIB_ARG("text/plain"), body, strlen(body));
    return FLEXILIB_REPLY;
}

static flexilib_answer refuse_token(const struct jwt *jwt, struct flexilib_exchange *exchange, const char *reason)
{
    return challenge(jwt, exchange, 401, "invalid_token", reason);
}

static bool accepts(const struct jwt *jwt, const struct algorithm *algorithm)
{
    for (size_t i = 0; i < jwt->algorithm_count; ++i) {
        if (jwt->algorithms[i] == algorithm)
            return true;
    }
    /* a key server that publishes secrets has lost them */
    bool is_kind_good = (algorithm->kind == KEY_SECRET) == jwt->values[OPTION_SECRET].present;
    return jwt->algorithm_count == 0 && is_kind_good;
}

struct verification {
    bool is_good;
    bool is_named; /* one of the keys is called as the token calls it */
    size_t tried;
};

static struct verification verify(const struct jwt *jwt, const struct token *token)
{
    const struct key_set *keys = key_source_keys(jwt->keys);
    struct verification verification = {.is_good = false};
    for (size_t i = 0; keys != NULL && i < keys->count && verification.tried < MOST_KEYS_TRIED; ++i) {
        const struct key *key = &keys->keys[i];
        if (!key_fits(key, token->key_id, token->algorithm))
            continue;
        ++verification.tried;
        verification.is_named = verification.is_named || (key->id != NULL && token->key_id.data != NULL);
        verification.is_good = signature_is_good(key, token->algorithm, token->signed_part.data,
                                                 token->signed_part.length, token->signature, token->signature_length);
        if (verification.is_good)
            break;
    }
    return verification;
}

static flexilib_answer let_pass(const struct jwt *jwt, struct flexilib_exchange *exchange, const struct token *token,
                                struct flexilib_text field)
{
    struct flexilib_text prefix = {jwt->prefix, jwt->prefix_length};
    const char *reason = NULL;
    enum claims_verdict verdict = claims_check(&jwt->rules, token, (int64_t)time(NULL), &reason);
    if (verdict == CLAIMS_INVALID)
        return refuse_token(jwt, exchange, reason);
    if (verdict == CLAIMS_INSUFFICIENT)
        return challenge(jwt, exchange, 403, "insufficient_scope", reason);
    attributes_set(jwt->core, exchange, prefix, token->claims);
    if (!jwt->values[OPTION_KEEP].boolean && field.length != 0)
        jwt->core->remove_header(exchange, FLEXILIB_REQUEST, field.data, field.length);
    return FLEXILIB_CONTINUE;
}

/* Asks for newer keys, once for a request; false where that is of no use. */
static bool wait_for_keys(const struct jwt *jwt, struct flexilib_exchange *exchange)
{
    uint64_t *waiting = jwt->core->state(exchange);
    if (waiting != NULL)
        return false;
    waiting = jwt->core->allocate(exchange, sizeof(*waiting));
    *waiting = jwt->core->ticket(exchange);
    jwt->core->set_state(exchange, waiting);
    return key_source_look_again(jwt->keys, *waiting);
}

static flexilib_answer judge(const struct jwt *jwt, struct flexilib_exchange *exchange, const struct token *token,
                             struct flexilib_text field)
{
    if (!accepts(jwt, token->algorithm))
        return refuse_token(jwt, exchange, "the token's algorithm is not accepted");
    struct verification verification = verify(jwt, token);
    if (verification.is_good)
        return let_pass(jwt, exchange, token, field);
    /* without a name, the key may be one that has come since */
    if (!verification.is_named && wait_for_keys(jwt, exchange))
        return FLEXILIB_PAUSE;
    return refuse_token(jwt, exchange,
                        verification.tried == 0 ? "the token's key is not known" : "the token's signature is wrong");
}

static flexilib_answer on_request_head(void *filter, struct flexilib_exchange *exchange)
{
    const struct jwt *jwt = filter;
    struct bearer bearer;
    struct token token;
    enum bearer_result found = bearer_find(&jwt->places, jwt->core, exchange, &bearer);
    if (found == BEARER_AMBIGUOUS)
        return challenge(jwt, exchange, 400, "invalid_request", "there are several tokens");
    if (found == BEARER_NONE)
        return jwt->values[OPTION_OPTIONAL].boolean ? FLEXILIB_CONTINUE : challenge(jwt, exchange, 401, NULL, NULL);
    if (bearer.token.length > (size_t)jwt->values[OPTION_LONGEST].integer)
        return refuse_token(jwt, exchange, "the token is too long");
    const char *problem = token_parse(&token, bearer.token);
    flexilib_answer answer =
        problem == NULL ? judge(jwt, exchange, &token, bearer.field) : refuse_token(jwt, exchange, problem);
    token_finish(&token);
    return answer;
}

static flexilib_answer on_resume(void *filter, struct flexilib_exchange *exchange, void *result)
{
    return on_request_head(filter, exchange);
}

static void on_end(void *filter, struct flexilib_exchange *exchange)
{
    struct jwt *jwt = filter;
    const uint64_t *waiting = jwt->core->state(exchange);
    if (waiting != NULL)
        key_source_forget(jwt->keys, *waiting);
}

static const struct flexilib_filter filters[] = {
    {
        .name = "jwt",
        .summary = "lets requests pass that carry a good JSON Web Token",
        .version = "1.0",
        .options = options,
        .option_count = OPTION_COUNT,
        .create = create,
        .destroy = destroy,
        .on_request_head = on_request_head,
        .on_resume = on_resume,
        .on_end = on_end,
    },
};

FLEXILIB_LIBRARY(filters);
