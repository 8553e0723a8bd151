#include "plan/rule_items.h"

#include "base/alloc.h"
#include "plan/rule_cover.h"

#include <stdlib.h>

enum {
    /* what it costs to get at a rule, in patterns compared */
    RULE_WEIGHT = 4,
};

/* A rule with its condition on the subject. */
struct stated {
    struct condition condition;
    struct rule_entry entry;
    size_t weight;
};

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

size_t rule_weigh(const struct rule *rule, const struct subject_chain *decided)
{
    struct condition_walk walk = rule_conditions(rule);
    struct condition condition;
    size_t weight = RULE_WEIGHT;
    while (condition_next(&walk, &condition)) {
        if (!subject_is_among(condition.subject, decided))
            weight += condition.patterns->count;
    }
    return weight;
}

static int compare_stated(const void *a, const void *b)
{
    const struct stated *x = a, *y = b;
    if (x->condition.patterns->items != y->condition.patterns->items)
        return x->condition.patterns->items < y->condition.patterns->items ? -1 : 1;
    if (x->condition.first_field_only != y->condition.first_field_only)
        return x->condition.first_field_only - y->condition.first_field_only;
    return x->entry.number - y->entry.number;
}

static bool is_same_class(const struct stated *a, const struct stated *b)
{
    return a->condition.patterns->items == b->condition.patterns->items &&
           a->condition.patterns->count == b->condition.patterns->count &&
           a->condition.first_field_only == b->condition.first_field_only;
}

/* Puts the rules that have a condition into classes. Returns how many patterns these have. */
static size_t make_classes(struct rule_items *items, struct stated *stated, size_t count)
{
    size_t pattern_count = 0, capacity = 0;
    qsort(stated, count, sizeof(*stated), compare_stated);
    items->first_field_only = true;
    items->entries = mem_alloc(count * sizeof(*items->entries));
    for (size_t i = 0; i < count; ++i) {
        items->entries[i] = stated[i].entry;
        if (i == 0 || !is_same_class(&stated[i - 1], &stated[i])) {
            items->classes = mem_grow(items->classes, items->class_count, &capacity, sizeof(*items->classes));
            items->classes[items->class_count++] =
                (struct rule_class){.condition = stated[i].condition, .entries = &items->entries[i]};
            items->first_field_only = items->first_field_only && stated[i].condition.first_field_only;
            pattern_count += stated[i].condition.patterns->count;
        }
        struct rule_class *class = &items->classes[items->class_count - 1];
        class->weight += stated[i].weight;
        ++class->count;
    }
    return pattern_count;
}

static int compare_patterns(const struct rule_item *a, const struct rule_item *b)
{
    return a->kind != b->kind ? (int)a->kind - (int)b->kind : slice_compare(a->text, b->text);
}

static int compare_items(const void *a, const void *b)
{
    const struct rule_item *x = a, *y = b;
    int order = compare_patterns(x, y);
    return order != 0 ? order : (x->class_number > y->class_number) - (x->class_number < y->class_number);
}

static struct rule_item make_item(const struct pattern *pattern, size_t class_number)
{
    struct rule_item item = {pattern->text, pattern->kind, (uint32_t)class_number};
    bool ends_in_slash = item.text.length == 0 || item.text.data[item.text.length - 1] == '/';
    if (item.kind == PATTERN_SEGMENT && ends_in_slash)
        item.kind = PATTERN_PREFIX;
    if (item.kind == PATTERN_ABSENT)
        item.text = SLICE_NONE;
    return item;
}

static void make_items(struct rule_items *items, size_t pattern_count)
{
    items->items = mem_alloc(pattern_count * sizeof(*items->items));
    for (size_t i = 0; i < items->class_count; ++i) {
        const struct pattern_list *patterns = items->classes[i].condition.patterns;
        for (size_t j = 0; j < patterns->count; ++j)
            items->items[items->count++] = make_item(&patterns->items[j], i);
    }
    qsort(items->items, items->count, sizeof(*items->items), compare_items);
}

