#ifndef FLEXILIB_PROCESS_CONTROL_SOCKET_H
#define FLEXILIB_PROCESS_CONTROL_SOCKET_H

/* The unix socket by which commands reach the supervisor that serves a configuration. Both find its path from the
 * file's absolute name: $FLEXILIB_CONTROL where that is set; otherwise `control-HASH` in the first of
 * $FLEXILIB_RUNTIME_DIR, $XDG_RUNTIME_DIR/flexilib (not for root), /run/flexilib and /tmp/flexilib-UID that is there
 * and that nobody else may write to. A lock on a file beside it tells a living owner, so that a dead one's socket is
 * replaced and a living one's never is. Only the same user and root get in. */

#include "base/error.h"

#include <stdint.h>

struct control_socket {
    int fd; /* listening, non-blocking; -1 where it is not open */
    int lock_fd;
    char *path;
    uint64_t device, inode; /* of the socket's file, to remove ours only */
};

#define CONTROL_SOCKET_NONE ((struct control_socket){.fd = -1, .lock_fd = -1})

enum control_opening {
    CONTROL_OPENED = 1,
    CONTROL_TAKEN,      /* another living supervisor has it */
    CONTROL_IMPOSSIBLE, /* no place allows it */
};

/* Makes the socket for a configuration. Unless it is CONTROL_OPENED, error says why. */
enum control_opening control_socket_open(struct control_socket *control, const char *config, struct error *error);

/* Closes it and removes its files. Fine on one that is not open. */
void control_socket_close(struct control_socket *control);

/* Takes the next client that waits: non-blocking, and of a user who may. -1 where there is none. */
int control_socket_accept(const struct control_socket *control);

/* In a command: connects to the supervisor that serves a configuration (NULL: $FLEXILIB_CONTROL alone), waiting at most
 * timeout_s for each read and write. Returns -1 and fills error. */
int control_socket_connect(const char *config, int timeout_s, struct error *error);

/* Whether $FLEXILIB_CONTROL names the socket, so that no configuration has to be known. */
bool control_socket_is_named(void);

#endif
