#ifndef FLEXILIB_NET_DNS_H
#define FLEXILIB_NET_DNS_H

/* Looks names up by c-ares on the worker's loop: /etc/hosts first, then the name servers, IPv4 and IPv6, over TCP where
 * an answer is too long for UDP. This is the seam behind which c-ares stands. It keeps nothing: resolver.h does. */

#include "config/settings.h"
#include "net/loop.h"
#include "net/resolver.h"

struct dns;

struct dns_answer {
    struct resolver_address addresses[RESOLVER_ADDRESSES]; /* in the order of preference, without doubles, port 0 */
    size_t count;
    int64_t ttl_s;       /* the least of all records; 0 from /etc/hosts */
    const char *failure; /* a phrase that lives as long as the program, where count is 0 */
    bool is_final;       /* the name does not exist, rather than that nobody could be asked */
};

/* The servers are those of the settings, or /etc/resolv.conf's as of now. */
struct dns *dns_create(struct loop *loop, const struct resolver_settings *settings);

/* Forgets all lookups: on_answer does not come any more. NULL is fine. */
void dns_destroy(struct dns *dns);

/* on_answer comes once, perhaps from within. The answer is the caller's until it returns. No lookup may be started or
 * forgotten from within it. */
void dns_lookup(struct dns *dns, const char *name, void (*on_answer)(void *data, const struct dns_answer *answer),
                void *data);

#endif
