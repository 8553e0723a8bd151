#include "plan/rule_subjects.h"

#include "base/alloc.h"
#include "plan/rule_cover.h"

#include <stdlib.h>

bool subject_is_among(struct subject subject, const struct subject_chain *chain)
{
    for (; chain != NULL; chain = chain->above) {
        if (subject_equals(chain->subject, subject))
            return true;
    }
    return false;
}

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
                             const struct subject_chain *decided, struct subject subjects[SUBJECTS_AT_MOST])
{
    size_t subject_count = 0, name_count = 0, name_capacity = 0;
    struct named *names = NULL;
    bool seen[SUBJECT_HEADER + 1] = {false};
    for (size_t i = 0; i < count; ++i) {
        struct condition_walk walk = rule_conditions(&rules[entries[i].number]);
        struct condition condition;
        while (condition_next(&walk, &condition)) {
            if (subject_is_among(condition.subject, decided))
                continue;
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
