#include "listen/tls_listener.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "listen/tls_choice.h"
#include "listen/tls_clients.h"
#include "listen/tls_facts.h"
#include "tls/tls.h"
#include "tls/tls_tickets.h"

#include <inttypes.h>
#include <openssl/ssl.h>
#include <stdlib.h>

enum {
    SERVER_NAME_AT = 5, /* in the extension: behind the list's length, the name's kind and its length */
    TELLING_INTERVAL_US = 1000 * 1000,
};

struct tls_listener {
    const struct listener_tls_settings *settings;
    struct tls_certificate *certificates; /* as in the settings */
    struct tls_choice choice;
    struct tls_clients clients;
    const struct ticket_keys *tickets; /* NULL: each context has its own */
    bool speaks_http2;
};

struct tls_listeners {
    struct arena arena;
    struct tls_listener **items; /* by the listeners' indexes; NULL where it has no TLS */
    size_t count;
    BIO_METHOD *wire;
    uint64_t failures; /* of handshakes */
    uint64_t told_us;  /* of one, 0: never */
    uint64_t floods;   /* of new keys */
};

static struct tls_set *set_of(const SSL *ssl)
{
    return SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
}

/* A client that offers protocols, but none of ours, is told so, rather than served what it does not expect (RFC 7301
 * section 3.2). */
static int choose_protocol(SSL *ssl, const unsigned char **chosen, unsigned char *chosen_length,
                           const unsigned char *offered, unsigned offered_length, void *data)
{
    static const unsigned char protocols[] = "\x02h2\x08http/1.1";
    const struct tls_listener *listener = set_of(ssl)->owner_data;
    const unsigned skipped = listener->speaks_http2 ? 0 : 3;
    unsigned char *name;
    if (SSL_select_next_proto(&name, chosen_length, protocols + skipped, sizeof(protocols) - 1 - skipped, offered,
                              offered_length) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *chosen = name;
    return SSL_TLSEXT_ERR_OK;
}

/* What the client calls us; of the list only the first name counts, and no client sends another one. */
static struct slice find_server_name(SSL *ssl)
{
    const unsigned char *bytes;
    size_t length;
    if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &bytes, &length) != 1 || length < SERVER_NAME_AT ||
        bytes[2] != TLSEXT_NAMETYPE_host_name)
        return SLICE_NONE;
    size_t name_length = (size_t)bytes[3] << 8 | bytes[4];
    if (name_length > length - SERVER_NAME_AT)
        return SLICE_NONE;
    return slice_of((const char *)bytes + SERVER_NAME_AT, name_length);
}

/* Before anything else is made of the hello: the certificates decide which sessions can be taken up again too. */
static int on_client_hello(SSL *ssl, int *alert, void *data)
{
    const struct tls_listener *listener = set_of(ssl)->owner_data;
    char room[TLS_NAME_BYTES];
    struct slice name = tls_name_normalize(find_server_name(ssl), room);
    tls_facts_note_server_name(SSL_get_app_data(ssl), name);
    const struct tls_set *set = tls_choice_find(&listener->choice, name);
    if (set != NULL && set->context != SSL_get_SSL_CTX(ssl) && SSL_set_SSL_CTX(ssl, set->context) == NULL)
        return SSL_CLIENT_HELLO_ERROR;
    return SSL_CLIENT_HELLO_SUCCESS;
}

static int acknowledge_server_name(SSL *ssl, int *alert, void *data)
{
    return SSL_TLSEXT_ERR_OK;
}

static int staple(SSL *ssl, void *data)
{
    const struct tls_set *set = set_of(ssl);
    const X509 *shown = SSL_get_certificate(ssl);
    struct slice response = SLICE_NONE;
    for (size_t kind = 0; kind < TLS_KINDS; ++kind) {
        if (set->certificates[kind] != NULL && set->certificates[kind]->pair.leaf == shown)
            response = tls_staple_get(set->certificates[kind]->staple);
    }
    unsigned char *copy = response.length == 0 ? NULL : OPENSSL_memdup(response.data, response.length);
    if (copy == NULL)
        return SSL_TLSEXT_ERR_NOACK;
    SSL_set_tlsext_status_ocsp_resp(ssl, copy, (long)response.length);
    return SSL_TLSEXT_ERR_OK;
}

