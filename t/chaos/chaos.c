#include "chaos.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    OPTION_SEED = 0,
    OPTION_WHO,
    OPTION_WILD,
    OPTION_ANSWERS,
    OPTION_TEMPLATE,
    OPTION_REGEX,
    OPTION_RANGES,
    OPTION_COUNT,
};

static const struct flexilib_option options[] = {
    [OPTION_SEED] = {"seed", FLEXILIB_OPTION_INTEGER, .fallback = "1", .summary = "what all chance comes from"},
    [OPTION_WHO] = {"who", FLEXILIB_OPTION_INTEGER, .fallback = "1", .summary = "tells uses of one chain apart"},
    [OPTION_WILD] = {"wild", FLEXILIB_OPTION_INTEGER, .fallback = "30", .summary = "how often it acts, in percent"},
    [OPTION_ANSWERS] = {"answers", FLEXILIB_OPTION_BOOL, .fallback = "no", .summary = "is a handler"},
    [OPTION_TEMPLATE] = {"template", FLEXILIB_OPTION_TEMPLATE,
                         .fallback = "'{method} {path}?{query.a|{header.x-number}} {chaos.a|none} {status}'",
                         .summary = "is expanded now and then"},
    [OPTION_REGEX] = {"regex", FLEXILIB_OPTION_REGEX, .fallback = "'([a-z]+)/(\\d+)?(x)?'",
                      .summary = "is looked for now and then"},
    [OPTION_RANGES] = {"ranges", FLEXILIB_OPTION_RANGES, .fallback = "127.0.0.0/8", .summary = "likewise"},
};

static void find_extensions(struct chaos *chaos)
{
    const struct flexilib_core *core = chaos->core;
    chaos->timer = core->extension(core, FLEXILIB_TIMER);
    chaos->fetch = core->extension(core, FLEXILIB_FETCH);
    chaos->offload = core->extension(core, FLEXILIB_OFFLOAD);
    chaos->dictionary = core->extension(core, FLEXILIB_DICTIONARY);
    chaos->metrics = core->extension(core, FLEXILIB_METRICS);
    if (chaos->dictionary != NULL)
        chaos->names = chaos->dictionary->open(core, FLEXILIB_ARG("chaos"));
    struct flexilib_metric_declaration hooks = {.kind = FLEXILIB_METRICS_COUNTER,
                                                .name = FLEXILIB_TEXT("chaos_hooks_total"),
                                                .help = FLEXILIB_TEXT("Hooks that did something")};
    const struct flexilib_metric *metric = chaos->metrics == NULL ? NULL : chaos->metrics->declare(core, &hooks);
    if (metric != NULL)
        chaos->series = chaos->metrics->series(metric, NULL);
}

static bool create(const struct flexilib_core *core, const struct flexilib_value *values, void **filter)
{
    struct chaos *chaos = calloc(1, sizeof(*chaos));
    chaos->core = core;
    chaos->seed = (uint64_t)values[OPTION_SEED].integer;
    chaos->who = WHO_FILTER + (uint64_t)values[OPTION_WHO].integer;
    chaos->wild = (unsigned)values[OPTION_WILD].integer;
    chaos->answers = values[OPTION_ANSWERS].boolean;
    chaos->expansion = values[OPTION_TEMPLATE].expansion;
    chaos->regex = values[OPTION_REGEX].regex;
    chaos->ranges = values[OPTION_RANGES].ranges;
    const char *watched = getenv("FLEXILIB_CHAOS_WATCHED");
    chaos->watched = watched == NULL ? 0 : strtoull(watched, NULL, 10);
    find_extensions(chaos);
    messengers_start(chaos);
    *filter = chaos;
    return true;
}

static bool create_observer(const struct flexilib_core *core, const struct flexilib_value *values, void **filter)
{
    create(core, values, filter);
    ((struct chaos *)*filter)->observes = true;
    return true;
}

static void require_none(const struct chaos *chaos, long count, const char *what)
{
    if (count != 0)
        fprintf(stderr, "alert: chaos %llu has %ld %s at its end\n", (unsigned long long)chaos->who, count, what);
}

static void destroy(void *filter)
{
    struct chaos *chaos = filter;
    messengers_end(chaos);
    require_none(chaos, chaos->begun, "exchanges without on_end");
    require_none(chaos, chaos->lent, "lent bodies");
    require_none(chaos, chaos->asked, "fetches that are not over");
    free(chaos);
}

struct stamp {
    const struct flexilib_core *core;
};

static bool create_stamp(const struct flexilib_core *core, const struct flexilib_value *values, void **filter)
{
    struct stamp *stamp = malloc(sizeof(*stamp));
    stamp->core = core;
    *filter = stamp;
    return true;
}

/* Remembers the number by itself, not by looking it up again. */
static flexilib_answer begin_stamp(void *filter, struct flexilib_exchange *exchange)
{
    const struct flexilib_core *core = ((struct stamp *)filter)->core;
    uint64_t *number = core->allocate(exchange, sizeof(*number));
    *number = number_of(core, exchange);
    core->set_state(exchange, number);
    return FLEXILIB_CONTINUE;
}

static flexilib_answer set_stamp(void *filter, struct flexilib_exchange *exchange)
{
    const struct flexilib_core *core = ((struct stamp *)filter)->core;
    const uint64_t *number = core->state(exchange);
    char text[24];
    int length = snprintf(text, sizeof(text), "%llu", number == NULL ? 0 : (unsigned long long)*number);
    core->set_header(exchange, FLEXILIB_RESPONSE, FLEXILIB_ARG("x-stamp"), text, (size_t)length);
    return FLEXILIB_CONTINUE;
}

#define CHAOS(called, told, maker)                                                                                     \
    .name = (called), .summary = (told), .version = "1", .options = options, .option_count = OPTION_COUNT,             \
    .create = (maker), .destroy = destroy, .on_end = chaos_on_end
#define HEADS .on_request_head = chaos_on_request_head, .on_response_head = chaos_on_response_head
#define BODIES                                                                                                         \
    .on_request_body = chaos_on_request_body, .on_response_body = chaos_on_response_body,                              \
    .on_reply_body = chaos_on_reply_body

static const struct flexilib_filter filters[] = {
    {CHAOS("all", "does anything in every hook", create), HEADS, BODIES, .on_resume = chaos_on_resume},
    {CHAOS("heads", "has no hook for bodies", create), HEADS, .on_resume = chaos_on_resume},
    {CHAOS("bodies", "has hooks for bodies only", create), BODIES},
    {CHAOS("unaware", "is not told when its pauses end", create), HEADS, BODIES},
    {CHAOS("observer", "only looks, as it says", create_observer), HEADS, BODIES, .on_resume = chaos_on_resume,
     .flags = FLEXILIB_OBSERVES},
    {CHAOS("blocking", "blocks", create), HEADS, BODIES, .on_resume = chaos_on_resume, .flags = FLEXILIB_BLOCKING},
    {CHAOS("concurrent", "blocks, several at once", create), HEADS, BODIES, .on_resume = chaos_on_resume,
     .flags = FLEXILIB_BLOCKING | FLEXILIB_CONCURRENT},
    {.name = "stamp",
     .summary = "says whose response it is",
     .version = "1",
     .create = create_stamp,
     .destroy = free,
     .on_request_head = begin_stamp,
     .on_response_head = set_stamp},
};

FLEXILIB_LIBRARY(filters);
