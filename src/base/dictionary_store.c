#include "base/dictionary_store.h"

#include "base/alloc.h"
#include "base/log.h"
#include "base/sip_hash.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>

enum {
    PAGE_BYTES = 4096,
    SHARD_LEAST_BYTES = 256 * 1024,
};

/* Where everything stands follows from the region's size, which is sealed, and from nothing that stands in it. */
struct geometry {
    uint32_t shard_count; /* a power of two */
    uint64_t shard_bytes;
    uint32_t bucket_count, block_count; /* of a shard */
};

struct dictionary_store {
    struct dictionary_region_head *head;
    struct geometry geometry;
    uint64_t secret[2];
    uint32_t worker;
    uint32_t is_loss_told;
    void *own_memory; /* of a private one */
};

static const uint64_t head_bytes =
    (sizeof(struct dictionary_region_head) + PAGE_BYTES - 1) / PAGE_BYTES * (uint64_t)PAGE_BYTES;

static struct geometry plan_geometry(uint64_t bytes)
{
    struct geometry geometry = {.shard_count = DICTIONARY_SHARDS, .bucket_count = 1};
    while (geometry.shard_count > 1 && bytes / geometry.shard_count < SHARD_LEAST_BYTES)
        geometry.shard_count /= 2;
    geometry.shard_bytes = (bytes - head_bytes) / geometry.shard_count / PAGE_BYTES * PAGE_BYTES;
    while (geometry.bucket_count * 2 <= geometry.shard_bytes / DICTIONARY_BLOCK_BYTES)
        geometry.bucket_count *= 2;
    uint64_t bucket_bytes = geometry.bucket_count * sizeof(uint32_t);
    bucket_bytes += (DICTIONARY_BLOCK_BYTES - bucket_bytes % DICTIONARY_BLOCK_BYTES) % DICTIONARY_BLOCK_BYTES;
    geometry.block_count = (uint32_t)((geometry.shard_bytes - bucket_bytes) / DICTIONARY_BLOCK_BYTES);
    return geometry;
}

void dictionary_region_head_init(struct dictionary_region_head *head, uint64_t bytes, const uint64_t secret[2])
{
    head->magic = DICTIONARY_MAGIC;
    head->version = DICTIONARY_VERSION;
    head->size = bytes;
    head->secret[0] = secret[0];
    head->secret[1] = secret[1];
}

void dictionary_region_head_bury(struct dictionary_region_head *head, uint32_t worker)
{
    for (int i = 0; i < DICTIONARY_SHARDS; ++i)
        shared_lock_bury(&head->shards[i].lock, worker);
}

struct dictionary_store *dictionary_store_create(void *memory, uint64_t bytes, uint32_t worker)
{
    struct dictionary_region_head *head = memory;
    if (bytes < DICTIONARY_LEAST_BYTES || bytes > dictionary_most_bytes || head->magic != DICTIONARY_MAGIC ||
        head->version != DICTIONARY_VERSION || head->size != bytes)
        return NULL;
    struct dictionary_store *store = mem_alloc(sizeof(*store));
    *store = (struct dictionary_store){
        .head = head,
        .geometry = plan_geometry(bytes),
        .secret = {head->secret[0], head->secret[1]},
        .worker = worker,
    };
    return store;
}

struct dictionary_store *dictionary_store_create_private(void)
{
    uint64_t secret[2] = {0};
    void *memory = mmap(NULL, DICTIONARY_DEFAULT_BYTES, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED || getrandom(secret, sizeof(secret), 0) != sizeof(secret)) {
        log_line(LOG_LEVEL_ALERT, "there is no memory for a dictionary");
        abort();
    }
    dictionary_region_head_init(memory, DICTIONARY_DEFAULT_BYTES, secret);
    struct dictionary_store *store = dictionary_store_create(memory, DICTIONARY_DEFAULT_BYTES, 0);
    store->own_memory = memory;
    return store;
}

void dictionary_store_destroy(struct dictionary_store *store)
{
    if (store == NULL)
        return;
    if (store->own_memory != NULL)
        munmap(store->own_memory, DICTIONARY_DEFAULT_BYTES);
    free(store);
}

uint64_t dictionary_store_name(const struct dictionary_store *store, struct slice name)
{
    return sip_hash(store->secret, name);
}

static void tell_loss(struct dictionary_store *store)
{
    if (__atomic_exchange_n(&store->is_loss_told, 1, __ATOMIC_RELAXED) != 0)
        return;
    log_line(LOG_LEVEL_WARNING,
             "a part of the shared dictionary was left half changed, as a worker does that dies: what stood there is "
             "forgotten (this is told once)");
}

static struct dictionary_shard find_shard(struct dictionary_store *store, uint64_t hash)
{
    const struct geometry *geometry = &store->geometry;
    uint32_t number = (uint32_t)(hash >> 32) & (geometry->shard_count - 1);
    unsigned char *memory = (unsigned char *)store->head + head_bytes + number * geometry->shard_bytes;
    return (struct dictionary_shard){
        .head = &store->head->shards[number],
        .buckets = (uint32_t *)(void *)(memory + (uint64_t)geometry->block_count * DICTIONARY_BLOCK_BYTES),
        .blocks = (union dictionary_block *)(void *)memory,
        .bucket_count = geometry->bucket_count,
        .block_count = geometry->block_count,
    };
}

