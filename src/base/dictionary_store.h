#ifndef FLEXILIB_BASE_DICTIONARY_STORE_H
#define FLEXILIB_BASE_DICTIONARY_STORE_H

/* The dictionary that all workers and generations share: a region of shared memory in which names, keys and values
 * stand, as many as fit; where it is full, what was not used for the longest time is forgotten (within an eighth of the
 * room). It is divided into shards by a secret hash of the keys, each with its lock, its room and its order of use, so
 * that workers hardly ever wait for each other.
 *
 * The supervisor makes the region, touches nothing but its heads, and breaks the locks of workers that died; what such
 * a one was changing is forgotten, at worst a shard. Each worker has a store, a view of the region. Whatever stands in
 * the region does no more harm than a wrong answer. All calls on a store: any thread. */

#include "base/dictionary_shard.h"

enum {
    DICTIONARY_MAGIC = 0x464c5844, /* "FLXD" */
    DICTIONARY_VERSION = 1,
    DICTIONARY_SHARDS = 64, /* at most; of small regions fewer */
    DICTIONARY_LEAST_BYTES = 1024 * 1024,
    DICTIONARY_DEFAULT_BYTES = 16 * 1024 * 1024,
};

static const uint64_t dictionary_most_bytes = UINT64_C(64) * 1024 * 1024 * 1024;

/* The beginning of the region; all that stands behind it begins as zeros. */
struct dictionary_region_head {
    uint32_t magic, version;
    uint64_t size;
    uint64_t secret[2];
    uint64_t spare[12];
    struct dictionary_head shards[DICTIONARY_SHARDS];
};

struct dictionary_store;

/* For the supervisor. bytes is the region's size, from DICTIONARY_LEAST_BYTES to dictionary_most_bytes. */
void dictionary_region_head_init(struct dictionary_region_head *head, uint64_t bytes, const uint64_t secret[2]);
void dictionary_region_head_bury(struct dictionary_region_head *head, uint32_t worker);

/* A view of the region for the worker with that number, which no other process has. The memory must outlive it. NULL
 * where it is none of this version. */
struct dictionary_store *dictionary_store_create(void *memory, uint64_t bytes, uint32_t worker);

/* A store of the process's own, where there is none to share. */
struct dictionary_store *dictionary_store_create_private(void);

void dictionary_store_destroy(struct dictionary_store *store);

/* The number that stands for a dictionary's name. */
uint64_t dictionary_store_name(const struct dictionary_store *store, struct slice name);

/* What these do is told in flexilib/ext/dictionary.h. The query's hash is the store's concern. */
bool dictionary_store_get(struct dictionary_store *store, struct dictionary_query query, void *buffer, size_t capacity,
                          size_t *length);
bool dictionary_store_set(struct dictionary_store *store, struct dictionary_query query, struct slice value,
                          uint64_t ttl_ms);
bool dictionary_store_add(struct dictionary_store *store, struct dictionary_query query, struct slice value,
                          uint64_t ttl_ms);
bool dictionary_store_replace(struct dictionary_store *store, struct dictionary_query query, struct slice was,
                              struct slice value, uint64_t ttl_ms);
bool dictionary_store_increment(struct dictionary_store *store, struct dictionary_query query, int64_t change,
                                uint64_t ttl_ms, int64_t *sum);
bool dictionary_store_remove(struct dictionary_store *store, struct dictionary_query query);

#endif
