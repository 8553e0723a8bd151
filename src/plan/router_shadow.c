#include "plan/router_parts.h"
#include "plan/rule_cover.h"

enum {
    /* how many earlier rules that take an example of a rule's requests are compared with it */
    TAKERS_AT_MOST = 16,
};

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
