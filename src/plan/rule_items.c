#include "plan/rule_items.h"

#include "base/alloc.h"
#include "plan/rule_cover.h"

#include <stdlib.h>

/* A header's name among those that rules have conditions on, and how many rules do. */
struct named {
    struct slice name;
    size_t count;
};

static int compare_names(const void *a, const void *b)
{
    struct slice x = ((const struct named *)a)->name, y = ((const struct named *)b)->name;
    size_t shared = x.length < y.length ? x.length : y.length;
    for (size_t i = 0; i < shared; ++i) {
        int order = ascii_lower(x.data[i]) - ascii_lower(y.data[i]);
        if (order != 0)
            return order;
    }
    return (x.length > y.length) - (x.length < y.length);
}

static int compare_counts(const void *a, const void *b)
{
    size_t x = ((const struct named *)a)->count, y = ((const struct named *)b)->count;
    return (x < y) - (x > y);
}

/* Makes one of those that are equal, with their number; returns how many are left. */
static size_t merge_names(struct named *names, size_t count)
{
    size_t kept = 0;
    qsort(names, count, sizeof(*names), compare_names);
    for (size_t i = 0; i < count; ++i) {
        if (kept != 0 && slice_equals_nocase(names[kept - 1].name, names[i].name))
            ++names[kept - 1].count;
        else
            names[kept++] = names[i];
    }
    return kept;
}

size_t rule_subjects_collect(const struct rule *rules, const struct rule_entry *entries, size_t count,
                             struct subject subjects[SUBJECTS_AT_MOST])
{
    size_t subject_count = 0, name_count = 0, name_capacity = 0;
    struct named *names = NULL;
    bool seen[SUBJECT_HEADER + 1] = {false};
    for (size_t i = 0; i < count; ++i) {
        struct condition_walk walk = rule_conditions(&rules[entries[i].number]);
        struct condition condition;
        while (condition_next(&walk, &condition)) {
            seen[condition.subject.kind] = true;
            if (condition.subject.kind != SUBJECT_HEADER)
                continue;
            names = mem_grow(names, name_count, &name_capacity, sizeof(*names));
            names[name_count++] = (struct named){condition.subject.header, 1};
        }
    }
    for (int kind = SUBJECT_HOST; kind < SUBJECT_HEADER; ++kind) {
        if (seen[kind])
            subjects[subject_count++] = (struct subject){.kind = (enum subject_kind)kind};
    }
    if (name_count != 0) {
        name_count = merge_names(names, name_count);
        qsort(names, name_count, sizeof(*names), compare_counts);
    }
    for (size_t i = 0; i < name_count && subject_count < SUBJECTS_AT_MOST; ++i)
        subjects[subject_count++] = (struct subject){SUBJECT_HEADER, names[i].name};
    free(names);
    return subject_count;
}

/* Whether the index finds what all of the condition's patterns take. */
static bool is_indexable(const struct condition *condition)
{
    for (size_t i = 0; i < condition->patterns->count; ++i) {
        if (condition->patterns->items[i].kind == PATTERN_SUFFIX && condition->subject.kind != SUBJECT_HOST)
            return false;
    }
    return true;
}

/* The rule's condition on the subject, the innermost where there are several: it says most. */
static bool find_condition(const struct rule *rule, struct subject subject, struct condition *condition)
{
    struct condition_walk walk = rule_conditions(rule);
    while (condition_next(&walk, condition)) {
        if (subject_equals(condition->subject, subject))
            return is_indexable(condition);
    }
    return false;
}

/* Whether finding the pattern settles the condition. The index looks at all fields of a name: where only the first
 * counts, what it finds is still to be checked. What always holds was never open. */
static bool is_decided(const struct condition *condition, const struct pattern *pattern)
{
    bool is_any_field = condition->subject.kind == SUBJECT_HEADER && condition->first_field_only &&
                        pattern->kind != PATTERN_ABSENT &&
                        !slice_equals_nocase(condition->subject.header, SLICE("host"));
    return !is_any_field && !condition_always_holds(condition);
}

static void add_items(struct rule_items *items, const struct condition *condition, struct rule_entry entry,
                      size_t *capacity)
{
    for (size_t i = 0; i < condition->patterns->count; ++i) {
        const struct pattern *pattern = &condition->patterns->items[i];
        struct rule_item item = {.text = pattern->text, .kind = pattern->kind, .entry = entry};
        bool ends_in_slash = item.text.length == 0 || item.text.data[item.text.length - 1] == '/';
        if (item.kind == PATTERN_SEGMENT && ends_in_slash)
            item.kind = PATTERN_PREFIX;
        if (item.kind == PATTERN_ABSENT)
            item.text = SLICE_NONE;
        if (is_decided(condition, pattern))
            --item.entry.open;
        items->items = mem_grow(items->items, items->count, capacity, sizeof(*items->items));
        items->items[items->count++] = item;
    }
}

static int compare_patterns(const struct rule_item *a, const struct rule_item *b)
{
    return a->kind != b->kind ? (int)a->kind - (int)b->kind : slice_compare(a->text, b->text);
}

static int compare_items(const void *a, const void *b)
{
    int order = compare_patterns(a, b);
    return order != 0 ? order
                      : ((const struct rule_item *)a)->entry.number - ((const struct rule_item *)b)->entry.number;
}

size_t rule_items_run(const struct rule_items *items, size_t begin)
{
    size_t end = begin + 1;
    while (end < items->count && compare_patterns(&items->items[begin], &items->items[end]) == 0)
        ++end;
    return end - begin;
}

void rule_items_collect(struct rule_items *items, const struct rule *rules, const struct rule_entry *entries,
                        size_t count, struct subject subject)
{
    *items = (struct rule_items){.subject = subject, .rest = mem_alloc(count * sizeof(struct rule_entry))};
    size_t capacity = 0, longest = 0, length;
    for (size_t i = 0; i < count; ++i) {
        struct condition condition;
        if (find_condition(&rules[entries[i].number], subject, &condition))
            add_items(items, &condition, entries[i], &capacity);
        else
            items->rest[items->rest_count++] = entries[i];
    }
    if (items->count != 0)
        qsort(items->items, items->count, sizeof(*items->items), compare_items);
    for (size_t i = 0; i < items->count; i += length) {
        length = rule_items_run(items, i);
        longest = length > longest ? length : longest;
        ++items->run_count;
    }
    items->worst = items->rest_count + longest;
}

/* Whether an inner condition of the rule leaves this one, `number` steps into the walk, nothing to decide. */
static bool follows_from_inner(const struct condition *condition, const struct rule *rule, size_t number)
{
    struct condition_walk walk = rule_conditions(rule);
    struct condition inner;
    for (size_t i = 0; i < number && condition_next(&walk, &inner); ++i) {
        if (condition_covers(condition, &inner))
            return true;
    }
    return false;
}

int rule_count_open(const struct rule *rule)
{
    struct condition_walk walk = rule_conditions(rule);
    struct condition condition;
    int open = 0;
    for (size_t number = 0; condition_next(&walk, &condition); ++number)
        open += !condition_always_holds(&condition) && !follows_from_inner(&condition, rule, number);
    return open;
}

void rule_items_finish(struct rule_items *items)
{
    free(items->items);
    free(items->rest);
}
