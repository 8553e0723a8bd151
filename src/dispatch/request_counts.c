#include "dispatch/request_counts.h"

#include "base/alloc.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    KEPT_CODES = 4, /* of a route; others are looked up each time */
    LEAST_BUCKETS = 16,
    SWITCHED = 101,
};

struct code_count {
    int status; /* 0 with series NULL: none */
    struct series *series;
};

struct route_counts {
    const struct plan_route *route;
    struct route_counts *next; /* in its bucket */
    struct series *seconds, *request_bytes, *response_bytes;
    struct code_count codes[KEPT_CODES];
};

struct request_counts {
    struct core_metrics *core;
    struct route_counts **buckets;
    size_t bucket_count, count; /* a power of 2; routes */
};

struct request_counts *request_counts_create(struct core_metrics *core)
{
    struct request_counts *counts = mem_alloc(sizeof(*counts));
    *counts = (struct request_counts){.core = core, .bucket_count = LEAST_BUCKETS};
    counts->buckets = mem_zalloc(counts->bucket_count * sizeof(counts->buckets[0]));
    return counts;
}

void request_counts_destroy(struct request_counts *counts)
{
    if (counts == NULL)
        return;
    for (size_t i = 0; i < counts->bucket_count; ++i) {
        struct route_counts *next;
        for (struct route_counts *route = counts->buckets[i]; route != NULL; route = next) {
            next = route->next;
            free(route);
        }
    }
    free(counts->buckets);
    free(counts);
}

static struct route_counts **bucket_of(const struct request_counts *counts, const struct plan_route *route)
{
    uintptr_t number = (uintptr_t)route / sizeof(*route);
    return &counts->buckets[number & (counts->bucket_count - 1)];
}

static void grow(struct request_counts *counts)
{
    struct route_counts **old = counts->buckets;
    size_t old_count = counts->bucket_count;
    counts->bucket_count *= 2;
    counts->buckets = mem_zalloc(counts->bucket_count * sizeof(counts->buckets[0]));
    for (size_t i = 0; i < old_count; ++i) {
        struct route_counts *next;
        for (struct route_counts *route = old[i]; route != NULL; route = next) {
            struct route_counts **bucket = bucket_of(counts, route->route);
            next = route->next;
            route->next = *bucket;
            *bucket = route;
        }
    }
    free(old);
}

static struct slice name_of(const struct plan_route *route)
{
    return route == NULL ? SLICE("-") : route->name;
}

static struct route_counts *add_route(struct request_counts *counts, const struct plan_route *route)
{
    if (counts->count == counts->bucket_count)
        grow(counts);
    struct route_counts **bucket = bucket_of(counts, route), *added = mem_zalloc(sizeof(*added));
    const struct slice name = name_of(route);
    added->route = route;
    added->seconds = core_metrics_find(counts->core, CORE_REQUEST_SECONDS, &name);
    added->request_bytes = core_metrics_find(counts->core, CORE_REQUEST_BYTES, &name);
    added->response_bytes = core_metrics_find(counts->core, CORE_RESPONSE_BYTES, &name);
    added->next = *bucket;
    *bucket = added;
    ++counts->count;
    return added;
}

static struct route_counts *find_route(struct request_counts *counts, const struct plan_route *route)
{
    struct route_counts *found = *bucket_of(counts, route);
    while (found != NULL && found->route != route)
        found = found->next;
    return found != NULL ? found : add_route(counts, route);
}

static struct series *find_code(struct request_counts *counts, struct route_counts *route, int status)
{
    char digits[16];
    size_t place = 0;
    while (place < KEPT_CODES && route->codes[place].series != NULL) {
        if (route->codes[place].status == status)
            return route->codes[place].series;
        ++place;
    }
    int length = snprintf(digits, sizeof(digits), "%d", status);
    const struct slice values[] = {name_of(route->route), slice_of(digits, (size_t)length)};
    struct series *series = core_metrics_find(counts->core, CORE_REQUESTS, values);
    if (place < KEPT_CODES)
        route->codes[place] = (struct code_count){status, series};
    return series;
}

void request_counts_add(struct request_counts *counts, const struct plan_route *route, const struct exchange *exchange,
                        const struct expansion_times *times)
{
    struct route_counts *found = find_route(counts, route);
    int status = exchange->response.status;
    uint64_t request_bytes = route == NULL ? 0 : exchange_request_bytes(exchange);
    core_metrics_add(find_code(counts, found, status), 1);
    if (times->last_byte_us != 0 && status != SWITCHED)
        core_metrics_observe(found->seconds, (double)times->last_byte_us / 1e6);
    if (request_bytes != 0)
        core_metrics_add(found->request_bytes, (double)request_bytes);
    if (exchange->response_bytes != 0)
        core_metrics_add(found->response_bytes, (double)exchange->response_bytes);
}
