#ifndef FLEXILIB_PLAN_RULE_ITEMS_H
#define FLEXILIB_PLAN_RULE_ITEMS_H

/* What a set of rules says about one subject, pattern by pattern: how the builder of the index weighs which subject
 * tells the rules apart, and what it makes a split from. Rules that share a list of patterns (nested routes share those
 * around them) are one class, so that a long list counts once. */

#include "plan/rule_subjects.h"

struct rule_class {
    struct condition condition; /* of any of its rules */
    struct rule_entry *entries; /* its rules, in order */
    size_t count;
    size_t weight; /* of its rules, once the subject is decided */
};

/* One pattern of a class. */
struct rule_item {
    struct slice text;
    enum pattern_kind kind;
    uint32_t class_number;
};

struct rule_items {
    struct subject subject;
    bool first_field_only; /* of all the conditions */
    struct rule_class *classes;
    size_t class_count;
    struct rule_entry *entries; /* of the classes */
    struct rule_item *items;    /* those of one pattern stand together (a run) */
    size_t count;
    size_t run_count;
    struct rule_entry *rest; /* the rules that say nothing about the subject, in order */
    size_t rest_count;
    /* What trying all the rules one by one would cost, and what it costs at worst when the subject is decided. */
    size_t total;
    size_t worst;
};

/* What trying the rule costs, in patterns compared, where some subjects are decided already. */
size_t rule_weigh(const struct rule *rule, const struct subject_chain *decided);

/* decided: what is known already. limit: how many items there may be. Returns false where there would be more, or none;
 * then there is nothing to finish. */
bool rule_items_collect(struct rule_items *items, const struct rule *rules, const struct rule_entry *entries,
                        size_t count, struct subject subject, const struct subject_chain *decided, size_t limit);
void rule_items_finish(struct rule_items *items);

/* How many items, from the one at begin on, have the same pattern. */
size_t rule_items_run(const struct rule_items *items, size_t begin);

/* Copies the rules of a run, in order, as they are once the pattern has matched; the caller frees them. */
struct rule_entry *rule_items_entries(const struct rule_items *items, size_t begin, size_t length, size_t *count);

/* Whether every rule says the same about the subject: then it is decided for all of them at once. */
bool rule_items_are_common(const struct rule_items *items);

#endif
