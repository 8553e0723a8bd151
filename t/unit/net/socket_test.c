#include "net/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

/* One end of a connection: what it has seen, and what it is to do. */
struct end {
    struct loop *loop;
    struct socket *socket;
    int readable_count, written_count, connected_count;
    bool was_ok;
    int connect_error;
    char input[64];
    size_t input_length;
    bool has_ended;
    int receive_error;
    size_t stop_after; /* bytes that are waited for; the peer's end stops in any case */
    bool closes_itself;
    struct end *closes_other;
};

static void close_end(struct end *end)
{
    socket_close(end->socket);
    end->socket = NULL;
}

static void close_what_is_asked(struct end *end)
{
    if (end->closes_other != NULL)
        close_end(end->closes_other);
    if (end->closes_itself) {
        close_end(end);
        loop_stop(end->loop);
    }
}

static void on_readable(struct socket *socket, void *data)
{
    struct end *end = data;
    ++end->readable_count;
    assert_ptr_equal(socket, end->socket);
    ssize_t received = socket_receive(socket, end->input + end->input_length, sizeof(end->input) - end->input_length);
    if (received > 0)
        end->input_length += (size_t)received;
    end->has_ended = received == 0;
    end->receive_error = received < 0 ? errno : 0;
    if (received <= 0)
        socket_read(socket, false);
    if (received <= 0 || end->input_length >= end->stop_after)
        loop_stop(end->loop);
    close_what_is_asked(end);
}

static void on_written(struct socket *socket, void *data, bool is_ok)
{
    struct end *end = data;
    ++end->written_count;
    end->was_ok = is_ok;
    assert_false(socket_is_writing(socket));
    loop_stop(end->loop);
    close_what_is_asked(end);
}

static void on_connected(struct socket *socket, void *data, int error)
{
    struct end *end = data;
    ++end->connected_count;
    end->connect_error = error;
    loop_stop(end->loop);
    close_what_is_asked(end);
}

static const struct socket_events events = {.on_readable = on_readable, .on_written = on_written};

static int set_up(void **state)
{
    *state = loop_create();
    return 0;
}

static int tear_down(void **state)
{
    loop_destroy(*state);
    return 0;
}

static void make_pair(struct loop *loop, struct end *end, int *peer)
{
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
    *end = (struct end){.loop = loop};
    end->socket = socket_create(loop, pair[0], &events, end);
    *peer = pair[1];
}

static struct iovec piece(const char *text)
{
    return (struct iovec){.iov_base = (char *)text, .iov_len = strlen(text)};
}

static void stop_loop(struct timer *timer)
{
    loop_stop(timer->data);
}

/* Takes some turns of the loop, which does not sleep in them. */
static void settle(struct loop *loop)
{
    struct timer timer = {.on_timeout = stop_loop, .data = loop};
    for (int i = 0; i < 3; ++i) {
        timer_start(loop, &timer, 0);
        loop_run(loop);
    }
}

static void reads_when_told_and_not_otherwise(void **state)
{
    struct end end;
    int peer;
    make_pair(*state, &end, &peer);
    assert_int_equal(write(peer, "hello", 5), 5);
    settle(*state);
    assert_int_equal(end.readable_count, 0);
    socket_read(end.socket, true);
    socket_read(end.socket, true);
    loop_run(*state);
    assert_int_equal(end.readable_count, 1);
    assert_memory_equal(end.input, "hello", 5);
    socket_read(end.socket, false);
    assert_int_equal(write(peer, "again", 5), 5);
    settle(*state);
    assert_int_equal(end.readable_count, 1);
    socket_read(end.socket, true);
    loop_run(*state);
    assert_int_equal(end.input_length, 10);
    close(peer);
    loop_run(*state);
    assert_true(end.has_ended);
    close_end(&end);
}

static void says_that_nothing_is_there(void **state)
{
    struct end end;
    int peer;
    char byte;
    make_pair(*state, &end, &peer);
    assert_int_equal(socket_receive(end.socket, &byte, 1), -1);
    assert_int_equal(errno, EAGAIN);
    close(peer);
    assert_int_equal(socket_receive(end.socket, &byte, 1), 0);
    close_end(&end);
}

