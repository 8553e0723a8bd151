#include "signature.h"

#include <openssl/crypto.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/hmac.h>
#include <openssl/rsa.h>

enum {
    LONGEST_DER_BYTES = 160, /* of an ES512 signature: two numbers of 66 bytes and their frames */
};

static bool is_good_code(const struct key *key, const struct algorithm *algorithm, const char *text, size_t length,
                         const unsigned char *signature, size_t signature_length)
{
    unsigned char code[EVP_MAX_MD_SIZE];
    unsigned code_length;
    const EVP_MD *digest = EVP_get_digestbyname(algorithm->digest);
    if (digest == NULL || HMAC(digest, key->secret, (int)key->secret_length, (const unsigned char *)text, length, code,
                               &code_length) == NULL)
        return false;
    return code_length == signature_length && CRYPTO_memcmp(code, signature, code_length) == 0;
}

/* Tokens have the two numbers side by side (RFC 7518 section 3.4), OpenSSL wants them in DER. Returns the length, 0
 * where they are none. */
static size_t encode_numbers(const struct algorithm *algorithm, const unsigned char *signature, size_t signature_length,
                             unsigned char der[LONGEST_DER_BYTES])
{
    int size = (int)algorithm->coordinate_bytes, length = 0;
    if (signature_length != 2 * algorithm->coordinate_bytes)
        return 0;
    ECDSA_SIG *numbers = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(signature, size, NULL), *s = BN_bin2bn(signature + size, size, NULL);
    if (numbers == NULL || r == NULL || s == NULL || ECDSA_SIG_set0(numbers, r, s) != 1) {
        BN_free(r);
        BN_free(s);
    } else if (i2d_ECDSA_SIG(numbers, NULL) <= LONGEST_DER_BYTES) {
        length = i2d_ECDSA_SIG(numbers, &der);
    }
    ECDSA_SIG_free(numbers);
    return length > 0 ? (size_t)length : 0;
}

static bool begin(EVP_MD_CTX *context, const struct key *key, const struct algorithm *algorithm)
{
    EVP_PKEY_CTX *parameters;
    const EVP_MD *digest = algorithm->digest == NULL ? NULL : EVP_get_digestbyname(algorithm->digest);
    if ((algorithm->digest != NULL && digest == NULL) ||
        EVP_DigestVerifyInit(context, &parameters, digest, NULL, key->public_key) != 1)
        return false;
    /* RFC 7518 section 3.5: the salt is as long as the digest */
    return !algorithm->is_pss || (EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) == 1 &&
                                  EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, RSA_PSS_SALTLEN_DIGEST) == 1);
}

static bool is_good_signature(const struct key *key, const struct algorithm *algorithm, const char *text, size_t length,
                              const unsigned char *signature, size_t signature_length)
{
    unsigned char der[LONGEST_DER_BYTES];
    if (algorithm->kind == KEY_EC) {
        signature_length = encode_numbers(algorithm, signature, signature_length, der);
        signature = der;
    }
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool is_good = signature_length != 0 && context != NULL && begin(context, key, algorithm) &&
                   EVP_DigestVerify(context, signature, signature_length, (const unsigned char *)text, length) == 1;
    EVP_MD_CTX_free(context);
    return is_good;
}

bool signature_is_good(const struct key *key, const struct algorithm *algorithm, const char *text, size_t length,
                       const unsigned char *signature, size_t signature_length)
{
    /* a client's bad token must not look like an error of TLS to who shares the thread */
    ERR_set_mark();
    bool is_good = algorithm->kind == KEY_SECRET
                       ? is_good_code(key, algorithm, text, length, signature, signature_length)
                       : is_good_signature(key, algorithm, text, length, signature, signature_length);
    ERR_pop_to_mark();
    return is_good;
}
