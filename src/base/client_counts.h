#ifndef FLEXILIB_BASE_CLIENT_COUNTS_H
#define FLEXILIB_BASE_CLIENT_COUNTS_H

/* How many connections of clients all workers have: together, by listener and by the client's address. It stands in
 * shared memory; each worker writes its own row only, so that the counts of one that died go with its row, and sums are
 * taken when they are needed. Whoever reads believes nothing: a wrong count does no more harm than a wrong answer. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    CLIENT_COUNTS_MAGIC = 0x464c5843, /* "FLXC" */
    CLIENT_COUNTS_VERSION = 2,
    CLIENT_COUNT_ROWS = 256,
    CLIENT_COUNT_LISTENERS = 256,
    CLIENT_COUNT_BUCKETS = 4096,
    CLIENT_COUNT_WAYS = 16,
};

/* Of one worker. */
struct client_row {
    uint64_t connections;
    uint64_t full_ms;  /* when a connection had to wait last */
    uint64_t full_key; /* of the listener whose limit it was; 0: the limit of all */
    struct {
        uint64_t key; /* 0: none */
        uint64_t count;
    } listeners[CLIENT_COUNT_LISTENERS];
    /* An address has its place in one bucket: the upper part of its key, with a count in the lower one. */
    uint64_t addresses[CLIENT_COUNT_BUCKETS][CLIENT_COUNT_WAYS];
};

struct client_counts {
    uint32_t magic, version, size;
    uint32_t rows_used; /* those behind them are empty */
    uint64_t seed[2];   /* so that nobody can choose addresses that get into each other's way */
    struct client_row rows[CLIENT_COUNT_ROWS];
};

/* The key of an address: of 4 bytes, or of 16, of which the network of 64 bits counts. */
uint64_t client_counts_key(const struct client_counts *counts, const unsigned char *address, unsigned address_bytes);

/* Counts one more, or one less, connection to the listener with this index and key, which is not 0. */
void client_counts_add(struct client_row *row, size_t listener, uint64_t listener_key, int change);

/* Counts one more connection from the address. Returns false where there is no room for one more address. */
bool client_counts_enter(struct client_row *row, uint64_t address_key);
void client_counts_leave(struct client_row *row, uint64_t address_key);

/* As client_counts_enter, where all workers together have fewer than `most` from the address. Of workers that want the
 * last place at the same time, one gets it. */
enum client_entry {
    CLIENT_ENTERED = 0,
    CLIENT_UNCOUNTED, /* no room for one more address */
    CLIENT_TOO_MANY,
};
enum client_entry client_counts_try_enter(const struct client_counts *counts, struct client_row *row,
                                          uint64_t address_key, uint64_t most);

/* Notes that a limit makes a connection wait, which workers who accept no more, but have idle ones, get to know. */
void client_counts_note_full(struct client_row *row, uint64_t listener_key, uint64_t now_ms);

/* Whether one waits, because of that limit: it has been noted in the last so many milliseconds. */
bool client_counts_is_full(const struct client_counts *counts, uint64_t listener_key, uint64_t now_ms,
                           uint64_t last_ms);

/* What all workers have. */
uint64_t client_counts_total(const struct client_counts *counts);
uint64_t client_counts_of_listener(const struct client_counts *counts, uint64_t listener_key);
uint64_t client_counts_of_address(const struct client_counts *counts, uint64_t address_key);

#endif
