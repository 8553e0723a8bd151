#include "key_set.h"

#include "jwk.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MOST_KEYS = 1000,
    LEAST_RSA_BITS = 2048, /* RFC 7518 section 3.3 */
};

struct key *key_set_add(struct key_set *set)
{
    if (set->count == MOST_KEYS)
        return NULL;
    struct key *grown = realloc(set->keys, (set->count + 1) * sizeof(*grown));
    if (grown == NULL)
        return NULL;
    set->keys = grown;
    struct key *key = &grown[set->count++];
    *key = (struct key){0};
    return key;
}

static void finish_key(struct key *key)
{
    free(key->id);
    EVP_PKEY_free(key->public_key);
    if (key->secret != NULL)
        OPENSSL_cleanse(key->secret, key->secret_length);
    free(key->secret);
}

void key_set_destroy(struct key_set *set)
{
    if (set == NULL)
        return;
    for (size_t i = 0; i < set->count; ++i)
        finish_key(&set->keys[i]);
    free(set->keys);
    free(set);
}

/* Says what kind of key it is that OpenSSL has read. */
static bool describe(struct key *key)
{
    char group[32];
    switch (EVP_PKEY_get_base_id(key->public_key)) {
    case EVP_PKEY_RSA:
    case EVP_PKEY_RSA_PSS:
        key->kind = KEY_RSA;
        return EVP_PKEY_get_bits(key->public_key) >= LEAST_RSA_BITS;
    case EVP_PKEY_EC:
        key->kind = KEY_EC;
        if (EVP_PKEY_get_group_name(key->public_key, group, sizeof(group), NULL) != 1)
            return false;
        key->curve = jwk_find_group(group);
        return key->curve != NULL;
    case EVP_PKEY_ED25519:
    case EVP_PKEY_ED448:
        key->kind = KEY_EDWARDS;
        return true;
    default:
        return false;
    }
}

/* Writes NULL where the next entry is no public key. False where no more entries come. */
static bool read_pem_key(BIO *bio, EVP_PKEY **key)
{
    char *name = NULL, *header = NULL;
    unsigned char *data = NULL;
    long length;
    EVP_PKEY *found = NULL;
    *key = NULL;
    if (PEM_read_bio(bio, &name, &header, &data, &length) != 1)
        return ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE;
    const unsigned char *at = data;
    if (strcmp(name, PEM_STRING_PUBLIC) == 0) {
        found = d2i_PUBKEY(NULL, &at, length);
    } else if (strcmp(name, PEM_STRING_X509) == 0) {
        X509 *certificate = d2i_X509(NULL, &at, length);
        found = certificate == NULL ? NULL : X509_get_pubkey(certificate);
        X509_free(certificate);
    }
    OPENSSL_free(name);
    OPENSSL_free(header);
    OPENSSL_clear_free(data, (size_t)length);
    *key = found;
    return true;
}

/* Takes the key over, which is NULL where the entry has none. */
static bool add_pem_key(struct key_set *set, EVP_PKEY *found, char reason[KEY_SET_REASON_BYTES])
{
    struct key *key = found == NULL ? NULL : key_set_add(set);
    if (key == NULL) {
        EVP_PKEY_free(found);
        return false;
    }
    key->public_key = found;
    if (describe(key))
        return true;
    snprintf(reason, KEY_SET_REASON_BYTES,
             "key %zu is of a kind that is not used for tokens, or an RSA key of less than 2048 bits", set->count);
    return false;
}

static bool read_pem(struct key_set *set, const char *data, size_t length, char reason[KEY_SET_REASON_BYTES])
{
    BIO *bio = BIO_new_mem_buf(data, (int)length);
    EVP_PKEY *found;
    bool is_good = bio != NULL;
    do {
        snprintf(reason, KEY_SET_REASON_BYTES,
                 "public keys or certificates are needed (BEGIN PUBLIC KEY), and entry %zu is none", set->count + 1);
        if (!is_good || !read_pem_key(bio, &found))
            break;
        is_good = add_pem_key(set, found, reason);
    } while (is_good);
    BIO_free(bio);
    return is_good && set->count != 0;
}

static bool looks_like_pem(const char *data, size_t length)
{
    static const char mark[] = "-----BEGIN ";
    for (size_t i = 0; i + sizeof(mark) - 1 <= length; ++i) {
        if (memcmp(data + i, mark, sizeof(mark) - 1) == 0)
            return true;
    }
    return false;
}

struct key_set *key_set_read(const char *data, size_t length, char reason[KEY_SET_REASON_BYTES])
{
    struct key_set *set = calloc(1, sizeof(*set));
    snprintf(reason, KEY_SET_REASON_BYTES, "there is no memory for it");
    if (set == NULL)
        return NULL;
    /* what OpenSSL complains of here is nobody else's concern, as TLS on the same thread */
    ERR_set_mark();
    bool is_read =
        looks_like_pem(data, length) ? read_pem(set, data, length, reason) : jwk_read_set(set, data, length, reason);
    ERR_pop_to_mark();
    if (is_read)
        return set;
    key_set_destroy(set);
    return NULL;
}

struct key_set *key_set_from_secret(const char *data, size_t length)
{
    struct key_set *set = calloc(1, sizeof(*set));
    struct key *key = set == NULL ? NULL : key_set_add(set);
    if (key != NULL) {
        key->kind = KEY_SECRET;
        key->secret = malloc(length + 1);
        key->secret_length = length;
    }
    if (key == NULL || key->secret == NULL) {
        key_set_destroy(set);
        return NULL;
    }
    memcpy(key->secret, data, length);
    return set;
}

bool key_fits(const struct key *key, struct flexilib_text id, const struct algorithm *algorithm)
{
    if (key->kind != algorithm->kind || (key->only != NULL && key->only != algorithm))
        return false;
    if (algorithm->curve != NULL && strcmp(algorithm->curve, key->curve) != 0)
        return false;
    if (key->secret != NULL && key->secret_length < algorithm->digest_bytes)
        return false;
    if (key->id == NULL || id.data == NULL)
        return true;
    return strlen(key->id) == id.length && memcmp(key->id, id.data, id.length) == 0;
}
