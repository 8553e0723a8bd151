/* TLS towards clients, with OpenSSL as the client at the other end of a socket pair, for what real clients do too
 * rarely: new keys in the middle of a stream, leaving while they are written to, sending more than anybody reads. */

#include "listen/tls_listener.h"

#include "config/settings.h"
#include "listen/tls_facts.h"
#include "net/loop.h"
#include "net/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum {
    CHUNK_BYTES = 100 * 1000,
    ROUNDS = 30,
    ROOM_BYTES = 5000,
    QUIET_MS = 300,
    MOST_HELD_BYTES = 1024 * 1024,
    MANY_UPDATES = 1000 * 1000,
    MOST_UPDATES = 50 * 1000, /* that the kernel may hold when the connection ends */
    SALT_BYTES = 4,
    NONCE_BYTES = 8,
    TAG_BYTES = 16,
    HELLO_BYTES = 4, /* of an empty one */
    HELLO_RECORD_BYTES = SSL3_RT_HEADER_LENGTH + NONCE_BYTES + HELLO_BYTES + TAG_BYTES,
    KEY_BLOCK_BYTES = 2 * 16 + 2 * SALT_BYTES, /* both keys, both salts */
};

struct client {
    int fd;
    int version;
    size_t received, sent;
    bool is_exact, has_failed;
};

struct pem {
    char text[4096];
    struct file_settings file;
};

struct fixture {
    struct pem certificate, key;
    struct certificate_settings pair;
    struct listener_tls_settings tls;
    struct listener_settings listener;
    struct settings settings;
    struct loop *loop;
    struct tls_listeners *listeners;
    struct socket *socket;
    struct tls_facts *facts;
    struct client client;
    pthread_t thread;
    size_t received, sent;
    bool is_exact, is_secured, is_write_broken, has_ended, reads;
    char out[CHUNK_BYTES];
};

static char byte_at(size_t position)
{
    return (char)(position * 2654435761u >> 13);
}

static bool check_bytes(const char *bytes, size_t length, size_t position)
{
    for (size_t i = 0; i < length; ++i) {
        if (bytes[i] != byte_at(position + i))
            return false;
    }
    return true;
}

static void keep(struct pem *pem, BIO *bio)
{
    int length = BIO_read(bio, pem->text, sizeof(pem->text));
    assert_true(length > 0);
    pem->file = (struct file_settings){.content = slice_of(pem->text, (size_t)length), .path = "test.pem"};
    BIO_free(bio);
}

static void make_certificate(struct pem *certificate_pem, struct pem *key_pem)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    BIO *certificate_bio = BIO_new(BIO_s_mem()), *key_bio = BIO_new(BIO_s_mem());
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    X509_sign(certificate, key, EVP_sha256());
    PEM_write_bio_X509(certificate_bio, certificate);
    PEM_write_bio_PrivateKey(key_bio, key, NULL, NULL, 0, NULL, NULL);
    keep(certificate_pem, certificate_bio);
    keep(key_pem, key_bio);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

static SSL *begin_client(struct client *client, SSL_CTX **context)
{
    *context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_min_proto_version(*context, client->version);
    SSL_CTX_set_max_proto_version(*context, client->version);
    SSL_CTX_set_cipher_list(*context, "ECDHE-ECDSA-AES128-GCM-SHA256");
    SSL *ssl = SSL_new(*context);
    SSL_set_fd(ssl, client->fd);
    client->has_failed = SSL_connect(ssl) != 1;
    return ssl;
}

static void end_client(struct client *client, SSL *ssl, SSL_CTX *context)
{
    SSL_free(ssl);
    SSL_CTX_free(context);
    close(client->fd);
}

static bool send_chunk(struct client *client, SSL *ssl, char *room)
{
    for (size_t i = 0; i < CHUNK_BYTES; ++i)
        room[i] = byte_at(client->sent + i);
    client->sent += CHUNK_BYTES;
    return SSL_write(ssl, room, CHUNK_BYTES) == CHUNK_BYTES;
}

static bool take_chunk(struct client *client, SSL *ssl, char *room)
{
    while (client->received < client->sent) {
        int length = SSL_read(ssl, room, CHUNK_BYTES);
        if (length <= 0)
            return false;
        client->is_exact &= check_bytes(room, (size_t)length, client->received);
        client->received += (size_t)length;
    }
    return true;
}

