#include "proxy/server.h"

static bool was_tried(const struct tried_servers *tried, const struct server *server)
{
    for (size_t i = 0; i < tried->count; ++i) {
        if (tried->items[i] == server)
            return true;
    }
    return false;
}

/* Every server earns its weight, the richest is chosen and pays for all: the choices of one server are spread evenly.
 */
static struct server *choose_in_turn(struct server_group *group, const struct tried_servers *tried)
{
    struct server *chosen = NULL;
    int64_t total = 0;
    for (size_t i = 0; i < group->count; ++i) {
        struct server *server = &group->servers[i];
        if (was_tried(tried, server))
            continue;
        server->credit += server->settings->weight;
        total += server->settings->weight;
        if (chosen == NULL || server->credit > chosen->credit)
            chosen = server;
    }
    if (chosen != NULL)
        chosen->credit -= total;
    return chosen;
}

enum server_choice server_group_choose(struct server_group *group, const struct exchange *exchange,
                                       const struct tried_servers *tried, struct server **server)
{
    *server = choose_in_turn(group, tried);
    return *server == NULL ? SERVER_NONE : SERVER_CHOSEN;
}