static int protect_ticket(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac,
                          int is_new)
{
    const struct tls_listener *listener = set_of(ssl)->owner_data;
    return tls_tickets_protect(listener->tickets, ssl, name, iv, cipher, mac, is_new);
}

/* In TLS 1.2 a session is for one name (RFC 6066 section 3), in 1.3 for all that the certificate is for. */
static bool is_for_name(SSL *ssl, const SSL_SESSION *session)
{
    if (SSL_version(ssl) >= TLS1_3_VERSION)
        return true;
    char room[TLS_NAME_BYTES];
    const char *name = SSL_SESSION_get0_hostname(session);
    return slice_equals(tls_name_normalize(slice_from_text(name == NULL ? "" : name), room),
                        tls_facts_server_name(SSL_get_app_data(ssl)));
}

static SSL_TICKET_RETURN judge_ticket(SSL *ssl, SSL_SESSION *session, const unsigned char *key_name,
                                      size_t key_name_length, SSL_TICKET_STATUS status, void *data)
{
    if (status != SSL_TICKET_SUCCESS && status != SSL_TICKET_SUCCESS_RENEW)
        return SSL_TICKET_RETURN_IGNORE_RENEW;
    if (!is_for_name(ssl, session) || !tls_clients_is_in_time(session))
        return SSL_TICKET_RETURN_IGNORE_RENEW;
    return status == SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE : SSL_TICKET_RETURN_USE_RENEW;
}

static SSL_CTX *create_context(void)
{
    static const char ciphers[] = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
                                  "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
                                  "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    if (context == NULL || SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1 ||
        SSL_CTX_set_cipher_list(context, ciphers) != 1 || SSL_CTX_set1_groups_list(context, "X25519:P-256:P-384") != 1)
        abort();
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_read_ahead(context, 1);
    /* tickets carry the sessions, so that nothing has to be kept for clients that do not come back */
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_alpn_select_cb(context, choose_protocol, NULL);
    SSL_CTX_set_client_hello_cb(context, on_client_hello, NULL);
    SSL_CTX_set_tlsext_servername_callback(context, acknowledge_server_name);
    SSL_CTX_set_tlsext_status_cb(context, staple);
    SSL_CTX_set_session_ticket_cb(context, NULL, judge_ticket, NULL);
    return context;
}

/* Sessions are taken up again only where the same certificates would be shown and asked for. */
static void set_session_id_context(const struct tls_listener *listener, const struct tls_set *set)
{
    unsigned char id[SSL_MAX_SID_CTX_LENGTH];
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    if (digest == NULL || EVP_DigestInit_ex(digest, EVP_sha256(), NULL) != 1)
        abort();
    for (size_t kind = 0; kind < TLS_KINDS; ++kind) {
        if (set->certificates[kind] != NULL)
            EVP_DigestUpdate(digest, set->certificates[kind]->fingerprint,
                             sizeof(set->certificates[kind]->fingerprint));
    }
    tls_clients_digest(&listener->clients, digest);
    if (EVP_DigestFinal_ex(digest, id, NULL) != 1 || SSL_CTX_set_session_id_context(set->context, id, sizeof(id)) != 1)
        abort();
    EVP_MD_CTX_free(digest);
}

static bool init_set(struct tls_listener *listener, struct tls_set *set, struct error *error)
{
    set->owner_data = listener;
    set->context = create_context();
    SSL_CTX_set_app_data(set->context, set);
    if (listener->settings->is_1_3_only && SSL_CTX_set_min_proto_version(set->context, TLS1_3_VERSION) != 1)
        abort();
    tls_clients_ask(&listener->clients, set->context);
    set_session_id_context(listener, set);
    if (listener->tickets != NULL && SSL_CTX_set_tlsext_ticket_key_evp_cb(set->context, protect_ticket) != 1)
        abort();
    for (size_t kind = 0; kind < TLS_KINDS; ++kind) {
        if (set->certificates[kind] != NULL && !tls_pem_use_pair(set->context, &set->certificates[kind]->pair, error))
            return false;
    }
    return true;
}

