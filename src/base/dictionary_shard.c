#include "base/dictionary_shard.h"

enum {
    MOST_STEPS = 4096,   /* in a bucket, where a handful is normal */
    TOUCH_PART = 8,      /* an entry moves to the front again when so much of the room was given out since */
    LOOK_FOR_EXPIRED = 2 /* of the oldest, for each new entry */
};

/* A place in an entry's content. */
struct cursor {
    struct dictionary_shard *shard;
    uint32_t next; /* block behind this one */
    unsigned char *at;
    size_t left; /* in this block */
};

static uint32_t load(const uint32_t *number)
{
    return __atomic_load_n(number, __ATOMIC_RELAXED);
}

static void store(uint32_t *number, uint32_t value)
{
    __atomic_store_n(number, value, __ATOMIC_RELAXED);
}

/* A process that dies has done what stands before, and nothing of what stands behind: the compiler must not mix it. */
static void mark(uint32_t *flag, uint32_t value)
{
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    store(flag, value);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
}

static union dictionary_block *get_block(struct dictionary_shard *shard, uint32_t number)
{
    if (number != 0 && number <= shard->block_count)
        return &shard->blocks[number - 1];
    shard->is_corrupt = true;
    return NULL;
}

static struct dictionary_entry *get_entry(struct dictionary_shard *shard, uint32_t number)
{
    union dictionary_block *block = get_block(shard, number);
    return block == NULL ? NULL : &block->entry;
}

static size_t where_value_begins(size_t key_length)
{
    return (key_length + 7) & ~(size_t)7;
}

static uint32_t count_blocks(size_t key_length, size_t value_length)
{
    size_t bytes = where_value_begins(key_length) + value_length;
    if (bytes <= DICTIONARY_ENTRY_BYTES)
        return 1;
    return (uint32_t)(1 + (bytes - DICTIONARY_ENTRY_BYTES + DICTIONARY_MORE_BYTES - 1) / DICTIONARY_MORE_BYTES);
}

static struct cursor start_cursor(struct dictionary_shard *shard, struct dictionary_entry *entry)
{
    return (struct cursor){shard, load(&entry->next), entry->content, DICTIONARY_ENTRY_BYTES};
}

/* Makes sure that at least one byte is left in the cursor's block. */
static bool has_byte(struct cursor *cursor)
{
    if (cursor->left != 0)
        return true;
    union dictionary_block *block = get_block(cursor->shard, cursor->next);
    if (block == NULL)
        return false;
    cursor->next = load(&block->next);
    cursor->at = block->more.content;
    cursor->left = DICTIONARY_MORE_BYTES;
    return true;
}

static unsigned char *take(struct cursor *cursor, size_t wanted, size_t *taken)
{
    unsigned char *at = cursor->at;
    *taken = wanted < cursor->left ? wanted : cursor->left;
    cursor->at += *taken;
    cursor->left -= *taken;
    return at;
}

static bool skip(struct cursor *cursor, size_t length)
{
    for (size_t taken; length != 0; length -= taken) {
        if (!has_byte(cursor))
            return false;
        take(cursor, length, &taken);
    }
    return true;
}

static bool copy_in(struct cursor *cursor, struct slice bytes)
{
    for (size_t taken; bytes.length != 0; bytes = slice_skip(bytes, taken)) {
        if (!has_byte(cursor))
            return false;
        unsigned char *at = take(cursor, bytes.length, &taken);
        memcpy(at, bytes.data, taken);
    }
    return true;
}

static bool copy_out(struct cursor *cursor, char *buffer, size_t length)
{
    for (size_t taken; length != 0; length -= taken, buffer += taken) {
        if (!has_byte(cursor))
            return false;
        const unsigned char *at = take(cursor, length, &taken);
        memcpy(buffer, at, taken);
    }
    return true;
}

static bool is_equal(struct cursor *cursor, struct slice bytes)
{
    for (size_t taken; bytes.length != 0; bytes = slice_skip(bytes, taken)) {
        if (!has_byte(cursor))
            return false;
        const unsigned char *at = take(cursor, bytes.length, &taken);
        if (memcmp(at, bytes.data, taken) != 0)
            return false;
    }
    return true;
}

