#include "tls/tls_tickets.h"

#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

struct fixture {
    struct ticket_keys keys;
    SSL_CTX *context;
    SSL *ssl;
    EVP_CIPHER_CTX *cipher;
    EVP_MAC_CTX *mac;
    unsigned char name[16], iv[16];
};

static void rotate(struct fixture *fixture, unsigned char seed)
{
    struct ticket_key key;
    memset(&key, seed, sizeof(key));
    ticket_keys_rotate(&fixture->keys, &key);
}

static void set_up(struct fixture *fixture)
{
    EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    *fixture = (struct fixture){
        .context = SSL_CTX_new(TLS_server_method()), .cipher = EVP_CIPHER_CTX_new(), .mac = EVP_MAC_CTX_new(hmac)};
    fixture->ssl = SSL_new(fixture->context);
    EVP_MAC_free(hmac);
    for (unsigned char seed = 1; seed <= 3; ++seed)
        rotate(fixture, seed);
}

static void tear_down(struct fixture *fixture)
{
    SSL_free(fixture->ssl);
    SSL_CTX_free(fixture->context);
    EVP_CIPHER_CTX_free(fixture->cipher);
    EVP_MAC_CTX_free(fixture->mac);
}

static int protect(struct fixture *fixture, int is_new)
{
    return tls_tickets_protect(&fixture->keys, fixture->ssl, fixture->name, fixture->iv, fixture->cipher, fixture->mac,
                               is_new);
}

/* Whether what was encrypted with the one call is read with the other. */
static void old_keys_are_good_but_not_for_ever(void **state)
{
    struct fixture fixture;
    unsigned char secret[32] = "a session", sealed[64], opened[64];
    unsigned char first_mac[32], second_mac[32];
    int length, rest;
    size_t mac_length;
    set_up(&fixture);
    assert_int_equal(protect(&fixture, 1), 1);
    assert_int_equal(fixture.name[0], 3);
    assert_int_equal(EVP_EncryptUpdate(fixture.cipher, sealed, &length, secret, sizeof(secret)), 1);
    assert_int_equal(EVP_EncryptFinal_ex(fixture.cipher, sealed + length, &rest), 1);
    EVP_MAC_init(fixture.mac, NULL, 0, NULL);
    EVP_MAC_update(fixture.mac, sealed, (size_t)(length + rest));
    assert_int_equal(EVP_MAC_final(fixture.mac, first_mac, &mac_length, sizeof(first_mac)), 1);
    int sealed_length = length + rest;

    /* 2: read, and to be replaced, as always with TLS 1.3, which an SSL that has not begun counts as */
    static const int outcomes[] = {2, 2, 2, 0};
    for (size_t age = 0; age < sizeof(outcomes) / sizeof(outcomes[0]); ++age) {
        assert_int_equal(protect(&fixture, 0), outcomes[age]);
        if (outcomes[age] != 0) {
            assert_int_equal(EVP_DecryptUpdate(fixture.cipher, opened, &length, sealed, sealed_length), 1);
            assert_int_equal(EVP_DecryptFinal_ex(fixture.cipher, opened + length, &rest), 1);
            assert_memory_equal(opened, secret, sizeof(secret));
            EVP_MAC_init(fixture.mac, NULL, 0, NULL);
            EVP_MAC_update(fixture.mac, sealed, (size_t)sealed_length);
            assert_int_equal(EVP_MAC_final(fixture.mac, second_mac, &mac_length, sizeof(second_mac)), 1);
            assert_memory_equal(first_mac, second_mac, sizeof(first_mac));
        }
        rotate(&fixture, (unsigned char)(10 + age));
    }
    tear_down(&fixture);
}

static void strange_names_and_changing_keys_are_nobodys(void **state)
{
    struct fixture fixture;
    set_up(&fixture);
    memset(fixture.name, 99, sizeof(fixture.name));
    assert_int_equal(protect(&fixture, 0), 0);
    fixture.keys.sequence = 1;
    assert_int_equal(protect(&fixture, 1), 0);
    tear_down(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(old_keys_are_good_but_not_for_ever),
        cmocka_unit_test(strange_names_and_changing_keys_are_nobodys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
