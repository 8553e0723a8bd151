#ifndef FLEXILIB_PLAN_RULE_ITEMS_H
#define FLEXILIB_PLAN_RULE_ITEMS_H

/* What a set of rules says about one subject, pattern by pattern: how the builder of the index weighs which subject
 * tells the rules apart, and what it makes a split from. */

#include "plan/rule_index.h"

/* A pattern of a rule's condition on the subject. The entry is the rule's as it is once that pattern has matched. */
struct rule_item {
    struct slice text;
    enum pattern_kind kind;
    struct rule_entry entry;
};

struct rule_items {
    struct subject subject;
    struct rule_item *items; /* those of one pattern stand together (a run), in the rules' order */
    size_t count;
    size_t run_count;
    struct rule_entry *rest; /* the rules that say nothing about the subject, in order */
    size_t rest_count;
    size_t worst; /* how many rules may be left once the subject is known */
};

enum {
    SUBJECTS_AT_MOST = 5 + 3,
};

/* The subjects that a split could be about: of the headers those that most of the rules name. Returns how many. */
size_t rule_subjects_collect(const struct rule *rules, const struct rule_entry *entries, size_t count,
                             struct subject subjects[SUBJECTS_AT_MOST]);

void rule_items_collect(struct rule_items *items, const struct rule *rules, const struct rule_entry *entries,
                        size_t count, struct subject subject);
void rule_items_finish(struct rule_items *items);

/* How many conditions of the rule there are to decide: those that do not follow from an inner one, on which splits are
 * made, and that some request can fail. */
int rule_count_open(const struct rule *rule);

/* How many items, from the one at begin on, have the same pattern. */
size_t rule_items_run(const struct rule_items *items, size_t begin);

#endif
