#ifndef FLEXILIB_NET_SOCKET_H
#define FLEXILIB_NET_SOCKET_H

/* A connected stream socket on the loop. Reading tells readiness only: the owner receives into memory of its own, as
 * much as it wants, so a fast peer cannot fill ours. Interest in reading is meant to stay on for a connection's life;
 * turning it off costs a system call each time and is for back-pressure. */

#include "base/slice.h"
#include "net/body_pipe.h"
#include "net/loop.h"

#include <sys/socket.h>
#include <sys/uio.h>

struct socket;

struct socket_events {
    /* Bytes, the end, or an error can be read. Comes again as long as that is so. */
    void (*on_readable)(struct socket *socket, void *data);
    /* What socket_write was given is in the kernel's hands (true), or the connection is broken (false). */
    void (*on_written)(struct socket *socket, void *data, bool is_ok);
};

/* Takes over a connected descriptor (non-blocking, close-on-exec) and turns off the delay of small TCP segments.
 * Reading is off until socket_read(true). */
struct socket *socket_create(struct loop *loop, int fd, const struct socket_events *events, void *data);

/* Starts to connect; on_connected comes later, never from within, with 0 or an errno value, after which the owner
 * closes the socket. Returns NULL with errno set where it fails at once (a unix listener whose queue is full counts).
 * Neither socket_read nor socket_write before on_connected. */
struct socket *socket_connect(struct loop *loop, const struct sockaddr *address, socklen_t length,
                              void (*on_connected)(struct socket *socket, void *data, int error),
                              const struct socket_events *events, void *data);

/* Closes at once; no event comes any more. NULL is fine. Allowed from within events. */
void socket_close(struct socket *socket);

/* Turns on_readable on or off. Cheap when nothing changes. While it is off and nothing is being written, the peer's
 * going away is not noticed. */
void socket_read(struct socket *socket, bool is_wanted);

/* Receives at most capacity bytes (1 at least). Returns how many, 0 at the peer's end, -1 where there are none now or
 * with an error; then errno tells (EAGAIN: just none). */
ssize_t socket_receive(struct socket *socket, char *buffer, size_t capacity);

/* Sends pieces (at most 16, empty ones are fine), whose bytes stay valid until on_written, which always comes, and
 * never from within. One write at a time. */
void socket_write(struct socket *socket, const struct iovec *pieces, size_t count);
bool socket_is_writing(const struct socket *socket);
/* Whether the peer may have to take something before that write ends. Otherwise it ends in this turn of the loop. */
bool socket_waits_to_write(const struct socket *socket);

/* Whether bytes can be received into pipes and sent from there: the owner's are the wire's. */
bool socket_takes_pipes(const struct socket *socket);

/* socket_receive into an empty pipe, and socket_write of what a pipe holds. */
ssize_t socket_receive_pipe(struct socket *socket, struct body_pipe *pipe, size_t capacity);
void socket_write_pipe(struct socket *socket, struct body_pipe *pipe);

/* Says whether neither bytes nor an end have come in; a system call. */
bool socket_is_quiet(struct socket *socket);

/* Says whether nothing that is written can reach the other end any more, as far as is known; a system call. */
bool socket_is_hung_up(const struct socket *socket);

/* Why socket_receive failed, in plain words, where there is more to say than its errno does; NULL otherwise. */
const char *socket_failure(const struct socket *socket);

/* What both sides have agreed to speak (ALPN), as "h2"; empty where they have not. */
struct slice socket_protocol(const struct socket *socket);

/* A number that grows while the peer's side takes bytes, so that one who is slow can be told from one who takes
 * nothing: how many they are so far, or, on a unix socket, at how many looks more had been taken. A system call. */
uint64_t socket_taken_bytes(struct socket *socket);

/* Tells the peer that nothing more comes (a FIN), while reading goes on: for lingering closes. Not during a write. */
void socket_finish_writing(struct socket *socket);

/* Makes socket_close reset the connection, so that the peer cannot take a cut response for a whole one. */
void socket_reset_on_close(struct socket *socket);

/* Calls on_closed(data) once the socket has been closed, whoever owns it then. The watcher is that data. */
void socket_watch_close(struct socket *socket, void (*on_closed)(void *data), void *data);
void *socket_close_watcher(const struct socket *socket);

/* The descriptor, for getpeername and the like. */
int socket_descriptor(const struct socket *socket);

/* Replaces the events and their data: a connection passes from one owner to another. */
void socket_set_events(struct socket *socket, const struct socket_events *events, void *data);

#endif