static void writes_pieces_and_tells_later(void **state)
{
    struct end end;
    int peer;
    char buffer[64];
    make_pair(*state, &end, &peer);
    struct iovec pieces[] = {piece(""), piece("one "), piece(""), piece("two"), {.iov_base = NULL, .iov_len = 0}};
    socket_write(end.socket, pieces, 5);
    assert_true(socket_is_writing(end.socket));
    assert_int_equal(end.written_count, 0);
    loop_run(*state);
    assert_int_equal(end.written_count, 1);
    assert_true(end.was_ok);
    assert_int_equal(read(peer, buffer, sizeof(buffer)), 7);
    assert_memory_equal(buffer, "one two", 7);
    socket_write(end.socket, pieces, 1);
    loop_run(*state);
    socket_write(end.socket, NULL, 0);
    loop_run(*state);
    assert_int_equal(end.written_count, 3);
    assert_int_equal(read(peer, buffer, sizeof(buffer)), -1);
    close(peer);
    close_end(&end);
}

/* A write that a timer starts is done with before the loop sleeps again. */
static void write_from_timer(struct timer *timer)
{
    struct end *end = timer->data;
    struct iovec text = piece("x");
    socket_write(end->socket, &text, 1);
}

static void on_turn_stop(void *data)
{
    loop_stop(data);
}

static void writes_of_timers_end_in_the_same_turn(void **state)
{
    struct end end;
    int peer;
    make_pair(*state, &end, &peer);
    struct timer timer = {.on_timeout = write_from_timer, .data = &end};
    timer_start(*state, &timer, 0);
    loop_set_turn(*state, on_turn_stop, *state);
    loop_run(*state);
    assert_int_equal(end.written_count, 1);
    close(peer);
    close_end(&end);
}

enum {
    BIG_BYTES = 8 << 20,
    MANY_PIECES = 16,
};

static void *read_slowly(void *data)
{
    int fd = *(int *)data;
    size_t total = 0;
    unsigned sum = 0;
    static unsigned char buffer[3000];
    for (;;) {
        ssize_t got = read(fd, buffer, sizeof(buffer));
        if (got <= 0)
            break;
        for (ssize_t i = 0; i < got; ++i)
            sum = sum * 31 + buffer[i];
        total += (size_t)got;
    }
    return (void *)(uintptr_t)(total == BIG_BYTES ? sum : 0);
}

static void a_slow_reader_gets_every_byte(void **state)
{
    struct end end;
    int peer;
    pthread_t reader;
    void *sum;
    unsigned wanted = 0;
    make_pair(*state, &end, &peer);
    assert_int_equal(fcntl(peer, F_SETFL, 0), 0);
    char *big = malloc(BIG_BYTES);
    unsigned seed = 3;
    for (size_t i = 0; i < BIG_BYTES; ++i) {
        big[i] = (char)rand_r(&seed);
        wanted = wanted * 31 + (unsigned char)big[i];
    }
    struct iovec pieces[MANY_PIECES];
    for (size_t i = 0; i < MANY_PIECES; ++i)
        pieces[i] = (struct iovec){.iov_base = big + i * (BIG_BYTES / MANY_PIECES), .iov_len = BIG_BYTES / MANY_PIECES};
    socket_write(end.socket, pieces, MANY_PIECES);
    settle(*state);
    assert_true(socket_is_writing(end.socket));
    assert_int_equal(pthread_create(&reader, NULL, read_slowly, &peer), 0);
    loop_run(*state);
    assert_true(end.was_ok);
    socket_finish_writing(end.socket);
    pthread_join(reader, &sum);
    assert_int_equal((unsigned)(uintptr_t)sum, wanted);
    free(big);
    close_end(&end);
    close(peer);
}

/* A pipe that holds the first length bytes of text. */
static struct body_pipe *fill_pipe(struct body_pipes *pipes, const char *text, size_t length)
{
    struct body_pipe *pipe = body_pipe_take(pipes);
    assert_non_null(pipe);
    assert_int_equal(write(pipe->write_fd, text, length), length);
    pipe->length = length;
    return pipe;
}