/* Locks the shard that the key belongs to; false, and nothing is locked, where there can be no such key. */
static bool enter(struct dictionary_store *store, struct dictionary_query *query, struct dictionary_shard *shard)
{
    if (query->key.length > DICTIONARY_MOST_KEY_BYTES)
        return false;
    const uint64_t secret[2] = {store->secret[0] ^ query->name, store->secret[1]};
    query->hash = sip_hash(secret, query->key);
    *shard = find_shard(store, query->hash);
    bool is_whole = shared_lock_take(&shard->head->lock, store->worker);
    if (!is_whole && !dictionary_shard_recover(shard))
        tell_loss(store);
    return true;
}

static void leave(struct dictionary_store *store, struct dictionary_shard *shard)
{
    bool is_corrupt = shard->is_corrupt;
    if (is_corrupt)
        dictionary_shard_clear(shard);
    shared_lock_release(&shard->head->lock, store->worker);
    if (is_corrupt)
        tell_loss(store);
}

static uint64_t expiry(const struct dictionary_query *query, uint64_t ttl_ms)
{
    if (ttl_ms == 0 || ttl_ms >= UINT64_MAX - query->now_ms)
        return 0;
    return query->now_ms + ttl_ms;
}

bool dictionary_store_get(struct dictionary_store *store, struct dictionary_query query, void *buffer, size_t capacity,
                          size_t *length)
{
    struct dictionary_shard shard;
    if (!enter(store, &query, &shard))
        return false;
    uint32_t number = dictionary_shard_find(&shard, &query);
    size_t found = number == 0 ? 0 : dictionary_shard_read(&shard, number, buffer, capacity);
    bool is_found = number != 0 && !shard.is_corrupt;
    leave(store, &shard);
    if (is_found)
        *length = found;
    return is_found;
}

bool dictionary_store_set(struct dictionary_store *store, struct dictionary_query query, struct slice value,
                          uint64_t ttl_ms)
{
    struct dictionary_shard shard;
    if (value.length > DICTIONARY_MOST_VALUE_BYTES || !enter(store, &query, &shard))
        return false;
    uint32_t number = dictionary_shard_find(&shard, &query);
    bool is_set = dictionary_shard_write(&shard, number, &query, value, expiry(&query, ttl_ms));
    leave(store, &shard);
    return is_set;
}

bool dictionary_store_add(struct dictionary_store *store, struct dictionary_query query, struct slice value,
                          uint64_t ttl_ms)
{
    struct dictionary_shard shard;
    if (value.length > DICTIONARY_MOST_VALUE_BYTES || !enter(store, &query, &shard))
        return false;
    bool is_added = dictionary_shard_find(&shard, &query) == 0 &&
                    dictionary_shard_write(&shard, 0, &query, value, expiry(&query, ttl_ms));
    leave(store, &shard);
    return is_added;
}

bool dictionary_store_replace(struct dictionary_store *store, struct dictionary_query query, struct slice was,
                              struct slice value, uint64_t ttl_ms)
{
    struct dictionary_shard shard;
    if (value.length > DICTIONARY_MOST_VALUE_BYTES || !enter(store, &query, &shard))
        return false;
    uint32_t number = dictionary_shard_find(&shard, &query);
    bool is_replaced = number != 0 && dictionary_shard_is_value(&shard, number, was) &&
                       dictionary_shard_write(&shard, number, &query, value, expiry(&query, ttl_ms));
    leave(store, &shard);
    return is_replaced;
}

static bool add_to(struct dictionary_shard *shard, uint32_t number, int64_t change, int64_t *sum)
{
    uint64_t *place = dictionary_shard_number(shard, number);
    if (place == NULL || __builtin_add_overflow((int64_t)__atomic_load_n(place, __ATOMIC_RELAXED), change, sum))
        return false;
    __atomic_store_n(place, (uint64_t)*sum, __ATOMIC_RELAXED);
    return true;
}

bool dictionary_store_increment(struct dictionary_store *store, struct dictionary_query query, int64_t change,
                                uint64_t ttl_ms, int64_t *sum)
{
    struct dictionary_shard shard;
    int64_t result = change;
    if (!enter(store, &query, &shard))
        return false;
    uint32_t number = dictionary_shard_find(&shard, &query);
    const struct slice first = slice_of((const char *)&change, sizeof(change));
    bool is_done = number != 0 ? add_to(&shard, number, change, &result)
                               : dictionary_shard_write(&shard, 0, &query, first, expiry(&query, ttl_ms));
    leave(store, &shard);
    if (is_done)
        *sum = result;
    return is_done;
}

bool dictionary_store_remove(struct dictionary_store *store, struct dictionary_query query)
{
    struct dictionary_shard shard;
    if (!enter(store, &query, &shard))
        return false;
    uint32_t number = dictionary_shard_find(&shard, &query);
    if (number != 0)
        dictionary_shard_remove(&shard, number);
    bool is_removed = number != 0 && !shard.is_corrupt;
    leave(store, &shard);
    return is_removed;
}
