#include "base/client_counts.h"

#include <string.h>

enum {
    COUNT_BITS = 24,
    BUCKET_BITS = 12,
    ENTER_TRIES = 100, /* at a place that two workers take from each other */
};

static const uint64_t count_mask = ((uint64_t)1 << COUNT_BITS) - 1;

static uint64_t read_cell(const uint64_t *cell)
{
    return __atomic_load_n(cell, __ATOMIC_SEQ_CST);
}

static void write_cell(uint64_t *cell, uint64_t value)
{
    __atomic_store_n(cell, value, __ATOMIC_SEQ_CST);
}

static size_t rows_of(const struct client_counts *counts)
{
    uint32_t used = __atomic_load_n(&counts->rows_used, __ATOMIC_ACQUIRE);
    return used < CLIENT_COUNT_ROWS ? used : CLIENT_COUNT_ROWS;
}

/* Every bit of the result depends on every bit of what is stirred. */
static uint64_t stir(uint64_t value)
{
    value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9;
    value = (value ^ value >> 27) * 0x94d049bb133111eb;
    return value ^ value >> 31;
}

uint64_t client_counts_key(const struct client_counts *counts, const unsigned char *address, unsigned address_bytes)
{
    uint64_t bytes = 0;
    memcpy(&bytes, address, address_bytes < sizeof(bytes) ? address_bytes : sizeof(bytes));
    return stir(stir(counts->seed[0] ^ bytes) + (counts->seed[1] ^ address_bytes));
}

void client_counts_add(struct client_row *row, size_t listener, uint64_t listener_key, int change)
{
    write_cell(&row->connections, row->connections + (uint64_t)(int64_t)change);
    if (listener >= CLIENT_COUNT_LISTENERS)
        return;
    row->listeners[listener].key = listener_key;
    write_cell(&row->listeners[listener].count, row->listeners[listener].count + (uint64_t)(int64_t)change);
}

static uint64_t *bucket_of(struct client_row *row, uint64_t key)
{
    return row->addresses[key >> (64 - BUCKET_BITS)];
}

/* What tells the addresses of a bucket apart; never 0, which is an empty place. */
static uint64_t tag_of(uint64_t key)
{
    return (key << COUNT_BITS) | (uint64_t)1 << COUNT_BITS;
}

static uint64_t *find_place(uint64_t *bucket, uint64_t tag)
{
    for (int i = 0; i < CLIENT_COUNT_WAYS; ++i) {
        if ((bucket[i] & ~count_mask) == tag && (bucket[i] & count_mask) != 0)
            return &bucket[i];
    }
    return NULL;
}

static uint64_t *find_room(uint64_t *bucket)
{
    for (int i = 0; i < CLIENT_COUNT_WAYS; ++i) {
        if ((bucket[i] & count_mask) == 0)
            return &bucket[i];
    }
    return NULL;
}

bool client_counts_enter(struct client_row *row, uint64_t address_key)
{
    uint64_t *bucket = bucket_of(row, address_key), tag = tag_of(address_key), *place = find_place(bucket, tag);
    if (place != NULL && (*place & count_mask) == count_mask)
        return false;
    if (place != NULL) {
        write_cell(place, *place + 1);
        return true;
    }
    place = find_room(bucket);
    if (place != NULL)
        write_cell(place, tag | 1);
    return place != NULL;
}

void client_counts_leave(struct client_row *row, uint64_t address_key)
{
    uint64_t *place = find_place(bucket_of(row, address_key), tag_of(address_key));
    if (place != NULL)
        write_cell(place, *place - 1);
}

void client_counts_note_full(struct client_row *row, uint64_t listener_key, uint64_t now_ms)
{
    write_cell(&row->full_key, listener_key);
    write_cell(&row->full_ms, now_ms);
}

bool client_counts_is_full(const struct client_counts *counts, uint64_t listener_key, uint64_t now_ms, uint64_t last_ms)
{
    for (size_t i = 0; i < rows_of(counts); ++i) {
        uint64_t full_ms = read_cell(&counts->rows[i].full_ms);
        if (full_ms != 0 && full_ms + last_ms >= now_ms && read_cell(&counts->rows[i].full_key) == listener_key)
            return true;
    }
    return false;
}

uint64_t client_counts_total(const struct client_counts *counts)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < rows_of(counts); ++i)
        sum += read_cell(&counts->rows[i].connections);
    return sum;
}

uint64_t client_counts_of_listener(const struct client_counts *counts, uint64_t listener_key)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < rows_of(counts); ++i) {
        const struct client_row *row = &counts->rows[i];
        for (size_t j = 0; j < CLIENT_COUNT_LISTENERS; ++j) {
            if (read_cell(&row->listeners[j].key) == listener_key)
                sum += read_cell(&row->listeners[j].count);
        }
    }
    return sum;
}

uint64_t client_counts_of_address(const struct client_counts *counts, uint64_t address_key)
{
    uint64_t sum = 0, tag = tag_of(address_key);
    for (size_t i = 0; i < rows_of(counts); ++i) {
        const uint64_t *bucket = counts->rows[i].addresses[address_key >> (64 - BUCKET_BITS)];
        for (int j = 0; j < CLIENT_COUNT_WAYS; ++j) {
            uint64_t cell = read_cell(&bucket[j]);
            if ((cell & ~count_mask) == tag)
                sum += cell & count_mask;
        }
    }
    return sum;
}

/* Counted first, and looked at then: so two cannot both believe that they have the last place. Whoever sees room
 * without itself has met another one in between, and only one of two that give way can see the other still there. */
enum client_entry client_counts_try_enter(const struct client_counts *counts, struct client_row *row,
                                          uint64_t address_key, uint64_t most)
{
    for (int i = 0; i < ENTER_TRIES; ++i) {
        if (!client_counts_enter(row, address_key))
            return CLIENT_UNCOUNTED;
        if (client_counts_of_address(counts, address_key) <= most)
            return CLIENT_ENTERED;
        client_counts_leave(row, address_key);
        if (client_counts_of_address(counts, address_key) >= most)
            return CLIENT_TOO_MANY;
    }
    return CLIENT_TOO_MANY;
}