/* Sends until no more is taken, and returns how much that was. */
static size_t stuff(struct socket *socket)
{
    static const char junk[4096];
    size_t length = 0;
    ssize_t sent;
    while ((sent = send(socket_descriptor(socket), junk, sizeof(junk), MSG_NOSIGNAL)) > 0)
        length += (size_t)sent;
    return length;
}

static void what_is_in_a_pipe_is_written_and_told_later(void **state)
{
    struct end end;
    struct body_pipes pipes = {0};
    int peer;
    char buffer[64];
    make_pair(*state, &end, &peer);
    assert_true(socket_takes_pipes(end.socket));
    struct body_pipe *pipe = fill_pipe(&pipes, "hello", 5);
    socket_write_pipe(end.socket, pipe);
    assert_true(socket_is_writing(end.socket));
    assert_int_equal(end.written_count, 0);
    loop_run(*state);
    assert_int_equal(end.written_count, 1);
    assert_true(end.was_ok);
    assert_int_equal(pipe->length, 0);
    assert_int_equal(read(peer, buffer, sizeof(buffer)), 5);
    assert_memory_equal(buffer, "hello", 5);
    assert_int_equal(write(peer, "and back", 8), 8);
    assert_int_equal(socket_receive_pipe(end.socket, pipe, 3), 3);
    socket_write_pipe(end.socket, pipe);
    loop_run(*state);
    assert_int_equal(read(peer, buffer, sizeof(buffer)), 3);
    assert_memory_equal(buffer, "and", 3);
    body_pipe_give(&pipes, pipe);
    body_pipes_finish(&pipes);
    close(peer);
    close_end(&end);
}

static void a_slow_reader_gets_every_byte_of_a_pipe(void **state)
{
    enum {
        LENGTH = 60000,
    };
    static char text[LENGTH], seen[LENGTH];
    struct end end;
    struct body_pipes pipes = {0};
    int peer;
    make_pair(*state, &end, &peer);
    size_t ahead = stuff(end.socket);
    for (size_t i = 0; i < LENGTH; ++i)
        text[i] = (char)('a' + i * 7 / 3 % 26);
    struct body_pipe *pipe = fill_pipe(&pipes, text, LENGTH);
    socket_write_pipe(end.socket, pipe);
    settle(*state);
    assert_int_equal(pipe->length, LENGTH);
    for (size_t length = 0; length < LENGTH;) {
        settle(*state);
        assert_int_equal(socket_is_writing(end.socket), pipe->length != 0);
        size_t room = ahead != 0 ? ahead : LENGTH - length;
        ssize_t got = read(peer, seen + length, room < 5000 ? room : 5000);
        assert_true(got > 0);
        if (ahead != 0)
            ahead -= (size_t)got;
        else
            length += (size_t)got;
    }
    settle(*state);
    assert_int_equal(end.written_count, 1);
    assert_true(end.was_ok);
    assert_memory_equal(seen, text, LENGTH);
    body_pipe_give(&pipes, pipe);
    body_pipes_finish(&pipes);
    close(peer);
    close_end(&end);
}

/* At once where it is broken already, or while the rest waits. */
static void a_pipe_that_cannot_be_written_is_told_later(void **state)
{
    for (int i = 0; i < 2; ++i) {
        struct end end;
        struct body_pipes pipes = {0};
        int peer;
        make_pair(*state, &end, &peer);
        static char text[60000];
        stuff(end.socket);
        struct body_pipe *pipe = fill_pipe(&pipes, text, sizeof(text));
        if (i == 0)
            close(peer);
        socket_write_pipe(end.socket, pipe);
        assert_int_equal(end.written_count, 0);
        if (i == 1)
            close(peer);
        loop_run(*state);
        assert_int_equal(end.written_count, 1);
        assert_false(end.was_ok);
        assert_true(pipe->length != 0);
        body_pipe_give(&pipes, pipe);
        assert_int_equal(pipes.count, 0);
        close_end(&end);
    }
}

static void closing_during_a_write_of_a_pipe_is_silent(void **state)
{
    static char text[60000];
    struct end end;
    struct body_pipes pipes = {0};
    int peer;
    make_pair(*state, &end, &peer);
    stuff(end.socket);
    struct body_pipe *pipe = fill_pipe(&pipes, text, sizeof(text));
    socket_write_pipe(end.socket, pipe);
    settle(*state);
    close_end(&end);
    body_pipe_give(&pipes, pipe);
    close(peer);
    settle(*state);
    assert_int_equal(end.written_count, 0);
    assert_int_equal(pipes.count, 0);
}

