#include "config/upstream_number.h"

#include "base/sip_hash.h"

static uint64_t mix(uint64_t number, struct slice text)
{
    return sip_hash((const uint64_t[]){number, text.length}, text);
}

static uint64_t mix_server(uint64_t number, const struct server_settings *server)
{
    const char kind[] = {(char)(server->port >> 8), (char)server->port, server->is_unix, server->is_tls};
    return mix(mix(number, server->host), slice_of(kind, sizeof(kind)));
}

static uint64_t mix_tls(uint64_t number, const struct upstream_tls_settings *tls)
{
    const char kind[] = {tls->has_own_ca, tls->is_insecure};
    number = mix(mix(number, slice_of(kind, sizeof(kind))), tls->server_name);
    return mix(mix(number, tls->ca.content), tls->certificate.content);
}

int64_t upstream_number(const struct upstream_settings *upstream)
{
    uint64_t number = mix(0, upstream->name);
    for (size_t i = 0; i < upstream->server_count; ++i)
        number = mix_server(number, &upstream->servers[i]);
    if (upstream->tls != NULL)
        number = mix_tls(number, upstream->tls);
    return (int64_t)(number >> 1);
}