static bool init_listener(struct tls_listener *listener, struct arena *arena, struct error *error)
{
    const struct listener_tls_settings *settings = listener->settings;
    listener->certificates = arena_zalloc(arena, settings->certificate_count * sizeof(*listener->certificates));
    for (size_t i = 0; i < settings->certificate_count; ++i) {
        if (!tls_certificate_init(&listener->certificates[i], &settings->certificates[i], arena, error))
            return false;
    }
    if (!tls_clients_init(&listener->clients, settings, error))
        return false;
    tls_choice_init(&listener->choice, listener->certificates, settings->certificate_count, arena);
    for (struct tls_set *set = listener->choice.first; set != NULL; set = set->next) {
        if (!init_set(listener, set, error))
            return false;
    }
    return true;
}

static void finish_listener(struct tls_listener *listener)
{
    for (struct tls_set *set = listener->choice.first; set != NULL; set = set->next)
        SSL_CTX_free(set->context);
    for (size_t i = 0; i < listener->settings->certificate_count && listener->certificates != NULL; ++i)
        tls_certificate_finish(&listener->certificates[i]);
    tls_clients_finish(&listener->clients);
}

struct tls_listeners *tls_listeners_create(const struct settings *settings, const struct ticket_keys *tickets,
                                           struct error *error)
{
    struct tls_listeners *listeners = mem_zalloc(sizeof(*listeners));
    arena_init(&listeners->arena, 0);
    listeners->count = settings->listener_count;
    listeners->items = mem_zalloc((listeners->count + 1) * sizeof(struct tls_listener *));
    listeners->wire = tls_wire_create();
    for (size_t i = 0; i < listeners->count; ++i) {
        if (settings->listeners[i].tls == NULL)
            continue;
        listeners->items[i] = arena_zalloc(&listeners->arena, sizeof(struct tls_listener));
        listeners->items[i]->settings = settings->listeners[i].tls;
        listeners->items[i]->tickets = tickets;
        listeners->items[i]->speaks_http2 = settings->listeners[i].speaks_http2;
        if (!init_listener(listeners->items[i], &listeners->arena, error)) {
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
    for (size_t i = 0; i < listeners->count; ++i) {
        if (listeners->items[i] != NULL)
            finish_listener(listeners->items[i]);
    }
    tls_wire_destroy(listeners->wire);
    free(listeners->items);
    arena_finish(&listeners->arena);
    free(listeners);
}

void tls_listeners_start_fetching(struct tls_listeners *listeners, struct loop *loop, struct resolver *resolver)
{
    for (size_t i = 0; listeners != NULL && i < listeners->count; ++i) {
        const struct tls_listener *listener = listeners->items[i];
        for (size_t j = 0; listener != NULL && j < listener->settings->certificate_count; ++j)
            tls_ocsp_start(listener->certificates[j].ocsp, loop, resolver);
    }
}

void tls_listeners_stop_fetching(struct tls_listeners *listeners)
{
    for (size_t i = 0; listeners != NULL && i < listeners->count; ++i) {
        const struct tls_listener *listener = listeners->items[i];
        for (size_t j = 0; listener != NULL && j < listener->settings->certificate_count; ++j)
            tls_ocsp_stop(listener->certificates[j].ocsp);
    }
}

struct tls_facts *tls_listeners_begin(struct tls_listeners *listeners, size_t index, struct loop *loop,
                                      struct socket *socket, void (*on_secured)(void *data, const char *failure),
                                      void *data)
{
    SSL *ssl = SSL_new(listeners->items[index]->choice.first->context);
    if (ssl == NULL)
        abort();
    SSL_set_accept_state(ssl);
    struct tls_facts *facts = tls_facts_create(ssl);
    struct tls_start start = {
        .loop = loop, .wire = listeners->wire, .ssl = ssl, .on_secured = on_secured, .data = data};
    tls_begin(socket, &start);
    return facts;
}

/* Which of them it was is not known of a session that was taken up again. */
static bool has_shown(SSL *ssl, const struct tls_certificate *certificate, struct slice name)
{
    bool is_candidate = SSL_session_reused(ssl) || SSL_get_certificate(ssl) == certificate->pair.leaf;
    return is_candidate && tls_certificate_covers(certificate, name);
}

static struct slice host_of(struct slice authority)
{
    if (slice_starts_with(authority, SLICE("[")))
        return SLICE_NONE;
    return slice_of(authority.data, slice_find(authority, ':'));
}

bool tls_listeners_is_misdirected(const struct tls_listeners *listeners, size_t index, const struct socket *socket,
                                  struct slice authority)
{
    const struct tls_listener *listener = listeners->items[index];
    if (listener->choice.set_count == 1)
        return false;
    char room[TLS_NAME_BYTES];
    SSL *ssl = tls_get_ssl(socket);
    const struct tls_set *served = set_of(ssl);
    struct slice name = tls_name_normalize(host_of(authority), room);
    const struct tls_set *wanted = tls_choice_find(&listener->choice, name);
    if (wanted == NULL || wanted == served)
        return false;
    for (size_t kind = 0; kind < TLS_KINDS; ++kind) {
        if (served->certificates[kind] != NULL && has_shown(ssl, served->certificates[kind], name))
            return false;
    }
    return true;
}

void tls_listeners_note_failure(struct tls_listeners *listeners, const struct socket *socket, const char *peer,
                                const char *failure)
{
    const SSL *ssl = tls_get_ssl(socket);
    if (ssl == NULL || BIO_number_read(SSL_get_rbio(ssl)) == 0)
        return;
    uint64_t now_us = clock_monotonic_us();
    ++listeners->failures;
    if (listeners->told_us != 0 && now_us - listeners->told_us < TELLING_INTERVAL_US)
        return;
    listeners->told_us = now_us;
    log_line(LOG_LEVEL_INFO, "a TLS handshake with %s failed: %s (failure %" PRIu64 " of this worker)", peer, failure,
             listeners->failures);
}

void tls_listeners_note_end(struct tls_listeners *listeners, const struct socket *socket, const char *peer)
{
    if (listeners == NULL || !tls_is_flooded(socket))
        return;
    ++listeners->floods;
    log_line(LOG_LEVEL_WARNING,
             "ended the TLS connection from %s: it wants new keys all the time (%" PRIu64 " such connections so far)",
             peer, listeners->floods);
}

static void warn_of_certificate(const struct tls_listener *listener, const struct tls_certificate *certificate)
{
    const char *path = certificate->settings->certificate.path;
    tls_pem_warn_of_key(&certificate->settings->key);
    tls_staple_warn(certificate->staple);
    tls_ocsp_warn(certificate->ocsp);
    if (X509_cmp_current_time(X509_get0_notAfter(certificate->pair.leaf)) <= 0)
        log_line(LOG_LEVEL_WARNING, "the certificate in '%s' has expired", path);
    if (!tls_choice_uses(&listener->choice, certificate))
        log_line(LOG_LEVEL_WARNING, "the certificate in '%s' is never shown: %s", path,
                 certificate->name_count == 0 ? "it is for no name, and not the first one"
                                              : "others before it are for its names");
}

void tls_listeners_warn(const struct tls_listeners *listeners)
{
    for (size_t i = 0; i < listeners->count; ++i) {
        const struct tls_listener *listener = listeners->items[i];
        if (listener != NULL)
            tls_clients_warn(&listener->clients);
        for (size_t j = 0; listener != NULL && j < listener->settings->certificate_count; ++j)
            warn_of_certificate(listener, &listener->certificates[j]);
    }
}
