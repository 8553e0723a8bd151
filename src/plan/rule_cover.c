#include "plan/rule_cover.h"

/* Whether a pattern takes all that begins with its text, whatever comes then. */
static bool is_open_ended(const struct pattern *pattern)
{
    struct slice text = pattern->text;
    return pattern->kind == PATTERN_PREFIX ||
           (pattern->kind == PATTERN_SEGMENT && (text.length == 0 || text.data[text.length - 1] == '/'));
}

/* Whether every text that `part` takes is taken by `whole` too. May say no where it is hard to tell. */
static bool pattern_covers(const struct pattern *whole, const struct pattern *part)
{
    switch (part->kind) {
    case PATTERN_EXACT:
        return pattern_takes(whole, part->text);
    case PATTERN_SEGMENT:
        return (whole->kind == PATTERN_PREFIX || whole->kind == PATTERN_SEGMENT) && pattern_takes(whole, part->text);
    case PATTERN_PREFIX:
        if (is_open_ended(whole))
            return slice_starts_with(part->text, whole->text);
        /* the text goes on in any way, so whole's segment must have ended before */
        return whole->kind == PATTERN_SEGMENT && part->text.length > whole->text.length &&
               pattern_takes(whole, part->text);
    case PATTERN_SUFFIX:
        return whole->kind == PATTERN_SUFFIX && slice_ends_with(part->text, whole->text);
    case PATTERN_ABSENT:
        return whole->kind == PATTERN_ABSENT;
    }
    return false;
}

static bool list_covers(const struct pattern_list *whole, const struct pattern_list *part)
{
    if (whole->items == part->items && whole->count == part->count)
        return true;
    for (size_t i = 0; i < part->count; ++i) {
        bool is_covered = false;
        for (size_t j = 0; j < whole->count && !is_covered; ++j)
            is_covered = pattern_covers(&whole->items[j], &part->items[i]);
        if (!is_covered)
            return false;
    }
    return true;
}

bool condition_always_holds(const struct condition *condition)
{
    /* a canonical path begins with "/" */
    static const struct pattern any_path = {.kind = PATTERN_PREFIX, .text = {"/", 1}};
    static const struct pattern_list any_paths = {&any_path, 1};
    return condition->subject.kind == SUBJECT_PATH && list_covers(condition->patterns, &any_paths);
}

bool condition_covers(const struct condition *whole, const struct condition *part)
{
    if (!subject_equals(whole->subject, part->subject))
        return false;
    /* one that looks at all fields of a name may hold by a later field than the first */
    if (whole->first_field_only && !part->first_field_only && whole->subject.kind == SUBJECT_HEADER)
        return false;
    return list_covers(whole->patterns, part->patterns);
}

static bool follows_from_rule(const struct condition *whole, const struct rule *rule)
{
    struct condition_walk walk = rule_conditions(rule);
    struct condition part;
    while (condition_next(&walk, &part)) {
        if (condition_covers(whole, &part))
            return true;
    }
    return condition_always_holds(whole);
}

bool rule_covers(const struct rule *whole, const struct rule *part)
{
    struct condition_walk walk = rule_conditions(whole);
    struct condition condition;
    while (condition_next(&walk, &condition)) {
        if (!follows_from_rule(&condition, part))
            return false;
    }
    return true;
}
