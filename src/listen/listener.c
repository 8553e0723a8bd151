#include "listen/listener.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/log.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    REST_MS = 100,       /* after the system ran out of something, or the socket failed */
    PAUSE_MS = 1,        /* while others are to accept */
    FULL_MS = 100,       /* other workers may have made room */
    WAITING_MOST = 4096, /* as many as a queue may hold; whoever comes meanwhile could keep it from ever being empty */
};

struct listener {
    struct loop *loop;
    int fd;
    const struct listener_settings *settings;
    const struct listener_events *events;
    void *data;
    struct loop_watch *watch;
    struct timer rest_timer;
    struct timer pause_timer;
    bool is_warned; /* of the shortage that goes on */
};

struct listener *listener_create(struct loop *loop, int fd, const struct listener_settings *settings,
                                 const struct listener_events *events, void *data)
{
    struct listener *listener = mem_alloc(sizeof(*listener));
    *listener = (struct listener){.loop = loop, .fd = fd, .settings = settings, .events = events, .data = data};
    return listener;
}

/* The connection stays in the queue, and the socket readable: without a rest the loop would do nothing else. */
static void rest(struct listener *listener, int error)
{
    if (!listener->is_warned)
        log_line(LOG_LEVEL_WARNING, "cannot accept connections: %s; trying again every %d ms", strerror(error),
                 REST_MS);
    listener->is_warned = true;
    loop_watch_close(listener->watch);
    listener->watch = NULL;
    timer_start(listener->loop, &listener->rest_timer, REST_MS);
}

/* Returns false with errno set where there was no connection. */
static bool accept_one(struct listener *listener)
{
    struct sockaddr_storage peer;
    socklen_t length = sizeof(peer);
    peer.ss_family = AF_UNSPEC;
    int fd = accept4(listener->fd, (struct sockaddr *)&peer, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    fd = file_keep_off_standard_descriptors(fd);
    if (fd == -1)
        return false;
    listener->is_warned = false;
    listener->events->on_accepted(listener->data, fd, (const struct sockaddr *)&peer, listener->settings);
    return true;
}

/* The socket stays readable until another worker has accepted, or we have. */
static void pause_accepting(struct listener *listener, int64_t time_ms)
{
    loop_watch_pause(listener->watch);
    timer_start(listener->loop, &listener->pause_timer, time_ms);
}

static void on_pause_end(struct timer *timer)
{
    struct listener *listener = timer->data;
    loop_watch_go_on(listener->watch);
}

/* Whether the next try may meet the same. All else is one connection's bad luck, or another worker was faster. EINVAL:
 * who has opened the socket for us has shut it. */
static bool goes_on(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOBUFS || error == EINVAL;
}

/* A library has closed it, or closed one of its own twice, and what has the number now is no listener. */
static bool is_lost(const struct listener *listener, int error)
{
    struct sockaddr_storage peer;
    socklen_t length = sizeof(peer);
    return error == EBADF || error == ENOTSOCK ||
           ((error == EINVAL || error == EOPNOTSUPP) &&
            getpeername(listener->fd, (struct sockaddr *)&peer, &length) == 0);
}

/* The worker that takes our place opens it anew. */
static void give_up(void)
{
    log_line(LOG_LEVEL_ALERT, "a listener has lost its descriptor: code of a library has closed it");
    abort();
}

static void on_ready(void *data)
{
    struct listener *listener = data;
    switch (listener->events->decide(listener->data, listener->settings)) {
    case LISTENER_LATER:
        pause_accepting(listener, PAUSE_MS);
        return;
    case LISTENER_FULL:
        pause_accepting(listener, FULL_MS);
        return;
    case LISTENER_NOW:
        break;
    }
    if (accept_one(listener))
        return;
    int error = errno;
    if (is_lost(listener, error))
        give_up();
    listener->events->on_missed(listener->data);
    if (goes_on(error))
        rest(listener, error);
}

void listener_look(struct listener *listener)
{
    if (listener->pause_timer.position != 0)
        timer_start(listener->loop, &listener->pause_timer, 0);
}

void listener_accept_waiting(struct listener *listener)
{
    for (int i = 0; i < WAITING_MOST; ++i) {
        if (!accept_one(listener) && errno != ECONNABORTED && errno != EINTR)
            break;
    }
}

static void on_rested(struct timer *timer)
{
    listener_start(timer->data);
}

void listener_start(struct listener *listener)
{
    listener->rest_timer.on_timeout = on_rested;
    listener->rest_timer.data = listener;
    listener->pause_timer.on_timeout = on_pause_end;
    listener->pause_timer.data = listener;
    listener->watch = loop_watch_readable(listener->loop, listener->fd, on_ready, listener);
    if (listener->watch == NULL)
        timer_start(listener->loop, &listener->rest_timer, REST_MS);
}

void listener_destroy(struct listener *listener)
{
    if (listener == NULL)
        return;
    timer_stop(listener->loop, &listener->rest_timer);
    timer_stop(listener->loop, &listener->pause_timer);
    loop_watch_close(listener->watch);
    close(listener->fd);
    free(listener);
}
