#include "listen/tls_certificate.h"

#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

static enum tls_kind kind_of(const EVP_PKEY *key)
{
    switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_RSA:
        return TLS_KIND_RSA;
    case EVP_PKEY_EC:
        return TLS_KIND_EC;
    default:
        return TLS_KIND_OTHER;
    }
}

struct slice tls_name_normalize(struct slice name, char room[TLS_NAME_BYTES])
{
    if (name.length > 1 && name.data[name.length - 1] == '.')
        --name.length;
    if (name.length >= TLS_NAME_BYTES)
        return SLICE_NONE;
    for (size_t i = 0; i < name.length; ++i) {
        unsigned char c = (unsigned char)name.data[i];
        if (c <= ' ' || c >= 0x7f)
            return SLICE_NONE;
        room[i] = ascii_lower(name.data[i]);
    }
    return slice_of(room, name.length);
}

struct slice tls_name_wildcard(struct slice name, char room[TLS_NAME_BYTES])
{
    size_t dot = slice_find(name, '.');
    if (dot == 0 || dot + 1 >= name.length)
        return SLICE_NONE;
    size_t length = name.length - dot;
    room[0] = '*';
    memcpy(room + 1, name.data + dot, length);
    return slice_of(room, length + 1);
}

struct name_list {
    struct arena *arena;
    struct slice *items;
    size_t count, capacity;
};

/* A "*" is of use as the whole first label only. */
static void add_name(struct name_list *list, const ASN1_STRING *text)
{
    char room[TLS_NAME_BYTES];
    struct slice name = slice_of((const char *)ASN1_STRING_get0_data(text), (size_t)ASN1_STRING_length(text));
    name = tls_name_normalize(name, room);
    struct slice rest = slice_starts_with(name, SLICE("*.")) ? slice_skip(name, 2) : name;
    if (rest.length == 0 || slice_find(rest, '*') != rest.length)
        return;
    list->items = arena_grow(list->arena, list->items, list->count, &list->capacity, sizeof(*list->items));
    list->items[list->count++] = arena_copy(list->arena, name);
}

/* Clients look at the common name only where there are no others. */
static void collect_names(struct name_list *list, const X509 *leaf)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
    for (int i = 0; i < sk_GENERAL_NAME_num(names); ++i) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (name->type == GEN_DNS)
            add_name(list, name->d.dNSName);
    }
    X509_NAME *subject = X509_get_subject_name(leaf);
    int position = names == NULL ? X509_NAME_get_index_by_NID(subject, NID_commonName, -1) : -1;
    if (position >= 0)
        add_name(list, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, position)));
    GENERAL_NAMES_free(names);
}

bool tls_certificate_init(struct tls_certificate *certificate, const struct certificate_settings *settings,
                          struct arena *arena, struct error *error)
{
    *certificate = (struct tls_certificate){.settings = settings};
    if (!tls_pem_read_pair(&certificate->pair, &settings->certificate, &settings->key, error))
        return false;
    struct name_list list = {.arena = arena};
    collect_names(&list, certificate->pair.leaf);
    certificate->names = list.items;
    certificate->name_count = list.count;
    certificate->kind = kind_of(certificate->pair.key);
    if (X509_digest(certificate->pair.leaf, EVP_sha256(), certificate->fingerprint, NULL) != 1)
        abort();
    certificate->staple = arena_zalloc(arena, sizeof(*certificate->staple));
    if (!tls_staple_init(certificate->staple, &settings->ocsp, certificate->pair.leaf, error))
        return false;
    if (settings->fetches_ocsp)
        certificate->ocsp = tls_ocsp_create(&certificate->pair, certificate->staple);
    return true;
}

void tls_certificate_finish(struct tls_certificate *certificate)
{
    tls_ocsp_destroy(certificate->ocsp);
    if (certificate->staple != NULL)
        tls_staple_finish(certificate->staple);
    tls_pem_free_pair(&certificate->pair);
}

bool tls_certificate_covers(const struct tls_certificate *certificate, struct slice name)
{
    char room[TLS_NAME_BYTES];
    struct slice wildcard = tls_name_wildcard(name, room);
    for (size_t i = 0; i < certificate->name_count; ++i) {
        if (slice_equals(certificate->names[i], name) || slice_equals(certificate->names[i], wildcard))
            return true;
    }
    return false;
}
