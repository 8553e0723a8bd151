#include "tls/tls_upstream.h"

#include "base/alloc.h"
#include "base/log.h"
#include "tls/tls.h"
#include "tls/tls_pem.h"
#include "tls/tls_words.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

enum {
    MOST_SESSIONS = 8,
};

struct tls_upstream {
    SSL_CTX *context; /* NULL: no server wants TLS */
    BIO_METHOD *wire;
    const struct upstream_tls_settings *settings;
};

struct tls_upstreams {
    struct tls_upstream *items; /* by the upstreams' indexes */
    size_t count;
    BIO_METHOD *wire;
    X509_STORE *usual_authorities; /* one for all: it is large */
};

struct tls_peer {
    const struct tls_upstream *upstream;
    char *name; /* that the certificate must be for */
    bool is_address;
    SSL_SESSION *sessions[MOST_SESSIONS]; /* the newest one last */
    size_t session_count;
};

static void drop_session(struct tls_peer *peer, size_t position)
{
    SSL_SESSION_free(peer->sessions[position]);
    --peer->session_count;
    memmove(&peer->sessions[position], &peer->sessions[position + 1],
            (peer->session_count - position) * sizeof(peer->sessions[0]));
}

/* Tickets of TLS 1.3 come after the handshake, often two of them. */
static int on_session(SSL *ssl, SSL_SESSION *session)
{
    struct tls_peer *peer = SSL_get_app_data(ssl);
    if (peer->session_count == MOST_SESSIONS)
        drop_session(peer, 0);
    peer->sessions[peer->session_count++] = session;
    return 1;
}

static X509_STORE *find_authorities(struct tls_upstreams *upstreams, const struct upstream_tls_settings *settings,
                                    struct error *error)
{
    if (settings->has_own_ca)
        return tls_pem_read_authorities(&settings->ca, error);
    if (upstreams->usual_authorities == NULL)
        upstreams->usual_authorities = tls_pem_read_authorities(&settings->ca, error);
    if (upstreams->usual_authorities != NULL)
        X509_STORE_up_ref(upstreams->usual_authorities);
    return upstreams->usual_authorities;
}

static SSL_CTX *create_context(void)
{
    static const unsigned char protocols[] = "\x08http/1.1";
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    if (context == NULL || SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1 ||
        SSL_CTX_set_alpn_protos(context, protocols, sizeof(protocols) - 1) != 0)
        abort();
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_read_ahead(context, 1);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context, on_session);
    return context;
}

static bool init_upstream(struct tls_upstream *upstream, struct tls_upstreams *upstreams,
                          const struct upstream_tls_settings *settings, struct error *error)
{
    upstream->settings = settings;
    upstream->wire = upstreams->wire;
    upstream->context = create_context();
    if (settings->certificate.path != NULL &&
        !tls_pem_use_certificate(upstream->context, &settings->certificate, &settings->key, error))
        return false;
    if (settings->is_insecure)
        return true;
    X509_STORE *authorities = find_authorities(upstreams, settings, error);
    if (authorities == NULL)
        return false;
    SSL_CTX_set_cert_store(upstream->context, authorities);
    SSL_CTX_set_verify(upstream->context, SSL_VERIFY_PEER, NULL);
    /* whom an own file names is trusted, be it an authority's authority or the server itself */
    if (settings->has_own_ca)
        X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(upstream->context), X509_V_FLAG_PARTIAL_CHAIN);
    return true;
}

struct tls_upstreams *tls_upstreams_create(const struct settings *settings, struct error *error)
{
    struct tls_upstreams *upstreams = mem_zalloc(sizeof(*upstreams));
    upstreams->count = settings->upstream_count;
    upstreams->items = mem_zalloc((settings->upstream_count + 1) * sizeof(upstreams->items[0]));
    for (size_t i = 0; i < settings->upstream_count; ++i) {
        const struct upstream_settings *upstream = settings->upstreams[i];
        if (upstream->tls == NULL)
            continue;
        if (upstreams->wire == NULL)
            upstreams->wire = tls_wire_create();
        if (!init_upstream(&upstreams->items[upstream->index], upstreams, upstream->tls, error)) {
            tls_upstreams_destroy(upstreams);
            return NULL;
        }
    }
    return upstreams;
}

