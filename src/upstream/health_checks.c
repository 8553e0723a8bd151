#include "upstream/health_checks.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "upstream/health_check.h"
#include "upstream/server_health.h"

#include <stdlib.h>
#include <unistd.h>

enum {
    DEFAULT_EVERY_MS = 5000,
    MOST_INTERVAL_MS = 1 << 30, /* so that sums stay in range */
    /* How far ahead the next check is put while one is under way, again and again: others take over where its worker is
     * dead or hangs. */
    LEASE_MS = 2000,
    RENEWAL_MS = 500,
};

/* One server that is asked. */
struct watched_server {
    struct health_checks *checks;
    struct server *server;
    struct timer timer;         /* for the next check; while one is under way, for keeping others off */
    struct health_check *check; /* under way here */
    uint64_t began_ms;
    uint64_t lease_ms; /* what next_check_ms was moved to meanwhile */
};

struct health_checks {
    struct loop *loop;
    struct resolver *resolver;
    struct watched_server *items;
    size_t count;
    uint64_t random;
};

/* The time itself, not that of the loop's wake-up: it is compared with what other workers write. */
static uint64_t read_now_ms(void)
{
    return clock_monotonic_us() / 1000;
}

/* From 0 to limit - 1, good enough to keep servers and workers out of step (xorshift64). */
static uint64_t draw_below(struct health_checks *checks, uint64_t limit)
{
    checks->random ^= checks->random << 13;
    checks->random ^= checks->random >> 7;
    checks->random ^= checks->random << 17;
    return limit == 0 ? 0 : checks->random % limit;
}

static uint64_t every_ms(const struct watched_server *watched)
{
    int64_t interval_ms = watched->server->upstream->health->every_ms;
    if (interval_ms <= 0)
        return DEFAULT_EVERY_MS;
    return (uint64_t)(interval_ms < MOST_INTERVAL_MS ? interval_ms : MOST_INTERVAL_MS);
}

static uint64_t load_next(const struct watched_server *watched)
{
    return __atomic_load_n(&watched->server->state->next_check_ms, __ATOMIC_RELAXED);
}

static bool move_next(const struct watched_server *watched, uint64_t from_ms, uint64_t to_ms)
{
    return __atomic_compare_exchange_n(&watched->server->state->next_check_ms, &from_ms, to_ms, false, __ATOMIC_RELAXED,
                                       __ATOMIC_RELAXED);
}

static void wake_at(struct watched_server *watched, uint64_t time_ms, uint64_t now_ms)
{
    int64_t delay_ms = time_ms > now_ms ? (int64_t)(time_ms - now_ms) : 0;
    timer_start(watched->checks->loop, &watched->timer, delay_ms);
}

static void on_over(void *data, bool is_good, const char *reason)
{
    struct watched_server *watched = data;
    uint64_t every = every_ms(watched), now_ms = read_now_ms();
    watched->check = NULL;
    /* a tenth earlier or later */
    uint64_t next_ms = watched->began_ms + every - every / 10 + draw_below(watched->checks, every / 5);
    if (next_ms <= now_ms)
        next_ms = now_ms + 1;
    if (move_next(watched, watched->lease_ms, next_ms))
        server_note_check(watched->server, is_good, reason, now_ms);
    wake_at(watched, next_ms, now_ms);
}

/* A time further ahead than these settings could have put it comes from others. */
static bool is_due(const struct watched_server *watched, uint64_t next_ms, uint64_t now_ms)
{
    uint64_t every = every_ms(watched);
    return next_ms <= now_ms || next_ms - now_ms > LEASE_MS + every + every / 10;
}

/* Tries to be the one who asks. */
static bool take_lease(struct watched_server *watched, uint64_t from_ms, uint64_t now_ms)
{
    if (!move_next(watched, from_ms, now_ms + LEASE_MS))
        return false;
    watched->lease_ms = now_ms + LEASE_MS;
    timer_start(watched->checks->loop, &watched->timer, RENEWAL_MS);
    return true;
}

static void begin_check(struct watched_server *watched, uint64_t now_ms)
{
    watched->began_ms = now_ms;
    watched->check = health_check_start(watched->server, watched->checks->resolver, on_over, watched);
}

static void on_due(struct timer *timer)
{
    struct watched_server *watched = timer->data;
    uint64_t now_ms = read_now_ms(), next_ms = load_next(watched), every = every_ms(watched);
    if (watched->check != NULL) {
        /* one who was away for too long and has lost it finishes for nothing */
        take_lease(watched, watched->lease_ms, now_ms);
        return;
    }
    if (is_due(watched, next_ms, now_ms) && take_lease(watched, next_ms, now_ms)) {
        begin_check(watched, now_ms);
        return;
    }
    /* another worker is at it: looking now and then is enough */
    next_ms = load_next(watched);
    if (is_due(watched, next_ms, now_ms))
        next_ms = now_ms;
    wake_at(watched, next_ms + every / 2 + draw_below(watched->checks, every / 2), now_ms);
}

static size_t count_watched(const struct server_group *groups, size_t group_count)
{
    size_t count = 0;
    for (size_t i = 0; i < group_count; ++i) {
        if (groups[i].count != 0 && groups[i].servers[0].upstream->health != NULL)
            count += groups[i].count;
    }
    return count;
}

/* One that was never asked is asked soon, but not all in the same moment. For the others the older generation's time
 * holds, unless it gives up the check that is under way. */
static void watch_server(struct health_checks *checks, struct server *server)
{
    size_t position = checks->count++;
    struct watched_server *watched = &checks->items[position];
    *watched = (struct watched_server){.checks = checks, .server = server};
    watched->timer = (struct timer){.on_timeout = on_due, .data = watched};
    uint64_t every = every_ms(watched), now_ms = read_now_ms(), next_ms = load_next(watched);
    if (next_ms == 0)
        wake_at(watched, now_ms + (position < every ? position : every), now_ms);
    else if (is_due(watched, next_ms, now_ms))
        wake_at(watched, now_ms + draw_below(checks, every / 10), now_ms);
    else
        wake_at(watched, (next_ms - now_ms < every ? next_ms : now_ms + every) + draw_below(checks, every / 10),
                now_ms);
}

struct health_checks *health_checks_create(struct loop *loop, struct resolver *resolver, struct server_group *groups,
                                           size_t group_count)
{
    struct health_checks *checks = mem_alloc(sizeof(*checks));
    *checks = (struct health_checks){.loop = loop, .resolver = resolver};
    checks->random = (clock_monotonic_us() ^ ((uint64_t)getpid() << 32)) | 1;
    checks->items = mem_zalloc((count_watched(groups, group_count) + 1) * sizeof(checks->items[0]));
    for (size_t i = 0; i < group_count; ++i) {
        for (size_t j = 0; j < groups[i].count; ++j) {
            struct server *server = &groups[i].servers[j];
            server_adopt_state(server);
            if (server->upstream->health != NULL)
                watch_server(checks, server);
        }
    }
    return checks;
}

void health_checks_destroy(struct health_checks *checks)
{
    if (checks == NULL)
        return;
    for (size_t i = 0; i < checks->count; ++i) {
        struct watched_server *watched = &checks->items[i];
        timer_stop(checks->loop, &watched->timer);
        if (watched->check == NULL)
            continue;
        health_check_cancel(watched->check);
        move_next(watched, watched->lease_ms, read_now_ms());
    }
    free(checks->items);
    free(checks);
}
