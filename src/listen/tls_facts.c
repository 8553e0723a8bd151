#include "listen/tls_facts.h"

#include "base/alloc.h"
#include "base/text.h"

#include <arpa/inet.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

enum {
    MOST_CLIENT_NAME_BYTES = 512,
    FACT_COUNT = FLEXILIB_TLS_CLIENT_CERT + 1,
};

struct fact {
    bool is_made;
    struct text text;
};

struct tls_facts {
    struct exchange_tls view;
    SSL *ssl;
    char *server_name;  /* NULL: none */
    struct fact *items; /* FACT_COUNT; NULL until one is asked for */
    bool is_complete;   /* all of them are made: the connection is not looked at any more */
    bool is_left;       /* by the connection */
    size_t holders;     /* exchanges that want to know them nevertheless */
};

static void make_version(const SSL *ssl, X509 *client, struct text *out)
{
    text_add(out, slice_from_text(SSL_get_version(ssl)));
}

static void make_cipher(const SSL *ssl, X509 *client, struct text *out)
{
    const SSL_CIPHER *cipher = SSL_get_current_cipher(ssl);
    const char *name = cipher == NULL ? NULL : SSL_CIPHER_standard_name(cipher);
    text_add(out, slice_from_text(name == NULL ? "" : name));
}

static void make_protocol(const SSL *ssl, X509 *client, struct text *out)
{
    const unsigned char *name;
    unsigned length;
    SSL_get0_alpn_selected(ssl, &name, &length);
    text_add(out, slice_of((const char *)name, length));
}

static void make_server_name(const SSL *ssl, X509 *client, struct text *out)
{
    text_add(out, tls_facts_server_name(SSL_get_app_data(ssl)));
}

static void make_resumed(const SSL *ssl, X509 *client, struct text *out)
{
    text_add(out, SSL_session_reused(ssl) ? SLICE("yes") : SLICE("no"));
}

static void make_verified(const SSL *ssl, X509 *client, struct text *out)
{
    long result = SSL_get_verify_result(ssl);
    text_add(out, result == X509_V_OK ? SLICE("yes") : slice_from_text(X509_verify_cert_error_string(result)));
}

static void add_written(struct text *out, BIO *bio)
{
    char *written;
    long length = BIO_get_mem_data(bio, &written);
    if (length > 0)
        text_add(out, slice_of(written, (size_t)length));
    BIO_free(bio);
}

static BIO *open_memory(void)
{
    BIO *bio = BIO_new(BIO_s_mem());
    if (bio == NULL)
        abort();
    return bio;
}

static void add_name(struct text *out, const X509_NAME *name)
{
    BIO *bio = open_memory();
    X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253);
    add_written(out, bio);
}

static void make_subject(const SSL *ssl, X509 *client, struct text *out)
{
    add_name(out, X509_get_subject_name(client));
}

static void make_issuer(const SSL *ssl, X509 *client, struct text *out)
{
    add_name(out, X509_get_issuer_name(client));
}

static void make_serial(const SSL *ssl, X509 *client, struct text *out)
{
    BIGNUM *number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(client), NULL);
    char *digits = number == NULL ? NULL : BN_bn2hex(number);
    text_add(out, slice_from_text(digits == NULL ? "" : digits));
    OPENSSL_free(digits);
    BN_free(number);
}

static void make_fingerprint(const SSL *ssl, X509 *client, struct text *out)
{
    unsigned char digest[32];
    if (X509_digest(client, EVP_sha256(), digest, NULL) != 1)
        abort();
    for (size_t i = 0; i < sizeof(digest); ++i)
        text_print(out, "%02x", digest[i]);
}

static bool is_plain(struct slice text)
{
    for (size_t i = 0; i < text.length; ++i) {
        if ((unsigned char)text.data[i] <= ' ' || text.data[i] == 0x7f)
            return false;
    }
    return text.length != 0;
}

/* One a line: in what an authority lets clients choose, there may be commas. */
static void add_alternative(struct text *out, const char *kind, struct slice name)
{
    if (is_plain(name))
        text_print(out, "%s%s:%.*s", out->length == 0 ? "" : "\n", kind, SLICE_ARG(name));
}