static void a_broken_connection_is_told_later(void **state)
{
    struct end end;
    int peer;
    make_pair(*state, &end, &peer);
    close(peer);
    struct iovec text = piece("lost");
    socket_write(end.socket, &text, 1);
    assert_int_equal(end.written_count, 0);
    loop_run(*state);
    assert_int_equal(end.written_count, 1);
    assert_false(end.was_ok);
    close_end(&end);
}

static void a_connection_breaks_during_a_write(void **state)
{
    struct end end;
    int peer;
    make_pair(*state, &end, &peer);
    char *big = calloc(1, BIG_BYTES);
    struct iovec pieces[] = {{.iov_base = big, .iov_len = BIG_BYTES}};
    socket_write(end.socket, pieces, 1);
    settle(*state);
    assert_int_equal(end.written_count, 0);
    close(peer);
    loop_run(*state);
    assert_int_equal(end.written_count, 1);
    assert_false(end.was_ok);
    free(big);
    close_end(&end);
}

static void closing_during_a_write_is_silent(void **state)
{
    struct end end;
    int peer;
    make_pair(*state, &end, &peer);
    char *big = calloc(1, BIG_BYTES);
    struct iovec pieces[] = {{.iov_base = big, .iov_len = BIG_BYTES}};
    socket_read(end.socket, true);
    socket_write(end.socket, pieces, 1);
    settle(*state);
    close_end(&end);
    close(peer);
    free(big);
    settle(*state);
    assert_int_equal(end.written_count, 0);
    make_pair(*state, &end, &peer);
    struct iovec text = piece("done at once");
    socket_write(end.socket, &text, 1);
    close_end(&end);
    settle(*state);
    assert_int_equal(end.written_count, 0);
    close(peer);
}

static void closing_before_the_loop_ends_is_silent(void **state)
{
    struct loop *loop = loop_create();
    struct end end;
    int peer;
    make_pair(loop, &end, &peer);
    struct iovec text = piece("done at once");
    socket_read(end.socket, true);
    socket_write(end.socket, &text, 1);
    close_end(&end);
    loop_destroy(loop);
    assert_int_equal(end.written_count, 0);
    close(peer);
}

static void a_socket_closes_itself_in_each_event(void **state)
{
    struct end end;
    int peer;
    make_pair(*state, &end, &peer);
    end.closes_itself = true;
    struct iovec text = piece("x");
    socket_read(end.socket, true);
    socket_write(end.socket, &text, 1);
    assert_int_equal(write(peer, "x", 1), 1);
    loop_run(*state);
    settle(*state);
    assert_int_equal(end.readable_count + end.written_count, 1);
    close(peer);
    make_pair(*state, &end, &peer);
    end.closes_itself = true;
    socket_write(end.socket, &text, 1);
    loop_run(*state);
    assert_int_equal(end.written_count, 1);
    close(peer);
}

static void a_socket_closes_another_that_has_an_event_too(void **state)
{
    struct end ends[2];
    int peers[2];
    for (int i = 0; i < 2; ++i) {
        make_pair(*state, &ends[i], &peers[i]);
        ends[i].closes_other = &ends[1 - i];
        socket_read(ends[i].socket, true);
        assert_int_equal(write(peers[i], "x", 1), 1);
    }
    loop_run(*state);
    settle(*state);
    assert_int_equal(ends[0].readable_count + ends[1].readable_count, 1);
    for (int i = 0; i < 2; ++i) {
        close_end(&ends[i]);
        close(peers[i]);
    }
}

static void switching_reading_off_holds_within_a_turn(void **state)
{
    struct end end;
    int peer;
    make_pair(*state, &end, &peer);
    struct iovec text = piece("x");
    socket_read(end.socket, true);
    settle(*state);
    assert_int_equal(write(peer, "x", 1), 1);
    close(peer);
    socket_read(end.socket, false);
    settle(*state);
    assert_int_equal(end.readable_count, 0);
    socket_write(end.socket, &text, 1);
    loop_run(*state);
    assert_false(end.was_ok);
    close_end(&end);
}