size_t rule_items_run(const struct rule_items *items, size_t begin)
{
    size_t end = begin + 1;
    while (end < items->count && compare_patterns(&items->items[begin], &items->items[end]) == 0)
        ++end;
    return end - begin;
}

static bool is_new_class(const struct rule_items *items, size_t begin, size_t i)
{
    return i == begin || items->items[i].class_number != items->items[i - 1].class_number;
}

/* Counts the runs, and finds the heaviest. */
static size_t weigh_runs(struct rule_items *items)
{
    size_t heaviest = 0, length;
    for (size_t begin = 0; begin < items->count; begin += length) {
        size_t weight = 0;
        length = rule_items_run(items, begin);
        for (size_t i = begin; i < begin + length; ++i)
            weight += is_new_class(items, begin, i) ? items->classes[items->items[i].class_number].weight : 0;
        heaviest = weight > heaviest ? weight : heaviest;
        ++items->run_count;
    }
    return heaviest;
}

bool rule_items_collect(struct rule_items *items, const struct rule *rules, const struct rule_entry *entries,
                        size_t count, struct subject subject, const struct subject_chain *decided, size_t limit)
{
    struct subject_chain then_decided = {subject, decided};
    struct stated *stated = mem_alloc(count * sizeof(*stated));
    size_t stated_count = 0;
    *items = (struct rule_items){.subject = subject, .rest = mem_alloc(count * sizeof(struct rule_entry))};
    for (size_t i = 0; i < count; ++i) {
        const struct rule *rule = &rules[entries[i].number];
        struct stated *next = &stated[stated_count];
        size_t weight = rule_weigh(rule, &then_decided);
        items->total += rule_weigh(rule, decided);
        if (find_condition(rule, subject, &next->condition)) {
            next->entry = entries[i];
            next->weight = weight;
            ++stated_count;
        } else {
            items->rest[items->rest_count++] = entries[i];
            items->worst += weight;
        }
    }
    size_t pattern_count = make_classes(items, stated, stated_count);
    free(stated);
    if (pattern_count == 0 || pattern_count > limit) {
        rule_items_finish(items);
        return false;
    }
    make_items(items, pattern_count);
    items->worst += weigh_runs(items);
    return true;
}

void rule_items_finish(struct rule_items *items)
{
    free(items->classes);
    free(items->entries);
    free(items->items);
    free(items->rest);
}

/* Whether finding the pattern settles the class's condition. The index looks at all fields of a name unless all rules
 * want the first only; where just some do, what it finds is still to be checked. What always holds was never open. */
static bool is_settled(const struct rule_items *items, const struct condition *condition, enum pattern_kind kind)
{
    if (condition_always_holds(condition))
        return false;
    return condition->subject.kind != SUBJECT_HEADER || !condition->first_field_only || items->first_field_only ||
           kind == PATTERN_ABSENT;
}

static int compare_entries(const void *a, const void *b)
{
    return ((const struct rule_entry *)a)->number - ((const struct rule_entry *)b)->number;
}

struct rule_entry *rule_items_entries(const struct rule_items *items, size_t begin, size_t length, size_t *count)
{
    size_t capacity = 0, filled = 0;
    for (size_t i = begin; i < begin + length; ++i)
        capacity += items->classes[items->items[i].class_number].count;
    struct rule_entry *entries = mem_alloc(capacity * sizeof(*entries));
    for (size_t i = begin; i < begin + length; ++i) {
        if (!is_new_class(items, begin, i))
            continue;
        const struct rule_class *class = &items->classes[items->items[i].class_number];
        bool settled = is_settled(items, &class->condition, items->items[i].kind);
        for (size_t j = 0; j < class->count; ++j)
            entries[filled++] = (struct rule_entry){class->entries[j].number, class->entries[j].open - settled};
    }
    qsort(entries, filled, sizeof(*entries), compare_entries);
    *count = filled;
    return entries;
}

bool rule_items_are_common(const struct rule_items *items)
{
    return items->rest_count == 0 && (items->run_count == 1 || items->class_count == 1) &&
           is_settled(items, &items->classes[0].condition, items->items[0].kind);
}
