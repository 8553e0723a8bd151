#include "config/settings_reader.h"

enum {
    CERTIFICATE_FILE = 0,
    CERTIFICATE_KEY,
    CERTIFICATE_OCSP,
    CERTIFICATE_OCSP_FETCH,
    CERTIFICATE_FIELDS,
};

static const struct field certificate_fields[CERTIFICATE_FIELDS] = {
    [CERTIFICATE_FILE] = {.name = "certificate",
                          .type = FIELD_FILE,
                          .required = true,
                          .summary = "shown to clients, with those that lead to an authority, in PEM"},
    [CERTIFICATE_KEY] = {.name = "key",
                         .type = FIELD_FILE,
                         .required = true,
                         .summary = "the certificate's private key, in PEM"},
    [CERTIFICATE_OCSP] = {.name = "ocsp",
                          .type = FIELD_FILE,
                          .summary = "its authority's word that it holds, for stapling: an OCSP response in DER"},
    [CERTIFICATE_OCSP_FETCH] = {.name = "ocsp_fetch",
                                .type = FIELD_BOOL,
                                .fallback = "no",
                                .summary = "whether that word is fetched from the authority, again and again"},
};

enum {
    TLS_CERTIFICATE = 0,
    TLS_KEY,
    TLS_OCSP,
    TLS_OCSP_FETCH,
    TLS_CERTIFICATES,
    TLS_MIN_VERSION,
    TLS_CLIENTS,
    TLS_FIELDS,
};

static const char *const versions[] = {"1.2", "1.3", NULL};

static const struct field tls_fields[TLS_FIELDS] = {
    [TLS_CERTIFICATE] = {.name = "certificate",
                         .type = FIELD_FILE,
                         .summary = "shown to clients, with those that lead to an authority, in PEM"},
    [TLS_KEY] = {.name = "key", .type = FIELD_FILE, .summary = "the certificate's private key, in PEM"},
    [TLS_OCSP] = {.name = "ocsp", .type = FIELD_FILE, .summary = "an OCSP response for stapling, in DER"},
    [TLS_OCSP_FETCH] = {.name = "ocsp_fetch",
                        .type = FIELD_BOOL,
                        .fallback = "no",
                        .summary = "whether OCSP responses are fetched from the authority"},
    [TLS_CERTIFICATES] = {.name = "certificates", .type = FIELD_NODE, .summary = "several, of which clients name one"},
    [TLS_MIN_VERSION] =
        {.name = "min_version", .type = FIELD_CHOICE, .choices = versions, .fallback = "1.2", .summary = "of TLS"},
    [TLS_CLIENTS] = {.name = "clients", .type = FIELD_NODE, .summary = "asks clients for certificates of their own"},
};

enum {
    CLIENTS_CA = 0,
    CLIENTS_VERIFY,
    CLIENTS_CRL,
    CLIENTS_FIELDS,
};

static const char *const policies[] = {"optional", "required", "unchecked", NULL};

static const struct field clients_fields[CLIENTS_FIELDS] = {
    [CLIENTS_CA] = {.name = "ca",
                    .type = FIELD_FILE,
                    .summary = "the authorities whose certificates clients may show, in PEM"},
    [CLIENTS_VERIFY] = {.name = "verify",
                        .type = FIELD_CHOICE,
                        .choices = policies,
                        .fallback = "required",
                        .summary = "whether a client has to show one, or may show any"},
    [CLIENTS_CRL] = {.name = "crl", .type = FIELD_FILE, .summary = "what the authorities have revoked, in PEM"},
};

static bool read_clients(struct settings_reader *reader, const struct node *node, struct listener_tls_settings *tls)
{
    struct field_value values[CLIENTS_FIELDS];
    if (node == NULL)
        return true;
    if (!value_check_kind(reader, node, "clients", NODE_MAPPING, "a mapping with 'ca'") ||
        !fields_read(clients_fields, CLIENTS_FIELDS, node, node->place, "'clients'", reader->source, reader->arena,
                     values, reader->error))
        return false;
    static const enum client_policy known[] = {CLIENTS_OPTIONAL, CLIENTS_REQUIRED, CLIENTS_UNCHECKED};
    tls->clients = known[values[CLIENTS_VERIFY].integer];
    if (!values[CLIENTS_CA].written && (tls->clients != CLIENTS_UNCHECKED || values[CLIENTS_CRL].written))
        return error_set_at(reader->error, node->place, "'ca' is missing in 'clients'");
    tls->client_ca = file_settings_take(&values[CLIENTS_CA]);
    tls->client_crl = file_settings_take(&values[CLIENTS_CRL]);
    return true;
}