/* Each round has new keys for this direction, and asks for new ones for the other. */
static void *talk(void *data)
{
    struct client *client = data;
    char *room = malloc(CHUNK_BYTES);
    SSL_CTX *context;
    SSL *ssl = begin_client(client, &context);
    for (int i = 0; i < ROUNDS && !client->has_failed; ++i) {
        if (client->version == TLS1_3_VERSION)
            client->has_failed = SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED) != 1 || SSL_do_handshake(ssl) != 1;
        client->has_failed = client->has_failed || !send_chunk(client, ssl, room) || !take_chunk(client, ssl, room);
    }
    SSL_shutdown(ssl);
    SSL_read(ssl, room, 1); /* the answer to the last new keys, up to the end */
    end_client(client, ssl, context);
    free(room);
    return NULL;
}

static void *leave(void *data)
{
    struct client *client = data;
    SSL_CTX *context;
    SSL *ssl = begin_client(client, &context);
    char byte;
    client->has_failed = client->has_failed || SSL_read(ssl, &byte, 1) != 1;
    end_client(client, ssl, context);
    return NULL;
}

/* Sends until nothing is taken any more. */
static void *flood(void *data)
{
    struct client *client = data;
    char *room = calloc(1, CHUNK_BYTES);
    SSL_CTX *context;
    SSL *ssl = begin_client(client, &context);
    struct pollfd ready = {.fd = client->fd, .events = POLLOUT};
    SSL_set_mode(ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    fcntl(client->fd, F_SETFL, O_NONBLOCK);
    while (!client->has_failed && client->sent < 64 * MOST_HELD_BYTES && poll(&ready, 1, QUIET_MS) == 1) {
        int length = SSL_write(ssl, room, CHUNK_BYTES);
        client->sent += length > 0 ? (size_t)length : 0;
    }
    end_client(client, ssl, context);
    free(room);
    return NULL;
}

/* Wants nothing but new keys. */
static void *renew(void *data)
{
    struct client *client = data;
    SSL_CTX *context;
    SSL *ssl = begin_client(client, &context);
    while (client->sent < MANY_UPDATES && SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED) == 1 &&
           SSL_do_handshake(ssl) == 1)
        ++client->sent;
    end_client(client, ssl, context);
    return NULL;
}

static void derive_keys(SSL *ssl, unsigned char block[KEY_BLOCK_BYTES])
{
    static const char label[] = "key expansion";
    unsigned char secret[SSL_MAX_MASTER_KEY_LENGTH], seed[sizeof(label) - 1 + 2 * SSL3_RANDOM_SIZE];
    size_t secret_length = SSL_SESSION_get_master_key(SSL_get_session(ssl), secret, sizeof(secret));
    memcpy(seed, label, sizeof(label) - 1);
    SSL_get_server_random(ssl, seed + sizeof(label) - 1, SSL3_RANDOM_SIZE);
    SSL_get_client_random(ssl, seed + sizeof(label) - 1 + SSL3_RANDOM_SIZE, SSL3_RANDOM_SIZE);
    char digest[] = "SHA256";
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SECRET, secret, secret_length),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, seed, sizeof(seed)),
        OSSL_PARAM_construct_end(),
    };
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, OSSL_KDF_NAME_TLS1_PRF, NULL);
    EVP_KDF_CTX *derivation = EVP_KDF_CTX_new(kdf);
    EVP_KDF_derive(derivation, block, KEY_BLOCK_BYTES, params);
    EVP_KDF_CTX_free(derivation);
    EVP_KDF_free(kdf);
}

