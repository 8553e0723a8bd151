#include "net/socket.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/fork_guard.h"
#include "net/socket_layer.h"

#include <h2o/socket.h>

#include <assert.h>
#include <errno.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    MOST_PIECES = 16,
    /* Up to here copying costs less than what the kernel does for each piece. */
    JOINED_BYTES = 4096,
};

struct socket {
    h2o_socket_t *h2o;
    struct loop *loop;
    const struct socket_events *events;
    void *data;
    const struct socket_layer *layer; /* NULL: the owner's bytes are the wire's */
    void *layer_state;
    struct body_pipe *pipe; /* that is being written */
    bool has_unsent;        /* of the write under way, or the last one */
    bool is_reset_on_close;
    int queued_bytes;                                                   /* of a unix socket, at the last look */
    uint64_t moves;                                                     /* of that */
    void (*on_connected)(struct socket *socket, void *data, int error); /* NULL once it is connected */
    void (*on_closed)(void *data);                                      /* NULL: nobody wants to know */
    void *closed_data;
};

static void set_no_delay(int fd)
{
    /* fails on unix sockets, which know no delay */
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
}

/* libh2o's part is told to do no more than say that there is something to read. */
static struct socket *wrap_descriptor(struct loop *loop, int fd, const struct socket_events *events, void *data)
{
    struct socket *socket = mem_alloc(sizeof(*socket));
    *socket = (struct socket){.loop = loop, .events = events, .data = data};
    socket->h2o = h2o_evloop_socket_create(loop_h2o(loop), fd, H2O_SOCKET_FLAG_DONT_READ);
    socket->h2o->data = socket;
    fork_guard_mark(fd, true);
    loop_count_sockets(loop, 1);
    return socket;
}

struct socket *socket_create(struct loop *loop, int fd, const struct socket_events *events, void *data)
{
    set_no_delay(fd);
    return wrap_descriptor(loop, fd, events, data);
}

static void on_connect_end(h2o_socket_t *h2o, const char *failure)
{
    struct socket *connecting = h2o->data;
    loop_note_wakeup(connecting->loop);
    void (*on_connected)(struct socket * socket, void *data, int error) = connecting->on_connected;
    int error = 0;
    socklen_t length = sizeof(error);
    if (getsockopt(h2o_socket_get_fd(h2o), SOL_SOCKET, SO_ERROR, &error, &length) != 0)
        error = errno;
    connecting->on_connected = NULL;
    on_connected(connecting, connecting->data, error);
}

struct socket *socket_connect(struct loop *loop, const struct sockaddr *address, socklen_t length,
                              void (*on_connected)(struct socket *socket, void *data, int error),
                              const struct socket_events *events, void *data)
{
    const int type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
    int fd = socket(address->sa_family, type, 0);
    if (fd == -1 && loop_make_room(loop))
        fd = socket(address->sa_family, type, 0);
    fd = file_keep_off_standard_descriptors(fd);
    if (fd == -1)
        return NULL;
    if (address->sa_family != AF_UNIX)
        set_no_delay(fd);
    /* EAGAIN is a unix listener's full queue, which no event tells the end of */
    if (connect(fd, address, length) != 0 && errno != EINPROGRESS && errno != EINTR) {
        int saved = errno;
        close(fd);
        errno = saved;
        return NULL;
    }
    struct socket *connecting = wrap_descriptor(loop, fd, events, data);
    connecting->on_connected = on_connected;
    h2o_socket_notify_write(connecting->h2o, on_connect_end);
    return connecting;
}

void socket_close(struct socket *socket)
{
    if (socket == NULL)
        return;
    if (socket->layer != NULL)
        socket->layer->close(socket->layer_state, socket->is_reset_on_close);
    fork_guard_mark(h2o_socket_get_fd(socket->h2o), false);
    h2o_socket_close(socket->h2o);
    loop_count_sockets(socket->loop, -1);
    if (socket->on_closed != NULL)
        socket->on_closed(socket->closed_data);
    free(socket);
}

void socket_watch_close(struct socket *socket, void (*on_closed)(void *data), void *data)
{
    socket->on_closed = on_closed;
    socket->closed_data = data;
}

void *socket_close_watcher(const struct socket *socket)
{
    return socket->closed_data;
}

