#include "config/address.h"
#include "config/server_url.h"
#include "config/settings_reader.h"
#include "config/wording.h"

#include <errno.h>

static const char usual_ca_path[] = "/etc/ssl/certs/ca-certificates.crt";

enum {
    TLS_CA = 0,
    TLS_CERTIFICATE,
    TLS_KEY,
    TLS_SERVER_NAME,
    TLS_INSECURE,
    TLS_FIELDS,
};

static const struct field tls_fields[TLS_FIELDS] = {
    [TLS_CA] = {.name = "ca", .type = FIELD_FILE, .summary = "the authorities that are trusted, in PEM"},
    [TLS_CERTIFICATE] = {.name = "certificate", .type = FIELD_FILE, .summary = "shown to the servers, in PEM"},
    [TLS_KEY] = {.name = "key", .type = FIELD_FILE, .summary = "the certificate's private key, in PEM"},
    [TLS_SERVER_NAME] = {.name = "server_name",
                         .type = FIELD_TEXT,
                         .summary = "whom the servers' certificates are for, where that is not the URL's host"},
    [TLS_INSECURE] = {.name = "insecure",
                      .type = FIELD_BOOL,
                      .fallback = "no",
                      .summary = "whether any certificate will do"},
};

/* What is trusted where nothing else is said joins the snapshot like any other file. */
static bool read_usual_ca(struct settings_reader *reader, struct upstream_tls_settings *tls)
{
    tls->ca = (struct file_settings){.path = usual_ca_path, .place = tls->place};
    if (source_read(reader->source, usual_ca_path, &tls->ca.content))
        return true;
    int number = errno;
    source_want(reader->source, WATCH_FILE, usual_ca_path);
    return error_set_at(reader->error, tls->place,
                        "cannot read the trusted authorities in '%s': %s (install ca-certificates, or write 'ca')",
                        usual_ca_path, source_refusal(number));
}

static bool check_fields(struct settings_reader *reader, const struct field_value *values)
{
    const struct field_value *certificate = &values[TLS_CERTIFICATE], *key = &values[TLS_KEY];
    if (certificate->written != key->written)
        return error_set_at(reader->error, certificate->written ? certificate->place : key->place,
                            "'%s' wants a '%s' beside it", certificate->written ? "certificate" : "key",
                            certificate->written ? "key" : "certificate");
    if (values[TLS_INSECURE].boolean && values[TLS_CA].written)
        return error_set_at(reader->error, values[TLS_CA].place, "'ca' and 'insecure' exclude each other");
    struct slice name = values[TLS_SERVER_NAME].text, address;
    return !values[TLS_SERVER_NAME].written || server_url_is_host(name) ||
           address_normalize(name, reader->arena, &address) ||
           error_set_at(reader->error, values[TLS_SERVER_NAME].place,
                        "the server name '%s' is neither a host's name nor a numeric address",
                        wording_quote(reader->arena, name));
}

bool upstream_tls_read(struct settings_reader *reader, const struct node *node, struct upstream_settings *upstream)
{
    const struct server_settings *first = NULL;
    for (size_t i = 0; i < upstream->server_count && first == NULL; ++i) {
        if (upstream->servers[i].is_tls)
            first = &upstream->servers[i];
    }
    if (node != NULL && node->kind != NODE_MAPPING)
        return error_set_at(reader->error, node->place, "'tls' wants a mapping, not %s", node_kind_phrase(node));
    if (first == NULL)
        return node == NULL || error_set_at(reader->error, node->place,
                                            "'tls' is for servers by https://, of which this upstream has none");
    struct field_value values[TLS_FIELDS];
    struct upstream_tls_settings *tls = arena_zalloc(reader->arena, sizeof(*tls));
    tls->place = node != NULL ? node->place : first->place;
    if (!fields_read(tls_fields, TLS_FIELDS, node, tls->place, "'tls'", reader->source, reader->arena, values,
                     reader->error) ||
        !check_fields(reader, values))
        return false;
    tls->ca = file_settings_take(&values[TLS_CA]);
    tls->certificate = file_settings_take(&values[TLS_CERTIFICATE]);
    tls->key = file_settings_take(&values[TLS_KEY]);
    tls->server_name = values[TLS_SERVER_NAME].text;
    tls->is_insecure = values[TLS_INSECURE].boolean;
    tls->has_own_ca = values[TLS_CA].written;
    upstream->tls = tls;
    return tls->has_own_ca || tls->is_insecure || read_usual_ca(reader, tls);
}
