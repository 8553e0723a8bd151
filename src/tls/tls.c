#include "tls/tls.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/text.h"
#include "net/socket_layer.h"
#include "tls/tls_wire.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    RECORD_BYTES = 16 * 1024,
    MOST_OUT_BYTES = 64 * 1024, /* of records that wait to be sent */
};

/* Hands what waits to the wire, one write at a time. */
static void flush(struct tls *tls)
{
    if (tls->out.length == 0 || tls->is_write_broken || socket_wire_is_writing(tls->socket))
        return;
    struct text emptied = tls->sending;
    tls->sending = tls->out;
    tls->out = emptied;
    text_clear(&tls->out);
    struct iovec piece = {.iov_base = tls->sending.data, .iov_len = tls->sending.length};
    socket_wire_write(tls->socket, &piece, 1);
}

static void note_end(struct tls *tls, int result)
{
    if (tls->is_flooding) {
        tls->end = TLS_BROKEN;
        tls->error = EPROTO;
        snprintf(tls->failure, sizeof(tls->failure), "it changes its keys all the time");
        return;
    }
    switch (SSL_get_error(tls->ssl, result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        return;
    case SSL_ERROR_ZERO_RETURN:
        tls->end = TLS_CLOSED;
        return;
    case SSL_ERROR_SYSCALL:
        tls->end = TLS_BROKEN;
        if (tls->error == 0)
            tls->error = ECONNRESET;
        error_describe_number(tls->error, tls->failure, sizeof(tls->failure));
        return;
    default:
        tls->end = TLS_BROKEN;
        tls->error = EPROTO;
        tls_words_of_failure(tls->ssl, tls->failure, sizeof(tls->failure));
        return;
    }
}

/* Before each call that SSL_get_error is asked about. Most often there is nothing, which to see costs far less than
 * what OpenSSL does to clear it. */
static void clear_errors(void)
{
    if (ERR_peek_error() != 0)
        ERR_clear_error();
}

/* Whether the owner has anything to read; what is not for the owner (tickets, new keys) is dealt with. */
static bool has_something(struct tls *tls)
{
    char byte;
    if (tls->end != TLS_OPEN)
        return true;
    clear_errors();
    int result = SSL_peek(tls->ssl, &byte, sizeof(byte));
    if (result > 0)
        return true;
    note_end(tls, result);
    flush(tls);
    return tls->end != TLS_OPEN;
}

static struct slice get_protocol(const void *state)
{
    const struct tls *tls = state;
    const unsigned char *name;
    unsigned length;
    SSL_get0_alpn_selected(tls->ssl, &name, &length);
    return slice_of((const char *)name, length);
}

/* The other protocols that a server may choose without being asked are none that we speak. */
static void check_protocol(struct tls *tls)
{
    struct slice name = get_protocol(tls);
    if (SSL_is_server(tls->ssl) || name.length == 0 || slice_equals(name, SLICE("http/1.1")))
        return;
    tls->end = TLS_BROKEN;
    tls->error = EPROTO;
    snprintf(tls->failure, sizeof(tls->failure), "it does not speak HTTP/1.1, but '%.*s'", SLICE_ARG(name));
}

/* Returns whether the handshake is over, one way or the other. */
static bool shake_hands(struct tls *tls)
{
    clear_errors();
    int result = SSL_do_handshake(tls->ssl);
    if (result == 1)
        check_protocol(tls);
    else
        note_end(tls, result);
    if (result != 1 && tls->has_wire_ended)
        snprintf(tls->failure, sizeof(tls->failure), "it closed the connection during the TLS handshake");
    if (result != 1 && tls->end == TLS_CLOSED)
        snprintf(tls->failure, sizeof(tls->failure), "it ended TLS during the handshake");
    return result == 1 || tls->end != TLS_OPEN;
}

static void end_handshake(struct tls *tls)
{
    void (*on_secured)(void *data, const char *failure) = tls->on_secured;
    tls->on_secured = NULL;
    if (tls->end != TLS_OPEN)
        flush(tls);
    else
        timer_start(tls->loop, &tls->timer, 0); /* the last flight leaves together with what the owner writes now */
    on_secured(tls->data, tls->end == TLS_OPEN ? NULL : tls->failure);
}

static void on_readable(void *state)
{
    struct tls *tls = state;
    tls->is_wire_dry = false;
    tls->receives = 0;
    if (tls->on_secured != NULL) {
        if (shake_hands(tls))
            end_handshake(tls);
        else
            flush(tls);
    } else if (!tls->is_read_wanted) {
        socket_wire_read(tls->socket, false);
    } else if (has_something(tls)) {
        socket_tell_readable(tls->socket);
    }
}

static void tell_written(struct tls *tls, bool is_ok)
{
    tls->is_owner_writing = false;
    socket_tell_written(tls->socket, is_ok);
}

static void on_timeout(struct timer *timer)
{
    struct tls *tls = timer->data;
    if (tls->on_secured != NULL) {
        end_handshake(tls);
        return;
    }
    bool is_idle = tls->out.length == 0 && !socket_wire_is_writing(tls->socket);
    flush(tls);
    if (tls->is_owner_writing && (tls->is_write_broken || (is_idle && tls->piece == tls->piece_count))) {
        if (tls->is_read_wanted)
            timer_start(tls->loop, &tls->timer, 0);
        tell_written(tls, !tls->is_write_broken);
        return;
    }
    tls->receives = 0;
    if (tls->is_read_wanted && has_something(tls))
        socket_tell_readable(tls->socket);
}

/* Small pieces share a record. */
static bool encrypt_record(struct tls *tls)
{
    char room[RECORD_BYTES];
    size_t length = 0;
    struct iovec *piece = &tls->pieces[tls->piece];
    const char *bytes = room;
    if (piece->iov_len >= RECORD_BYTES) {
        bytes = piece->iov_base;
        length = RECORD_BYTES;
        *piece = (struct iovec){(char *)piece->iov_base + length, piece->iov_len - length};
        tls->piece += piece->iov_len == 0;
    }
    while (bytes == room && length < RECORD_BYTES && tls->piece < tls->piece_count) {
        piece = &tls->pieces[tls->piece];
        size_t part = piece->iov_len < RECORD_BYTES - length ? piece->iov_len : RECORD_BYTES - length;
        memcpy(room + length, piece->iov_base, part);
        length += part;
        *piece = (struct iovec){(char *)piece->iov_base + part, piece->iov_len - part};
        tls->piece += piece->iov_len == 0;
    }
    tls->data_bytes += length;
    clear_errors();
    return SSL_write(tls->ssl, bytes, (int)length) == (int)length;
}

static void encrypt_more(struct tls *tls)
{
    while (tls->piece < tls->piece_count && tls->out.length < MOST_OUT_BYTES && !tls->is_write_broken)
        tls->is_write_broken = !encrypt_record(tls);
    flush(tls);
}

static void on_written(void *state, bool is_ok)
{
    struct tls *tls = state;
    text_finish(&tls->sending);
    if (!is_ok)
        tls->is_write_broken = true;
    encrypt_more(tls);
    if (tls->is_write_broken) {
        if (tls->is_owner_writing)
            tell_written(tls, false);
        return;
    }
    if (socket_wire_is_writing(tls->socket))
        return;
    if (tls->is_finishing)
        shutdown(socket_descriptor(tls->socket), SHUT_WR);
    if (tls->is_owner_writing)
        tell_written(tls, true);
}

static void set_reading(void *state, bool is_wanted)
{
    struct tls *tls = state;
    tls->is_read_wanted = is_wanted;
    bool may_have = tls->end != TLS_OPEN || SSL_has_pending(tls->ssl);
    if (is_wanted && may_have && tls->timer.position == 0)
        timer_start(tls->loop, &tls->timer, 0);
    socket_wire_read(tls->socket, is_wanted);
}

static ssize_t receive(void *state, char *buffer, size_t capacity)
{
    struct tls *tls = state;
    size_t total = 0;
    while (tls->end == TLS_OPEN && total < capacity) {
        size_t room = capacity - total < INT_MAX ? capacity - total : INT_MAX;
        clear_errors();
        int length = SSL_read(tls->ssl, buffer + total, (int)room);
        /* nor is anything taken that came behind a flood */
        if (length <= 0 || tls->is_flooding) {
            note_end(tls, length);
            break;
        }
        total += (size_t)length;
    }
    tls->data_bytes += total;
    flush(tls);
    if (total != 0 && (total == capacity || tls->end != TLS_OPEN))
        timer_start(tls->loop, &tls->timer, 0);
    if (total != 0 || tls->end == TLS_CLOSED)
        return (ssize_t)total;
    errno = tls->end == TLS_OPEN ? EAGAIN : tls->error;
    return -1;
}

static void write_pieces(void *state, const struct iovec *pieces, size_t count)
{
    struct tls *tls = state;
    assert(count <= TLS_PIECES && !tls->is_owner_writing);
    tls->is_owner_writing = true;
    tls->piece = tls->piece_count = 0;
    for (size_t i = 0; i < count; ++i) {
        if (pieces[i].iov_len != 0)
            tls->pieces[tls->piece_count++] = pieces[i];
    }
    encrypt_more(tls);
    if (!socket_wire_is_writing(tls->socket))
        timer_start(tls->loop, &tls->timer, 0);
}

static bool is_writing(const void *state)
{
    const struct tls *tls = state;
    return tls->is_owner_writing;
}

static bool is_quiet(void *state)
{
    struct tls *tls = state;
    tls->is_wire_dry = false;
    tls->receives = 0;
    return !has_something(tls);
}

static void finish_writing(void *state)
{
    struct tls *tls = state;
    clear_errors();
    if (tls->is_finishing || SSL_shutdown(tls->ssl) < 0)
        return;
    tls->is_finishing = true;
    flush(tls);
    if (!socket_wire_is_writing(tls->socket))
        shutdown(socket_descriptor(tls->socket), SHUT_WR);
}

static const char *get_failure(const void *state)
{
    const struct tls *tls = state;
    return tls->failure;
}

/* Says goodbye, if that is possible at once. */
static void send_close(struct tls *tls)
{
    bool is_possible = SSL_is_init_finished(tls->ssl) && tls->end != TLS_BROKEN && !tls->is_write_broken &&
                       !tls->is_owner_writing && !socket_wire_is_writing(tls->socket);
    if (is_possible && !tls->is_finishing && SSL_shutdown(tls->ssl) >= 0)
        send(socket_descriptor(tls->socket), tls->out.data, tls->out.length, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void close_layer(void *state, bool is_reset)
{
    struct tls *tls = state;
    clear_errors();
    timer_stop(tls->loop, &tls->timer);
    if (!is_reset)
        send_close(tls);
    /* OpenSSL forbids to resume the session of a connection that seems to be cut */
    if (SSL_is_init_finished(tls->ssl))
        SSL_set_shutdown(tls->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(tls->ssl);
    clear_errors();
    text_finish(&tls->out);
    text_finish(&tls->sending);
    free(tls);
}

static const struct socket_layer layer = {
    .on_readable = on_readable,
    .on_written = on_written,
    .read = set_reading,
    .receive = receive,
    .write = write_pieces,
    .is_writing = is_writing,
    .is_quiet = is_quiet,
    .finish_writing = finish_writing,
    .failure = get_failure,
    .protocol = get_protocol,
    .close = close_layer,
};

void tls_begin(struct socket *socket, const struct tls_start *start)
{
    struct tls *tls = mem_zalloc(sizeof(*tls));
    tls->socket = socket;
    tls->loop = start->loop;
    tls->ssl = start->ssl;
    tls->on_secured = start->on_secured;
    tls->data = start->data;
    tls->timer = (struct timer){.on_timeout = on_timeout, .data = tls};
    tls->is_wire_dry = true;
    BIO *bio = BIO_new(start->wire);
    if (bio == NULL)
        abort();
    BIO_set_data(bio, tls);
    SSL_set_bio(tls->ssl, bio, bio);
    tls_wire_watch(tls);
    socket_set_layer(socket, &layer, tls);
    if (shake_hands(tls))
        timer_start(tls->loop, &tls->timer, 0);
    flush(tls);
    socket_wire_read(socket, true);
}

bool tls_is_secured(const struct socket *socket)
{
    const struct tls *tls = socket_get_layer(socket, &layer);
    return tls == NULL || SSL_is_init_finished(tls->ssl);
}

bool tls_is_flooded(const struct socket *socket)
{
    const struct tls *tls = socket_get_layer(socket, &layer);
    return tls != NULL && tls->is_flooding;
}

bool tls_is_shaking_hands(const struct socket *socket)
{
    const struct tls *tls = socket_get_layer(socket, &layer);
    return tls != NULL && tls->has_received && !SSL_is_init_finished(tls->ssl);
}

bool tls_take_off(struct socket *socket)
{
    struct tls *tls = socket_get_layer(socket, &layer);
    if (tls == NULL || !tls->is_peer_plain || tls->has_wire_ended || tls->out.length != 0 ||
        socket_wire_is_writing(socket))
        return false;
    timer_stop(tls->loop, &tls->timer);
    SSL_free(tls->ssl);
    text_finish(&tls->out);
    text_finish(&tls->sending);
    free(tls);
    socket_set_layer(socket, NULL, NULL);
    return true;
}

SSL *tls_get_ssl(const struct socket *socket)
{
    const struct tls *tls = socket_get_layer(socket, &layer);
    return tls == NULL ? NULL : tls->ssl;
}
