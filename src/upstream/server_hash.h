#ifndef FLEXILIB_UPSTREAM_SERVER_HASH_H
#define FLEXILIB_UPSTREAM_SERVER_HASH_H

/* Consistent hashing: requests with the same key meet the same server, in every worker and generation and on every
 * machine with the same upstream, whatever the order of its servers in the file.
 *
 * It is weighted rendezvous hashing: key and server together give a number, from which with the server's weight its
 * score comes, and the best score wins. So when a server is missing exactly its own keys move, spread over the others
 * by weight; when one is added or becomes heavier, exactly the keys move that it gets. A ring of points or a table for
 * lookups keeps these promises only roughly, spreads less evenly, and takes memory and time to build for each worker
 * and reload; against that, two nanoseconds for each server of the upstream are cheap.
 *
 * The hash has no secret: one of each worker's own would send the same key to different servers. Whoever can choose
 * keys can thus aim at one server, as anybody can by repeating one key. */

#include "upstream/server.h"

/* Gives every server its id, which says scheme, host and port; the same URL written twice gets two. */
void server_group_identify(struct server_group *group);

/* Finds the key of a request. Returns false where it has none: no such header or cookie or an empty one, or a client
 * without an address. Such requests are alike in nothing, and take turns. */
bool server_hash_find_key(const struct balance_settings *balance, const struct exchange *exchange, uint64_t *key);

/* Chooses among the servers that have a share; there is one at least. */
struct server *server_hash_choose(struct server_group *group, uint64_t key);

/* A 64-bit hash of bytes whose every bit depends on all of them. */
uint64_t server_hash_bytes(struct slice bytes);

/* Stirs a number so that all its bits look random; different numbers stay different. */
static inline uint64_t server_hash_stir(uint64_t number)
{
    number = (number ^ number >> 32) * 0xd6e8feb86659fd93;
    number = (number ^ number >> 32) * 0xd6e8feb86659fd93;
    return number ^ number >> 32;
}

#endif
