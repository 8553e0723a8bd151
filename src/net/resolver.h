#ifndef FLEXILIB_NET_RESOLVER_H
#define FLEXILIB_NET_RESOLVER_H

/* Turns a host name into addresses without blocking the loop, and keeps what it learnt (dns.h asks). Numeric addresses
 * are answered by resolver_parse alone, `localhost` and what ends in `.localhost` without asking anybody.
 *
 * An answer is good for its TTL, within bounds; one that is in use is asked for anew before that is over, and serves
 * meanwhile. Where nobody can be asked, the last answer serves for an hour more, and the log says so. Failures are kept
 * for a second. Questions about one name at a time share a lookup. */

#include "base/slice.h"
#include "net/loop.h"

#include <sys/socket.h>

struct resolver;
struct resolver_query;
struct resolver_settings;

struct resolver_address {
    struct sockaddr_storage storage;
    socklen_t length;
};

enum {
    RESOLVER_ADDRESSES = 8, /* the most that one answer holds */
};

/* The settings need not outlive the call. */
struct resolver *resolver_create(struct loop *loop, const struct resolver_settings *settings);

/* Forgets all queries. NULL is fine. */
void resolver_destroy(struct resolver *resolver);

/* Fills address from a numeric IPv4 or IPv6 host; false where it is a name. */
bool resolver_parse(struct slice host, uint16_t port, struct resolver_address *address);

/* Whether both are one address, whatever the ports. */
bool resolver_address_equals(const struct resolver_address *a, const struct resolver_address *b);

/* Looks a name up before anybody asks for it, so that the log tells early where it has no address. */
void resolver_prepare(struct resolver *resolver, struct slice host);

/* Asks for a name's addresses, which come without doubles, beginning with another one each time, and with those last
 * that resolver_avoid was told of lately; on_resolved comes later, never from within, with count 0 and a phrase on
 * failure ("no such name"). The addresses are the resolver's until on_resolved returns. */
struct resolver_query *resolver_start(struct resolver *resolver, struct slice host, uint16_t port,
                                      void (*on_resolved)(void *data, const struct resolver_address *addresses,
                                                          size_t count, const char *failure),
                                      void *data);

/* Forgets a query: on_resolved will not come. Only before it has. */
void resolver_cancel(struct resolver_query *query);

/* Notes that one of a name's addresses could not be connected to. */
void resolver_avoid(struct resolver *resolver, struct slice host, const struct resolver_address *address);

#endif