static void add_general_name(struct text *out, const GENERAL_NAME *name)
{
    char address[INET6_ADDRSTRLEN];
    bool is_address = name->type == GEN_IPADD;
    bool is_text = name->type == GEN_DNS || name->type == GEN_URI || name->type == GEN_EMAIL;
    if (!is_address && !is_text)
        return;
    const ASN1_STRING *value = is_address ? name->d.iPAddress : name->d.ia5;
    struct slice bytes = slice_of((const char *)ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value));
    if (is_text)
        add_alternative(out, name->type == GEN_DNS ? "DNS" : name->type == GEN_URI ? "URI" : "email", bytes);
    else if ((bytes.length == 4 || bytes.length == 16) &&
             inet_ntop(bytes.length == 4 ? AF_INET : AF_INET6, bytes.data, address, sizeof(address)) != NULL)
        add_alternative(out, "IP", slice_from_text(address));
}

static void make_names(const SSL *ssl, X509 *client, struct text *out)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(client, NID_subject_alt_name, NULL, NULL);
    for (int i = 0; i < sk_GENERAL_NAME_num(names); ++i)
        add_general_name(out, sk_GENERAL_NAME_value(names, i));
    GENERAL_NAMES_free(names);
}

static void add_time(struct text *out, const ASN1_TIME *time)
{
    struct tm parts;
    if (ASN1_TIME_to_tm(time, &parts) == 1)
        text_print(out, "%04d-%02d-%02dT%02d:%02d:%02dZ", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday,
                   parts.tm_hour, parts.tm_min, parts.tm_sec);
}

static void make_not_before(const SSL *ssl, X509 *client, struct text *out)
{
    add_time(out, X509_get0_notBefore(client));
}

static void make_not_after(const SSL *ssl, X509 *client, struct text *out)
{
    add_time(out, X509_get0_notAfter(client));
}

static void make_der(const SSL *ssl, X509 *client, struct text *out)
{
    BIO *bio = open_memory();
    i2d_X509_bio(bio, client);
    add_written(out, bio);
}

static void make_pem(const SSL *ssl, X509 *client, struct text *out)
{
    BIO *bio = open_memory();
    PEM_write_bio_X509(bio, client);
    add_written(out, bio);
}

/* A byte sequence of RFC 8941. Servers take it for a certificate that was verified. */
static void make_client_cert(const SSL *ssl, X509 *client, struct text *out)
{
    if (SSL_get_verify_result(ssl) != X509_V_OK)
        return;
    struct text der = {0};
    make_der(ssl, client, &der);
    size_t capacity = (der.length + 2) / 3 * 4 + 1;
    text_add_char(out, ':');
    int length =
        EVP_EncodeBlock((unsigned char *)text_reserve(out, capacity), (unsigned char *)der.data, (int)der.length);
    out->length += (size_t)length;
    text_add_char(out, ':');
    text_finish(&der);
}

static const struct {
    void (*make)(const SSL *ssl, X509 *client, struct text *out);
    bool is_of_client; /* there has to be a certificate of the client's */
} kinds[FACT_COUNT] = {
    [FLEXILIB_TLS_VERSION] = {make_version, false},
    [FLEXILIB_TLS_CIPHER] = {make_cipher, false},
    [FLEXILIB_TLS_PROTOCOL] = {make_protocol, false},
    [FLEXILIB_TLS_SERVER_NAME] = {make_server_name, false},
    [FLEXILIB_TLS_RESUMED] = {make_resumed, false},
    [FLEXILIB_TLS_CLIENT_VERIFIED] = {make_verified, true},
    [FLEXILIB_TLS_CLIENT_SUBJECT] = {make_subject, true},
    [FLEXILIB_TLS_CLIENT_ISSUER] = {make_issuer, true},
    [FLEXILIB_TLS_CLIENT_SERIAL] = {make_serial, true},
    [FLEXILIB_TLS_CLIENT_FINGERPRINT] = {make_fingerprint, true},
    [FLEXILIB_TLS_CLIENT_NAMES] = {make_names, true},
    [FLEXILIB_TLS_CLIENT_NOT_BEFORE] = {make_not_before, true},
    [FLEXILIB_TLS_CLIENT_NOT_AFTER] = {make_not_after, true},
    [FLEXILIB_TLS_CLIENT_DER] = {make_der, true},
    [FLEXILIB_TLS_CLIENT_PEM] = {make_pem, true},
    [FLEXILIB_TLS_CLIENT_CERT] = {make_client_cert, true},
};