static int listen_on(struct sockaddr *address, socklen_t *length)
{
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_not_equal(fd, -1);
    assert_int_equal(bind(fd, address, *length), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, address, length), 0);
    return fd;
}

static void connects_over_tcp(void **state)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    int listener = listen_on((struct sockaddr *)&address, &length);
    struct end end = {.loop = *state};
    end.socket = socket_connect(*state, (struct sockaddr *)&address, sizeof(address), on_connected, &events, &end);
    assert_non_null(end.socket);
    assert_int_equal(end.connected_count, 0);
    loop_run(*state);
    assert_int_equal(end.connected_count, 1);
    assert_int_equal(end.connect_error, 0);
    int no_delay = 0;
    length = sizeof(no_delay);
    assert_int_equal(getsockopt(socket_descriptor(end.socket), IPPROTO_TCP, TCP_NODELAY, &no_delay, &length), 0);
    assert_int_not_equal(no_delay, 0);
    int peer = accept(listener, NULL, NULL);
    assert_int_equal(write(peer, "hi", 2), 2);
    socket_read(end.socket, true);
    loop_run(*state);
    assert_memory_equal(end.input, "hi", 2);
    close_end(&end);
    close(peer);
    close(listener);
}

static void tells_why_tcp_refuses(void **state)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    close(listen_on((struct sockaddr *)&address, &length));
    for (int i = 0; i < 2; ++i) {
        struct end end = {.loop = *state, .closes_itself = i == 1};
        end.socket = socket_connect(*state, (struct sockaddr *)&address, sizeof(address), on_connected, &events, &end);
        assert_non_null(end.socket);
        loop_run(*state);
        assert_int_equal(end.connected_count, 1);
        assert_int_equal(end.connect_error, ECONNREFUSED);
        close_end(&end);
    }
}

static void fails_at_once_where_that_is_known(void **state)
{
    struct sockaddr_un path = {.sun_family = AF_UNIX, .sun_path = "/nonexistent/socket"};
    struct end end = {.loop = *state};
    errno = 0;
    assert_null(socket_connect(*state, (struct sockaddr *)&path, sizeof(path), on_connected, &events, &end));
    assert_int_equal(errno, ENOENT);
    struct sockaddr_in wrong = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_BROADCAST), .sin_port = 1};
    errno = 0;
    assert_null(socket_connect(*state, (struct sockaddr *)&wrong, sizeof(wrong), on_connected, &events, &end));
    assert_int_not_equal(errno, 0);
    settle(*state);
    assert_int_equal(end.connected_count, 0);
}

static void connects_over_unix_sockets_until_the_queue_is_full(void **state)
{
    /* the empty name lets the kernel choose an abstract one */
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    socklen_t length = sizeof(address.sun_family);
    int listener = listen_on((struct sockaddr *)&address, &length);
    length = sizeof(address);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &length), 0);
    struct end ends[8];
    int count = 0;
    for (; count < 8; ++count) {
        ends[count] = (struct end){.loop = *state};
        ends[count].socket =
            socket_connect(*state, (struct sockaddr *)&address, length, on_connected, &events, &ends[count]);
        if (ends[count].socket == NULL)
            break;
    }
    assert_int_equal(errno, EAGAIN);
    assert_true(count > 0 && count < 8);
    settle(*state);
    for (int i = 0; i < count; ++i) {
        assert_int_equal(ends[i].connected_count, 1);
        assert_int_equal(ends[i].connect_error, 0);
        close_end(&ends[i]);
    }
    close(listener);
}

static void closing_while_connecting_is_silent(void **state)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    int listener = listen_on((struct sockaddr *)&address, &length);
    struct end end = {.loop = *state};
    end.socket = socket_connect(*state, (struct sockaddr *)&address, sizeof(address), on_connected, &events, &end);
    assert_non_null(end.socket);
    close_end(&end);
    settle(*state);
    assert_int_equal(end.connected_count, 0);
    close(listener);
    socket_close(NULL);
}

