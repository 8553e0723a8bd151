#ifndef FLEXILIB_NET_SOCKET_LAYER_H
#define FLEXILIB_NET_SOCKET_LAYER_H

/* What may stand between a socket's wire and its owner's bytes: TLS does. A layer is told what happens on the wire, and
 * answers the owner's calls of socket.h, whose promises it keeps. For layers only; a socket without one costs nothing
 * more. */

#include "net/socket.h"

struct socket_layer {
    /* Of the wire, see struct socket_events. */
    void (*on_readable)(void *state);
    void (*on_written)(void *state, bool is_ok);
    /* Of the owner. */
    void (*read)(void *state, bool is_wanted);
    ssize_t (*receive)(void *state, char *buffer, size_t capacity);
    void (*write)(void *state, const struct iovec *pieces, size_t count);
    bool (*is_writing)(const void *state);
    bool (*is_quiet)(void *state);
    void (*finish_writing)(void *state);
    const char *(*failure)(const void *state);
    struct slice (*protocol)(const void *state);
    /* The socket is about to be closed; state is the layer's to free. */
    void (*close)(void *state, bool is_reset);
};

/* Puts the layer in. From now on it hears what the wire does. */
void socket_set_layer(struct socket *socket, const struct socket_layer *layer, void *state);

/* The state of the socket's layer where it is that one, NULL otherwise. */
void *socket_get_layer(const struct socket *socket, const struct socket_layer *layer);

/* The calls of socket.h on the wire itself. */
void socket_wire_read(struct socket *socket, bool is_wanted);
ssize_t socket_wire_receive(struct socket *socket, char *buffer, size_t capacity);
void socket_wire_write(struct socket *socket, const struct iovec *pieces, size_t count);
bool socket_wire_is_writing(const struct socket *socket);

/* Calls the owner's events. Each may close the socket, and with it free the layer's state. */
void socket_tell_readable(struct socket *socket);
void socket_tell_written(struct socket *socket, bool is_ok);

#endif
