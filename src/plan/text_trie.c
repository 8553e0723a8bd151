#include "plan/text_trie.h"

#include "base/alloc.h"

#include <limits.h>
#include <stdlib.h>

/* The sorted keys that stand below a node; all of them begin with the same `depth` bytes, the node's text. */
struct span {
    size_t begin;
    size_t end;
    size_t depth;
};

struct trie_builder {
    const struct trie_key *keys;
    struct trie_node *nodes;
    struct span *spans; /* of the nodes */
    size_t count;
    size_t node_capacity;
    size_t span_capacity;
};

static int compare_keys(const void *a, const void *b)
{
    return slice_compare(((const struct trie_key *)a)->text, ((const struct trie_key *)b)->text);
}

/* How many bytes all keys of the span have in common, beyond those known to be: the first and the last tell, since they
 * are sorted. */
static size_t count_shared(const struct trie_key *keys, size_t begin, size_t end, size_t known)
{
    struct slice first = keys[begin].text, last = keys[end - 1].text;
    size_t shared = known;
    while (shared < first.length && shared < last.length && first.data[shared] == last.data[shared])
        ++shared;
    return shared;
}

static void set_label(struct trie_node *node, struct slice label)
{
    node->label_length = (uint32_t)label.length;
    if (label.length <= sizeof(node->label.near))
        memcpy(node->label.near, label.data, label.length);
    else
        node->label.far = label.data;
}

static void add_node(struct trie_builder *builder, size_t begin, size_t end, size_t parent_depth, size_t depth)
{
    builder->nodes = mem_grow(builder->nodes, builder->count, &builder->node_capacity, sizeof(struct trie_node));
    builder->spans = mem_grow(builder->spans, builder->count, &builder->span_capacity, sizeof(struct span));
    struct trie_node *node = &builder->nodes[builder->count];
    *node = (struct trie_node){.least = INT_MAX, .values = {TRIE_NONE, TRIE_NONE, TRIE_NONE}};
    if (depth > parent_depth)
        set_label(node, slice_of(builder->keys[begin].text.data + parent_depth, depth - parent_depth));
    builder->spans[builder->count++] = (struct span){begin, end, depth};
}

/* Takes the keys that end at the node, and gives it a child for each byte that others go on with. */
static void split_node(struct trie_builder *builder, size_t number)
{
    struct span span = builder->spans[number];
    size_t i = span.begin;
    for (; i < span.end && builder->keys[i].text.length == span.depth; ++i) {
        struct trie_node *node = &builder->nodes[number];
        node->values[builder->keys[i].end] = builder->keys[i].value;
        node->least = builder->keys[i].least < node->least ? builder->keys[i].least : node->least;
    }
    builder->nodes[number].first_child = (uint32_t)builder->count;
    while (i < span.end) {
        char byte = builder->keys[i].text.data[span.depth];
        size_t end = i + 1;
        while (end < span.end && builder->keys[end].text.data[span.depth] == byte)
            ++end;
        add_node(builder, i, end, span.depth, count_shared(builder->keys, i, end, span.depth));
        ++builder->nodes[number].child_count;
        i = end;
    }
}

/* Tells every node the least rule below it: children stand behind their parents. */
static void spread_least(struct trie_builder *builder)
{
    for (size_t i = builder->count; i-- > 0;) {
        struct trie_node *node = &builder->nodes[i];
        for (uint32_t child = 0; child < node->child_count; ++child) {
            int least = builder->nodes[node->first_child + child].least;
            node->least = least < node->least ? least : node->least;
        }
    }
}

/* Copies what was built to where it stays, each node in a line of its own. */
static void settle(const struct trie_builder *builder, struct trie *trie, struct arena *arena)
{
    size_t bytes = builder->count * sizeof(struct trie_node);
    uintptr_t begin = (uintptr_t)arena_alloc(arena, bytes + TRIE_NODE_BYTES);
    trie->count = (uint32_t)builder->count;
    trie->nodes = (struct trie_node *)((begin + TRIE_NODE_BYTES - 1) / TRIE_NODE_BYTES * TRIE_NODE_BYTES);
    memcpy(trie->nodes, builder->nodes, bytes);
    trie->firsts = arena_alloc(arena, builder->count);
    for (size_t i = 0; i < builder->count; ++i)
        trie->firsts[i] = trie->nodes[i].label_length == 0 ? 0 : (unsigned char)trie_label(&trie->nodes[i])[0];
}

void trie_build(struct trie *trie, struct trie_key *keys, size_t count, struct arena *arena)
{
    qsort(keys, count, sizeof(*keys), compare_keys);
    struct trie_builder builder = {.keys = keys};
    add_node(&builder, 0, count, 0, 0);
    for (size_t i = 0; i < builder.count; ++i)
        split_node(&builder, i);
    spread_least(&builder);
    settle(&builder, trie, arena);
    free(builder.nodes);
    free(builder.spans);
}
