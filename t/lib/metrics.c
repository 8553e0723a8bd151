/* Counts what requests say: /count?VALUE, /set?NUMBER, /observe?NUMBER, with the label that the option names. Where
 * `wrong` is set, create declares what may not be. */

#include "hook.h"

#include <flexilib/ext/metrics.h>

#include <stdlib.h>

struct counting {
    const struct flexilib_core *core;
    const struct flexilib_metrics *metrics;
    const struct flexilib_metric *visits;
    const struct flexilib_series *size;
    const struct flexilib_metric *seconds;
};

static const struct flexilib_option options[] = {
    {"label", FLEXILIB_OPTION_TEXT, .fallback = "who", .summary = "the label of visits"},
    {"most_series", FLEXILIB_OPTION_INTEGER, .fallback = "0", .summary = "how many series visits have"},
    {"wrong", FLEXILIB_OPTION_BOOL, .fallback = "no", .summary = "declares a counter whose name is no counter's"},
    {"optional", FLEXILIB_OPTION_BOOL, .fallback = "no", .summary = "does without what cannot be had"},
};

static void declare(struct counting *counting, const struct flexilib_value *values)
{
    static const double bounds[] = {0.1, 1};
    const struct flexilib_metric_declaration visits = {
        .kind = FLEXILIB_METRICS_COUNTER,
        .name = FLEXILIB_TEXT("test_visits_total"),
        .help = FLEXILIB_TEXT("Who has come."),
        .labels = &values[0].text,
        .label_count = 1,
        .most_series = (size_t)values[1].integer,
    };
    const struct flexilib_metric_declaration size = {
        .kind = FLEXILIB_METRICS_GAUGE,
        .name = FLEXILIB_TEXT("test_size_bytes"),
        .help = FLEXILIB_TEXT("What was said last."),
    };
    const struct flexilib_metric_declaration seconds = {
        .kind = FLEXILIB_METRICS_HISTOGRAM,
        .name = FLEXILIB_TEXT("test_seconds"),
        .help = FLEXILIB_TEXT("How long it took."),
        .buckets = bounds,
        .bucket_count = 2,
    };
    const struct flexilib_metrics *metrics = counting->metrics;
    counting->visits = metrics->declare(counting->core, &visits);
    const struct flexilib_metric *declared = metrics->declare(counting->core, &size);
    counting->size = declared == NULL ? NULL : metrics->series(declared, NULL);
    counting->seconds = metrics->declare(counting->core, &seconds);
}

static bool create(const struct flexilib_core *core, const struct flexilib_value *values, void **filter)
{
    const struct flexilib_metric_declaration wrong = {.kind = FLEXILIB_METRICS_COUNTER,
                                                      .name = FLEXILIB_TEXT("visits")};
    struct counting *counting = calloc(1, sizeof(*counting));
    *counting = (struct counting){.core = core, .metrics = core->extension(core, FLEXILIB_METRICS)};
    declare(counting, values);
    bool is_whole = counting->visits != NULL && counting->size != NULL && counting->seconds != NULL;
    if ((values[2].boolean && counting->metrics->declare(core, &wrong) == NULL) || (!is_whole && !values[3].boolean)) {
        core->refuse(core, -1, FLEXILIB_ARG("a metric is missing"));
        free(counting);
        return false;
    }
    *filter = counting;
    return true;
}

static double read_number(struct flexilib_text text)
{
    char digits[32] = "";
    memcpy(digits, text.data, text.length < sizeof(digits) ? text.length : sizeof(digits) - 1);
    return strtod(digits, NULL);
}

static flexilib_answer on_request_head(void *filter, struct flexilib_exchange *exchange)
{
    const struct counting *counting = filter;
    const struct flexilib_metrics *metrics = counting->metrics;
    struct flexilib_text query = counting->core->query(exchange);
    if (path_begins_with(counting->core, exchange, "/count") && counting->visits != NULL)
        metrics->add(metrics->series(counting->visits, &query), 1);
    if (path_begins_with(counting->core, exchange, "/set") && counting->size != NULL)
        metrics->set(counting->size, read_number(query));
    if (path_begins_with(counting->core, exchange, "/observe") && counting->seconds != NULL)
        metrics->observe(metrics->series(counting->seconds, NULL), read_number(query));
    counting->core->reply(exchange, 200, FLEXILIB_ARG("text/plain"), FLEXILIB_ARG("counted\n"));
    return FLEXILIB_REPLY;
}

static const struct flexilib_filter filters[] = {
    {.name = "metrics",
     .summary = "counts what requests say",
     .version = "1",
     .options = options,
     .option_count = sizeof(options) / sizeof(options[0]),
     .create = create,
     .destroy = free,
     .on_request_head = on_request_head},
};

FLEXILIB_LIBRARY(filters);