static bool read_certificate(struct settings_reader *reader, const struct node *node,
                             struct certificate_settings *certificate)
{
    struct field_value values[CERTIFICATE_FIELDS];
    if (node->kind != NODE_MAPPING)
        return error_set_at(reader->error, node->place,
                            "a certificate wants a mapping with 'certificate' and 'key', "
                            "not %s",
                            node_kind_phrase(node));
    if (!fields_read(certificate_fields, CERTIFICATE_FIELDS, node, node->place, "a certificate", reader->source,
                     reader->arena, values, reader->error))
        return false;
    certificate->certificate = file_settings_take(&values[CERTIFICATE_FILE]);
    certificate->key = file_settings_take(&values[CERTIFICATE_KEY]);
    certificate->ocsp = file_settings_take(&values[CERTIFICATE_OCSP]);
    certificate->fetches_ocsp = values[CERTIFICATE_OCSP_FETCH].boolean;
    return true;
}

static bool read_certificates(struct settings_reader *reader, const struct node *node,
                              struct listener_tls_settings *tls)
{
    if (!value_check_kind(reader, node, "certificates", NODE_SEQUENCE, "a list"))
        return false;
    if (node->count == 0)
        return error_set_at(reader->error, node->place, "'certificates' wants at least one");
    struct certificate_settings *certificates = arena_zalloc(reader->arena, node->count * sizeof(*certificates));
    for (size_t i = 0; i < node->count; ++i) {
        if (!read_certificate(reader, node->items[i], &certificates[i]))
            return false;
    }
    tls->certificates = certificates;
    tls->certificate_count = node->count;
    return true;
}

/* The only certificate there is, written without a list. */
static bool take_certificate(struct settings_reader *reader, const struct node *node, const struct field_value *values,
                             struct listener_tls_settings *tls)
{
    const struct field_value *file = &values[TLS_CERTIFICATE], *key = &values[TLS_KEY];
    if (!file->written && !key->written)
        return error_set_at(reader->error, node->place, "'tls' wants a 'certificate' and its 'key', or 'certificates'");
    if (!file->written || !key->written)
        return error_set_at(reader->error, node->place, "'%s' is missing in 'tls'",
                            file->written ? "key" : "certificate");
    struct certificate_settings *certificate = arena_zalloc(reader->arena, sizeof(*certificate));
    certificate->certificate = file_settings_take(file);
    certificate->key = file_settings_take(key);
    certificate->ocsp = file_settings_take(&values[TLS_OCSP]);
    certificate->fetches_ocsp = values[TLS_OCSP_FETCH].boolean;
    tls->certificates = certificate;
    tls->certificate_count = 1;
    return true;
}

static bool read_all_certificates(struct settings_reader *reader, const struct node *node,
                                  const struct field_value *values, struct listener_tls_settings *tls)
{
    if (!values[TLS_CERTIFICATES].written)
        return take_certificate(reader, node, values, tls);
    for (size_t i = TLS_CERTIFICATE; i <= TLS_OCSP_FETCH; ++i) {
        if (values[i].written)
            return error_set_at(reader->error, values[i].place, "'%s' and 'certificates' exclude each other",
                                tls_fields[i].name);
    }
    return read_certificates(reader, values[TLS_CERTIFICATES].node, tls);
}

bool listener_tls_read(struct settings_reader *reader, const struct node *node, struct listener_settings *listener)
{
    struct field_value values[TLS_FIELDS];
    if (node == NULL)
        return true;
    if (node->kind != NODE_MAPPING)
        return error_set_at(reader->error, node->place, "'tls' wants a mapping with 'certificate' and 'key', not %s",
                            node_kind_phrase(node));
    struct listener_tls_settings *tls = arena_zalloc(reader->arena, sizeof(*tls));
    if (!fields_read(tls_fields, TLS_FIELDS, node, node->place, "'tls'", reader->source, reader->arena, values,
                     reader->error) ||
        !read_all_certificates(reader, node, values, tls) || !read_clients(reader, values[TLS_CLIENTS].node, tls))
        return false;
    tls->is_1_3_only = values[TLS_MIN_VERSION].integer == 1;
    listener->tls = tls;
    return true;
}
