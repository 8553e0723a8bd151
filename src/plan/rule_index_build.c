#include "plan/rule_index.h"

#include "base/alloc.h"
#include "plan/rule_items.h"

#include <limits.h>
#include <stdlib.h>

enum {
    /* trying a single rule costs no more than another split */
    LEAF_RULES = 1,
    /* how many pattern entries there may be for each pattern that is written: rules with several lists of several
     * patterns could multiply them */
    ENTRIES_PER_PATTERN = 16,
};

struct builder {
    const struct rule *rules;
    struct arena *arena;
    size_t budget; /* entries that may still be made */
};

static void build_group(struct builder *builder, struct rule_entry *entries, size_t count, struct rule_group *group);

static struct rule_group empty_group(void)
{
    return (struct rule_group){.least = RULE_GROUP_EMPTY};
}

static uint64_t hash_run(const struct rule_item *items, size_t count)
{
    uint64_t hash = 0;
    for (size_t i = 0; i < count; ++i)
        hash = (hash ^ ((uint64_t)(uint32_t)items[i].entry.number << 32 | (uint32_t)items[i].entry.open)) *
               0x9e3779b97f4a7c15;
    return hash;
}

static bool runs_are_equal(const struct rule_item *a, const struct rule_item *b, size_t count)
{
    for (size_t i = 0; i < count; ++i) {
        if (a[i].entry.number != b[i].entry.number || a[i].entry.open != b[i].entry.open)
            return false;
    }
    return true;
}

/* Runs of items by hash: names that lead to the same rules (a long list around nested routes) share one group. */
struct run {
    const struct rule_item *items;
    size_t count;
    struct rule_group group;
};

struct run_table {
    struct run *runs; /* a power of two, open addressing; empty where items is NULL */
    size_t mask;
};

static struct run *find_run(struct run_table *table, const struct rule_item *items, size_t count)
{
    size_t i = (size_t)(hash_run(items, count) >> 20) & table->mask;
    while (table->runs[i].items != NULL &&
           (table->runs[i].count != count || !runs_are_equal(table->runs[i].items, items, count)))
        i = (i + 1) & table->mask;
    return &table->runs[i];
}

static void init_run_table(struct run_table *table, size_t run_count)
{
    size_t size = 4;
    while (size < 2 * run_count)
        size *= 2;
    table->runs = mem_zalloc(size * sizeof(*table->runs));
    table->mask = size - 1;
}

/* The group of the rules in a run, made unless another pattern has the same. */
static struct rule_group build_run(struct builder *builder, struct run_table *table, const struct rule_item *items,
                                   size_t count)
{
    struct run *run = find_run(table, items, count);
    if (run->items != NULL)
        return run->group;
    struct rule_entry *entries = mem_alloc(count * sizeof(*entries));
    size_t kept = 0;
    for (size_t i = 0; i < count; ++i) {
        if (kept == 0 || entries[kept - 1].number != items[i].entry.number)
            entries[kept++] = items[i].entry;
    }
    *run = (struct run){.items = items, .count = count};
    build_group(builder, entries, kept, &run->group);
    free(entries);
    return run->group;
}

static struct slice reverse_text(struct slice text, struct arena *arena)
{
    char *reversed = arena_alloc(arena, text.length);
    for (size_t i = 0; i < text.length; ++i)
        reversed[i] = text.data[text.length - 1 - i];
    return slice_of(reversed, text.length);
}

static struct trie_key make_key(const struct rule_item *item, uint32_t value, struct arena *arena)
{
    static const enum trie_end ends[] = {
        [PATTERN_EXACT] = TRIE_EXACT,
        [PATTERN_PREFIX] = TRIE_PREFIX,
        [PATTERN_SEGMENT] = TRIE_SEGMENT,
        [PATTERN_SUFFIX] = TRIE_PREFIX,
    };
    return (struct trie_key){
        .text = item->kind == PATTERN_SUFFIX ? reverse_text(item->text, arena) : item->text,
        .end = ends[item->kind],
        .value = value,
        .least = item->entry.number,
    };
}

