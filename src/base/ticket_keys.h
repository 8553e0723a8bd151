#ifndef FLEXILIB_BASE_TICKET_KEYS_H
#define FLEXILIB_BASE_TICKET_KEYS_H

/* The keys by which workers protect TLS sessions that clients keep for them (tickets), in memory that the supervisor
 * writes and all workers of all generations read: a session that one has begun can be taken up again by any. */

#include <stdbool.h>
#include <stdint.h>

enum {
    TICKET_KEYS_MAGIC = 0x464c544b,
    TICKET_KEYS_VERSION = 1,
    TICKET_KEYS_COUNT = 3,
};

struct ticket_key {
    unsigned char name[16]; /* stands in the ticket */
    unsigned char cipher[32];
    unsigned char mac[32];
};

struct ticket_keys {
    uint32_t magic, version, size;
    uint32_t sequence;                          /* odd while the keys change */
    struct ticket_key items[TICKET_KEYS_COUNT]; /* the first is for new tickets; those behind it are older */
};

/* Puts a new key in front; the oldest is gone. For the supervisor. */
void ticket_keys_rotate(struct ticket_keys *keys, const struct ticket_key *fresh);

/* Copies the keys as they stand between two changes. Returns false where they change just now, and for too long. The
 * caller cleans the copy. */
bool ticket_keys_copy(const struct ticket_keys *keys, struct ticket_key copy[TICKET_KEYS_COUNT]);

#endif