static bool seek_value(struct dictionary_shard *shard, struct dictionary_entry *entry, struct cursor *cursor)
{
    uint32_t key_length = load(&entry->key_length);
    *cursor = start_cursor(shard, entry);
    shard->is_corrupt |= key_length > DICTIONARY_MOST_KEY_BYTES;
    return key_length <= DICTIONARY_MOST_KEY_BYTES && skip(cursor, where_value_begins(key_length));
}

static uint32_t *bucket_of(struct dictionary_shard *shard, uint64_t hash)
{
    return &shard->buckets[hash & (shard->bucket_count - 1)];
}

static bool unlink_from_bucket(struct dictionary_shard *shard, uint32_t number, struct dictionary_entry *entry)
{
    uint32_t *link = bucket_of(shard, entry->hash);
    for (int steps = 0; load(link) != number; ++steps) {
        struct dictionary_entry *other = get_entry(shard, load(link));
        if (other == NULL || steps == MOST_STEPS) {
            shard->is_corrupt = true;
            return false;
        }
        link = &other->next_in_bucket;
    }
    store(link, load(&entry->next_in_bucket));
    return true;
}

/* The neighbours have to know each other. */
static bool unlink_from_order(struct dictionary_shard *shard, uint32_t number, struct dictionary_entry *entry)
{
    struct dictionary_head *head = shard->head;
    uint32_t newer = load(&entry->newer), older = load(&entry->older);
    struct dictionary_entry *newer_entry = newer == 0 ? NULL : get_entry(shard, newer);
    struct dictionary_entry *older_entry = older == 0 ? NULL : get_entry(shard, older);
    uint32_t *from_newer = newer == 0 ? &head->newest : newer_entry == NULL ? NULL : &newer_entry->older;
    uint32_t *from_older = older == 0 ? &head->oldest : older_entry == NULL ? NULL : &older_entry->newer;
    if (from_newer == NULL || from_older == NULL || load(from_newer) != number || load(from_older) != number) {
        shard->is_corrupt = true;
        return false;
    }
    store(from_newer, older);
    store(from_older, newer);
    return true;
}

static void make_newest(struct dictionary_shard *shard, uint32_t number, struct dictionary_entry *entry)
{
    struct dictionary_head *head = shard->head;
    uint32_t second = load(&head->newest);
    struct dictionary_entry *second_entry = second == 0 ? NULL : get_entry(shard, second);
    entry->newer = 0;
    entry->older = second;
    entry->stamp = load(&head->stamp);
    store(&head->newest, number);
    store(second_entry == NULL ? &head->oldest : &second_entry->newer, number);
}

/* Not every time: while hardly anything new comes, the order need not be exact. */
static void touch(struct dictionary_shard *shard, uint32_t number, struct dictionary_entry *entry)
{
    if (load(&shard->head->stamp) - load(&entry->stamp) <= shard->block_count / TOUCH_PART)
        return;
    mark(&shard->head->is_changing, 1);
    if (unlink_from_order(shard, number, entry))
        make_newest(shard, number, entry);
    mark(&shard->head->is_changing, 0);
}

static void free_blocks(struct dictionary_shard *shard, uint32_t number, uint32_t count)
{
    struct dictionary_head *head = shard->head;
    if (count > shard->block_count)
        shard->is_corrupt = true;
    for (; count != 0 && !shard->is_corrupt; --count) {
        union dictionary_block *block = get_block(shard, number);
        if (block == NULL)
            return;
        uint32_t next = load(&block->next);
        store(&block->next, load(&head->first_free));
        store(&head->first_free, number);
        store(&head->free_count, load(&head->free_count) + 1);
        number = next;
    }
}

void dictionary_shard_remove(struct dictionary_shard *shard, uint32_t number)
{
    struct dictionary_entry *entry = get_entry(shard, number);
    if (entry == NULL)
        return;
    uint32_t count = count_blocks(load(&entry->key_length), load(&entry->value_length));
    mark(&shard->head->is_changing, 1);
    if (unlink_from_bucket(shard, number, entry) && unlink_from_order(shard, number, entry))
        free_blocks(shard, number, count);
    mark(&shard->head->is_changing, 0);
}

static bool is_match(struct dictionary_shard *shard, struct dictionary_entry *entry,
                     const struct dictionary_query *query)
{
    if (entry->hash != query->hash || entry->name != query->name || load(&entry->key_length) != query->key.length)
        return false;
    struct cursor cursor = start_cursor(shard, entry);
    return is_equal(&cursor, query->key);
}