/* Makes the groups of a split, one for each pattern, and the tries that lead to them. */
static void build_groups(struct builder *builder, const struct rule_items *items, struct rule_index *index)
{
    index->groups = arena_alloc(builder->arena, items->run_count * sizeof(*index->groups));
    struct trie_key *keys = mem_alloc(2 * items->run_count * sizeof(*keys));
    struct trie_key *backward = keys + items->run_count;
    size_t group_count = 0, forward_count = 0, backward_count = 0, length;
    struct run_table table;
    init_run_table(&table, items->run_count);
    for (size_t i = 0; i < items->count; i += length) {
        const struct rule_item *run = &items->items[i];
        length = rule_items_run(items, i);
        struct rule_group group = build_run(builder, &table, run, length);
        if (run->kind == PATTERN_ABSENT) {
            index->absent = group;
            continue;
        }
        bool is_rule = group.index == NULL;
        uint32_t value = is_rule ? (uint32_t)group.least | RULE_VALUE_FLAG : (uint32_t)group_count;
        struct trie_key key = make_key(run, value, builder->arena);
        if (!is_rule)
            index->groups[group_count++] = group;
        if (run->kind == PATTERN_SUFFIX)
            backward[backward_count++] = key;
        else
            keys[forward_count++] = key;
    }
    if (forward_count != 0)
        trie_build(&index->forward, keys, forward_count, builder->arena);
    if (backward_count != 0)
        trie_build(&index->backward, backward, backward_count, builder->arena);
    free(table.runs);
    free(keys);
}

static void build_split(struct builder *builder, struct rule_items *items, struct rule_index *index)
{
    builder->budget -= items->count;
    index->subject = items->subject;
    index->absent = empty_group();
    build_groups(builder, items, index);
    build_group(builder, items->rest, items->rest_count, &index->rest);
}

static void build_leaf(struct builder *builder, const struct rule_entry *entries, size_t count,
                       struct rule_index *index)
{
    struct rule_entry *copy = arena_alloc(builder->arena, count * sizeof(*copy));
    memcpy(copy, entries, count * sizeof(*copy));
    index->entries = copy;
    index->entry_count = count;
}

/* Whether a split leaves clearly less to look through than there was. */
static bool is_worth_it(const struct rule_items *items, size_t count)
{
    return items->worst <= count - 1 - count / 8;
}

/* Collects the items of the subject that tells the rules apart best. False where none is good enough. */
static bool choose_split(struct builder *builder, const struct rule_entry *entries, size_t count,
                         struct rule_items *chosen)
{
    struct subject subjects[SUBJECTS_AT_MOST];
    size_t subject_count = rule_subjects_collect(builder->rules, entries, count, subjects);
    bool is_found = false;
    for (size_t i = 0; i < subject_count; ++i) {
        struct rule_items items;
        rule_items_collect(&items, builder->rules, entries, count, subjects[i]);
        bool is_better =
            items.count <= builder->budget && is_worth_it(&items, count) && (!is_found || items.worst < chosen->worst);
        if (is_better && is_found)
            rule_items_finish(chosen);
        if (is_better)
            *chosen = items;
        else
            rule_items_finish(&items);
        is_found = is_found || is_better;
        if (is_found && chosen->worst <= LEAF_RULES)
            break;
    }
    return is_found;
}

/* entries are in order, each rule once. */
static void build_group(struct builder *builder, struct rule_entry *entries, size_t count, struct rule_group *group)
{
    *group = empty_group();
    if (count == 0)
        return;
    group->least = entries[0].number;
    if (count == 1 && entries[0].open == 0)
        return;
    struct rule_index *index = arena_zalloc(builder->arena, sizeof(*index));
    group->index = index;
    struct rule_items items;
    bool is_decided = entries[0].open == 0;
    if (!is_decided && count > LEAF_RULES && choose_split(builder, entries, count, &items)) {
        build_split(builder, &items, index);
        rule_items_finish(&items);
    } else {
        build_leaf(builder, entries, count, index);
    }
}

struct rule_group rule_index_build(const struct rule *rules, size_t count, struct arena *arena)
{
    struct builder builder = {.rules = rules, .arena = arena, .budget = ENTRIES_PER_PATTERN * count};
    struct rule_entry *entries = mem_alloc(count * sizeof(*entries));
    for (size_t i = 0; i < count; ++i) {
        entries[i] = (struct rule_entry){.number = (int)i, .open = rule_count_open(&rules[i])};
        struct condition_walk walk = rule_conditions(&rules[i]);
        struct condition condition;
        while (condition_next(&walk, &condition))
            builder.budget += ENTRIES_PER_PATTERN * condition.patterns->count;
    }
    struct rule_group group;
    build_group(&builder, entries, count, &group);
    free(entries);
    return group;
}