static void make_fact(struct tls_facts *facts, X509 *client, flexilib_tls_fact number)
{
    struct fact *fact = &facts->items[number];
    if (!fact->is_made && (client != NULL || !kinds[number].is_of_client))
        kinds[number].make(facts->ssl, client, &fact->text);
    fact->is_made = true;
}

static void open_items(struct tls_facts *facts)
{
    if (facts->items == NULL)
        facts->items = mem_zalloc(FACT_COUNT * sizeof(facts->items[0]));
}

static struct slice find_fact(struct exchange_tls *view, flexilib_tls_fact number)
{
    struct tls_facts *facts = (struct tls_facts *)view;
    if (number < 0 || number >= FACT_COUNT || kinds[number].make == NULL)
        return SLICE_NONE;
    if (!facts->is_complete) {
        open_items(facts);
        make_fact(facts, SSL_get0_peer_certificate(facts->ssl), number);
    }
    return text_slice(&facts->items[number].text);
}

static void destroy(struct tls_facts *facts)
{
    for (size_t i = 0; i < FACT_COUNT && facts->items != NULL; ++i)
        text_finish(&facts->items[i].text);
    free(facts->items);
    free(facts->server_name);
    SSL_set_app_data(facts->ssl, NULL);
    SSL_free(facts->ssl);
    free(facts);
}

static void hold_facts(struct exchange_tls *view)
{
    struct tls_facts *facts = (struct tls_facts *)view;
    ++facts->holders;
    if (facts->is_complete)
        return;
    X509 *client = SSL_get0_peer_certificate(facts->ssl);
    open_items(facts);
    for (flexilib_tls_fact number = 0; number < FACT_COUNT; ++number) {
        if (kinds[number].make != NULL)
            make_fact(facts, client, number);
    }
    facts->is_complete = true;
}

static void release_facts(struct exchange_tls *view)
{
    struct tls_facts *facts = (struct tls_facts *)view;
    if (--facts->holders == 0 && facts->is_left)
        destroy(facts);
}

struct tls_facts *tls_facts_create(SSL *ssl)
{
    struct tls_facts *facts = mem_alloc(sizeof(*facts));
    *facts = (struct tls_facts){.view = {.find = find_fact, .hold = hold_facts, .release = release_facts}, .ssl = ssl};
    if (SSL_up_ref(ssl) != 1 || SSL_set_app_data(ssl, facts) != 1)
        abort();
    return facts;
}

void tls_facts_destroy(struct tls_facts *facts)
{
    if (facts == NULL)
        return;
    facts->is_left = true;
    if (facts->holders == 0)
        destroy(facts);
}

void tls_facts_note_server_name(struct tls_facts *facts, struct slice name)
{
    free(facts->server_name);
    facts->server_name = name.length == 0 ? NULL : mem_copy_text(name.data, name.length);
}

struct slice tls_facts_server_name(const struct tls_facts *facts)
{
    return facts->server_name == NULL ? SLICE_NONE : slice_from_text(facts->server_name);
}

struct exchange_tls *tls_facts_view(struct tls_facts *facts)
{
    return facts == NULL ? NULL : &facts->view;
}

struct slice tls_facts_client_name(struct tls_facts *facts)
{
    if (facts == NULL || SSL_get0_peer_certificate(facts->ssl) == NULL ||
        SSL_get_verify_result(facts->ssl) != X509_V_OK)
        return SLICE_NONE;
    struct slice name = find_fact(&facts->view, FLEXILIB_TLS_CLIENT_SUBJECT);
    return slice_of(name.data, name.length < MOST_CLIENT_NAME_BYTES ? name.length : MOST_CLIENT_NAME_BYTES);
}