/* A record of TLS 1.2 with AES-128-GCM that wants another handshake. */
static void seal_hello(const unsigned char block[KEY_BLOCK_BYTES], uint64_t number,
                       unsigned char record[HELLO_RECORD_BYTES])
{
    static const unsigned char hello[HELLO_BYTES] = {SSL3_MT_CLIENT_HELLO};
    unsigned char bound[] = {0, 0, 0, 0, 0, 0, 0, 0, SSL3_RT_HANDSHAKE, 3, 3, 0, HELLO_BYTES};
    unsigned char header[] = {SSL3_RT_HANDSHAKE, 3, 3, 0, HELLO_RECORD_BYTES - SSL3_RT_HEADER_LENGTH};
    unsigned char iv[SALT_BYTES + NONCE_BYTES], *nonce = record + sizeof(header), *sealed = nonce + NONCE_BYTES;
    int length;
    for (int i = 0; i < NONCE_BYTES; ++i)
        bound[i] = (unsigned char)(number >> (56 - 8 * i));
    memcpy(record, header, sizeof(header));
    memcpy(nonce, bound, NONCE_BYTES);
    memcpy(iv, block + KEY_BLOCK_BYTES - 2 * SALT_BYTES, SALT_BYTES);
    memcpy(iv + SALT_BYTES, nonce, NONCE_BYTES);
    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    EVP_EncryptInit_ex(cipher, EVP_aes_128_gcm(), NULL, block, iv);
    EVP_EncryptUpdate(cipher, NULL, &length, bound, sizeof(bound));
    EVP_EncryptUpdate(cipher, sealed, &length, hello, HELLO_BYTES);
    EVP_EncryptFinal_ex(cipher, sealed + HELLO_BYTES, &length);
    EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_GET_TAG, TAG_BYTES, sealed + HELLO_BYTES);
    EVP_CIPHER_CTX_free(cipher);
}

/* Wants another handshake again and again, which OpenSSL would not, and reads no answer. */
static void *renegotiate(void *data)
{
    struct client *client = data;
    unsigned char block[KEY_BLOCK_BYTES], record[HELLO_RECORD_BYTES];
    SSL_CTX *context;
    SSL *ssl = begin_client(client, &context);
    derive_keys(ssl, block);
    do {
        seal_hello(block, ++client->sent, record);
    } while (client->sent < MANY_UPDATES && write(client->fd, record, sizeof(record)) == (ssize_t)sizeof(record));
    end_client(client, ssl, context);
    return NULL;
}

static void send_back(struct fixture *fixture, size_t until)
{
    size_t length = until - fixture->sent < CHUNK_BYTES ? until - fixture->sent : CHUNK_BYTES;
    for (size_t i = 0; i < length; ++i)
        fixture->out[i] = byte_at(fixture->sent + i);
    fixture->sent += length;
    struct iovec piece = {fixture->out, length};
    socket_write(fixture->socket, &piece, 1);
}

static void on_readable(struct socket *socket, void *data)
{
    struct fixture *fixture = data;
    char room[ROOM_BYTES];
    ssize_t received = socket_receive(socket, room, sizeof(room));
    if (received == -1 && errno == EAGAIN)
        return;
    if (received <= 0) {
        fixture->has_ended = true;
        loop_stop(fixture->loop);
        return;
    }
    fixture->is_exact &= check_bytes(room, (size_t)received, fixture->received);
    fixture->received += (size_t)received;
    if (fixture->received > fixture->sent && !socket_is_writing(socket))
        send_back(fixture, fixture->received);
}

static void on_written(struct socket *socket, void *data, bool is_ok)
{
    struct fixture *fixture = data;
    fixture->is_write_broken = !is_ok;
    if (!is_ok)
        loop_stop(fixture->loop);
    else if (!fixture->reads)
        send_back(fixture, fixture->sent + CHUNK_BYTES);
    else if (fixture->received > fixture->sent)
        send_back(fixture, fixture->received);
}

static void on_secured(void *data, const char *failure)
{
    struct fixture *fixture = data;
    fixture->is_secured = failure == NULL;
    if (failure != NULL)
        loop_stop(fixture->loop);
    else if (fixture->reads)
        socket_read(fixture->socket, true);
    else
        send_back(fixture, CHUNK_BYTES);
}

static void on_secured_deaf(void *data, const char *failure)
{
    struct fixture *fixture = data;
    fixture->is_secured = failure == NULL;
}

