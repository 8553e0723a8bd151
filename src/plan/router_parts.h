#ifndef FLEXILIB_PLAN_ROUTER_PARTS_H
#define FLEXILIB_PLAN_ROUTER_PARTS_H

/* What a router is made of, for router*.c alone. */

#include "plan/router.h"
#include "plan/rule_index.h"

struct router {
    struct arena arena;
    const struct rule *rules;
    size_t count;
    struct rule_group all;
};

#endif
