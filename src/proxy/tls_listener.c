#include "proxy/tls_listener.h"

#include "base/alloc.h"
#include "proxy/tls.h"
#include "proxy/tls_pem.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>

struct tls_listeners {
    SSL_CTX **contexts; /* by the listeners' indexes; NULL where it has no TLS */
    size_t count;
    BIO_METHOD *wire;
};

/* A client that offers protocols, but none of ours, is told so, rather than served what it does not expect (RFC 7301
 * section 3.2). */
static int choose_protocol(SSL *ssl, const unsigned char **chosen, unsigned char *chosen_length,
                           const unsigned char *offered, unsigned offered_length, void *data)
{
    static const unsigned char ours[] = "\x08http/1.1";
    unsigned char *name;
    if (SSL_select_next_proto(&name, chosen_length, ours, sizeof(ours) - 1, offered, offered_length) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *chosen = name;
    return SSL_TLSEXT_ERR_OK;
}

static SSL_CTX *create_context(void)
{
    static const char ciphers[] = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
                                  "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
                                  "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
    static const unsigned char id[] = "flexilib";
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    if (context == NULL || SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1 ||
        SSL_CTX_set_cipher_list(context, ciphers) != 1 ||
        SSL_CTX_set1_groups_list(context, "X25519:P-256:P-384") != 1 ||
        SSL_CTX_set_session_id_context(context, id, sizeof(id) - 1) != 1)
        abort();
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_read_ahead(context, 1);
    /* tickets carry the sessions, so that nothing has to be kept for clients that do not come back */
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_alpn_select_cb(context, choose_protocol, NULL);
    return context;
}

struct tls_listeners *tls_listeners_create(const struct settings *settings, struct error *error)
{
    struct tls_listeners *listeners = mem_zalloc(sizeof(*listeners));
    listeners->count = settings->listener_count;
    listeners->contexts = mem_zalloc((listeners->count + 1) * sizeof(*listeners->contexts));
    for (size_t i = 0; i < listeners->count; ++i) {
        const struct listener_tls_settings *tls = settings->listeners[i].tls;
        if (tls == NULL)
            continue;
        if (listeners->wire == NULL)
            listeners->wire = tls_wire_create();
        listeners->contexts[i] = create_context();
        if (!tls_pem_use_certificate(listeners->contexts[i], &tls->certificate, &tls->key, error)) {
            tls_listeners_destroy(listeners);
            return NULL;
        }
    }
    return listeners;
}

void tls_listeners_destroy(struct tls_listeners *listeners)
{
    if (listeners == NULL)
        return;
    for (size_t i = 0; i < listeners->count; ++i)
        SSL_CTX_free(listeners->contexts[i]);
    tls_wire_destroy(listeners->wire);
    free(listeners->contexts);
    free(listeners);
}

void tls_listeners_begin(struct tls_listeners *listeners, size_t index, struct loop *loop, struct socket *socket,
                         void (*on_secured)(void *data, const char *failure), void *data)
{
    SSL *ssl = SSL_new(listeners->contexts[index]);
    if (ssl == NULL)
        abort();
    SSL_set_accept_state(ssl);
    struct tls_start start = {
        .loop = loop, .wire = listeners->wire, .ssl = ssl, .on_secured = on_secured, .data = data};
    tls_begin(socket, &start);
}
