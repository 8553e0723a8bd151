#ifndef FLEXILIB_PLAN_ROUTER_H
#define FLEXILIB_PLAN_ROUTER_H

/* Finds the first rule, in the order of the file, that matches a request. Compiled once, read only afterwards; the cost
 * of a look-up does not grow with the number of rules, as long as they differ in host, path, header value, method or
 * listener. What the index cannot decide is decided by rule_matches, so a look-up is always exact. */

#include "config/settings.h"
#include "filter/exchange.h"

struct router;

/* A rule is one place in the file's order: all of the matches hold (a nested route's own and those around it). */
struct rule {
    const struct match_settings *const *matches; /* count items, the outermost first */
    size_t count;
};

enum {
    ROUTER_NONE = -1,
};

/* Compiles count rules. They and what they point to must outlive the router. */
struct router *router_create(const struct rule *rules, size_t count);

/* NULL is fine. */
void router_destroy(struct router *router);

/* The number of the first rule that matches, or ROUTER_NONE. listener is the name of the listener the request came in
 * by. Hosts compare without case, port, trailing dot and an IPv6 literal's brackets; a request without a host matches
 * only rules without one. A header condition on "host" looks at the authority as sent. */
int router_find(const struct router *router, const struct request_head *head, struct slice listener);

/* Like router_find, among the rules from number `first` on. Not fast: for checks of the rules themselves. */
int router_find_from(const struct router *router, const struct request_head *head, struct slice listener, int first);

/* Says whether one rule matches, by trying its conditions one by one: what router_find is tested against, and what it
 * calls for the candidates it is left with. */
bool rule_matches(const struct rule *rule, const struct request_head *head, struct slice listener);

/* The number of an earlier rule that takes every request this one could match, or ROUTER_NONE where none is sure to. */
int router_find_shadow(const struct router *router, int number);

#endif
