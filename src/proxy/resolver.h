#ifndef FLEXILIB_PROXY_RESOLVER_H
#define FLEXILIB_PROXY_RESOLVER_H

/* Turns a host name into addresses without blocking the loop: getaddrinfo on libh2o's threads, so that /etc/hosts and
 * nsswitch.conf hold. Numeric addresses are answered by resolver_parse alone. Answers are kept for ten seconds and
 * failures for one, 64 names at most; questions about one name at a time share a lookup. */

#include "base/slice.h"
#include "proxy/loop.h"

#include <sys/socket.h>

struct resolver;
struct resolver_query;

struct resolver_address {
    struct sockaddr_storage storage;
    socklen_t length;
};

enum {
    RESOLVER_ADDRESSES = 8, /* the most that one answer holds */
};

struct resolver *resolver_create(struct loop *loop);

/* Forgets all queries. What lookups under way hold is freed when they end, or left to the process's end where the loop
 * does not run on. NULL is fine. */
void resolver_destroy(struct resolver *resolver);

/* Fills address from a numeric IPv4 or IPv6 host; false where it is a name. */
bool resolver_parse(struct slice host, uint16_t port, struct resolver_address *address);

/* Asks for a name's addresses, which come in the order of preference, without doubles; on_resolved comes later, never
 * from within, with count 0 and a phrase on failure ("Name or service not known"). The addresses are the resolver's
 * until on_resolved returns. */
struct resolver_query *resolver_start(struct resolver *resolver, struct slice host, uint16_t port,
                                      void (*on_resolved)(void *data, const struct resolver_address *addresses,
                                                          size_t count, const char *failure),
                                      void *data);

/* Forgets a query: on_resolved will not come. Only before it has. */
void resolver_cancel(struct resolver_query *query);

#endif
