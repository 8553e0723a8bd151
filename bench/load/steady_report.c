#define _GNU_SOURCE

#include "steady.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const failure_names[FAILURES] = {
    [FAILURE_CONNECT] = "connect", [FAILURE_CLOSED] = "closed", [FAILURE_CUT] = "cut",
    [FAILURE_STATUS] = "status",   [FAILURE_BODY] = "body",     [FAILURE_STALE] = "stale",
    [FAILURE_TIME] = "time",       [FAILURE_TUNNEL] = "tunnel", [FAILURE_DOWNLOAD] = "download",
};

enum {
    SHOWN_FAILURES = 10, /* of a kind, in a phase */
};

void report_failure(struct steady *steady, const struct connection *connection, enum failure failure,
                    const char *detail)
{
    if (++steady->figures.failures[failure] > SHOWN_FAILURES)
        return;
    printf("failure %s %" PRIu64 " %s: %s\n", failure_names[failure], steady->now_us,
           connection->place == NULL ? "-" : connection->place->path, detail);
}

void report_time(struct steady *steady, uint64_t time_us)
{
    struct figures *figures = &steady->figures;
    if (figures->count == figures->capacity) {
        figures->capacity = figures->capacity == 0 ? 65536 : 2 * figures->capacity;
        figures->times_us = realloc(figures->times_us, figures->capacity * sizeof(*figures->times_us));
        if (figures->times_us == NULL)
            abort();
    }
    figures->times_us[figures->count++] = (uint32_t)time_us;
}

void report_version(struct place *place, unsigned version, uint64_t time_us)
{
    if (version <= place->highest)
        return;
    place->highest = version;
    printf("first %s %u %" PRIu64 "\n", place->name, version, time_us);
    if (version >= place->wanted)
        place->wanted = 0;
}

static int compare(const void *a, const void *b)
{
    uint32_t one = *(const uint32_t *)a, other = *(const uint32_t *)b;
    return one < other ? -1 : one > other;
}

static uint32_t quantile(const struct figures *figures, double share)
{
    return figures->count == 0 ? 0 : figures->times_us[(size_t)(share * (double)(figures->count - 1))];
}

void report_phase(struct steady *steady, const char *name)
{
    struct figures *figures = &steady->figures;
    if (figures->count != 0)
        qsort(figures->times_us, figures->count, sizeof(*figures->times_us), compare);
    printf("phase %s requests=%" PRIu64 " visits=%" PRIu64 " messages=%" PRIu64 " downloads=%" PRIu64
           " announced=%" PRIu64 " idle=%" PRIu64 " p50=%u p99=%u p999=%u most=%u",
           name, figures->requests, figures->visits, figures->messages, figures->downloads, figures->announced,
           figures->closed_idle, quantile(figures, 0.5), quantile(figures, 0.99), quantile(figures, 0.999),
           quantile(figures, 1));
    for (int i = 0; i < FAILURES; ++i)
        printf(" %s=%" PRIu64, failure_names[i], figures->failures[i]);
    printf("\n");
    uint32_t *times_us = figures->times_us;
    *figures = (struct figures){.times_us = times_us, .capacity = figures->capacity};
}
