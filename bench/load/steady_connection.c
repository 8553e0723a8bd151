#define _GNU_SOURCE

#include "steady.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    PATIENCE_US = 10 * US,
    MESSAGE_PAUSE_US = 100000,
    PORTION_BYTES = 65536, /* of a download, then a pause */
    PORTION_PAUSE_US = 50000,
    TURN_BYTES = 65536,
    MESSAGE_BYTES = 14, /* a frame with a mask of zeros and eight bytes */
};

static const uint64_t NEVER = UINT64_MAX;

void connection_begin(struct steady *steady, struct connection *connection, enum kind kind, uint64_t due_us)
{
    *connection = (struct connection){.kind = kind, .state = STATE_AWAY, .fd = -1, .due_us = due_us};
}

/* Thinking takes from nothing to twice the mean. */
static uint64_t next_thought(struct steady *steady, const struct connection *connection)
{
    if (connection->kind == KIND_TUNNEL)
        return steady->now_us + MESSAGE_PAUSE_US;
    return steady->now_us + steady_random(steady, 2000 * (uint64_t)steady->think_ms + 1);
}

static void leave(struct steady *steady, struct connection *connection)
{
    if (connection->fd >= 0)
        close(connection->fd);
    connection->fd = -1;
    connection->state = STATE_AWAY;
    connection->notice_us = 0;
    connection->is_upgraded = false;
    connection->due_us = connection->kind == KIND_VISITOR ? NEVER : next_thought(steady, connection);
}

static void fail(struct steady *steady, struct connection *connection, enum failure failure, const char *detail)
{
    if (connection->is_upgraded)
        failure = FAILURE_TUNNEL;
    else if (connection->kind == KIND_DOWNLOAD && failure == FAILURE_CUT)
        failure = FAILURE_DOWNLOAD;
    report_failure(steady, connection, failure, detail);
    leave(steady, connection);
}

/* Visitors look for new versions only. Others ask for everything in turn, but downloads, which have their own. */
static void choose_place(struct steady *steady, struct connection *connection)
{
    if (connection->kind == KIND_VISITOR)
        return;
    struct place *last = &steady->places[steady->place_count - 1];
    connection->place =
        connection->kind == KIND_DOWNLOAD ? last : &steady->places[steady_random(steady, steady->place_count - 1)];
}

static void say(struct steady *steady, struct connection *connection, const char *bytes, size_t length)
{
    connection->state = STATE_ASKING;
    connection->asked_us = steady->now_us;
    connection->due_us = steady->now_us + PATIENCE_US;
    if (send(connection->fd, bytes, length, MSG_NOSIGNAL) != (ssize_t)length)
        fail(steady, connection, FAILURE_CLOSED, strerror(errno));
}

static void say_message(struct steady *steady, struct connection *connection)
{
    char frame[MESSAGE_BYTES + 1] = "\x81\x88";
    snprintf(frame + 6, 9, "%08x", ++connection->message);
    connection->head_used = 0;
    say(steady, connection, frame, MESSAGE_BYTES);
}

static void ask(struct steady *steady, struct connection *connection)
{
    char request[512];
    if (connection->is_upgraded) {
        say_message(steady, connection);
        return;
    }
    answer_reset(connection);
    choose_place(steady, connection);
    bool is_tunnel = connection->kind == KIND_TUNNEL;
    connection->asked_floor = is_tunnel ? 0 : connection->place->floor;
    int length = snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: bench.example\r\n%s\r\n",
                          is_tunnel ? "/echo" : connection->place->path,
                          is_tunnel ? "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                                      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                                    : "");
    say(steady, connection, request, (size_t)length);
}

static void come(struct steady *steady, struct connection *connection)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(steady->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        abort();
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    if (connection->kind == KIND_DOWNLOAD)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &(int){PORTION_BYTES}, sizeof(int));
    connection->fd = fd;
    connection->state = STATE_CONNECTING;
    connection->due_us = steady->now_us + PATIENCE_US;
    for (unsigned i = 0; i < steady->place_count; ++i)
        connection->opened_floors[i] = steady->places[i].floor;
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = connection};
    if (epoll_ctl(steady->poller, EPOLL_CTL_ADD, fd, &event) != 0)
        abort();
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0 && errno != EINPROGRESS)
        fail(steady, connection, FAILURE_CONNECT, strerror(errno));
}

static void finish_answer(struct steady *steady, struct connection *connection)
{
    struct figures *figures = &steady->figures;
    if (connection->kind == KIND_KEPT)
        report_time(steady, connection->arrived_us - connection->asked_us);
    figures->requests += connection->kind == KIND_KEPT || connection->kind == KIND_VISITOR;
    figures->visits += connection->kind == KIND_VISITOR;
    figures->downloads += connection->kind == KIND_DOWNLOAD;
    figures->messages += connection->is_upgraded;
    figures->announced += connection->closes;
    connection->is_upgraded = connection->kind == KIND_TUNNEL;
    if (connection->closes || connection->kind == KIND_VISITOR) {
        leave(steady, connection);
        return;
    }
    connection->state = STATE_THINKING;
    connection->due_us = next_thought(steady, connection);
}

