#define _GNU_SOURCE

#include "visit.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    ANSWER_BYTES = 16 * 1024,
    STEP_SECONDS = 20, /* that a server may take for any step */
    FRAME_HEAD_BYTES = 9,
    FRAME_DATA = 0,
    FRAME_HEADERS = 1,
    FRAME_SETTINGS = 4,
    FLAG_END_STREAM = 1,
    FLAG_ACK = 1,
    HPACK_STATUS_200 = 0x88,
};

static int keep_session(SSL *tls, SSL_SESSION *session)
{
    struct visit *visit = SSL_get_app_data(tls);
    SSL_SESSION_free(visit->session);
    visit->session = session;
    return 1;
}

/* The first group is the one that is offered with a share; the other is there for TLS 1.2, where it allows certificates
 * with such keys. */
SSL_CTX *visit_tls_create(int version, bool is_http2)
{
    static const unsigned char http1[] = "\x08http/1.1", http2[] = "\x02h2";
    const unsigned char *protocols = is_http2 ? http2 : http1;
    SSL_CTX *tls = SSL_CTX_new(TLS_client_method());
    bool is_ready = tls != NULL && SSL_CTX_set_min_proto_version(tls, version) == 1 &&
                    SSL_CTX_set_max_proto_version(tls, version) == 1 &&
                    SSL_CTX_set_ciphersuites(tls, "TLS_AES_128_GCM_SHA256") == 1 &&
                    SSL_CTX_set_cipher_list(tls, "ECDHE+AESGCM+AES128") == 1 &&
                    SSL_CTX_set1_groups_list(tls, "X25519:P-256") == 1 &&
                    SSL_CTX_set_alpn_protos(tls, protocols, protocols[0] + 1u) == 0;
    if (!is_ready) {
        fprintf(stderr, "OpenSSL cannot be a client\n");
        exit(1);
    }
    SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(tls, keep_session);
    SSL_CTX_set_mode(tls, SSL_MODE_RELEASE_BUFFERS);
    return tls;
}

static bool connect_to(struct visit *visit)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(visit->target->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval longest = {.tv_sec = STEP_SECONDS};
    visit->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (visit->fd == -1)
        return false;
    setsockopt(visit->fd, SOL_SOCKET, SO_RCVTIMEO, &longest, sizeof(longest));
    setsockopt(visit->fd, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1}, sizeof(struct linger));
    setsockopt(visit->fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    return connect(visit->fd, (struct sockaddr *)&address, sizeof(address)) == 0;
}

static bool secure(struct visit *visit, SSL_SESSION *session)
{
    visit->tls = SSL_new(visit->target->tls);
    if (visit->tls == NULL)
        return false;
    SSL_set_app_data(visit->tls, visit);
    return SSL_set_fd(visit->tls, visit->fd) == 1 && (session == NULL || SSL_set_session(visit->tls, session) == 1) &&
           SSL_connect(visit->tls) == 1;
}

static bool put(struct visit *visit, const void *bytes, size_t length)
{
    if (visit->tls != NULL)
        return SSL_write(visit->tls, bytes, (int)length) == (int)length;
    return send(visit->fd, bytes, length, MSG_NOSIGNAL) == (ssize_t)length;
}

/* 0: the server has closed, or failed. */
static size_t take(struct visit *visit, char *room, size_t capacity)
{
    ssize_t taken = visit->tls != NULL ? SSL_read(visit->tls, room, (int)capacity) : recv(visit->fd, room, capacity, 0);
    return taken < 0 ? 0 : (size_t)taken;
}

static bool take_exactly(struct visit *visit, char *room, size_t length)
{
    size_t taken;
    for (; length != 0; room += taken, length -= taken) {
        taken = take(visit, room, length);
        if (taken == 0)
            return false;
    }
    return true;
}

bool visit_open(struct visit *visit, const struct visit_target *target, SSL_SESSION *session)
{
    static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0";
    *visit = (struct visit){.target = target};
    if (!connect_to(visit) || (target->tls != NULL && !secure(visit, session)))
        return false;
    return !target->is_http2 || put(visit, preface, sizeof(preface) - 1);
}

