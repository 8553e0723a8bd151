#include "process/server_table.h"

#include "base/alloc.h"

#include <stdlib.h>

bool server_table_open(struct server_table *table)
{
    *table = (struct server_table){0};
    return server_region_open(&table->region);
}

static void free_entry(struct server_entry *entry)
{
    if (entry == NULL)
        return;
    free((char *)entry->upstream.data);
    free((char *)entry->url.data);
    free(entry);
}

void server_table_close(struct server_table *table)
{
    for (size_t i = 0; i < table->count; ++i)
        free_entry(table->entries[i]);
    free(table->entries);
    free(table->buckets);
    server_region_close(&table->region);
    *table = (struct server_table){.region.fd = -1};
}

static int *find_bucket(const struct server_table *table, struct slice upstream, struct slice url)
{
    uint64_t hash = slice_hash(upstream) * 31 + slice_hash(url);
    return &table->buckets[(hash ^ hash >> 32) % SERVER_TABLE_BUCKETS];
}

int server_table_find(const struct server_table *table, struct slice upstream, struct slice url)
{
    int number = table->buckets == NULL ? -1 : *find_bucket(table, upstream, url);
    while (number != -1) {
        const struct server_entry *entry = table->entries[number];
        if (slice_equals(entry->url, url) && slice_equals(entry->upstream, upstream))
            break;
        number = entry->next;
    }
    return number;
}

static struct slice copy_slice(struct slice text)
{
    return slice_of(mem_copy_text(text.data, text.length), text.length);
}

static bool is_printable(struct slice text)
{
    for (size_t i = 0; i < text.length; ++i) {
        if ((unsigned char)text.data[i] < 0x20 || text.data[i] == 0x7f)
            return false;
    }
    return true;
}

static void make_buckets(struct server_table *table)
{
    table->buckets = mem_alloc(SERVER_TABLE_BUCKETS * sizeof(*table->buckets));
    for (int i = 0; i < SERVER_TABLE_BUCKETS; ++i)
        table->buckets[i] = -1;
}

/* -1 where all are taken. */
static int find_free_number(struct server_table *table)
{
    size_t number = table->first_free;
    while (number < table->count && table->entries[number] != NULL)
        ++number;
    table->first_free = number;
    if (number == SERVER_STATES_COUNT)
        return -1;
    if (number == table->count) {
        table->entries = mem_grow(table->entries, table->count, &table->capacity, sizeof(*table->entries));
        table->entries[table->count++] = NULL;
    }
    return (int)number;
}

static void add_entry(struct server_table *table, int number, struct slice upstream, struct slice url)
{
    if (table->buckets == NULL)
        make_buckets(table);
    int *bucket = find_bucket(table, upstream, url);
    struct server_entry *entry = mem_alloc(sizeof(*entry));
    *entry = (struct server_entry){.upstream = copy_slice(upstream), .url = copy_slice(url), .next = *bucket};
    *bucket = number;
    table->entries[number] = entry;
}

int server_table_take(struct server_table *table, struct slice upstream, struct slice url)
{
    int number = server_table_find(table, upstream, url);
    if (number != -1 || !is_printable(upstream) || !is_printable(url))
        return number;
    number = find_free_number(table);
    if (number == -1)
        return -1;
    add_entry(table, number, upstream, url);
    server_region_wipe(&table->region, (uint32_t)number);
    return number;
}

bool server_table_restore(struct server_table *table, int number, struct slice upstream, struct slice url,
                          bool is_drained)
{
    if (number < 0 || number >= SERVER_STATES_COUNT || !is_printable(upstream) || !is_printable(url) ||
        server_table_find(table, upstream, url) != -1)
        return false;
    while (table->count <= (size_t)number) {
        table->entries = mem_grow(table->entries, table->count, &table->capacity, sizeof(*table->entries));
        table->entries[table->count++] = NULL;
    }
    if (table->entries[number] != NULL)
        return false;
    add_entry(table, number, upstream, url);
    table->entries[number]->is_drained = is_drained;
    /* The region may be a new one. */
    if (is_drained)
        server_region_drain(&table->region, (uint32_t)number, true);
    return true;
}

void server_table_keep(struct server_table *table, int number)
{
    ++table->entries[number]->users;
}

void server_table_use(struct server_table *table, int number)
{
    ++table->entries[number]->users;
    /* A worker may have written what is not its own to write. */
    server_region_drain(&table->region, (uint32_t)number, table->entries[number]->is_drained);
}

static void remove_entry(struct server_table *table, int number)
{
    struct server_entry *entry = table->entries[number];
    int *link = find_bucket(table, entry->upstream, entry->url);
    while (*link != number)
        link = &table->entries[*link]->next;
    *link = entry->next;
    free_entry(entry);
    table->entries[number] = NULL;
    if ((size_t)number < table->first_free)
        table->first_free = (size_t)number;
    server_region_wipe(&table->region, (uint32_t)number);
}

void server_table_release(struct server_table *table, int number)
{
    if (--table->entries[number]->users == 0)
        remove_entry(table, number);
}

void server_table_drain(struct server_table *table, int number, bool is_drained)
{
    table->entries[number]->is_drained = is_drained;
    server_region_drain(&table->region, (uint32_t)number, is_drained);
}

void server_table_worker_starts(struct server_table *table, int slot)
{
    server_region_use_row(&table->region, (uint32_t)slot);
}

void server_table_worker_died(struct server_table *table, int slot)
{
    for (size_t i = 0; i < table->count; ++i) {
        if (table->entries[i] != NULL)
            server_region_clear_row(&table->region, (uint32_t)slot, (uint32_t)i);
    }
}
