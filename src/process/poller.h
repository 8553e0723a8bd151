#ifndef FLEXILIB_PROCESS_POLLER_H
#define FLEXILIB_PROCESS_POLLER_H

/* The supervisor's event loop, as small as its needs: descriptors that become readable, or
 * take more. Deadlines are the callers'
 * business, who give the time to wait. One event at a time, so that a callback may end any watch and free anything. */

#include <stdbool.h>
#include <stdint.h>

struct poller {
    int epoll_fd;
};

/* Embedded in what it belongs to; fd is -1 while it watches nothing. The descriptor stays the owner's. */
struct poller_watch {
    int fd;
    void (*on_ready)(void *data);
    void *data;
};

#define POLLER_WATCH_NONE ((struct poller_watch){.fd = -1})

bool poller_open(struct poller *poller) __attribute__((warn_unused_result));
void poller_close(struct poller *poller);

/* Calls on_ready(data) whenever fd can be read or is at its end, until poller_forget. Returns false with errno set. */
bool poller_watch(struct poller *poller, struct poller_watch *watch, int fd, void (*on_ready)(void *data), void *data);

/* From now on calls on_ready(data) whenever there is room to write, instead. Returns false with errno set. */
bool poller_watch_room(struct poller *poller, struct poller_watch *watch, void (*on_ready)(void *data));

/* Ends a watch. Fine on one that watches nothing. Call it before closing the descriptor. */
void poller_forget(struct poller *poller, struct poller_watch *watch);

/* Waits for one event, at most timeout_ms (-1: for ever), and calls its watch. */
void poller_wait(struct poller *poller, int timeout_ms);

#endif