void tls_upstreams_destroy(struct tls_upstreams *upstreams)
{
    if (upstreams == NULL)
        return;
    for (size_t i = 0; i < upstreams->count; ++i)
        SSL_CTX_free(upstreams->items[i].context);
    X509_STORE_free(upstreams->usual_authorities);
    tls_wire_destroy(upstreams->wire);
    free(upstreams->items);
    free(upstreams);
}

struct tls_upstream *tls_upstreams_find(struct tls_upstreams *upstreams, size_t index)
{
    return upstreams->items[index].context == NULL ? NULL : &upstreams->items[index];
}

void tls_upstreams_warn(const struct settings *settings)
{
    for (size_t i = 0; i < settings->upstream_count; ++i) {
        const struct upstream_settings *upstream = settings->upstreams[i];
        if (upstream->tls != NULL && upstream->tls->key.path != NULL)
            tls_pem_warn_of_key(&upstream->tls->key);
        if (upstream->tls != NULL && upstream->tls->is_insecure)
            log_line(LOG_LEVEL_WARNING,
                     "upstream '%.*s' is insecure: whoever answers in its servers' place is not noticed",
                     SLICE_ARG(upstream->name));
    }
}

static bool is_address(const char *name)
{
    struct in6_addr address;
    return inet_pton(AF_INET, name, &address) == 1 || inet_pton(AF_INET6, name, &address) == 1;
}

struct tls_peer *tls_peer_create(struct tls_upstream *upstream, const struct server_settings *server)
{
    struct tls_peer *peer = mem_zalloc(sizeof(*peer));
    struct slice name = upstream->settings->server_name.length != 0 ? upstream->settings->server_name : server->host;
    /* the dot that makes a name absolute is not part of it in certificates */
    if (name.length > 1 && name.data[name.length - 1] == '.')
        --name.length;
    peer->upstream = upstream;
    peer->name = mem_copy_text(name.data, name.length);
    peer->is_address = is_address(peer->name);
    return peer;
}

void tls_peer_destroy(struct tls_peer *peer)
{
    if (peer == NULL)
        return;
    while (peer->session_count != 0)
        drop_session(peer, peer->session_count - 1);
    free(peer->name);
    free(peer);
}

/* A session stands for a certificate that was checked when it began, and that may have expired since. */
static bool is_usable(const SSL_SESSION *session)
{
    X509 *certificate = SSL_SESSION_get0_peer((SSL_SESSION *)session);
    return SSL_SESSION_is_resumable(session) && certificate != NULL &&
           X509_cmp_current_time(X509_get0_notAfter(certificate)) > 0;
}

/* Using a ticket of TLS 1.3 twice would let an observer link the connections. */
static void offer_session(struct tls_peer *peer, SSL *ssl)
{
    while (peer->session_count != 0) {
        size_t last = peer->session_count - 1;
        SSL_SESSION *session = peer->sessions[last];
        bool is_offered = is_usable(session) && SSL_set_session(ssl, session) == 1;
        if (!is_offered || SSL_SESSION_get_protocol_version(session) >= TLS1_3_VERSION)
            drop_session(peer, last);
        if (is_offered)
            return;
    }
}

static bool set_name(const struct tls_peer *peer, SSL *ssl)
{
    X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
    if (peer->is_address)
        return X509_VERIFY_PARAM_set1_ip_asc(param, peer->name) == 1;
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return X509_VERIFY_PARAM_set1_host(param, peer->name, 0) == 1 && SSL_set_tlsext_host_name(ssl, peer->name) == 1;
}

void tls_peer_begin(struct tls_peer *peer, struct loop *loop, struct socket *socket,
                    void (*on_secured)(void *data, const char *failure), void *data)
{
    SSL *ssl = SSL_new(peer->upstream->context);
    /* what remains is a lack of memory: the names were checked with the settings */
    if (ssl == NULL || SSL_set_app_data(ssl, peer) != 1 || !set_name(peer, ssl))
        abort();
    SSL_set_connect_state(ssl);
    offer_session(peer, ssl);
    struct tls_start start = {
        .loop = loop, .wire = peer->upstream->wire, .ssl = ssl, .on_secured = on_secured, .data = data};
    tls_begin(socket, &start);
}
