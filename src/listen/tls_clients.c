#include "listen/tls_clients.h"

#include "base/log.h"
#include "tls/tls_pem.h"

#include <openssl/ssl.h>
#include <stdlib.h>

bool tls_clients_init(struct tls_clients *clients, const struct listener_tls_settings *settings, struct error *error)
{
    *clients = (struct tls_clients){.settings = settings};
    if (settings->clients == CLIENTS_ANY)
        return true;
    clients->authorities =
        settings->client_ca.path == NULL ? X509_STORE_new() : tls_pem_read_authorities(&settings->client_ca, error);
    return clients->authorities != NULL && (settings->client_crl.path == NULL ||
                                            tls_pem_read_revoked(clients->authorities, &settings->client_crl, error));
}

void tls_clients_finish(struct tls_clients *clients)
{
    X509_STORE_free(clients->authorities);
    clients->authorities = NULL;
}

static void name_authorities(const struct tls_clients *clients, SSL_CTX *context)
{
    const STACK_OF(X509_OBJECT) *objects = X509_STORE_get0_objects(clients->authorities);
    for (int i = 0; i < sk_X509_OBJECT_num(objects); ++i) {
        X509 *authority = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(objects, i));
        if (authority != NULL && SSL_CTX_add_client_CA(context, authority) != 1)
            abort();
    }
}

/* What is wrong stays noted, for filters. */
static int accept_any(int is_fine, X509_STORE_CTX *check)
{
    return 1;
}

void tls_clients_ask(const struct tls_clients *clients, SSL_CTX *context)
{
    if (clients->authorities == NULL)
        return;
    enum client_policy policy = clients->settings->clients;
    /* whom the file names is trusted, be it an authority's authority or the client itself */
    unsigned long flags = X509_V_FLAG_PARTIAL_CHAIN;
    if (clients->settings->client_crl.path != NULL)
        flags |= X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL;
    name_authorities(clients, context);
    X509_STORE_up_ref(clients->authorities);
    SSL_CTX_set_cert_store(context, clients->authorities);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | (policy == CLIENTS_REQUIRED ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
                       policy == CLIENTS_UNCHECKED ? accept_any : NULL);
    X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context), flags);
}

static void digest_file(EVP_MD_CTX *digest, const struct file_settings *file)
{
    size_t length = file->content.length;
    EVP_DigestUpdate(digest, &length, sizeof(length));
    EVP_DigestUpdate(digest, file->content.data, length);
}

void tls_clients_digest(const struct tls_clients *clients, EVP_MD_CTX *digest)
{
    unsigned char policy = (unsigned char)clients->settings->clients;
    EVP_DigestUpdate(digest, &policy, sizeof(policy));
    digest_file(digest, &clients->settings->client_ca);
    digest_file(digest, &clients->settings->client_crl);
}

bool tls_clients_is_in_time(const SSL_SESSION *session)
{
    const X509 *certificate = SSL_SESSION_get0_peer((SSL_SESSION *)session);
    return certificate == NULL || X509_cmp_current_time(X509_get0_notAfter(certificate)) > 0;
}

void tls_clients_warn(const struct tls_clients *clients)
{
    const struct stack_st_X509_OBJECT *objects =
        clients->authorities == NULL ? NULL : X509_STORE_get0_objects(clients->authorities);
    for (int i = 0; i < sk_X509_OBJECT_num(objects); ++i) {
        X509_CRL *list = X509_OBJECT_get0_X509_CRL(sk_X509_OBJECT_value(objects, i));
        const ASN1_TIME *next = list == NULL ? NULL : X509_CRL_get0_nextUpdate(list);
        if (next != NULL && X509_cmp_current_time(next) <= 0)
            log_line(LOG_LEVEL_WARNING,
                     "a list in '%s' is out of date, so no certificate of those that it is about is good",
                     clients->settings->client_crl.path);
    }
}
