#include "runner/link.h"

#include "base/alloc.h"
#include "base/fork_guard.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    RECEIVE_BYTES = 64 * 1024,
    MOST_PAYLOAD_BYTES = 256 << 20,
    LARGEST_KEPT_BYTES = 1 << 20,
};

struct frame_head {
    uint32_t length;
    uint32_t kind;
    uint64_t exchange;
    uint64_t call;
};

static void end(struct link *link)
{
    if (link->is_ended)
        return;
    link->is_ended = true;
    link->owner->ended(link->data);
}

static void flush(struct link *link);

static void on_writable(void *data)
{
    struct link *link = data;
    loop_watch_writable(link->watch, NULL);
    link->is_waiting_for_room = false;
    flush(link);
}

/* A large frame is sent in many parts: its rest is moved to the front once it is the smaller half, not after each. */
static void forget_sent(struct link *link)
{
    if (link->out_sent <= link->out.length / 2 && link->out_sent != link->out.length)
        return;
    text_consume(&link->out, link->out_sent);
    link->out_sent = 0;
    if (link->out.length == 0 && link->out.capacity > LARGEST_KEPT_BYTES)
        text_finish(&link->out);
}

static void flush(struct link *link)
{
    while (link->fd != -1 && link->out_sent < link->out.length && !link->is_waiting_for_room) {
        ssize_t count =
            send(link->fd, link->out.data + link->out_sent, link->out.length - link->out_sent, MSG_NOSIGNAL);
        if (count >= 0) {
            link->out_sent += (size_t)count;
        } else if (errno == EAGAIN && link->watch != NULL) {
            link->is_waiting_for_room = true;
            loop_watch_writable(link->watch, on_writable);
        } else if (errno != EINTR) {
            /* reading tells of the end, after what the other side has sent before */
            text_clear(&link->out);
            link->out_sent = 0;
            return;
        }
    }
    forget_sent(link);
}

struct text *link_begin(struct link *link, enum frame_kind kind, uint64_t exchange, uint64_t call)
{
    const struct frame_head head = {.kind = kind, .exchange = exchange, .call = call};
    link->frame_start = link->out.length;
    text_add(&link->out, slice_of((const char *)&head, sizeof(head)));
    return &link->out;
}

bool link_send(struct link *link)
{
    size_t length = link->out.length - link->frame_start - sizeof(struct frame_head);
    if (length > link->most_payload_bytes) {
        link->out.length = link->frame_start;
        return false;
    }
    uint32_t told = (uint32_t)length;
    memcpy(link->out.data + link->frame_start + offsetof(struct frame_head, length), &told, sizeof(told));
    if (!link->is_corked)
        flush(link);
    return true;
}

void link_cork(struct link *link)
{
    link->is_corked = true;
}

void link_uncork(struct link *link)
{
    link->is_corked = false;
    flush(link);
}

static bool make_room(struct link *link, size_t wanted)
{
    if (link->in_capacity - link->in_length >= wanted)
        return true;
    size_t capacity =
        link->in_capacity * 2 > link->in_length + wanted ? link->in_capacity * 2 : link->in_length + wanted;
    char *larger = mem_try_realloc(link->in, capacity);
    if (larger == NULL)
        return false;
    link->in = larger;
    link->in_capacity = capacity;
    return true;
}

/* How long the frame in front is, with its head; 0 where that is not known yet. */
static size_t frame_length(const struct link *link, size_t start, struct frame_head *head)
{
    if (link->in_length - start < sizeof(*head))
        return 0;
    memcpy(head, link->in + start, sizeof(*head));
    return sizeof(*head) + head->length;
}

static void drop_taken(struct link *link, size_t taken)
{
    link->in_length -= taken;
    if (link->in_length != 0)
        memmove(link->in, link->in + taken, link->in_length);
    else if (link->in_capacity > LARGEST_KEPT_BYTES) {
        free(link->in);
        link->in = NULL;
        link->in_capacity = 0;
    }
}

/* Returns false where the link is closed, or ended. */
static bool take_frames(struct link *link)
{
    size_t start = 0;
    while (!link->is_held) {
        struct frame_head head;
        size_t length = frame_length(link, start, &head);
        if (length != 0 && head.length > link->most_payload_bytes) {
            end(link);
            return false;
        }
        if (length == 0 || length > link->in_length - start)
            break;
        const struct frame frame = {
            .kind = (enum frame_kind)head.kind,
            .exchange = head.exchange,
            .call = head.call,
            .payload = slice_of(link->in + start + sizeof(head), head.length),
        };
        if (!link->owner->take(link->data, &frame))
            return false;
        if (!link->is_held)
            start += length;
    }
    drop_taken(link, start);
    return true;
}

static void receive(struct link *link)
{
    for (;;) {
        if (!make_room(link, RECEIVE_BYTES)) {
            end(link);
            return;
        }
        size_t room = link->in_capacity - link->in_length;
        ssize_t count = recv(link->fd, link->in + link->in_length, room, MSG_DONTWAIT);
        if (count == -1 && errno == EINTR)
            continue;
        if (count == -1 && errno == EAGAIN)
            return;
        if (count <= 0) {
            end(link);
            return;
        }
        link->in_length += (size_t)count;
        if (!take_frames(link) || (size_t)count < room || link->is_held)
            return;
    }
}

static void on_readable(void *data)
{
    receive(data);
}

bool link_open(struct link *link, struct loop *loop, int fd, const struct link_owner *owner, void *data)
{
    *link = (struct link){.owner = owner, .data = data, .fd = fd, .most_payload_bytes = MOST_PAYLOAD_BYTES};
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    fork_guard_add(fd);
    link->watch = loop_watch_readable(loop, fd, on_readable, link);
    if (link->watch != NULL)
        return true;
    int saved = errno;
    link_close(link);
    errno = saved;
    return false;
}

void link_close(struct link *link)
{
    if (link->fd == -1)
        return;
    loop_watch_close(link->watch);
    fork_guard_remove(link->fd);
    close(link->fd);
    free(link->in);
    text_finish(&link->out);
    *link = (struct link){.fd = -1, .is_ended = true};
}

void link_hold(struct link *link)
{
    link->is_held = true;
    loop_watch_pause(link->watch);
}

void link_go_on(struct link *link)
{
    if (!link->is_held)
        return;
    link->is_held = false;
    loop_watch_go_on(link->watch);
    take_frames(link);
}

bool link_wait(struct link *link)
{
    while (link->fd != -1 && !link->is_ended) {
        struct pollfd polled = {.fd = link->fd, .events = link->out.length == 0 ? POLLIN : POLLIN | POLLOUT};
        if (poll(&polled, 1, -1) == -1 && errno != EINTR)
            break;
        if ((polled.revents & POLLOUT) != 0) {
            link->is_waiting_for_room = false;
            flush(link);
        }
        if ((polled.revents & (POLLIN | POLLHUP | POLLERR)) == 0)
            continue;
        receive(link);
        return link->fd != -1 && !link->is_ended;
    }
    return false;
}
