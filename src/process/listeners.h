#ifndef FLEXILIB_PROCESS_LISTENERS_H
#define FLEXILIB_PROCESS_LISTENERS_H

/* The listening sockets. The supervisor opens them when a worker asks, hands out descriptors, and keeps each one as
 * long as a generation uses it, so that a reload takes over the very same socket and no connection in its queue is
 * lost. Told apart by address; where the port is 0 also by the listener's number, so that the port found first stays.
 * A unix socket whose file was removed is opened anew. */

#include "process/address.h"
#include "process/listen_options.h"

#include <time.h>

struct listener {
    struct listener *next;
    char *key; /* the canonical address, for port 0 with the listener's number */
    int fd;
    unsigned users;
    bool is_inherited; /* never closed: whoever opened it may expect it to be taken again */
    bool is_activated; /* a service manager did */
    bool was_told;     /* the log knows it */
    /* Of a unix socket's file, to remove ours only; an inode's number alone may be used again. */
    uint64_t device, inode;
    struct timespec made;
    struct listen_options options; /* as they were last put into effect */
    struct address address;        /* as bound: with the real port */
};

struct listeners {
    struct listener *first;
};

/* Takes over the sockets that SERVER_STARTER_PORT names, and removes the variable. Warns of what it cannot use. Returns
 * false where the variable is not there. */
bool listeners_inherit(struct listeners *listeners);

/* Takes over the sockets that a service manager hands over (LISTEN_FDS, where LISTEN_PID is us), likewise. */
void listeners_activate(struct listeners *listeners);

/* Gives the listener for this address, opening it where there is none, with these options from before anybody can
 * connect; it counts one more user. Returns NULL with errno set: EINVAL for an address it cannot read, EPERM where a
 * file cannot be given to the owner or group that is wanted. */
struct listener *listeners_take(struct listeners *listeners, struct slice address, int64_t index,
                                const struct listen_options *options);

/* Adds a listener that a supervisor before us has opened, without users; its key passes over. Returns false where its
 * descriptor is none that listens. */
bool listeners_restore(struct listeners *listeners, const struct listener *listener)
    __attribute__((warn_unused_result));

/* Puts other options into effect on a listener that may have been open for long. Returns false with errno set. */
bool listeners_settle(struct listener *listener, const struct listen_options *options)
    __attribute__((warn_unused_result));

/* One user less; without any, the socket is closed and its file removed. */
void listeners_release(struct listeners *listeners, struct listener *listener);

/* Warns of each inherited socket that nobody uses. */
void listeners_warn_unused(const struct listeners *listeners);

/* Closes all sockets and removes their files, though users are left: nobody shall connect any more. */
void listeners_shut(struct listeners *listeners);

/* Closes all, in use or not, and forgets them. */
void listeners_close(struct listeners *listeners);

#endif