static void set_up(struct fixture *fixture, int version, bool reads, void *(*run)(void *data))
{
    static const struct socket_events events = {.on_readable = on_readable, .on_written = on_written};
    struct error error = ERROR_INIT;
    int fds[2];
    memset(fixture, 0, sizeof(*fixture));
    make_certificate(&fixture->certificate, &fixture->key);
    fixture->pair = (struct certificate_settings){.certificate = fixture->certificate.file, .key = fixture->key.file};
    fixture->tls = (struct listener_tls_settings){.certificates = &fixture->pair, .certificate_count = 1};
    fixture->listener = (struct listener_settings){.tls = &fixture->tls};
    fixture->settings = (struct settings){.listeners = &fixture->listener, .listener_count = 1};
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    assert_int_equal(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
    fixture->client = (struct client){.fd = fds[1], .version = version, .is_exact = true};
    fixture->is_exact = true;
    fixture->reads = reads;
    fixture->loop = loop_create();
    fixture->listeners = tls_listeners_create(&fixture->settings, NULL, &error);
    assert_non_null(fixture->listeners);
    assert_int_equal(pthread_create(&fixture->thread, NULL, run, &fixture->client), 0);
    fixture->socket = socket_create(fixture->loop, fds[0], &events, fixture);
    fixture->facts = tls_listeners_begin(fixture->listeners, 0, fixture->loop, fixture->socket,
                                         run == flood ? on_secured_deaf : on_secured, fixture);
}

static void close_server(struct fixture *fixture)
{
    socket_close(fixture->socket);
    tls_facts_destroy(fixture->facts);
    tls_listeners_destroy(fixture->listeners);
    loop_destroy(fixture->loop);
}

static void finish(struct fixture *fixture)
{
    loop_run(fixture->loop);
    /* the client waits for our end */
    close_server(fixture);
    pthread_join(fixture->thread, NULL);
}

static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

static void new_keys_disturb_no_stream(void **state)
{
    struct fixture *fixture = malloc(sizeof(*fixture));
    for (size_t i = 0; i < 2; ++i) {
        set_up(fixture, versions[i], true, talk);
        finish(fixture);
        assert_true(fixture->is_secured && fixture->has_ended && fixture->is_exact);
        assert_false(fixture->client.has_failed);
        assert_true(fixture->client.is_exact);
        assert_int_equal(fixture->received, (size_t)ROUNDS * CHUNK_BYTES);
        assert_int_equal(fixture->client.received, (size_t)ROUNDS * CHUNK_BYTES);
    }
    free(fixture);
}

static void failed_writes_are_told(void **state)
{
    struct fixture *fixture = malloc(sizeof(*fixture));
    for (size_t i = 0; i < 2; ++i) {
        set_up(fixture, versions[i], false, leave);
        finish(fixture);
        assert_true(fixture->is_secured && fixture->is_write_broken);
        assert_false(fixture->client.has_failed);
    }
    free(fixture);
}

static void *stop_later(void *data)
{
    struct fixture *fixture = data;
    pthread_join(fixture->thread, NULL);
    loop_wake(fixture->loop);
    return NULL;
}

static void on_wake(void *data)
{
    loop_stop(data);
}

static void nothing_is_taken_that_nobody_reads(void **state)
{
    struct fixture *fixture = malloc(sizeof(*fixture));
    pthread_t watcher;
    for (size_t i = 0; i < 2; ++i) {
        set_up(fixture, versions[i], true, flood);
        loop_set_wake(fixture->loop, on_wake, fixture->loop);
        assert_int_equal(pthread_create(&watcher, NULL, stop_later, fixture), 0);
        loop_run(fixture->loop);
        pthread_join(watcher, NULL);
        close_server(fixture);
        assert_true(fixture->is_secured);
        assert_true(fixture->client.sent > 0 && fixture->client.sent < MOST_HELD_BYTES);
    }
    free(fixture);
}

static void new_keys_without_end_are_refused(void **state)
{
    struct fixture *fixture = malloc(sizeof(*fixture));
    set_up(fixture, TLS1_3_VERSION, true, renew);
    finish(fixture);
    assert_true(fixture->is_secured && fixture->has_ended);
    assert_false(fixture->client.has_failed);
    assert_true(fixture->client.sent < MOST_UPDATES);
    assert_int_equal(fixture->received, 0);
    free(fixture);
}

static void handshakes_without_end_are_refused(void **state)
{
    struct fixture *fixture = malloc(sizeof(*fixture));
    set_up(fixture, TLS1_2_VERSION, true, renegotiate);
    finish(fixture);
    assert_true(fixture->is_secured && fixture->has_ended);
    assert_false(fixture->client.has_failed);
    assert_true(fixture->client.sent < MOST_UPDATES);
    assert_int_equal(fixture->received, 0);
    free(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(new_keys_disturb_no_stream),         cmocka_unit_test(new_keys_without_end_are_refused),
        cmocka_unit_test(handshakes_without_end_are_refused), cmocka_unit_test(failed_writes_are_told),
        cmocka_unit_test(nothing_is_taken_that_nobody_reads),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
