#include "upstream/upstream_metrics.h"

void server_metrics_find(struct server_metrics *metrics, struct core_metrics *core, struct slice upstream,
                         struct slice url)
{
    static const char *const kinds[SERVER_LOSS_COUNT] = {"connect", "timeout", "broken"};
    struct slice values[] = {upstream, url, SLICE_NONE};
    metrics->tries = core_metrics_find(core, CORE_UPSTREAM_TRIES, values);
    metrics->requests = core_metrics_find(core, CORE_UPSTREAM_NOW, values);
    for (size_t i = 0; i < SERVER_LOSS_COUNT; ++i) {
        values[2] = slice_from_text(kinds[i]);
        metrics->losses[i] = core_metrics_find(core, CORE_UPSTREAM_LOSSES, values);
    }
}

void upstream_metrics_find(struct upstream_metrics *metrics, struct core_metrics *core, struct slice upstream)
{
    metrics->retries = core_metrics_find(core, CORE_UPSTREAM_RETRIES, &upstream);
    metrics->seconds = core_metrics_find(core, CORE_UPSTREAM_SECONDS, &upstream);
}

void queue_metrics_find(struct queue_metrics *metrics, struct core_metrics *core, struct slice upstream)
{
    metrics->queued = core_metrics_find(core, CORE_UPSTREAM_QUEUED, &upstream);
    metrics->seconds = core_metrics_find(core, CORE_UPSTREAM_QUEUE_SECONDS, &upstream);
}
