#ifndef FLEXILIB_PROCESS_SERVER_TABLE_H
#define FLEXILIB_PROCESS_SERVER_TABLE_H

/* Which number in the shared region stands for which server of which upstream. The supervisor keeps it to itself. A
 * server keeps its number, and so its state, as long as a generation has it; a number is wiped before it stands for
 * another server. */

#include "base/slice.h"
#include "process/server_region.h"

struct server_entry {
    struct slice upstream, url; /* url as the configuration writes it */
    unsigned users;             /* generations */
    bool is_drained;            /* by hand; what stands in the region is a copy */
    int next;                   /* number of the next one in the same bucket, -1 for none */
};

enum {
    SERVER_TABLE_BUCKETS = 1024,
};

struct server_table {
    struct server_region region;
    struct server_entry **entries; /* NULL where a number is free */
    size_t count, capacity;        /* of entries */
    size_t first_free;             /* no number below it is */
    int *buckets;                  /* NULL before the first entry */
};

/* Makes the region. Returns false with errno set. */
bool server_table_open(struct server_table *table) __attribute__((warn_unused_result));
/* An entry as a supervisor before us had it, in a region that is open. Returns false where the number is none, is
 * taken, or the names are not fit. It is kept only if generations use it. */
bool server_table_restore(struct server_table *table, int number, struct slice upstream, struct slice url,
                          bool is_drained) __attribute__((warn_unused_result));
void server_table_close(struct server_table *table);

/* The number of a server, -1 where it has none. */
int server_table_find(const struct server_table *table, struct slice upstream, struct slice url);

/* The same, giving it one where it has none: -1 where none is left, or where a name is not fit to print. The number has
 * no user yet. */
int server_table_take(struct server_table *table, struct slice upstream, struct slice url);

/* One generation more, or less, has the server. Without any its number is free. */
void server_table_use(struct server_table *table, int number);
void server_table_keep(struct server_table *table, int number); /* uses it, as it does already */
void server_table_release(struct server_table *table, int number);

/* Drains by hand or ends that. */
void server_table_drain(struct server_table *table, int number, bool is_drained);

/* A worker with this slot is about to start, or has died. */
void server_table_worker_starts(struct server_table *table, int slot);
void server_table_worker_died(struct server_table *table, int slot);

#endif
