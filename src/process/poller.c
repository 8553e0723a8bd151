#include "process/poller.h"

#include <sys/epoll.h>
#include <unistd.h>

bool poller_open(struct poller *poller)
{
    poller->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    return poller->epoll_fd != -1;
}

void poller_close(struct poller *poller)
{
    if (poller->epoll_fd != -1)
        close(poller->epoll_fd);
    poller->epoll_fd = -1;
}

bool poller_watch(struct poller *poller, struct poller_watch *watch, int fd, void (*on_ready)(void *data), void *data)
{
    *watch = (struct poller_watch){.fd = fd, .on_ready = on_ready, .data = data};
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = watch};
    if (epoll_ctl(poller->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0)
        return true;
    watch->fd = -1;
    return false;
}

bool poller_watch_room(struct poller *poller, struct poller_watch *watch, void (*on_ready)(void *data))
{
    struct epoll_event event = {.events = EPOLLOUT, .data.ptr = watch};
    watch->on_ready = on_ready;
    return epoll_ctl(poller->epoll_fd, EPOLL_CTL_MOD, watch->fd, &event) == 0;
}

void poller_forget(struct poller *poller, struct poller_watch *watch)
{
    if (watch->fd != -1)
        epoll_ctl(poller->epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL);
    watch->fd = -1;
}

void poller_wait(struct poller *poller, int timeout_ms)
{
    struct epoll_event event;
    if (epoll_wait(poller->epoll_fd, &event, 1, timeout_ms) != 1)
        return;
    struct poller_watch *watch = event.data.ptr;
    watch->on_ready(watch->data);
}
