/* TLS against OpenSSL at the other end of a socket pair, for what real servers do too rarely: new keys in the middle of
 * a stream, tickets while nobody asks, an end without close_notify. */

#include "tls/tls_upstream.h"

#include "config/settings.h"
#include "net/loop.h"
#include "net/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum {
    CHUNK_BYTES = 100 * 1000,
    ROUNDS = 30,
};

struct peer {
    int fd;
    int version;
    bool is_cut;
    SSL_CTX *context;
    size_t received;
    bool is_exact, has_failed;
};

struct fixture {
    struct loop *loop;
    struct tls_upstreams *upstreams;
    struct tls_peer *tls;
    struct socket *socket;
    struct peer peer;
    pthread_t thread;
    size_t received, sent, writes;
    bool is_exact, is_secured;
    ssize_t end;
    int error;
    char failure[256];
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

static SSL_CTX *create_context(int version)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    X509_sign(certificate, key, EVP_sha256());
    SSL_CTX_use_certificate(context, certificate);
    SSL_CTX_use_PrivateKey(context, key);
    SSL_CTX_set_min_proto_version(context, version);
    SSL_CTX_set_max_proto_version(context, version);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return context;
}

/* Takes what the other side sends in a round, then answers as much; with new keys and tickets in between. */
static bool serve_round(struct peer *peer, SSL *ssl, char *room)
{
    size_t target = peer->received + CHUNK_BYTES, start = peer->received;
    while (peer->received < target) {
        int length = SSL_read(ssl, room, (int)(target - peer->received));
        if (length <= 0)
            return false;
        peer->is_exact &= check_bytes(room, (size_t)length, peer->received);
        peer->received += (size_t)length;
    }
    if (peer->version == TLS1_3_VERSION &&
        (SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED) != 1 || SSL_do_handshake(ssl) != 1 ||
         SSL_new_session_ticket(ssl) != 1 || SSL_do_handshake(ssl) != 1))
        return false;
    for (size_t i = 0; i < CHUNK_BYTES; ++i)
        room[i] = byte_at(start + i);
    return SSL_write(ssl, room, CHUNK_BYTES) == CHUNK_BYTES;
}

static void *serve(void *data)
{
    struct peer *peer = data;
    char *room = malloc(CHUNK_BYTES);
    SSL *ssl = SSL_new(peer->context);
    SSL_set_fd(ssl, peer->fd);
    peer->has_failed = SSL_accept(ssl) != 1;
    for (int i = 0; i < ROUNDS && !peer->has_failed; ++i)
        peer->has_failed = !serve_round(peer, ssl, room);
    if (!peer->is_cut)
        SSL_shutdown(ssl);
    SSL_free(ssl);
    /* a close would be a reset while something is unread, as the answer to the last new keys may be */
    shutdown(peer->fd, SHUT_WR);
    while (read(peer->fd, room, CHUNK_BYTES) > 0)
        continue;
    close(peer->fd);
    free(room);
    return NULL;
}

static void send_chunk(struct fixture *fixture)
{
    for (size_t i = 0; i < CHUNK_BYTES; ++i)
        fixture->out[i] = byte_at(fixture->sent + i);
    struct iovec pieces[] = {{fixture->out, 10}, {NULL, 0}, {fixture->out + 10, 50000}, {fixture->out + 50010, 49990}};
    fixture->sent += CHUNK_BYTES;
    socket_write(fixture->socket, pieces, 4);
}

static void on_readable(struct socket *socket, void *data)
{
    struct fixture *fixture = data;
    char room[5000];
    ssize_t received = socket_receive(socket, room, sizeof(room));
    if (received == -1 && errno == EAGAIN)
        return;
    if (received <= 0) {
        fixture->end = received;
        fixture->error = errno;
        if (received == -1)
            snprintf(fixture->failure, sizeof(fixture->failure), "%s", socket_failure(socket));
        loop_stop(fixture->loop);
        return;
    }
    fixture->is_exact &= check_bytes(room, (size_t)received, fixture->received);
    fixture->received += (size_t)received;
    if (fixture->received == fixture->sent && fixture->sent < (size_t)ROUNDS * CHUNK_BYTES)
        send_chunk(fixture);
}

static void on_written(struct socket *socket, void *data, bool is_ok)
{
    struct fixture *fixture = data;
    fixture->writes += is_ok;
}

static void on_secured(void *data, const char *failure)
{
    struct fixture *fixture = data;
    fixture->is_secured = failure == NULL;
    if (failure != NULL) {
        snprintf(fixture->failure, sizeof(fixture->failure), "%s", failure);
        loop_stop(fixture->loop);
        return;
    }
    socket_read(fixture->socket, true);
    send_chunk(fixture);
}

static void run(struct fixture *fixture, int version, bool is_cut)
{
    static const struct socket_events events = {.on_readable = on_readable, .on_written = on_written};
    static const struct upstream_tls_settings tls = {.is_insecure = true};
    struct server_settings server = {.host = SLICE("shop.example"), .is_tls = true};
    struct upstream_settings upstream = {.servers = &server, .server_count = 1, .tls = &tls};
    struct upstream_settings *list[] = {&upstream};
    struct settings settings = {.upstreams = list, .upstream_count = 1};
    struct error error = ERROR_INIT;
    int fds[2];
    memset(fixture, 0, sizeof(*fixture));
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    assert_int_equal(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
    fixture->peer = (struct peer){
        .fd = fds[1], .version = version, .is_cut = is_cut, .is_exact = true, .context = create_context(version)};
    fixture->is_exact = true;
    fixture->loop = loop_create();
    fixture->upstreams = tls_upstreams_create(&settings, &error);
    assert_non_null(fixture->upstreams);
    fixture->tls = tls_peer_create(tls_upstreams_find(fixture->upstreams, 0), &server);
    assert_int_equal(pthread_create(&fixture->thread, NULL, serve, &fixture->peer), 0);
    fixture->socket = socket_create(fixture->loop, fds[0], &events, fixture);
    tls_peer_begin(fixture->tls, fixture->loop, fixture->socket, on_secured, fixture);
    loop_run(fixture->loop);
    socket_close(fixture->socket);
    pthread_join(fixture->thread, NULL);
    tls_peer_destroy(fixture->tls);
    tls_upstreams_destroy(fixture->upstreams);
    loop_destroy(fixture->loop);
    SSL_CTX_free(fixture->peer.context);
    assert_true(fixture->is_secured);
    assert_false(fixture->peer.has_failed);
    assert_true(fixture->is_exact);
    assert_true(fixture->peer.is_exact);
    assert_int_equal(fixture->received, (size_t)ROUNDS * CHUNK_BYTES);
    assert_int_equal(fixture->writes, ROUNDS);
}

static void streams_are_exact_and_end(void **state)
{
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    struct fixture *fixture = malloc(sizeof(*fixture));
    for (size_t i = 0; i < 2; ++i) {
        run(fixture, versions[i], false);
        assert_int_equal(fixture->end, 0);
        run(fixture, versions[i], true);
        assert_int_equal(fixture->end, -1);
        assert_int_equal(fixture->error, EPROTO);
        assert_string_equal(fixture->failure, "it closed the connection without TLS's close_notify");
    }
    free(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(streams_are_exact_and_end),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
