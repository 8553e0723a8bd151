#include "plan/router_parts.h"

enum {
    /* how many earlier rules that take an example of a rule's requests are compared with it */
    TAKERS_AT_MOST = 16,
};

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
    for (size_t i = 0; i < part->count; ++i) {
        bool is_covered = false;
        for (size_t j = 0; j < whole->count && !is_covered; ++j)
            is_covered = pattern_covers(&whole->items[j], &part->items[i]);
        if (!is_covered)
            return false;
    }
    return true;
}

/* Whether no request can fail the condition: a canonical path begins with "/". */
static bool always_holds(const struct condition *condition)
{
    static const struct pattern any_path = {.kind = PATTERN_PREFIX, .text = {"/", 1}};
    static const struct pattern_list any_paths = {&any_path, 1};
    return condition->subject.kind == SUBJECT_PATH && list_covers(condition->patterns, &any_paths);
}

static bool condition_covers(const struct condition *whole, const struct rule *rule)
{
    struct condition_walk walk = rule_conditions(rule);
    struct condition part;
    while (condition_next(&walk, &part)) {
        /* a rule that looks at all fields of a name may hold by a later one than the first */
        bool is_comparable = subject_equals(whole->subject, part.subject) &&
                             (!whole->first_field_only || part.first_field_only || part.subject.kind != SUBJECT_HEADER);
        if (is_comparable && list_covers(whole->patterns, part.patterns))
            return true;
    }
    return always_holds(whole);
}

static bool rule_covers(const struct rule *whole, const struct rule *rule)
{
    struct condition_walk walk = rule_conditions(whole);
    struct condition condition;
    while (condition_next(&walk, &condition)) {
        if (!condition_covers(&condition, rule))
            return false;
    }
    return true;
}

/* A request that a rule would match, made up from its patterns. */
struct example {
    struct arena arena;
    struct request_head head;
    struct slice listener;
};

static struct slice make_text(const struct pattern *pattern, struct arena *arena)
{
    if (pattern->kind == PATTERN_SUFFIX)
        return arena_print(arena, "any%.*s", SLICE_ARG(pattern->text));
    /* an empty text is no host and no method */
    return pattern->text.length == 0 ? SLICE("any") : pattern->text;
}

static void put_text(struct example *example, struct subject subject, struct slice text)
{
    switch (subject.kind) {
    case SUBJECT_HOST:
        example->head.authority = text;
        break;
    case SUBJECT_PATH:
        example->head.path = text;
        break;
    case SUBJECT_RAW_TARGET:
        example->head.raw_target = text;
        break;
    case SUBJECT_METHOD:
        example->head.method = text;
        break;
    case SUBJECT_LISTENER:
        example->listener = text;
        break;
    case SUBJECT_HEADER:
        if (slice_equals_nocase(subject.header, SLICE("host")))
            example->head.authority = text;
        else
            headers_set(&example->head.headers, &example->arena, subject.header, text);
        break;
    case SUBJECT_NONE:
        break;
    }
}

/* Fills the example from the first pattern of the innermost condition on each subject: the outermost come first, so
 * that they are overwritten. */
static void make_example(struct example *example, const struct rule *rule)
{
    arena_init(&example->arena, 0);
    example->head = (struct request_head){.method = SLICE("GET"), .path = SLICE("/"), .raw_target = SLICE("/")};
    example->listener = SLICE_NONE;
    for (size_t i = 0; i < rule->count; ++i) {
        struct rule match = {.matches = &rule->matches[i], .count = 1};
        struct condition_walk walk = rule_conditions(&match);
        struct condition condition;
        while (condition_next(&walk, &condition)) {
            const struct pattern *first = &condition.patterns->items[0];
            if (first->kind != PATTERN_ABSENT)
                put_text(example, condition.subject, make_text(first, &example->arena));
        }
    }
}

int router_find_shadow(const struct router *router, int number)
{
    const struct rule *rule = &router->rules[number];
    struct example example;
    make_example(&example, rule);
    int shadow = ROUTER_NONE, taker = -1;
    for (int i = 0; i < TAKERS_AT_MOST && shadow == ROUTER_NONE; ++i) {
        taker = router_find_from(router, &example.head, example.listener, taker + 1);
        if (taker == ROUTER_NONE || taker >= number)
            break;
        if (rule_covers(&router->rules[taker], rule))
            shadow = taker;
    }
    arena_finish(&example.arena);
    return shadow;
}
