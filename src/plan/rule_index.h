#ifndef FLEXILIB_PLAN_RULE_INDEX_H
#define FLEXILIB_PLAN_RULE_INDEX_H

/* The compiled form of rules: a tree of splits. A split is about one subject (the host, the path, a header, ...) and
 * leads, by tries over the patterns, to groups of rules, each again split by what tells its rules apart, until few are
 * left. Rules that say nothing about the subject are in the split's rest. A rule stands in several groups where it has
 * several patterns; all groups that a request leads to are searched, and the least number wins.
 *
 * Built by rule_index_build.c, read by rule_index.c and nobody else. */

#include "plan/rule.h"
#include "plan/text_trie.h"

#include <limits.h>

/* A rule on its way down the tree: open conditions are those that no split above has decided. */
struct rule_entry {
    int number;
    int open;
};

struct rule_index;

/* Rules with a common answer so far. */
struct rule_group {
    int least;                      /* the least number among them; RULE_GROUP_EMPTY where there is none */
    const struct rule_index *index; /* NULL: rule `least` alone, with nothing left to decide */
};

#define RULE_GROUP_EMPTY INT_MAX

/* What a trie's value says: a group by its number, or a rule with nothing left to decide. */
enum {
    RULE_VALUE_FLAG = 1 << 30,
};

struct rule_index {
    struct subject subject; /* of kind SUBJECT_NONE: a leaf */
    bool first_field_only;  /* of all the header conditions */
    /* a split */
    struct trie forward; /* over texts as they are: all kinds but PATTERN_SUFFIX */
    struct rule_group rest;
    struct rule_group *groups;
    struct trie backward;     /* over texts reversed: PATTERN_SUFFIX */
    struct rule_group absent; /* PATTERN_ABSENT */
    /* a leaf: its rules, in order */
    const struct rule_entry *entries;
    size_t entry_count;
};

/* Compiles the rules, in the arena. Memory and time grow with the number of patterns, not with their combinations. */
struct rule_group rule_index_build(const struct rule *rules, size_t count, struct arena *arena);

/* The least number, not below first, of a rule that holds, or RULE_GROUP_EMPTY. */
int rule_index_find(const struct rule_group *group, const struct rule *rules, const struct lookup *lookup, int first);

#endif
