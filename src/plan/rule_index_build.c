#include "plan/rule_index.h"

#include "base/alloc.h"
#include "plan/rule_items.h"

#include <limits.h>
#include <stdlib.h>

enum {
    /* what makes a rule too costly to be tried, so that it is split although it is alone */
    HEAVY_RULE = 20,
    /* how many pattern entries there may be for each pattern that is written: rules with several lists of several
     * patterns could multiply them */
    ENTRIES_PER_PATTERN = 16,
};

struct builder {
    const struct rule *rules;
    struct arena *arena;
    size_t budget; /* entries that may still be made */
};

static void build_group(struct builder *builder, const struct rule_entry *entries, size_t count,
                        const struct subject_chain *decided, struct rule_group *group);

static struct rule_group empty_group(void)
{
    return (struct rule_group){.least = RULE_GROUP_EMPTY};
}

/* Runs of items by their classes: names that lead to the same rules (a long list around nested routes) share one
 * group. */
struct run {
    const struct rule_item *items;
    size_t count;
    struct rule_group group;
};

struct run_table {
    struct run *runs; /* a power of two, open addressing; empty where items is NULL */
    size_t mask;
};

static uint64_t hash_run(const struct rule_item *items, size_t count)
{
    uint64_t hash = items->kind == PATTERN_ABSENT;
    for (size_t i = 0; i < count; ++i)
        hash = (hash ^ (items[i].class_number + 1)) * 0x9e3779b97f4a7c15;
    return hash;
}

static bool runs_are_equal(const struct run *run, const struct rule_item *items, size_t count)
{
    if (run->count != count || (run->items->kind == PATTERN_ABSENT) != (items->kind == PATTERN_ABSENT))
        return false;
    for (size_t i = 0; i < count; ++i) {
        if (run->items[i].class_number != items[i].class_number)
            return false;
    }
    return true;
}

static struct run *find_run(struct run_table *table, const struct rule_item *items, size_t count)
{
    size_t i = (size_t)(hash_run(items, count) >> 20) & table->mask;
    while (table->runs[i].items != NULL && !runs_are_equal(&table->runs[i], items, count))
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
static struct rule_group build_run(struct builder *builder, struct run_table *table, const struct rule_items *items,
                                   size_t begin, size_t length, const struct subject_chain *decided)
{
    struct run *run = find_run(table, &items->items[begin], length);
    if (run->items != NULL)
        return run->group;
    *run = (struct run){.items = &items->items[begin], .count = length};
    size_t count;
    struct rule_entry *entries = rule_items_entries(items, begin, length, &count);
    build_group(builder, entries, count, decided, &run->group);
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

static struct trie_key make_key(const struct rule_item *item, uint32_t value, int least, struct arena *arena)
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
        .least = least,
    };
}

/* Makes the groups of a split, one for each pattern, and the tries that lead to them. */
static void build_groups(struct builder *builder, const struct rule_items *items, const struct subject_chain *decided,
                         struct rule_index *index)
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
        struct rule_group group = build_run(builder, &table, items, i, length, decided);
        if (run->kind == PATTERN_ABSENT) {
            index->absent = group;
            continue;
        }
        bool is_rule = group.index == NULL;
        uint32_t value = is_rule ? (uint32_t)group.least | RULE_VALUE_FLAG : (uint32_t)group_count;
        struct trie_key key = make_key(run, value, group.least, builder->arena);
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

static void build_split(struct builder *builder, const struct rule_items *items, const struct subject_chain *decided,
                        struct rule_index *index)
{
    struct subject_chain then_decided = {items->subject, decided};
    builder->budget -= items->count;
    index->subject = items->subject;
    index->first_field_only = items->first_field_only;
    index->absent = empty_group();
    build_groups(builder, items, &then_decided, index);
    build_group(builder, items->rest, items->rest_count, decided, &index->rest);
}

static void build_leaf(struct builder *builder, const struct rule_entry *entries, size_t count,
                       struct rule_index *index)
{
    struct rule_entry *copy = arena_alloc(builder->arena, count * sizeof(*copy));
    memcpy(copy, entries, count * sizeof(*copy));
    index->entries = copy;
    index->entry_count = count;
}