static void on_read_ready(h2o_socket_t *h2o, const char *failure)
{
    struct socket *socket = h2o->data;
    loop_note_wakeup(socket->loop);
    if (socket->layer != NULL)
        socket->layer->on_readable(socket->layer_state);
    else
        socket_tell_readable(socket);
}

void socket_wire_read(struct socket *socket, bool is_wanted)
{
    assert(socket->on_connected == NULL);
    if (is_wanted == (bool)h2o_socket_is_reading(socket->h2o))
        return;
    if (is_wanted)
        h2o_socket_read_start(socket->h2o, on_read_ready);
    else
        h2o_socket_read_stop(socket->h2o);
}

ssize_t socket_wire_receive(struct socket *socket, char *buffer, size_t capacity)
{
    ssize_t received;
    do {
        received = recv(h2o_socket_get_fd(socket->h2o), buffer, capacity, 0);
    } while (received == -1 && errno == EINTR);
    return received;
}

static void on_write_end(h2o_socket_t *h2o, const char *failure)
{
    struct socket *socket = h2o->data;
    loop_note_wakeup(socket->loop);
    if (socket->layer != NULL)
        socket->layer->on_written(socket->layer_state, failure == NULL);
    else
        socket_tell_written(socket, failure == NULL);
}

/* Returns how much was sent: where that is not everything, libh2o's write goes on, and meets what failed again. */
static size_t send_at_once(struct socket *socket, const struct iovec *pieces, size_t count)
{
    char joined[JOINED_BYTES];
    size_t length = 0;
    for (size_t i = 0; i < count; ++i) {
        if (pieces[i].iov_len > sizeof(joined) - length)
            return 0;
        if (pieces[i].iov_len != 0)
            memcpy(joined + length, pieces[i].iov_base, pieces[i].iov_len);
        length += pieces[i].iov_len;
    }
    ssize_t sent = length == 0 ? 0 : send(h2o_socket_get_fd(socket->h2o), joined, length, MSG_NOSIGNAL);
    return sent < 0 ? 0 : (size_t)sent;
}

void socket_wire_write(struct socket *socket, const struct iovec *pieces, size_t count)
{
    assert(count <= MOST_PIECES && !socket_wire_is_writing(socket));
    h2o_iovec_t filled[MOST_PIECES];
    size_t filled_count = 0, sent = send_at_once(socket, pieces, count);
    /* libh2o's write must not end in an empty piece, while no pieces at all are fine */
    for (size_t i = 0; i < count; ++i) {
        size_t done = sent < pieces[i].iov_len ? sent : pieces[i].iov_len;
        sent -= done;
        if (done != pieces[i].iov_len)
            filled[filled_count++] = h2o_iovec_init((char *)pieces[i].iov_base + done, pieces[i].iov_len - done);
    }
    socket->has_unsent = filled_count != 0;
    h2o_socket_write(socket->h2o, filled, filled_count, on_write_end);
}

bool socket_wire_is_writing(const struct socket *socket)
{
    return h2o_socket_is_writing(socket->h2o);
}

void socket_read(struct socket *socket, bool is_wanted)
{
    if (socket->layer != NULL)
        socket->layer->read(socket->layer_state, is_wanted);
    else
        socket_wire_read(socket, is_wanted);
}

ssize_t socket_receive(struct socket *socket, char *buffer, size_t capacity)
{
    assert(capacity != 0);
    if (socket->layer != NULL)
        return socket->layer->receive(socket->layer_state, buffer, capacity);
    return socket_wire_receive(socket, buffer, capacity);
}

void socket_write(struct socket *socket, const struct iovec *pieces, size_t count)
{
    if (socket->layer != NULL)
        socket->layer->write(socket->layer_state, pieces, count);
    else
        socket_wire_write(socket, pieces, count);
}

bool socket_takes_pipes(const struct socket *socket)
{
    return socket->layer == NULL;
}

ssize_t socket_receive_pipe(struct socket *socket, struct body_pipe *pipe, size_t capacity)
{
    assert(socket_takes_pipes(socket) && pipe->length == 0);
    return body_pipe_fill(pipe, h2o_socket_get_fd(socket->h2o), capacity);
}

