#include "jwk.h"

#include "base64url.h"

#include <jansson.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/param_build.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    LARGEST_NUMBER_BYTES = 1024, /* of an RSA key with 8192 bits */
    LEAST_RSA_BITS = 2048,
};

struct curve {
    const char *name; /* as crv */
    const char *group;
    size_t coordinate_bytes;
};

static const struct curve curves[] = {
    {"P-256", "prime256v1", 32},
    {"P-384", "secp384r1", 48},
    {"P-521", "secp521r1", 66},
};

const char *jwk_find_group(const char *name)
{
    for (size_t i = 0; i < sizeof(curves) / sizeof(curves[0]); ++i) {
        if (strcmp(curves[i].group, name) == 0 || strcmp(curves[i].name, name) == 0)
            return curves[i].group;
    }
    return NULL;
}

static const char *find_text(const json_t *jwk, const char *name)
{
    const char *text = json_string_value(json_object_get(jwk, name));
    return text == NULL ? "" : text;
}

/* The bytes of a member, of which there are 1 to LARGEST_NUMBER_BYTES. */
static bool read_bytes(const json_t *jwk, const char *name, unsigned char *bytes, size_t *length)
{
    const char *text = find_text(jwk, name);
    size_t text_length = strlen(text);
    if (text_length == 0 || base64url_room(text_length) > LARGEST_NUMBER_BYTES + 3)
        return false;
    return base64url_decode(text, text_length, bytes, length) && *length != 0;
}

static EVP_PKEY *make_key(const char *type, OSSL_PARAM_BLD *builder)
{
    OSSL_PARAM *parameters = OSSL_PARAM_BLD_to_param(builder);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    EVP_PKEY *made = NULL;
    if (parameters != NULL && context != NULL && EVP_PKEY_fromdata_init(context) == 1 &&
        EVP_PKEY_fromdata(context, &made, EVP_PKEY_PUBLIC_KEY, parameters) != 1)
        made = NULL;
    EVP_PKEY_CTX_free(context);
    OSSL_PARAM_free(parameters);
    return made;
}

static bool read_rsa(const json_t *jwk, struct key *key)
{
    unsigned char bytes[LARGEST_NUMBER_BYTES + 3];
    size_t length;
    BIGNUM *modulus = NULL, *exponent = NULL;
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    if (read_bytes(jwk, "n", bytes, &length))
        modulus = BN_bin2bn(bytes, (int)length, NULL);
    if (read_bytes(jwk, "e", bytes, &length) && length <= 8)
        exponent = BN_bin2bn(bytes, (int)length, NULL);
    /* with an exponent of 1 everything would be signed */
    bool is_sound = modulus != NULL && exponent != NULL && BN_num_bits(modulus) >= LEAST_RSA_BITS &&
                    BN_is_odd(modulus) && BN_is_odd(exponent) && !BN_is_one(exponent);
    if (builder != NULL && is_sound && OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, modulus) == 1 &&
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, exponent) == 1)
        key->public_key = make_key("RSA", builder);
    OSSL_PARAM_BLD_free(builder);
    BN_free(modulus);
    BN_free(exponent);
    key->kind = KEY_RSA;
    return key->public_key != NULL;
}

static const struct curve *find_curve(const char *name)
{
    for (size_t i = 0; i < sizeof(curves) / sizeof(curves[0]); ++i) {
        if (strcmp(curves[i].name, name) == 0)
            return &curves[i];
    }
    return NULL;
}

/* Coordinates have their full length (RFC 7518 section 6.2.1.2); OpenSSL checks that the point is on the curve. */
static bool read_ec(const json_t *jwk, struct key *key)
{
    const struct curve *curve = find_curve(find_text(jwk, "crv"));
    unsigned char bytes[LARGEST_NUMBER_BYTES + 3], point[1 + 2 * 66] = {POINT_CONVERSION_UNCOMPRESSED};
    size_t length;
    if (curve == NULL)
        return false;
    for (int i = 0; i < 2; ++i) {
        if (!read_bytes(jwk, i == 0 ? "x" : "y", bytes, &length) || length != curve->coordinate_bytes)
            return false;
        memcpy(point + 1 + (size_t)i * length, bytes, length);
    }
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    if (builder != NULL && OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, curve->group, 0) == 1 &&
        OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, point, 1 + 2 * curve->coordinate_bytes) == 1)
        key->public_key = make_key("EC", builder);
    OSSL_PARAM_BLD_free(builder);
    key->kind = KEY_EC;
    key->curve = curve->group;
    return key->public_key != NULL;
}