/* Makes a TCP connection: one end on the loop, the other a plain descriptor. */
static int make_tcp_pair(struct loop *loop, struct end *end)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    int listener = listen_on((struct sockaddr *)&address, &length);
    int peer = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(peer, (struct sockaddr *)&address, length), 0);
    *end = (struct end){.loop = loop};
    end->socket = socket_create(loop, accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), &events, end);
    close(listener);
    return peer;
}

static void a_reset_can_be_told_from_an_end(void **state)
{
    struct end end;
    char byte;
    int peer = make_tcp_pair(*state, &end);
    close_end(&end);
    assert_int_equal(read(peer, &byte, 1), 0);
    close(peer);
    peer = make_tcp_pair(*state, &end);
    socket_reset_on_close(end.socket);
    close_end(&end);
    assert_int_equal(read(peer, &byte, 1), -1);
    assert_int_equal(errno, ECONNRESET);
    close(peer);
}

static void a_peers_reset_is_read_as_an_error(void **state)
{
    struct end end;
    int peer = make_tcp_pair(*state, &end);
    struct linger at_once = {.l_onoff = 1};
    assert_int_equal(setsockopt(peer, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)), 0);
    close(peer);
    socket_read(end.socket, true);
    loop_run(*state);
    assert_int_equal(end.receive_error, ECONNRESET);
    close_end(&end);
}

static void finishing_leaves_reading_on(void **state)
{
    struct end end;
    char byte;
    int peer = make_tcp_pair(*state, &end);
    socket_read(end.socket, true);
    socket_finish_writing(end.socket);
    assert_int_equal(read(peer, &byte, 1), 0);
    assert_int_equal(write(peer, "late", 4), 4);
    loop_run(*state);
    assert_memory_equal(end.input, "late", 4);
    close_end(&end);
    close(peer);
}

static void a_connection_changes_hands(void **state)
{
    struct end first, second = {.loop = *state};
    int peer;
    make_pair(*state, &first, &peer);
    second.socket = first.socket;
    socket_read(first.socket, true);
    socket_set_events(first.socket, &events, &second);
    assert_int_equal(write(peer, "x", 1), 1);
    loop_run(*state);
    assert_int_equal(first.readable_count, 0);
    assert_int_equal(second.readable_count, 1);
    close_end(&second);
    close(peer);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(reads_when_told_and_not_otherwise, set_up, tear_down),
        cmocka_unit_test_setup_teardown(says_that_nothing_is_there, set_up, tear_down),
        cmocka_unit_test_setup_teardown(writes_pieces_and_tells_later, set_up, tear_down),
        cmocka_unit_test_setup_teardown(writes_of_timers_end_in_the_same_turn, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_slow_reader_gets_every_byte, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_in_a_pipe_is_written_and_told_later, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_slow_reader_gets_every_byte_of_a_pipe, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_pipe_that_cannot_be_written_is_told_later, set_up, tear_down),
        cmocka_unit_test_setup_teardown(closing_during_a_write_of_a_pipe_is_silent, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_broken_connection_is_told_later, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_connection_breaks_during_a_write, set_up, tear_down),
        cmocka_unit_test_setup_teardown(closing_during_a_write_is_silent, set_up, tear_down),
        cmocka_unit_test(closing_before_the_loop_ends_is_silent),
        cmocka_unit_test_setup_teardown(a_socket_closes_itself_in_each_event, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_socket_closes_another_that_has_an_event_too, set_up, tear_down),
        cmocka_unit_test_setup_teardown(switching_reading_off_holds_within_a_turn, set_up, tear_down),
        cmocka_unit_test_setup_teardown(connects_over_tcp, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tells_why_tcp_refuses, set_up, tear_down),
        cmocka_unit_test_setup_teardown(fails_at_once_where_that_is_known, set_up, tear_down),
        cmocka_unit_test_setup_teardown(connects_over_unix_sockets_until_the_queue_is_full, set_up, tear_down),
        cmocka_unit_test_setup_teardown(closing_while_connecting_is_silent, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_reset_can_be_told_from_an_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_peers_reset_is_read_as_an_error, set_up, tear_down),
        cmocka_unit_test_setup_teardown(finishing_leaves_reading_on, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_connection_changes_hands, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