static void on_pipe_writable(h2o_socket_t *h2o, const char *failure)
{
    struct socket *socket = h2o->data;
    loop_note_wakeup(socket->loop);
    bool is_ok = body_pipe_drain(socket->pipe, h2o_socket_get_fd(h2o));
    if (!is_ok && errno == EAGAIN)
        h2o_socket_notify_write(h2o, on_pipe_writable);
    else
        socket_tell_written(socket, is_ok);
}

void socket_write_pipe(struct socket *socket, struct body_pipe *pipe)
{
    assert(socket_takes_pipes(socket) && !socket_wire_is_writing(socket));
    socket->has_unsent = !body_pipe_drain(pipe, h2o_socket_get_fd(socket->h2o));
    if (!socket->has_unsent) {
        h2o_socket_write(socket->h2o, NULL, 0, on_write_end);
        return;
    }
    /* what has failed shows again when the loop looks at the socket */
    socket->pipe = pipe;
    h2o_socket_notify_write(socket->h2o, on_pipe_writable);
}

bool socket_is_writing(const struct socket *socket)
{
    if (socket->layer != NULL)
        return socket->layer->is_writing(socket->layer_state);
    return socket_wire_is_writing(socket);
}

/* A layer may have kept something to itself. */
bool socket_waits_to_write(const struct socket *socket)
{
    return socket_is_writing(socket) && (socket->layer != NULL || socket->has_unsent);
}

bool socket_is_quiet(struct socket *socket)
{
    char byte;
    if (socket->layer != NULL)
        return socket->layer->is_quiet(socket->layer_state);
    ssize_t received = recv(h2o_socket_get_fd(socket->h2o), &byte, sizeof(byte), MSG_PEEK | MSG_DONTWAIT);
    return received == -1 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

bool socket_is_hung_up(const struct socket *socket)
{
    struct pollfd descriptor = {.fd = h2o_socket_get_fd(socket->h2o)};
    return poll(&descriptor, 1, 0) == 1 && (descriptor.revents & (POLLERR | POLLHUP)) != 0;
}

const char *socket_failure(const struct socket *socket)
{
    const char *words = socket->layer != NULL ? socket->layer->failure(socket->layer_state) : "";
    return words[0] != '\0' ? words : NULL;
}

struct slice socket_protocol(const struct socket *socket)
{
    return socket->layer != NULL ? socket->layer->protocol(socket->layer_state) : SLICE_NONE;
}

/* Of a unix socket only what waits is known: where that has changed, the other end has taken something. */
static uint64_t count_moves(struct socket *socket)
{
    int queued = 0;
    if (ioctl(h2o_socket_get_fd(socket->h2o), SIOCOUTQ, &queued) == 0 && queued != socket->queued_bytes)
        ++socket->moves;
    socket->queued_bytes = queued;
    return socket->moves;
}

uint64_t socket_taken_bytes(struct socket *socket)
{
    struct tcp_info info = {0};
    socklen_t length = sizeof(info);
    if (getsockopt(h2o_socket_get_fd(socket->h2o), IPPROTO_TCP, TCP_INFO, &info, &length) != 0)
        return count_moves(socket);
    return info.tcpi_bytes_acked;
}

void socket_finish_writing(struct socket *socket)
{
    if (socket->layer != NULL)
        socket->layer->finish_writing(socket->layer_state);
    else
        shutdown(h2o_socket_get_fd(socket->h2o), SHUT_WR);
}

void socket_reset_on_close(struct socket *socket)
{
    socket->is_reset_on_close = true;
    struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    setsockopt(h2o_socket_get_fd(socket->h2o), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
}

int socket_descriptor(const struct socket *socket)
{
    return h2o_socket_get_fd(socket->h2o);
}

void socket_set_events(struct socket *socket, const struct socket_events *events, void *data)
{
    socket->events = events;
    socket->data = data;
}

void socket_set_layer(struct socket *socket, const struct socket_layer *layer, void *state)
{
    socket->layer = layer;
    socket->layer_state = state;
}

void *socket_get_layer(const struct socket *socket, const struct socket_layer *layer)
{
    return socket->layer == layer ? socket->layer_state : NULL;
}

void socket_tell_readable(struct socket *socket)
{
    socket->events->on_readable(socket, socket->data);
}

void socket_tell_written(struct socket *socket, bool is_ok)
{
    socket->events->on_written(socket, socket->data, is_ok);
}
