#include "tls/tls_tickets.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <string.h>

enum {
    FAILED = -1,
    NOT_OURS = 0,
    GOOD = 1,
    GOOD_BUT_RENEW = 2,
    IV_BYTES = 16,
};

static bool set_mac(EVP_MAC_CTX *mac, struct ticket_key *key)
{
    char digest[] = "SHA256";
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key->mac, sizeof(key->mac)),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    return EVP_MAC_CTX_set_params(mac, params) == 1;
}

static int make(struct ticket_key *key, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
                EVP_MAC_CTX *mac)
{
    memcpy(name, key->name, sizeof(key->name));
    bool is_fine = RAND_bytes(iv, IV_BYTES) == 1 &&
                   EVP_EncryptInit_ex(cipher, EVP_aes_256_cbc(), NULL, key->cipher, iv) == 1 && set_mac(mac, key);
    return is_fine ? GOOD : FAILED;
}

static int open_with(struct ticket_key *key, const unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac)
{
    bool is_fine = EVP_DecryptInit_ex(cipher, EVP_aes_256_cbc(), NULL, key->cipher, iv) == 1 && set_mac(mac, key);
    return is_fine ? GOOD : FAILED;
}

int tls_tickets_protect(const struct ticket_keys *keys, SSL *ssl, unsigned char name[16], unsigned char *iv,
                        EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int is_new)
{
    struct ticket_key copy[TICKET_KEYS_COUNT];
    int result = NOT_OURS;
    if (ticket_keys_copy(keys, copy)) {
        size_t i = 0;
        while (!is_new && i < TICKET_KEYS_COUNT && memcmp(copy[i].name, name, sizeof(copy[i].name)) != 0)
            ++i;
        if (is_new)
            result = make(&copy[0], name, iv, cipher, mac);
        else if (i < TICKET_KEYS_COUNT)
            result = open_with(&copy[i], iv, cipher, mac);
        /* a ticket of TLS 1.3 is for one use, so that connections cannot be linked */
        if (!is_new && result == GOOD && (i != 0 || SSL_version(ssl) == TLS1_3_VERSION))
            result = GOOD_BUT_RENEW;
    }
    OPENSSL_cleanse(copy, sizeof(copy));
    return result;
}