static bool read_edwards(const json_t *jwk, struct key *key)
{
    unsigned char bytes[LARGEST_NUMBER_BYTES + 3];
    size_t length;
    const char *curve = find_text(jwk, "crv");
    int type = strcmp(curve, "Ed25519") == 0 ? EVP_PKEY_ED25519 : strcmp(curve, "Ed448") == 0 ? EVP_PKEY_ED448 : 0;
    if (type == 0 || !read_bytes(jwk, "x", bytes, &length))
        return false;
    key->public_key = EVP_PKEY_new_raw_public_key(type, NULL, bytes, length);
    key->kind = KEY_EDWARDS;
    return key->public_key != NULL;
}

static bool read_secret(const json_t *jwk, struct key *key)
{
    unsigned char bytes[LARGEST_NUMBER_BYTES + 3];
    if (!read_bytes(jwk, "k", bytes, &key->secret_length) || key->secret_length < KEY_SET_LEAST_SECRET_BYTES)
        return false;
    key->kind = KEY_SECRET;
    key->secret = malloc(key->secret_length);
    if (key->secret != NULL)
        memcpy(key->secret, bytes, key->secret_length);
    OPENSSL_cleanse(bytes, sizeof(bytes));
    return key->secret != NULL;
}

static bool read_by_type(const json_t *jwk, struct key *key)
{
    const char *type = find_text(jwk, "kty");
    if (strcmp(type, "RSA") == 0)
        return read_rsa(jwk, key);
    if (strcmp(type, "EC") == 0)
        return read_ec(jwk, key);
    if (strcmp(type, "OKP") == 0)
        return read_edwards(jwk, key);
    return strcmp(type, "oct") == 0 && read_secret(jwk, key);
}

/* Whether the key is one for signatures to be verified with; a key that does not say is. */
static bool is_for_signatures(const json_t *jwk)
{
    const char *use = find_text(jwk, "use");
    const json_t *operations = json_object_get(jwk, "key_ops");
    if (use[0] != '\0' && strcmp(use, "sig") != 0)
        return false;
    if (!json_is_array(operations))
        return true;
    for (size_t i = 0; i < json_array_size(operations); ++i) {
        const char *operation = json_string_value(json_array_get(operations, i));
        if (operation != NULL && strcmp(operation, "verify") == 0)
            return true;
    }
    return false;
}

/* Adds the key, or leaves it out where it is of no use here. */
static void read_key(struct key_set *set, const json_t *jwk)
{
    const char *algorithm = find_text(jwk, "alg");
    const char *id = json_string_value(json_object_get(jwk, "kid"));
    struct key made = {.only = algorithm_find(algorithm, strlen(algorithm))};
    if (!json_is_object(jwk) || !is_for_signatures(jwk) || (algorithm[0] != '\0' && made.only == NULL))
        return;
    bool is_good = read_by_type(jwk, &made) && (made.only == NULL || made.only->kind == made.kind);
    made.id = id == NULL ? NULL : strdup(id);
    struct key *key = is_good && (id == NULL) == (made.id == NULL) ? key_set_add(set) : NULL;
    if (key != NULL) {
        *key = made;
        return;
    }
    free(made.id);
    free(made.secret);
    EVP_PKEY_free(made.public_key);
}

bool jwk_read_set(struct key_set *set, const char *data, size_t length, char reason[KEY_SET_REASON_BYTES])
{
    json_error_t problem;
    json_t *root = json_loadb(data, length, JSON_REJECT_DUPLICATES, &problem);
    if (root == NULL) {
        snprintf(reason, KEY_SET_REASON_BYTES, "neither PEM nor JSON: line %d, column %d: %.100s", problem.line,
                 problem.column, problem.text);
        return false;
    }
    const json_t *keys = json_object_get(root, "keys");
    if (json_is_array(keys)) {
        for (size_t i = 0; i < json_array_size(keys); ++i)
            read_key(set, json_array_get(keys, i));
    } else {
        read_key(set, root);
    }
    json_decref(root);
    if (set->count == 0)
        snprintf(reason, KEY_SET_REASON_BYTES, "it holds no key that tokens can be signed with");
    return set->count != 0;
}
