#ifndef FLEXILIB_BASE_DICTIONARY_SHARD_H
#define FLEXILIB_BASE_DICTIONARY_SHARD_H

/* One of the parts of the shared dictionary (dictionary_store.h), by itself: entries in chains of blocks of one size,
 * so that no room is lost between them; a table of buckets; and the order in which entries were used last. Whoever
 * calls holds the shard's lock.
 *
 * Nothing that stands in the memory is believed: each number of a block is checked where it is read, and each walk has
 * an end. What contradicts itself sets is_corrupt, and the store then clears the shard. All zero is an empty shard. */

#include "base/shared_lock.h"
#include "base/slice.h"

enum {
    DICTIONARY_MOST_KEY_BYTES = 1024,
    DICTIONARY_MOST_VALUE_BYTES = 64 * 1024,
    DICTIONARY_BLOCK_BYTES = 128,
    DICTIONARY_ENTRY_BYTES = 72, /* of content, in an entry's first block */
    DICTIONARY_MORE_BYTES = 120, /* and in each further one */
};

/* The content is the key, zeros up to a multiple of 8, and the value; so a number of 8 bytes lies in one block, and is
 * never half written. Blocks are numbered from 1; 0 stands for none. */
struct dictionary_entry {
    uint32_t next; /* block of this entry */
    uint32_t next_in_bucket;
    uint64_t hash;
    uint64_t name;       /* of the dictionary that it belongs to: a hash too */
    uint64_t expires_ms; /* 0: never */
    uint32_t newer, older;
    uint32_t stamp; /* the head's, when it became the newest */
    uint32_t key_length, value_length;
    uint32_t spare;
    unsigned char content[DICTIONARY_ENTRY_BYTES];
};

union dictionary_block {
    uint32_t next; /* of the same entry, or of those that are free */
    struct dictionary_entry entry;
    struct {
        uint32_t next, spare;
        unsigned char content[DICTIONARY_MORE_BYTES];
    } more;
};

struct dictionary_head {
    struct shared_lock lock;
    uint32_t is_changing; /* links are; whoever finds it set must clear the shard */
    uint32_t writing;     /* the entry whose value is; whoever finds it set must remove the entry */
    uint32_t fresh;       /* blocks that were ever used: those behind them are no memory yet */
    uint32_t first_free, free_count;
    uint32_t newest, oldest;
    uint32_t stamp; /* blocks that were given out so far */
    uint32_t spare[22];
};

struct dictionary_shard {
    struct dictionary_head *head;
    uint32_t *buckets;
    union dictionary_block *blocks;
    uint32_t bucket_count; /* a power of two */
    uint32_t block_count;
    bool is_corrupt;
};

/* What is asked for, and when. */
struct dictionary_query {
    uint64_t name;
    uint64_t hash; /* of name and key; the store fills it in */
    struct slice key;
    uint64_t now_ms;
};

/* The number of the entry, 0 where there is none, or where it has expired. It counts as used now. */
uint32_t dictionary_shard_find(struct dictionary_shard *shard, const struct dictionary_query *query);

/* Copies as much of the entry's value as fits, and says how long it is. */
size_t dictionary_shard_read(struct dictionary_shard *shard, uint32_t number, void *buffer, size_t capacity);

/* Whether the entry's value is that one. */
bool dictionary_shard_is_value(struct dictionary_shard *shard, uint32_t number, struct slice value);

/* Where the entry's value is, if it is one of 8 bytes; otherwise NULL. */
uint64_t *dictionary_shard_number(struct dictionary_shard *shard, uint32_t number);

/* Gives the entry that was found, or with 0 a new one, this value and time. Returns false where no room can be made. */
bool dictionary_shard_write(struct dictionary_shard *shard, uint32_t number, const struct dictionary_query *query,
                            struct slice value, uint64_t expires_ms);

void dictionary_shard_remove(struct dictionary_shard *shard, uint32_t number);

/* Forgets everything. */
void dictionary_shard_clear(struct dictionary_shard *shard);

/* Puts in order what a dead holder has left. Returns false where something is lost by it. */
bool dictionary_shard_recover(struct dictionary_shard *shard);

#endif