/* Whether a split leaves clearly less to try than there was. */
static bool is_worth_it(const struct builder *builder, const struct rule_items *items, const struct rule_entry *entries,
                        size_t count)
{
    if (rule_items_are_common(items))
        return count > 1 || rule_weigh(&builder->rules[entries[0].number], NULL) > HEAVY_RULE;
    return count > 1 && items->worst < items->total - items->total / 8;
}

/* Collects the items of the subject that tells the rules apart best; but what all have in common comes first, since it
 * would have to be looked at for each rule later. False where no subject is worth a split. */
static bool choose_split(struct builder *builder, const struct rule_entry *entries, size_t count,
                         const struct subject_chain *decided, struct rule_items *chosen)
{
    struct subject subjects[SUBJECTS_AT_MOST];
    size_t subject_count = rule_subjects_collect(builder->rules, entries, count, decided, subjects);
    bool is_found = false;
    for (size_t i = 0; i < subject_count; ++i) {
        struct rule_items items;
        if (!rule_items_collect(&items, builder->rules, entries, count, subjects[i], decided, builder->budget))
            continue;
        bool is_common = rule_items_are_common(&items);
        if (!is_worth_it(builder, &items, entries, count) || (is_found && !is_common && items.worst >= chosen->worst)) {
            rule_items_finish(&items);
            continue;
        }
        if (is_found)
            rule_items_finish(chosen);
        *chosen = items;
        is_found = true;
        if (is_common)
            break;
    }
    return is_found;
}

/* entries are in order, each rule once. */
static void build_group(struct builder *builder, const struct rule_entry *entries, size_t count,
                        const struct subject_chain *decided, struct rule_group *group)
{
    *group = empty_group();
    if (count == 0)
        return;
    group->least = entries[0].number;
    bool is_settled = entries[0].open == 0;
    if (count == 1 && is_settled)
        return;
    struct rule_index *index = arena_zalloc(builder->arena, sizeof(*index));
    group->index = index;
    struct rule_items items;
    if (!is_settled && choose_split(builder, entries, count, decided, &items)) {
        build_split(builder, &items, decided, index);
        rule_items_finish(&items);
    } else {
        build_leaf(builder, entries, count, index);
    }
}

static int compare_addresses(const void *a, const void *b)
{
    const struct match_settings *x = *(const struct match_settings *const *)a;
    const struct match_settings *y = *(const struct match_settings *const *)b;
    return (x > y) - (x < y);
}

/* How many patterns are written, those of a match that several rules are nested in counted once. */
static size_t count_patterns(const struct rule *rules, size_t count)
{
    const struct match_settings **matches = NULL;
    size_t match_count = 0, capacity = 0, pattern_count = 0;
    for (size_t i = 0; i < count; ++i) {
        for (size_t j = 0; j < rules[i].count; ++j) {
            matches = mem_grow(matches, match_count, &capacity, sizeof(*matches));
            matches[match_count++] = rules[i].matches[j];
        }
    }
    if (match_count != 0)
        qsort(matches, match_count, sizeof(*matches), compare_addresses);
    for (size_t i = 0; i < match_count; ++i) {
        struct rule alone = {&matches[i], 1};
        struct condition_walk walk = rule_conditions(&alone);
        struct condition condition;
        while ((i == 0 || matches[i] != matches[i - 1]) && condition_next(&walk, &condition))
            pattern_count += condition.patterns->count;
    }
    free(matches);
    return pattern_count;
}

struct rule_group rule_index_build(const struct rule *rules, size_t count, struct arena *arena)
{
    struct builder builder = {rules, arena, ENTRIES_PER_PATTERN * (count + count_patterns(rules, count))};
    struct rule_entry *entries = mem_alloc(count * sizeof(*entries));
    for (size_t i = 0; i < count; ++i)
        entries[i] = (struct rule_entry){.number = (int)i, .open = rule_count_open(&rules[i])};
    struct rule_group group;
    build_group(&builder, entries, count, NULL, &group);
    free(entries);
    return group;
}
