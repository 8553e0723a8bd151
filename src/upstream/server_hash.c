#include "upstream/server_hash.h"

#include "filter/cookie.h"

#include <math.h>

/* One kind of server in front of its host, so that a unix socket's path is never taken for a name. */
static uint64_t identify(const struct server_settings *settings)
{
    struct text words = TEXT_INIT;
    text_print(&words, "%s %u ",
               settings->is_unix  ? "unix"
               : settings->is_tls ? "tls"
                                  : "tcp",
               (unsigned)settings->port);
    for (size_t i = 0; i < settings->host.length; ++i)
        text_add_char(&words, settings->is_unix ? settings->host.data[i] : ascii_lower(settings->host.data[i]));
    uint64_t id = server_hash_bytes(text_slice(&words));
    text_finish(&words);
    return id;
}

static bool is_taken(const struct server_group *group, size_t count, uint64_t id)
{
    for (size_t i = 0; i < count; ++i) {
        if (group->servers[i].id == id)
            return true;
    }
    return false;
}

void server_group_identify(struct server_group *group)
{
    for (size_t i = 0; i < group->count; ++i) {
        uint64_t id = identify(group->servers[i].settings);
        while (is_taken(group, i, id))
            id = server_hash_stir(id + 1);
        group->servers[i].id = id;
    }
}

static struct slice find_header(const struct exchange *exchange, struct slice name)
{
    if (slice_equals_nocase(name, SLICE("Host")))
        return exchange->request.authority;
    const struct header *header = headers_find(&exchange->request.headers, name);
    return header == NULL ? SLICE_NONE : header->value;
}

static struct slice find_key_text(const struct balance_settings *balance, const struct exchange *exchange)
{
    switch (balance->key) {
    case BALANCE_KEY_ADDRESS:
        return slice_starts_with(exchange->peer_address, SLICE("unix:")) ? SLICE_NONE : exchange->peer_address;
    case BALANCE_KEY_PATH:
        return exchange->request.path;
    case BALANCE_KEY_HEADER:
        return find_header(exchange, balance->key_name);
    case BALANCE_KEY_COOKIE:
        return cookie_find(&exchange->request.headers, balance->key_name);
    }
    return SLICE_NONE;
}

bool server_hash_find_key(const struct balance_settings *balance, const struct exchange *exchange, uint64_t *key)
{
    struct slice text = find_key_text(balance, exchange);
    *key = server_hash_bytes(text);
    return text.length != 0;
}

/* The server's part of the line, as long as a random number between 0 and 1 says: the shorter the better. Of servers
 * with exponential lengths, each has the shortest one as often as its weight says. */
static double measure(uint64_t number, uint32_t weight)
{
    return -log(((double)(number >> 11) + 0.5) * 0x1p-53) / weight;
}

struct server *server_hash_choose(struct server_group *group, uint64_t key)
{
    struct server *best = NULL;
    uint64_t best_number = 0;
    double best_length = 0;
    for (size_t i = 0; i < group->count; ++i) {
        struct server *server = &group->servers[i];
        uint64_t number = server_hash_stir(server->id ^ key);
        /* neither a larger number nor a larger weight: its length need not be measured */
        if (server->share == 0 || (best != NULL && number <= best_number && server->share <= best->share))
            continue;
        double length = measure(number, server->share);
        if (best != NULL && length >= best_length)
            continue;
        best = server;
        best_number = number;
        best_length = length;
    }
    return best;
}

static uint64_t fold(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

uint64_t server_hash_bytes(struct slice bytes)
{
    static const uint64_t first = 0xa0761d6478bd642f, second = 0xe7037ed1a0b428db;
    uint64_t hash = first ^ bytes.length;
    while (bytes.length != 0) {
        unsigned char eight[8] = {0};
        size_t length = bytes.length < 8 ? bytes.length : 8;
        memcpy(eight, bytes.data, length);
        uint64_t word = 0;
        for (unsigned i = 0; i < 8; ++i)
            word |= (uint64_t)eight[i] << (8 * i);
        hash = fold(hash ^ word, second) + first;
        bytes = slice_skip(bytes, length);
    }
    return server_hash_stir(hash);
}