static bool take_message(struct steady *steady, struct connection *connection, const char *bytes, size_t count)
{
    char wanted[9];
    if (count > MESSAGE_BYTES - connection->head_used) {
        fail(steady, connection, FAILURE_TUNNEL, "more comes than was said");
        return false;
    }
    memcpy(connection->head + connection->head_used, bytes, count);
    connection->head_used += count;
    if (connection->head_used < MESSAGE_BYTES)
        return true;
    snprintf(wanted, sizeof(wanted), "%08x", connection->message);
    if (memcmp(connection->head, "\x81\x88\0\0\0\0", 6) == 0 && memcmp(connection->head + 6, wanted, 8) == 0)
        finish_answer(steady, connection);
    else
        fail(steady, connection, FAILURE_TUNNEL, "another message comes back");
    return connection->fd >= 0;
}

/* Returns whether the connection goes on. */
static bool take_bytes(struct steady *steady, struct connection *connection, const char *bytes, size_t count)
{
    if (connection->state == STATE_THINKING) {
        fail(steady, connection, FAILURE_BODY, "bytes come that nobody has asked for");
        return false;
    }
    if (connection->is_upgraded)
        return take_message(steady, connection, bytes, count);
    enum answer_state state = answer_take(steady, connection, bytes, count);
    if (state == ANSWER_IS_WRONG)
        leave(steady, connection);
    else if (state == ANSWER_IS_WHOLE)
        finish_answer(steady, connection);
    else
        connection->due_us = steady->now_us + PATIENCE_US;
    return connection->fd >= 0;
}

static void take_end(struct steady *steady, struct connection *connection, const char *how)
{
    if (connection->is_upgraded) {
        fail(steady, connection, FAILURE_TUNNEL, how);
    } else if (connection->state == STATE_THINKING) {
        ++steady->figures.closed_idle;
        leave(steady, connection);
    } else {
        bool is_begun = connection->head_used != 0;
        fail(steady, connection, is_begun ? FAILURE_CUT : FAILURE_CLOSED, how);
    }
}

static void receive(struct steady *steady, struct connection *connection)
{
    static char bytes[TURN_BYTES];
    bool is_download = connection->kind == KIND_DOWNLOAD;
    connection->notice_us = 0;
    for (;;) {
        ssize_t got = recv(connection->fd, bytes, is_download ? PORTION_BYTES : sizeof(bytes), 0);
        if (got < 0 && errno == EAGAIN)
            return;
        if (got <= 0) {
            take_end(steady, connection, got == 0 ? "end of stream" : strerror(errno));
            return;
        }
        if (!take_bytes(steady, connection, bytes, (size_t)got))
            return;
        if (is_download) {
            connection->notice_us = steady->now_us + PORTION_PAUSE_US;
            return;
        }
    }
}

void connection_on_event(struct steady *steady, struct connection *connection, uint32_t events)
{
    if (connection->fd < 0)
        return;
    if (connection->state == STATE_CONNECTING) {
        if ((events & (EPOLLERR | EPOLLHUP)) != 0) {
            int number = 0;
            getsockopt(connection->fd, SOL_SOCKET, SO_ERROR, &number, &(socklen_t){sizeof(number)});
            fail(steady, connection, FAILURE_CONNECT, strerror(number));
        } else if ((events & EPOLLOUT) != 0) {
            ask(steady, connection);
        }
    }
    if (connection->fd < 0 || (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) == 0)
        return;
    if (connection->notice_us != 0)
        return;
    connection->arrived_us = steady->now_us;
    connection->notice_us = steady->now_us + 1000 * (uint64_t)steady->delay_ms;
}

static void act(struct steady *steady, struct connection *connection)
{
    if (connection->state == STATE_AWAY)
        come(steady, connection);
    else if (connection->state == STATE_THINKING)
        ask(steady, connection);
    else
        fail(steady, connection, FAILURE_TIME, connection->state == STATE_ASKING ? "no answer" : "no connection");
}

uint64_t connection_step(struct steady *steady, struct connection *connection)
{
    if (connection->notice_us != 0 && connection->notice_us <= steady->now_us)
        receive(steady, connection);
    if (connection->due_us <= steady->now_us)
        act(steady, connection);
    uint64_t notice_us = connection->notice_us == 0 ? NEVER : connection->notice_us;
    return notice_us < connection->due_us ? notice_us : connection->due_us;
}
