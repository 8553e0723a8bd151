#ifndef FLEXILIB_PLAN_RULE_H
#define FLEXILIB_PLAN_RULE_H

/* The parts of a rule as the router, its index and its checks see them: what a condition is about (its subject), and
 * what the request has to say about that. */

#include "plan/router.h"

enum subject_kind {
    SUBJECT_NONE = 0,
    SUBJECT_HOST,
    SUBJECT_PATH,
    SUBJECT_RAW_TARGET,
    SUBJECT_METHOD,
    SUBJECT_LISTENER,
    SUBJECT_HEADER,
};

struct subject {
    enum subject_kind kind;
    struct slice header; /* SUBJECT_HEADER: its name */
};

bool subject_equals(struct subject a, struct subject b);

/* One thing that must hold: one of the patterns matches the subject. */
struct condition {
    struct subject subject;
    const struct pattern_list *patterns; /* at least one */
    bool first_field_only;               /* of several header fields of that name only the first counts */
};

/* Goes through a rule's conditions, those of the innermost match first. */
struct condition_walk {
    const struct rule *rule;
    size_t matches_left;
    size_t next; /* within the match: 0 to 3 are its lists, the others its headers */
};

struct condition_walk rule_conditions(const struct rule *rule);

/* Fills condition with the next one; false at the end. */
bool condition_next(struct condition_walk *walk, struct condition *condition);

/* Longer than any name that a resolver takes. */
enum {
    HOST_BYTES = 256,
};

/* A request in the form that conditions compare with. Not to be copied: host may point into host_text. */
struct lookup {
    const struct request_head *head;
    struct slice listener;
    struct slice host; /* lower case, nothing around the name; empty where there is none or it is too long */
    char host_text[HOST_BYTES];
};

void lookup_init(struct lookup *lookup, const struct request_head *head, struct slice listener);

/* The text that a subject other than a header has in this request. */
struct slice lookup_text(const struct lookup *lookup, enum subject_kind kind);

/* Goes through the values of the fields of one name. "host" has the authority as its only value. */
struct field_walk {
    const struct request_head *head;
    struct slice name;
    size_t next;
};

struct field_walk lookup_fields(const struct lookup *lookup, struct slice name);

/* Fills value with the next one; false at the end. */
bool field_next(struct field_walk *walk, struct slice *value);

/* Whether a pattern of any kind but PATTERN_ABSENT takes this text. */
bool pattern_takes(const struct pattern *pattern, struct slice text);
bool pattern_list_takes(const struct pattern_list *patterns, struct slice text);

bool condition_holds(const struct condition *condition, const struct lookup *lookup);
bool rule_holds(const struct rule *rule, const struct lookup *lookup);

#endif
