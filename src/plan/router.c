#include "plan/router.h"

#include "base/alloc.h"
#include "plan/router_parts.h"

#include <stdlib.h>

struct router *router_create(const struct rule *rules, size_t count)
{
    struct router *router = mem_zalloc(sizeof(*router));
    arena_init(&router->arena, 0);
    router->rules = rules;
    router->count = count;
    router->all = rule_index_build(rules, count, &router->arena);
    return router;
}

void router_destroy(struct router *router)
{
    if (router == NULL)
        return;
    arena_finish(&router->arena);
    free(router);
}

int router_find(const struct router *router, const struct request_head *head, struct slice listener)
{
    return router_find_from(router, head, listener, 0);
}

int router_find_from(const struct router *router, const struct request_head *head, struct slice listener, int first)
{
    struct lookup lookup;
    lookup_init(&lookup, head, listener);
    int number = rule_index_find(&router->all, router->rules, &lookup, first);
    return number == RULE_GROUP_EMPTY ? ROUTER_NONE : number;
}
