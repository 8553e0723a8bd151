#include "upstream/server_choice.h"

#include "upstream/server_count.h"
#include "upstream/server_hash.h"
#include "upstream/server_health.h"
#include "upstream/server_sticky.h"

/* One request, in the round-robin's accounts. */
static const int64_t one_request = (int64_t)1 << 40;

static bool was_tried(const struct tried_servers *tried, const struct server *server)
{
    for (size_t i = 0; i < tried->count; ++i) {
        if (tried->items[i] == server)
            return true;
    }
    return false;
}

/* Gives every server that can be chosen its share. Returns SERVER_BUSY where only limits stand in the way. */
static enum server_choice gather(struct server_group *group, const struct tried_servers *tried, bool is_backup)
{
    uint64_t now_ms = loop_now_ms(group->servers[0].loop);
    enum server_choice result = SERVER_NONE;
    for (size_t i = 0; i < group->count; ++i) {
        struct server *server = &group->servers[i];
        server->share = 0;
        if (group->has_backups && server->settings->is_backup != is_backup)
            continue;
        if (was_tried(tried, server) || !server_is_usable(server, now_ms))
            continue;
        if (server_is_busy(server)) {
            if (result == SERVER_NONE)
                result = SERVER_BUSY;
            continue;
        }
        server->share = server_weight(server, now_ms);
        result = SERVER_CHOSEN;
    }
    return result;
}

static uint64_t sum_shares(const struct server_group *group)
{
    uint64_t total = 0;
    for (size_t i = 0; i < group->count; ++i)
        total += group->servers[i].share;
    return total;
}

/* The accounts are in parts of a request rather than in weights, so that what a server has earned keeps its worth while
 * others, or the weights themselves, come and go. */
static struct server *choose_in_turn(struct server_group *group)
{
    int64_t total = (int64_t)sum_shares(group), unit = one_request / total;
    struct server *chosen = NULL;
    for (size_t i = 0; i < group->count; ++i) {
        struct server *server = &group->servers[i];
        if (server->share == 0)
            continue;
        server->credit += server->share * unit;
        if (chosen == NULL || server->credit > chosen->credit)
            chosen = server;
    }
    chosen->credit -= total * unit;
    return chosen;
}

/* Whether a has less to do than b, each for its weight. */
static bool is_less_busy(const struct server *a, const struct server *b)
{
    return a->load * b->share < b->load * a->share;
}

static struct server *choose_least_busy(struct server_group *group)
{
    struct server *best = NULL;
    for (size_t i = 0; i < group->count; ++i) {
        struct server *server = &group->servers[i];
        if (server->share == 0)
            continue;
        server->load = server_requests(server);
        if (best == NULL || is_less_busy(server, best))
            best = server;
    }
    for (size_t i = 0; i < group->count; ++i) {
        struct server *server = &group->servers[i];
        if (server->share != 0 && is_less_busy(best, server))
            server->share = 0;
    }
    return choose_in_turn(group);
}

/* SplitMix64: a counter that is stirred. */
static uint64_t draw_number(struct server_group *group, uint64_t below)
{
    group->random += 0x9e3779b97f4a7c15;
    uint64_t number = server_hash_stir(group->random);
    return (uint64_t)(((unsigned __int128)number * below) >> 64);
}

/* Draws one by weight that is not `other`, or NULL where nobody is left. */
static struct server *draw_server(struct server_group *group, const struct server *other)
{
    uint64_t total = sum_shares(group) - (other == NULL ? 0 : other->share);
    if (total == 0)
        return NULL;
    uint64_t number = draw_number(group, total);
    struct server *server = group->servers;
    while (server == other || number >= server->share) {
        if (server != other)
            number -= server->share;
        ++server;
    }
    return server;
}

static struct server *choose_of_two(struct server_group *group)
{
    struct server *first = draw_server(group, NULL), *second = draw_server(group, first);
    if (second == NULL)
        return first;
    first->load = server_requests(first);
    second->load = server_requests(second);
    return is_less_busy(second, first) ? second : first;
}

static struct server *choose_by_kind(struct server_group *group, const struct exchange *exchange)
{
    uint64_t key;
    switch (group->upstream->balance.kind) {
    case BALANCE_LEAST_REQUESTS:
        return choose_least_busy(group);
    case BALANCE_RANDOM_TWO:
        return choose_of_two(group);
    case BALANCE_HASH:
        if (server_hash_find_key(&group->upstream->balance, exchange, &key))
            return server_hash_choose(group, key);
        break;
    case BALANCE_ROUND_ROBIN:
        break;
    }
    return choose_in_turn(group);
}

static enum server_choice choose_sole(struct server *only, const struct tried_servers *tried, struct server **server)
{
    if (was_tried(tried, only) || !server_is_usable(only, loop_now_ms(only->loop)))
        return SERVER_NONE;
    if (server_is_busy(only) || !server_reserve(only))
        return SERVER_BUSY;
    *server = only;
    return SERVER_CHOSEN;
}

/* The server that the client's cookie names serves it even when drained: its session may be there. */
static bool choose_by_cookie(struct server_group *group, const struct exchange *exchange,
                             const struct tried_servers *tried, struct server **server)
{
    struct server *named = server_sticky_find(group, exchange);
    if (named == NULL || was_tried(tried, named) || !server_is_healthy(named, loop_now_ms(named->loop)) ||
        server_is_busy(named) || !server_reserve(named))
        return false;
    *server = named;
    return true;
}

static enum server_choice choose_balanced(struct server_group *group, const struct exchange *exchange,
                                          const struct tried_servers *tried, struct server **server)
{
    enum server_choice choice = gather(group, tried, false);
    if (choice == SERVER_NONE && group->has_backups)
        choice = gather(group, tried, true);
    if (choice != SERVER_CHOSEN)
        return choice;
    *server = choose_by_kind(group, exchange);
    return server_reserve(*server) ? SERVER_CHOSEN : SERVER_BUSY;
}

enum server_choice server_group_choose(struct server_group *group, const struct exchange *exchange,
                                       const struct tried_servers *tried, struct server **server)
{
    enum {
        MOST_RACES = 4, /* lost to other workers for the last place of a server, until all are taken to be busy */
    };
    server_group_unreserve(group);
    server_group_look(group);
    *server = NULL;
    if (group->upstream->sticky.cookie.length != 0 && choose_by_cookie(group, exchange, tried, server))
        return SERVER_CHOSEN;
    if (group->count == 1)
        return choose_sole(&group->servers[0], tried, server);
    enum server_choice choice = SERVER_BUSY;
    for (int i = 0; i < MOST_RACES && choice == SERVER_BUSY; ++i)
        choice = choose_balanced(group, exchange, tried, server);
    if (choice != SERVER_CHOSEN)
        *server = NULL;
    return choice;
}

void server_group_stagger(struct server_group *group, uint32_t row)
{
    for (size_t i = 0; i < group->count; ++i)
        group->servers[i].share = group->servers[i].settings->is_backup ? 0 : server_weight(&group->servers[i], 0);
    if (sum_shares(group) == 0)
        return;
    for (uint64_t i = row % group->count; i != 0; --i)
        choose_in_turn(group);
}