static bool read_http1(struct visit *visit)
{
    char answer[ANSWER_BYTES + 1];
    size_t length = 0, taken;
    while ((taken = take(visit, answer + length, ANSWER_BYTES - length)) != 0) {
        length += taken;
        answer[length] = '\0';
        const char *end = strstr(answer, "\r\n\r\n"), *field = strcasestr(answer, "\r\ncontent-length:");
        if (end != NULL && !visit->target->closes && field != NULL && field < end &&
            (size_t)(end + 4 - answer) + strtoul(field + 17, NULL, 10) == length)
            break;
    }
    return length > 12 && strncmp(answer, "HTTP/1.1 200", 12) == 0;
}

/* Changes of the size of the table for names stand before the first field, which is the status. */
static bool says_ok(const char *block, size_t length)
{
    size_t i = 0;
    while (i < length && ((unsigned char)block[i] & 0xe0) == 0x20) {
        bool is_long = (block[i++] & 0x1f) == 0x1f;
        while (is_long && i < length)
            is_long = ((unsigned char)block[i++] & 0x80) != 0;
    }
    return i < length && (unsigned char)block[i] == HPACK_STATUS_200;
}

static bool read_http2(struct visit *visit)
{
    static const char acknowledgement[FRAME_HEAD_BYTES] = {0, 0, 0, FRAME_SETTINGS, FLAG_ACK};
    bool is_ok = false;
    for (;;) {
        unsigned char head[FRAME_HEAD_BYTES];
        char payload[ANSWER_BYTES];
        if (!take_exactly(visit, (char *)head, sizeof(head)))
            return false;
        size_t length = (size_t)head[0] << 16 | (size_t)head[1] << 8 | head[2];
        if (length > sizeof(payload) || !take_exactly(visit, payload, length))
            return false;
        if (head[3] == FRAME_SETTINGS && (head[4] & FLAG_ACK) == 0 &&
            !put(visit, acknowledgement, sizeof(acknowledgement)))
            return false;
        if (head[3] == FRAME_HEADERS)
            is_ok = says_ok(payload, length);
        if ((head[3] == FRAME_HEADERS || head[3] == FRAME_DATA) && (head[4] & FLAG_END_STREAM) != 0)
            return is_ok;
    }
}

static bool ask_http2(struct visit *visit)
{
    char block[256];
    size_t path_length = strlen(visit->target->path);
    visit->last_stream = visit->last_stream == 0 ? 1 : visit->last_stream + 2;
    uint32_t stream = htonl(visit->last_stream);
    /* :method GET, :scheme, :path and :authority, without use of the table that is filled as it goes */
    int length =
        snprintf(block + FRAME_HEAD_BYTES, sizeof(block) - FRAME_HEAD_BYTES, "\x82%c\x04%c%s\x01\x0d%s",
                 visit->target->tls != NULL ? 0x87 : 0x86, (char)path_length, visit->target->path, "bench.example");
    memcpy(block, (const char[]){0, 0, (char)length, FRAME_HEADERS, 5}, 5);
    memcpy(block + 5, &stream, sizeof(stream));
    return put(visit, block, FRAME_HEAD_BYTES + (size_t)length) && read_http2(visit);
}

bool visit_ask(struct visit *visit)
{
    if (visit->target->is_http2)
        return ask_http2(visit);
    char request[256];
    int length = snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: bench.example\r\n%s\r\n",
                          visit->target->path, visit->target->closes ? "Connection: close\r\n" : "");
    return put(visit, request, (size_t)length) && read_http1(visit);
}

void visit_close(struct visit *visit)
{
    /* otherwise OpenSSL takes the session for spoiled */
    if (visit->tls != NULL)
        SSL_set_shutdown(visit->tls, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(visit->tls);
    SSL_SESSION_free(visit->session);
    if (visit->fd != -1)
        close(visit->fd);
}
