#ifndef FLEXILIB_PLAN_RULE_SUBJECTS_H
#define FLEXILIB_PLAN_RULE_SUBJECTS_H

/* What the builder of the index asks about the subjects of rules. */

#include "plan/rule_index.h"

enum {
    SUBJECTS_AT_MOST = 5 + 3,
};

/* The subjects of the splits on the way down to where the builder is. */
struct subject_chain {
    struct subject subject;
    const struct subject_chain *above;
};

bool subject_is_among(struct subject subject, const struct subject_chain *chain);

/* The subjects that a split could be about: of the headers those that most of the rules name. Returns how many. */
size_t rule_subjects_collect(const struct rule *rules, const struct rule_entry *entries, size_t count,
                             const struct subject_chain *decided, struct subject subjects[SUBJECTS_AT_MOST]);

/* How many conditions of the rule there are to decide: those that do not follow from an inner one, on which splits are
 * made, and that some request can fail. */
int rule_count_open(const struct rule *rule);

#endif
