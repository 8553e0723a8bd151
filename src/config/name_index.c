#include "config/name_index.h"

struct name_index_entry {
    struct slice name;
    const void *value;
};

/* The entry that carries the name, or the free one where it belongs. */
static struct name_index_entry *probe(const struct name_index *index, struct slice name)
{
    size_t at = slice_hash(name) & (index->capacity - 1);
    while (index->entries[at].value != NULL && !slice_equals(index->entries[at].name, name))
        at = (at + 1) & (index->capacity - 1);
    return &index->entries[at];
}

static void enlarge(struct name_index *index, struct arena *arena)
{
    struct name_index old = *index;
    index->capacity = old.capacity == 0 ? 16 : old.capacity * 2;
    index->entries = arena_zalloc(arena, index->capacity * sizeof(*index->entries));
    for (size_t i = 0; i < old.capacity; ++i) {
        if (old.entries[i].value != NULL)
            *probe(index, old.entries[i].name) = old.entries[i];
    }
}

const void *name_index_find(const struct name_index *index, struct slice name)
{
    return index->count == 0 ? NULL : probe(index, name)->value;
}

const void *name_index_add(struct name_index *index, struct arena *arena, struct slice name, const void *value)
{
    if (index->count * 2 >= index->capacity)
        enlarge(index, arena);
    struct name_index_entry *entry = probe(index, name);
    if (entry->value != NULL)
        return entry->value;
    *entry = (struct name_index_entry){name, value};
    ++index->count;
    return NULL;
}