static bool is_expired(const struct dictionary_entry *entry, uint64_t now_ms)
{
    uint64_t expires_ms = __atomic_load_n(&entry->expires_ms, __ATOMIC_RELAXED);
    return expires_ms != 0 && expires_ms <= now_ms;
}

uint32_t dictionary_shard_find(struct dictionary_shard *shard, const struct dictionary_query *query)
{
    uint32_t number = load(bucket_of(shard, query->hash));
    for (int steps = 0; number != 0; ++steps) {
        struct dictionary_entry *entry = get_entry(shard, number);
        if (entry == NULL || steps == MOST_STEPS) {
            shard->is_corrupt = true;
            return 0;
        }
        if (is_match(shard, entry, query)) {
            if (is_expired(entry, query->now_ms)) {
                dictionary_shard_remove(shard, number);
                return 0;
            }
            touch(shard, number, entry);
            return number;
        }
        number = load(&entry->next_in_bucket);
    }
    return 0;
}

size_t dictionary_shard_read(struct dictionary_shard *shard, uint32_t number, void *buffer, size_t capacity)
{
    struct dictionary_entry *entry = get_entry(shard, number);
    struct cursor cursor;
    if (entry == NULL || !seek_value(shard, entry, &cursor))
        return 0;
    size_t length = load(&entry->value_length);
    shard->is_corrupt |=
        length > DICTIONARY_MOST_VALUE_BYTES || !copy_out(&cursor, buffer, length < capacity ? length : capacity);
    return length;
}

bool dictionary_shard_is_value(struct dictionary_shard *shard, uint32_t number, struct slice value)
{
    struct dictionary_entry *entry = get_entry(shard, number);
    struct cursor cursor;
    return entry != NULL && load(&entry->value_length) == value.length && seek_value(shard, entry, &cursor) &&
           is_equal(&cursor, value);
}

uint64_t *dictionary_shard_number(struct dictionary_shard *shard, uint32_t number)
{
    struct dictionary_entry *entry = get_entry(shard, number);
    struct cursor cursor;
    if (entry == NULL || load(&entry->value_length) != sizeof(uint64_t) || !seek_value(shard, entry, &cursor) ||
        !has_byte(&cursor) || cursor.left < sizeof(uint64_t))
        return NULL;
    return (uint64_t *)(void *)cursor.at;
}

static bool has_room(const struct dictionary_shard *shard, uint32_t count)
{
    uint32_t fresh = load(&shard->head->fresh);
    uint32_t never_used = fresh < shard->block_count ? shard->block_count - fresh : 0;
    uint32_t free_count = load(&shard->head->free_count);
    return never_used >= count || free_count >= count - never_used;
}

static void drop_expired(struct dictionary_shard *shard, uint64_t now_ms)
{
    for (int i = 0; i < LOOK_FOR_EXPIRED; ++i) {
        uint32_t oldest = load(&shard->head->oldest);
        struct dictionary_entry *entry = oldest == 0 ? NULL : get_entry(shard, oldest);
        if (entry == NULL || !is_expired(entry, now_ms))
            return;
        dictionary_shard_remove(shard, oldest);
    }
}

static bool make_room(struct dictionary_shard *shard, uint32_t count)
{
    for (uint32_t steps = 0; !has_room(shard, count); ++steps) {
        uint32_t oldest = load(&shard->head->oldest);
        shard->is_corrupt |= oldest == 0 || steps > count;
        if (!shard->is_corrupt)
            dictionary_shard_remove(shard, oldest);
        if (shard->is_corrupt)
            return false;
    }
    return true;
}

/* 0 where the head contradicts itself. */
static uint32_t take_block(struct dictionary_shard *shard)
{
    struct dictionary_head *head = shard->head;
    uint32_t number = load(&head->first_free);
    if (load(&head->free_count) == 0) {
        number = load(&head->fresh) + 1;
        store(&head->fresh, number);
        return get_block(shard, number) == NULL ? 0 : number;
    }
    union dictionary_block *block = get_block(shard, number);
    if (block == NULL)
        return 0;
    store(&head->first_free, load(&block->next));
    store(&head->free_count, load(&head->free_count) - 1);
    return number;
}

