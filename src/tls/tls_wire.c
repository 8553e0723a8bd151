#include "tls/tls_wire.h"

#include "net/socket_layer.h"

#include <errno.h>
#include <openssl/ssl.h>
#include <stdlib.h>

enum {
    MOST_RECEIVES = 16,      /* from the wire in one go, before others have their turn */
    FREE_KEY_UPDATES = 32,   /* at any time */
    KEY_UPDATE_BYTES = 1024, /* of data, for each one more */
    MOST_RENEGOTIATIONS = 8, /* that are refused: each costs memory while the answers are not read */
};

/* Requests begin with a letter, records of TLS never do. */
static void note_first_byte(struct tls *tls, char first)
{
    if (!tls->has_received)
        tls->is_peer_plain = first >= 'A' && first <= 'Z';
    tls->has_received = true;
}

static int read_wire(BIO *bio, char *buffer, int capacity)
{
    struct tls *tls = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    /* a short receive tells that there is no more, and the loop says when there is */
    if (tls->is_flooding)
        return -1;
    if (tls->is_wire_dry || tls->receives++ == MOST_RECEIVES) {
        tls->is_wire_dry = true;
        BIO_set_retry_read(bio);
        return -1;
    }
    ssize_t received = socket_wire_receive(tls->socket, buffer, (size_t)capacity);
    if (received > 0) {
        note_first_byte(tls, buffer[0]);
        tls->is_wire_dry = received < capacity;
    } else if (received == 0) {
        tls->has_wire_ended = true;
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
        tls->is_wire_dry = true;
        BIO_set_retry_read(bio);
    } else {
        tls->error = errno;
    }
    return (int)received;
}

static int write_wire(BIO *bio, const char *bytes, int length)
{
    struct tls *tls = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    text_add(&tls->out, slice_of(bytes, (size_t)length));
    return length;
}

static long control_wire(BIO *bio, int command, long number, void *pointer)
{
    struct tls *tls = BIO_get_data(bio);
    if (command == BIO_CTRL_EOF)
        return tls->has_wire_ended;
    return command == BIO_CTRL_FLUSH;
}

static int create_wire(BIO *bio)
{
    BIO_set_init(bio, 1);
    return 1;
}

BIO_METHOD *tls_wire_create(void)
{
    BIO_METHOD *wire = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket");
    if (wire == NULL || !BIO_meth_set_read(wire, read_wire) || !BIO_meth_set_write(wire, write_wire) ||
        !BIO_meth_set_ctrl(wire, control_wire) || !BIO_meth_set_create(wire, create_wire))
        abort();
    return wire;
}

void tls_wire_destroy(BIO_METHOD *wire)
{
    BIO_meth_free(wire);
}

static bool is_key_update(bool is_sent, int type, const unsigned char *message)
{
    return !is_sent && type == SSL3_RT_HANDSHAKE && message[0] == SSL3_MT_KEY_UPDATE;
}

static bool is_refusal(bool is_sent, int type, const unsigned char *message, size_t length)
{
    return is_sent && type == SSL3_RT_ALERT && length == 2 && message[1] == SSL_AD_NO_RENEGOTIATION;
}

/* New keys cost us a hundred times what they cost to be sent. */
static void on_message(int is_sent, int version, int type, const void *bytes, size_t length, SSL *ssl, void *data)
{
    struct tls *tls = data;
    if (length == 0)
        return;
    if (is_key_update(is_sent, type, bytes))
        tls->is_flooding |= ++tls->key_updates > FREE_KEY_UPDATES + tls->data_bytes / KEY_UPDATE_BYTES;
    else if (is_refusal(is_sent, type, bytes, length))
        tls->is_flooding |= ++tls->renegotiations > MOST_RENEGOTIATIONS;
}

void tls_wire_watch(struct tls *tls)
{
    SSL_set_msg_callback(tls->ssl, on_message);
    SSL_set_msg_callback_arg(tls->ssl, tls);
}
