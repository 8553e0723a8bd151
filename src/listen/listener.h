#ifndef FLEXILIB_LISTEN_LISTENER_H
#define FLEXILIB_LISTEN_LISTENER_H

/* A listening socket, which all workers share: accepts one connection each time it is told that there is one and that
 * it is this worker's turn, so that the others get their part. */

#include "config/settings.h"
#include "net/loop.h"

#include <sys/socket.h>

struct listener;

/* What is to be done with a connection that waits. */
enum listener_turn {
    LISTENER_NOW = 1, /* accept it */
    LISTENER_LATER,   /* it may be another worker's: ask again a moment later */
    LISTENER_FULL,    /* there is no room: ask again when listener_look was called, or after a while */
};

struct listener_events {
    enum listener_turn (*decide)(void *data, const struct listener_settings *settings);
    /* A connection, to be taken over. */
    void (*on_accepted)(void *data, int fd, const struct sockaddr *peer, const struct listener_settings *settings);
    /* What was to be accepted is another worker's, or gone. */
    void (*on_missed)(void *data);
};

/* Takes over fd. Nothing is accepted before listener_start. */
struct listener *listener_create(struct loop *loop, int fd, const struct listener_settings *settings,
                                 const struct listener_events *events, void *data);

void listener_start(struct listener *listener);

/* There may be room again. */
void listener_look(struct listener *listener);

/* Accepts all that wait: for who is about to close the last part of the socket, which would reset them. */
void listener_accept_waiting(struct listener *listener);

/* Closes this worker's part of the socket. NULL is fine. */
void listener_destroy(struct listener *listener);

#endif
