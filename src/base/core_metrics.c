#include "base/core_metrics.h"

#include "base/alloc.h"
#include "base/log.h"

#include <stdlib.h>

enum {
    MOST_LABELS = 3,
    /* more of them count as one, "other"; METRICS_MOST_SERIES has room for them all */
    MOST_ROUTES = 256,
    MOST_ANSWERS = 1024,
    MOST_UPSTREAMS = 128,
    MOST_SERVERS = 256,
    MOST_LOSSES = 3 * MOST_SERVERS,
    MOST_HOOKS = 512,
};

static const double seconds[] = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10};

struct description {
    enum metric_kind kind;
    const char *name, *help;
    const char *labels[MOST_LABELS];
    size_t most_series;
};

static const struct description descriptions[CORE_METRICS_COUNT] = {
    [CORE_REQUESTS] = {METRIC_COUNTER,
                       "flexilib_requests_total",
                       "Requests that are over, by the status they were answered with; 0: with none.",
                       {"route", "code"},
                       MOST_ANSWERS},
    [CORE_REQUEST_SECONDS] = {METRIC_HISTOGRAM,
                              "flexilib_request_duration_seconds",
                              "From a request's first byte to the last one of its response; without tunnels.",
                              {"route"},
                              MOST_ROUTES},
    [CORE_REQUEST_BYTES] =
        {METRIC_COUNTER, "flexilib_request_body_bytes_total", "Bytes of requests' bodies.", {"route"}, MOST_ROUTES},
    [CORE_RESPONSE_BYTES] = {METRIC_COUNTER,
                             "flexilib_response_body_bytes_total",
                             "Bytes of responses' bodies, and what tunnels brought to clients.",
                             {"route"},
                             MOST_ROUTES},
    [CORE_REQUESTS_NOW] = {METRIC_GAUGE,
                           "flexilib_requests_in_flight",
                           "Requests under way, with those that filters have begun.",
                           {NULL},
                           0},
    [CORE_TUNNELS_NOW] =
        {METRIC_GAUGE, "flexilib_tunnels", "Tunnels (WebSockets and the like) that are open.", {NULL}, 0},
    [CORE_CONNECTIONS] =
        {METRIC_COUNTER, "flexilib_connections_total", "Connections of clients that were accepted.", {"listener"}, 0},
    [CORE_CONNECTIONS_NOW] = {METRIC_GAUGE, "flexilib_connections", "Connections of clients.", {"listener"}, 0},
    [CORE_UPSTREAM_TRIES] = {METRIC_COUNTER,
                             "flexilib_upstream_tries_total",
                             "Requests that a server was chosen for, each time that it was.",
                             {"upstream", "server"},
                             MOST_SERVERS},
    [CORE_UPSTREAM_LOSSES] = {METRIC_COUNTER,
                              "flexilib_upstream_failures_total",
                              "Tries without a good response: not connected to, not in time, broken off or malformed.",
                              {"upstream", "server", "kind"},
                              MOST_LOSSES},
    [CORE_UPSTREAM_RETRIES] = {METRIC_COUNTER,
                               "flexilib_upstream_retries_total",
                               "Tries that were not the first one of their request.",
                               {"upstream"},
                               MOST_UPSTREAMS},
    [CORE_UPSTREAM_SECONDS] = {METRIC_HISTOGRAM,
                               "flexilib_upstream_response_seconds",
                               "From a try's beginning until the response's head is there.",
                               {"upstream"},
                               MOST_UPSTREAMS},
    [CORE_UPSTREAM_NOW] = {METRIC_GAUGE,
                           "flexilib_upstream_requests_in_flight",
                           "Requests that a server has.",
                           {"upstream", "server"},
                           MOST_SERVERS},
    [CORE_UPSTREAM_QUEUED] = {METRIC_COUNTER,
                              "flexilib_upstream_queued_total",
                              "Requests that had to wait for a server with room.",
                              {"upstream"},
                              MOST_UPSTREAMS},
    [CORE_UPSTREAM_QUEUE_SECONDS] = {METRIC_COUNTER,
                                     "flexilib_upstream_queue_seconds_total",
                                     "How long they waited.",
                                     {"upstream"},
                                     MOST_UPSTREAMS},
    [CORE_FILTER_CALLS] =
        {METRIC_COUNTER, "flexilib_filter_calls_total", "Calls of filters' hooks.", {"filter", "hook"}, MOST_HOOKS},
    [CORE_FILTER_SECONDS] = {METRIC_COUNTER,
                             "flexilib_filter_seconds_total",
                             "The time in them, without pauses.",
                             {"filter", "hook"},
                             MOST_HOOKS},
    [CORE_FILTER_ERRORS] = {METRIC_COUNTER,
                            "flexilib_filter_errors_total",
                            "Those that failed, answered what is no answer, or did not answer in time.",
                            {"filter", "hook"},
                            MOST_HOOKS},
};

struct core_metrics {
    struct metric *items[CORE_METRICS_COUNT]; /* NULL: there is no room */
};

static struct metric *declare(struct metrics *metrics, const struct description *description)
{
    struct error error = ERROR_INIT;
    struct slice labels[MOST_LABELS];
    size_t label_count = 0;
    for (; label_count < MOST_LABELS && description->labels[label_count] != NULL; ++label_count)
        labels[label_count] = slice_from_text(description->labels[label_count]);
    bool is_histogram = description->kind == METRIC_HISTOGRAM;
    const struct metric_declaration declaration = {
        .kind = (int32_t)description->kind,
        .name = slice_from_text(description->name),
        .help = slice_from_text(description->help),
        .labels = labels,
        .label_count = label_count,
        .buckets = is_histogram ? seconds : NULL,
        .bucket_count = is_histogram ? sizeof(seconds) / sizeof(seconds[0]) : 0,
        .most_series = description->most_series,
        .is_own = true,
    };
    struct metric *metric = metrics_declare(metrics, &declaration, &error);
    if (metric == NULL)
        log_line(LOG_LEVEL_ERROR, "there is no metric '%s': %s", description->name, error.message);
    return metric;
}

struct core_metrics *core_metrics_create(struct metrics *metrics)
{
    struct core_metrics *core = mem_alloc(sizeof(*core));
    for (size_t i = 0; i < CORE_METRICS_COUNT; ++i)
        core->items[i] = declare(metrics, &descriptions[i]);
    return core;
}

void core_metrics_destroy(struct core_metrics *core)
{
    free(core);
}

struct series *core_metrics_find(struct core_metrics *core, enum core_metric metric, const struct slice *values)
{
    if (core == NULL || core->items[metric] == NULL)
        return NULL;
    return metric_find_series(core->items[metric], values);
}