/* A chain of so many blocks, from its end to its beginning. */
static uint32_t take_blocks(struct dictionary_shard *shard, uint32_t count)
{
    uint32_t chain = 0;
    store(&shard->head->stamp, load(&shard->head->stamp) + count);
    for (uint32_t i = 0; i < count; ++i) {
        uint32_t number = take_block(shard);
        if (number == 0)
            return 0;
        store(&shard->blocks[number - 1].next, chain);
        chain = number;
    }
    return chain;
}

static void fill_entry(struct dictionary_shard *shard, struct dictionary_entry *entry,
                       const struct dictionary_query *query, struct slice value)
{
    static const char zeros[8];
    struct cursor cursor = start_cursor(shard, entry);
    size_t padding = where_value_begins(query->key.length) - query->key.length;
    if (!copy_in(&cursor, query->key) || !copy_in(&cursor, slice_of(zeros, padding)) || !copy_in(&cursor, value))
        return;
    entry->hash = query->hash;
    entry->name = query->name;
    entry->key_length = (uint32_t)query->key.length;
    entry->value_length = (uint32_t)value.length;
}

static bool insert(struct dictionary_shard *shard, const struct dictionary_query *query, struct slice value,
                   uint64_t expires_ms)
{
    uint32_t count = count_blocks(query->key.length, value.length);
    drop_expired(shard, query->now_ms);
    if (count > shard->block_count || !make_room(shard, count))
        return false;
    mark(&shard->head->is_changing, 1);
    uint32_t number = take_blocks(shard, count);
    struct dictionary_entry *entry = get_entry(shard, number);
    if (entry != NULL) {
        uint32_t *bucket = bucket_of(shard, query->hash);
        fill_entry(shard, entry, query, value);
        entry->expires_ms = expires_ms;
        entry->next_in_bucket = load(bucket);
        store(bucket, number);
        make_newest(shard, number, entry);
    }
    mark(&shard->head->is_changing, 0);
    return !shard->is_corrupt;
}

static bool overwrite(struct dictionary_shard *shard, uint32_t number, struct dictionary_entry *entry,
                      struct slice value, uint64_t expires_ms)
{
    struct cursor cursor;
    if (!seek_value(shard, entry, &cursor))
        return false;
    mark(&shard->head->writing, number);
    copy_in(&cursor, value);
    store(&entry->value_length, (uint32_t)value.length);
    __atomic_store_n(&entry->expires_ms, expires_ms, __ATOMIC_RELAXED);
    mark(&shard->head->writing, 0);
    return !shard->is_corrupt;
}

bool dictionary_shard_write(struct dictionary_shard *shard, uint32_t number, const struct dictionary_query *query,
                            struct slice value, uint64_t expires_ms)
{
    struct dictionary_entry *entry = number == 0 ? NULL : get_entry(shard, number);
    if (entry == NULL)
        return !shard->is_corrupt && insert(shard, query, value, expires_ms);
    if (count_blocks(query->key.length, load(&entry->value_length)) == count_blocks(query->key.length, value.length))
        return overwrite(shard, number, entry, value, expires_ms);
    dictionary_shard_remove(shard, number);
    return !shard->is_corrupt && insert(shard, query, value, expires_ms);
}

void dictionary_shard_clear(struct dictionary_shard *shard)
{
    struct dictionary_head *head = shard->head;
    mark(&head->is_changing, 1);
    memset(shard->buckets, 0, shard->bucket_count * sizeof(shard->buckets[0]));
    head->writing = 0;
    head->fresh = 0;
    head->first_free = 0;
    head->free_count = 0;
    head->newest = 0;
    head->oldest = 0;
    mark(&head->is_changing, 0);
    shard->is_corrupt = false;
}

bool dictionary_shard_recover(struct dictionary_shard *shard)
{
    uint32_t writing = load(&shard->head->writing);
    if (load(&shard->head->is_changing) == 0 && writing == 0)
        return true;
    if (load(&shard->head->is_changing) == 0)
        dictionary_shard_remove(shard, writing);
    if (load(&shard->head->is_changing) != 0 || shard->is_corrupt)
        dictionary_shard_clear(shard);
    mark(&shard->head->writing, 0);
    return false;
}
