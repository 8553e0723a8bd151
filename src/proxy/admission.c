#include "proxy/admission.h"

#include "base/log.h"
#include "listen/accept_share.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
    KEPT_DESCRIPTORS = 16, /* for files, logs, names */
    KEPT_PART = 16,        /* one of so many; pipes have as many */
    QUIET_MS = 10 * 1000,  /* without a shortage, until the next one is told of */
};

void admission_begin(struct admission *admission)
{
    struct rlimit limit = {.rlim_cur = RLIM_INFINITY};
    getrlimit(RLIMIT_NOFILE, &limit);
    admission->most_descriptors = limit.rlim_cur > INT32_MAX ? INT32_MAX : (size_t)limit.rlim_cur;
    /* nothing was closed so far that would leave gaps below */
    int lowest = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
    if (lowest != -1)
        close(lowest);
    admission->used_descriptors = lowest == -1 ? admission->most_descriptors : (size_t)lowest;
}

static size_t count_resting(const struct admission *admission)
{
    return front_http1_resting(admission->front) + front_http2_resting(admission->http2);
}

static bool is_short(const struct admission *admission)
{
    size_t clients = client_limits_own(admission->limits), resting = count_resting(admission);
    size_t busy = clients > resting ? clients - resting : 0;
    size_t used = admission->used_descriptors + loop_socket_count(admission->loop);
    size_t kept = busy + KEPT_DESCRIPTORS + admission->most_descriptors / KEPT_PART;
    return clients != 0 && used + kept >= admission->most_descriptors;
}

static enum listener_turn wait_for_room(struct admission *admission)
{
    admission->is_full = true;
    return LISTENER_FULL;
}

/* One of HTTP/2 is told to leave first, which takes a moment. */
static enum listener_turn make_room(struct admission *admission, const struct listener_settings *listener,
                                    enum client_limit limit)
{
    const struct listener_settings *only = limit == CLIENT_LIMIT_LISTENER ? listener : NULL;
    admission->leaving = front_http1_find_idle(admission->front, only);
    if (admission->leaving != NULL)
        return LISTENER_NOW;
    front_http2_close_one_idle(admission->http2, only);
    client_limits_tell_full(admission->limits, limit, listener);
    return wait_for_room(admission);
}

/* Says whether it is the first for a while. */
static bool note(const struct admission *admission, uint64_t *last_ms)
{
    uint64_t now_ms = loop_now_ms(admission->loop), before_ms = *last_ms;
    *last_ms = now_ms;
    return before_ms == 0 || now_ms - before_ms > QUIET_MS;
}

static void tell_full(struct admission *admission, const struct listener_settings *listener, enum client_limit limit)
{
    if (!note(admission, &admission->full_ms))
        return;
    if (limit == CLIENT_LIMIT_ALL)
        log_line(LOG_LEVEL_WARNING, "max_connections is reached: idle connections are closed, and new ones wait");
    else
        log_line(LOG_LEVEL_WARNING,
                 "max_connections of listener '%.*s' is reached: idle connections are closed, and new ones wait",
                 SLICE_ARG(listener->name.length != 0 ? listener->name : listener->host));
}

static bool free_some(struct admission *admission)
{
    if (note(admission, &admission->short_ms))
        log_line(
            LOG_LEVEL_WARNING,
            "descriptors are running short (of %zu, see `ulimit -n`): idle connections are closed, and new ones wait",
            admission->most_descriptors);
    while (is_short(admission) && admission_free_descriptor(admission))
        ;
    return !is_short(admission);
}

enum listener_turn admission_decide(struct admission *admission, const struct listener_settings *listener)
{
    admission->leaving = NULL;
    if (admission->share != NULL && !accept_share_allows(admission->share, loop_now_ms(admission->loop)))
        return LISTENER_LATER;
    if (is_short(admission) && !free_some(admission))
        return wait_for_room(admission);
    enum client_limit limit = client_limits_reserve(admission->limits, listener);
    if (limit == CLIENT_LIMIT_NONE)
        return LISTENER_NOW;
    tell_full(admission, listener, limit);
    return make_room(admission, listener, limit);
}

void admission_request_begins(struct admission *admission)
{
    if (is_short(admission))
        free_some(admission);
}

void admission_accepted(struct admission *admission)
{
    if (admission->leaving != NULL)
        front_http1_close_one(admission->leaving);
    admission->leaving = NULL;
    admission->is_full = false;
}

void admission_missed(struct admission *admission)
{
    admission->leaving = NULL;
    client_limits_release(admission->limits);
}

static bool close_one_idle(struct admission *admission, const struct listener_settings *listener)
{
    struct http1_connection *idle = front_http1_find_idle(admission->front, listener);
    if (idle != NULL)
        front_http1_close_one(idle);
    else
        front_http2_close_one_idle(admission->http2, listener);
    return idle != NULL;
}

bool admission_free_descriptor(struct admission *admission)
{
    return client_close_one_idle(admission->client) ||
           (count_resting(admission) != 0 && close_one_idle(admission, NULL));
}

void admission_yield(struct admission *admission, const struct listener_settings *listener)
{
    if (client_limits_is_full(admission->limits, listener))
        close_one_idle(admission, listener);
}
