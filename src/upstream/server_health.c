#include "upstream/server_health.h"

#include "base/log.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

enum {
    FIRST_SHARE_PERCENT = 10, /* of its weight, for a server that starts slowly */
    /* Workers learn the time when they wake up, so one may be behind another that has just written it. */
    MOST_LAG_MS = 60000,
};

static uint32_t load_number(const uint32_t *number)
{
    return __atomic_load_n(number, __ATOMIC_RELAXED);
}

static uint64_t load_time(const uint64_t *time)
{
    return __atomic_load_n(time, __ATOMIC_RELAXED);
}

static void store_number(uint32_t *number, uint32_t value)
{
    __atomic_store_n(number, value, __ATOMIC_RELAXED);
}

static void store_time(uint64_t *time, uint64_t value)
{
    __atomic_store_n(time, value, __ATOMIC_RELAXED);
}

static bool swap_time(uint64_t *time, uint64_t from, uint64_t to)
{
    return __atomic_compare_exchange_n(time, &from, to, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

static void log_event(enum log_level level, const struct server *server, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void log_event(enum log_level level, const struct server *server, const char *format, ...)
{
    char event[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(event, sizeof(event), format, arguments);
    va_end(arguments);
    log_line(level, "upstream '%.*s' server %.*s: %s", SLICE_ARG(server->upstream->name),
             SLICE_ARG(server->settings->url), event);
}

bool status_ranges_contain(const struct status_ranges *ranges, int status)
{
    for (size_t i = 0; i < ranges->count; ++i) {
        if (status >= ranges->items[i].first && status <= ranges->items[i].last)
            return true;
    }
    return false;
}

static bool is_bad(const struct server *server)
{
    return server->upstream->health != NULL && load_number(&server->state->check) == SERVER_CHECK_BAD;
}

static bool is_drained(const struct server *server)
{
    return load_number(&server->state->is_drained) != 0;
}

/* A time so far ahead that nobody of this configuration can have meant it does not count. */
static bool is_out(const struct server *server, uint64_t now_ms)
{
    const struct eject_settings *eject = &server->upstream->eject;
    uint64_t until_ms = load_time(&server->state->ejected_until_ms);
    return eject->failures != 0 && until_ms > now_ms && until_ms - now_ms <= (uint64_t)eject->longest_ms + MOST_LAG_MS;
}

/* Beginning behind the server itself, since most stand most of the time. */
static bool has_standing_sibling(const struct server *server, uint64_t now_ms)
{
    const struct server_group *group = server->group;
    size_t own = (size_t)(server - group->servers);
    for (size_t i = 1; i < group->count; ++i) {
        const struct server *sibling = &group->servers[(own + i) % group->count];
        if (!is_drained(sibling) && !is_bad(sibling) && !is_out(sibling, now_ms))
            return true;
    }
    return false;
}

static void start_slowly(struct server_state *state, uint64_t now_ms)
{
    store_time(&state->recovered_ms, now_ms == 0 ? 1 : now_ms);
}

/* An ejection ends when somebody looks at the server after its time, so that the slow start begins with its first
 * requests. */
static void end_ejection(const struct server *server, uint64_t now_ms)
{
    struct server_state *state = server->state;
    uint64_t until_ms = load_time(&state->ejected_until_ms);
    if (until_ms == 0 || server->upstream->eject.failures == 0 || is_out(server, now_ms))
        return;
    start_slowly(state, now_ms);
    if (swap_time(&state->ejected_until_ms, until_ms, 0))
        log_event(LOG_LEVEL_INFO, server, "is back");
}

bool server_is_healthy(const struct server *server, uint64_t now_ms)
{
    if (is_bad(server))
        return false;
    if (load_time(&server->state->ejected_until_ms) == 0)
        return true;
    end_ejection(server, now_ms);
    return !is_out(server, now_ms) || !has_standing_sibling(server, now_ms);
}

bool server_is_usable(const struct server *server, uint64_t now_ms)
{
    return !is_drained(server) && server_is_healthy(server, now_ms);
}

uint32_t server_weight(const struct server *server, uint64_t now_ms)
{
    uint32_t weight = server->settings->weight;
    uint64_t whole = weight == 0 ? 1 : (uint64_t)weight * SERVER_WEIGHT_UNIT;
    int64_t slow_start_ms = server->upstream->slow_start_ms;
    uint64_t recovered_ms = load_time(&server->state->recovered_ms);
    if (slow_start_ms <= 0 || recovered_ms == 0 || recovered_ms > now_ms + MOST_LAG_MS)
        return (uint32_t)whole;
    uint64_t since_ms = recovered_ms < now_ms ? now_ms - recovered_ms : 0;
    if (since_ms >= (uint64_t)slow_start_ms)
        return (uint32_t)whole;
    uint64_t first = whole * FIRST_SHARE_PERCENT / 100;
    double grown = (double)(whole - first) * (double)since_ms / (double)slow_start_ms;
    uint64_t present = first + (uint64_t)grown;
    return present == 0 ? 1 : (uint32_t)present;
}

/* How long the server is out when it is put out for the number-th time. */
static uint64_t choose_ejection_ms(const struct eject_settings *eject, uint32_t number)
{
    int64_t time_ms = eject->time_ms;
    while (--number != 0 && time_ms > 0 && time_ms < eject->longest_ms)
        time_ms = time_ms <= INT64_MAX / 2 ? time_ms * 2 : INT64_MAX;
    if (time_ms > eject->longest_ms)
        time_ms = eject->longest_ms;
    return time_ms > 0 ? (uint64_t)time_ms : 0;
}

/* Whether so many more of the servers may be out than are. */
static bool may_be_out(const struct server_group *group, size_t more, uint64_t now_ms)
{
    size_t count = 0, out_count = more;
    for (size_t i = 0; i < group->count; ++i) {
        const struct server *server = &group->servers[i];
        if (is_drained(server) || is_bad(server))
            continue;
        ++count;
        out_count += is_out(server, now_ms);
    }
    return out_count <= count / 2;
}

/* How often in a row it will have been put out: a server that has stood for as long as it was last out begins anew. */
static uint32_t count_ejection(const struct server *server, uint64_t now_ms)
{
    uint32_t ejections = load_number(&server->state->ejections);
    uint64_t recovered_ms = load_time(&server->state->recovered_ms);
    if (ejections == 0 || ejections == UINT32_MAX)
        return 1;
    uint64_t stood_ms = recovered_ms < now_ms ? now_ms - recovered_ms : 0;
    return stood_ms >= choose_ejection_ms(&server->upstream->eject, ejections) ? 1 : ejections + 1;
}

static void describe_duration(uint64_t duration_ms, char *text, size_t capacity)
{
    if (duration_ms % 1000 == 0)
        snprintf(text, capacity, "%" PRIu64 " s", duration_ms / 1000);
    else
        snprintf(text, capacity, "%" PRIu64 " ms", duration_ms);
}

static void put_out(struct server *server, uint32_t failures, uint64_t now_ms)
{
    struct server_state *state = server->state;
    end_ejection(server, now_ms);
    uint32_t ejections = count_ejection(server, now_ms);
    uint64_t duration_ms = choose_ejection_ms(&server->upstream->eject, ejections);
    if (duration_ms == 0 || !may_be_out(server->group, 1, now_ms) ||
        !swap_time(&state->ejected_until_ms, 0, now_ms + duration_ms))
        return;
    /* another worker may have put out another server at the same time */
    if (!may_be_out(server->group, 0, now_ms)) {
        swap_time(&state->ejected_until_ms, now_ms + duration_ms, 0);
        return;
    }
    store_number(&state->ejections, ejections);
    char duration[32];
    describe_duration(duration_ms, duration, sizeof(duration));
    log_event(LOG_LEVEL_WARNING, server, "put out for %s after %" PRIu32 " failure%s in a row", duration, failures,
              failures == 1 ? "" : "s");
}

/* The failures before an ejection go on counting after it: a server that is back has one try. */
void server_note_failures(struct server *server, uint32_t count, uint64_t now_ms)
{
    const struct eject_settings *eject = &server->upstream->eject;
    if (count == 0 || eject->failures == 0)
        return;
    uint32_t failures = __atomic_add_fetch(&server->state->failures_in_a_row, count, __ATOMIC_RELAXED);
    if (failures >= eject->failures && !is_out(server, now_ms))
        put_out(server, failures, now_ms);
}

uint32_t server_note_answer(struct server *server, int status, uint64_t now_ms)
{
    const struct eject_settings *eject = &server->upstream->eject;
    if (eject->failures == 0)
        return 0;
    if (status_ranges_contain(&eject->statuses, status)) {
        server_note_failures(server, 1, now_ms);
        return 0;
    }
    /* looked at first, so that the workers share the memory quietly as long as all is well */
    uint32_t failures = load_number(&server->state->failures_in_a_row);
    if (failures != 0)
        store_number(&server->state->failures_in_a_row, 0);
    return failures + 1;
}

void server_note_outcome(struct server *server, enum server_outcome outcome, int status, uint64_t now_ms)
{
    if (outcome == SERVER_ANSWERED)
        server_note_answer(server, status, now_ms);
    else if (outcome == SERVER_FAILED)
        server_note_failures(server, 1, now_ms);
}

static void become_healthy(struct server *server, uint64_t now_ms)
{
    struct server_state *state = server->state;
    start_slowly(state, now_ms);
    store_time(&state->ejected_until_ms, 0);
    store_number(&state->failures_in_a_row, 0);
    log_event(LOG_LEVEL_INFO, server, "healthy");
}

static void become_unhealthy(const struct server *server, const char *reason, uint32_t checks)
{
    if (checks > 1)
        log_event(LOG_LEVEL_WARNING, server, "unhealthy: %s (%" PRIu32 " checks in a row)", reason, checks);
    else
        log_event(LOG_LEVEL_WARNING, server, "unhealthy: %s", reason);
}

void server_note_check(struct server *server, bool is_good, const char *reason, uint64_t now_ms)
{
    const struct health_settings *health = server->upstream->health;
    struct server_state *state = server->state;
    uint32_t known = load_number(&state->check), found = is_good ? SERVER_CHECK_GOOD : SERVER_CHECK_BAD;
    if (known == found) {
        store_number(&state->checks_in_a_row, 0);
        return;
    }
    uint32_t checks = load_number(&state->checks_in_a_row) + 1;
    uint32_t needed = is_good ? health->healthy_after : health->unhealthy_after;
    bool is_first = known != SERVER_CHECK_GOOD && known != SERVER_CHECK_BAD;
    if (!is_first && checks < needed) {
        store_number(&state->checks_in_a_row, checks);
        return;
    }
    store_number(&state->checks_in_a_row, 0);
    if (!__atomic_compare_exchange_n(&state->check, &known, found, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
        return;
    if (!is_good)
        become_unhealthy(server, reason, is_first ? 1 : checks);
    else if (!is_first)
        become_healthy(server, now_ms);
}

void server_group_explain(const struct server_group *group, char text[SERVER_ABSENCE_BYTES])
{
    size_t drained_count = 0, bad_count = 0;
    for (size_t i = 0; i < group->count; ++i) {
        if (is_drained(&group->servers[i]))
            ++drained_count;
        else if (is_bad(&group->servers[i]))
            ++bad_count;
    }
    int length = 0;
    text[0] = '\0';
    if (bad_count != 0)
        length = snprintf(text, SERVER_ABSENCE_BYTES, ": %zu unhealthy", bad_count);
    if (drained_count != 0)
        snprintf(text + length, SERVER_ABSENCE_BYTES - (size_t)length, "%s %zu drained", bad_count != 0 ? "," : ":",
                 drained_count);
}

void server_adopt_state(struct server *server)
{
    const struct upstream_settings *upstream = server->upstream;
    struct server_state *state = server->state;
    store_time(&state->slow_start_ms, upstream->slow_start_ms > 0 ? (uint64_t)upstream->slow_start_ms : 0);
    if (upstream->health == NULL)
        store_number(&state->check, SERVER_CHECK_NONE);
    if (upstream->eject.failures == 0)
        store_time(&state->ejected_until_ms, 0);
}
