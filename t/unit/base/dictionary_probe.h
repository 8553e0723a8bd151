#ifndef T_UNIT_BASE_DICTIONARY_PROBE_H
#define T_UNIT_BASE_DICTIONARY_PROBE_H

/* A shard of a dictionary in memory that processes share, changes to it at random, and a look at all of its links. */

#include "base/dictionary_shard.h"

#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum {
    BLOCKS = 256,
    BUCKETS = 128,
    KEYS = 300,
    SHARD_BYTES = sizeof(struct dictionary_head) + BUCKETS * sizeof(uint32_t) + BLOCKS * DICTIONARY_BLOCK_BYTES,
};

static inline struct dictionary_shard make_shard(void)
{
    /* behind a page that may not be touched, and ending at another */
    const size_t page = 4096, bytes = (SHARD_BYTES + page - 1) / page * page;
    unsigned char *memory = mmap(NULL, bytes + 2 * page, PROT_NONE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(memory, MAP_FAILED);
    assert_int_equal(mprotect(memory + page, bytes, PROT_READ | PROT_WRITE), 0);
    unsigned char *start = memory + page + bytes - SHARD_BYTES;
    return (struct dictionary_shard){
        .head = (void *)start,
        .buckets = (void *)(start + sizeof(struct dictionary_head)),
        .blocks = (void *)(start + sizeof(struct dictionary_head) + BUCKETS * sizeof(uint32_t)),
        .bucket_count = BUCKETS,
        .block_count = BLOCKS,
    };
}

static inline void finish_shard(struct dictionary_shard *shard)
{
    uintptr_t page = 4096, start = (uintptr_t)shard->head / page * page - page;
    munmap((void *)start, (SHARD_BYTES + page - 1) / page * page + 2 * page);
}

static inline struct dictionary_query ask_for(const char *key)
{
    struct slice text = slice_from_text(key);
    return (struct dictionary_query){.name = 5, .hash = slice_hash(text), .key = text, .now_ms = 1000};
}

static inline uint32_t find_key(struct dictionary_shard *shard, const char *key)
{
    struct dictionary_query query = ask_for(key);
    return dictionary_shard_find(shard, &query);
}

static inline bool has_key(struct dictionary_shard *shard, const char *key)
{
    return find_key(shard, key) != 0;
}

static inline bool write_value(struct dictionary_shard *shard, const char *key, struct slice value)
{
    struct dictionary_query query = ask_for(key);
    return dictionary_shard_write(shard, dictionary_shard_find(shard, &query), &query, value, 0);
}

static inline uint32_t draw(uint64_t *random, uint32_t below)
{
    *random = *random * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*random >> 33) % below;
}

static inline void change_at_random(struct dictionary_shard *shard, uint64_t *random)
{
    static const char bytes[4000];
    char key[200], buffer[100];
    uint32_t number = draw(random, KEYS);
    snprintf(key, sizeof(key), "%0*u", 1 + (int)(number % 120), number);
    struct dictionary_query query = ask_for(key);
    query.now_ms += draw(random, 100);
    uint32_t found = dictionary_shard_find(shard, &query);
    struct slice value = slice_of(bytes, draw(random, 10) == 0 ? draw(random, sizeof(bytes)) : draw(random, 100));
    uint64_t *digits = found == 0 || draw(random, 2) == 0 ? NULL : dictionary_shard_number(shard, found);
    if (digits != NULL)
        *digits += 1;
    else if (found != 0 && draw(random, 3) == 0)
        dictionary_shard_remove(shard, found);
    else if (found != 0 && draw(random, 3) == 0)
        dictionary_shard_read(shard, found, buffer, draw(random, sizeof(buffer)));
    else if (!shard->is_corrupt)
        (void)!dictionary_shard_write(shard, found, &query, value, draw(random, 2) * (1000 + draw(random, 120)));
}

static inline void spoil(struct dictionary_shard *shard, uint64_t *random, uint32_t bytes)
{
    unsigned char *memory = (unsigned char *)shard->head;
    for (uint32_t i = sizeof(struct shared_lock); i < bytes; ++i) {
        uint32_t place = bytes == SHARD_BYTES ? i : draw(random, SHARD_BYTES);
        /* numbers that are almost right do more harm than large ones */
        if (place >= sizeof(struct shared_lock))
            memory[place] = (unsigned char)(draw(random, 4) != 0 ? draw(random, 2) * draw(random, 256) : 0);
    }
}

static inline uint32_t count_chain(const struct dictionary_shard *shard, uint32_t number)
{
    uint32_t count = 0;
    for (; number != 0; number = shard->blocks[number - 1].next) {
        assert_in_range(number, 1, shard->head->fresh);
        assert_in_range(++count, 1, BLOCKS);
    }
    return count;
}

/* Every block is in one entry or free, every entry in its bucket and in the order of use, both ways. */
static inline void expect_order(const struct dictionary_shard *shard)
{
    const struct dictionary_head *head = shard->head;
    uint32_t entries = 0, in_buckets = 0, blocks = count_chain(shard, head->first_free), newer = 0;
    assert_int_equal(head->is_changing, 0);
    assert_int_equal(head->writing, 0);
    assert_int_equal(blocks, head->free_count);
    assert_in_range(head->fresh, 0, BLOCKS);
    for (uint32_t number = head->newest; number != 0; number = shard->blocks[number - 1].entry.older) {
        assert_in_range(number, 1, head->fresh);
        assert_in_range(++entries, 1, BLOCKS);
        assert_int_equal(shard->blocks[number - 1].entry.newer, newer);
        blocks += count_chain(shard, number);
        newer = number;
    }
    assert_int_equal(head->oldest, newer);
    assert_int_equal(blocks, head->fresh);
    for (uint32_t i = 0; i < BUCKETS; ++i) {
        for (uint32_t number = shard->buckets[i]; number != 0;
             number = shard->blocks[number - 1].entry.next_in_bucket) {
            assert_in_range(number, 1, head->fresh);
            assert_in_range(++in_buckets, 1, BLOCKS);
            assert_int_equal(shard->blocks[number - 1].entry.hash % BUCKETS, i);
        }
    }
    assert_int_equal(in_buckets, entries);
}

#endif
