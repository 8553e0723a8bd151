#include "net/body_pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum {
    MANY = 1000,
    TEXT_BYTES = 100 * 1000,
};

static void open_pair(int pair[2])
{
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
}

static void close_pair(const int pair[2])
{
    close(pair[0]);
    close(pair[1]);
}

static void fill_text(char *text)
{
    for (size_t i = 0; i < TEXT_BYTES; ++i)
        text[i] = (char)('a' + i * 7 / 3 % 26);
}

static size_t count_descriptors(void)
{
    size_t count = 0;
    for (int fd = 0; fd < 4 * MANY; ++fd)
        count += fcntl(fd, F_GETFD) != -1;
    return count;
}

static void bytes_pass_as_they_were(void **state)
{
    static const size_t lengths[] = {1, 2, 4095, 4096, 4097, 65535, TEXT_BYTES};
    static char text[TEXT_BYTES], seen[TEXT_BYTES];
    struct body_pipes pipes = {0};
    struct body_pipe *pipe = body_pipe_take(&pipes);
    fill_text(text);
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); ++i) {
        int from[2], to[2];
        open_pair(from);
        open_pair(to);
        assert_int_equal(write(from[1], text, lengths[i]), lengths[i]);
        assert_int_equal(write(from[1], "rest", 4), 4);
        size_t passed = 0;
        while (passed != lengths[i]) {
            ssize_t filled = body_pipe_fill(pipe, from[0], lengths[i] - passed);
            assert_in_range(filled, 1, lengths[i] - passed);
            assert_int_equal(pipe->length, filled);
            assert_true(body_pipe_drain(pipe, to[0]));
            assert_int_equal(pipe->length, 0);
            assert_int_equal(read(to[1], seen + passed, sizeof(seen) - passed), filled);
            passed += (size_t)filled;
        }
        assert_memory_equal(seen, text, lengths[i]);
        assert_int_equal(read(from[0], seen, sizeof(seen)), 4);
        close_pair(from);
        close_pair(to);
    }
    body_pipe_give(&pipes, pipe);
    body_pipes_finish(&pipes);
    assert_int_equal(pipes.count, 0);
}

static void silence_and_the_end_are_told_apart(void **state)
{
    struct body_pipes pipes = {0};
    struct body_pipe *pipe = body_pipe_take(&pipes);
    int from[2];
    open_pair(from);
    assert_int_equal(body_pipe_fill(pipe, from[0], 10), -1);
    assert_int_equal(errno, EAGAIN);
    assert_false(body_pipe_is_refusal(errno));
    shutdown(from[1], SHUT_WR);
    assert_int_equal(body_pipe_fill(pipe, from[0], 10), 0);
    close_pair(from);
    body_pipe_give(&pipes, pipe);
    body_pipes_finish(&pipes);
}

/* Neither end is a pipe's, which is what the kernel says to sockets of a kind that it cannot do it for, too. */
static void a_refusal_is_told_from_a_failure(void **state)
{
    struct body_pipe none = {.read_fd = -1, .write_fd = open("/dev/null", O_WRONLY | O_CLOEXEC)};
    int from[2];
    open_pair(from);
    assert_int_equal(write(from[1], "x", 1), 1);
    assert_int_equal(body_pipe_fill(&none, from[0], 10), -1);
    assert_true(body_pipe_is_refusal(errno));
    assert_int_equal(none.length, 0);
    assert_false(body_pipe_is_refusal(ECONNRESET));
    close(none.write_fd);
    close_pair(from);
}

static void a_slow_reader_gets_the_rest_later(void **state)
{
    static char text[TEXT_BYTES], seen[TEXT_BYTES];
    struct body_pipes pipes = {0};
    struct body_pipe *pipe = body_pipe_take(&pipes);
    int from[2], to[2];
    open_pair(from);
    open_pair(to);
    fill_text(text);
    assert_int_equal(setsockopt(to[0], SOL_SOCKET, SO_SNDBUF, &(int){4096}, sizeof(int)), 0);
    assert_int_equal(write(from[1], text, TEXT_BYTES), TEXT_BYTES);
    ssize_t filled = body_pipe_fill(pipe, from[0], TEXT_BYTES);
    assert_true(filled > 32768);
    unsigned waits = 0;
    size_t length = 0;
    while (!body_pipe_drain(pipe, to[0])) {
        assert_int_equal(errno, EAGAIN);
        ++waits;
        ssize_t got = read(to[1], seen + length, 1000);
        assert_true(got > 0);
        length += (size_t)got;
    }
    assert_true(waits > 1);
    length += (size_t)read(to[1], seen + length, sizeof(seen) - length);
    while (length < (size_t)filled)
        length += (size_t)read(to[1], seen + length, sizeof(seen) - length);
    assert_memory_equal(seen, text, filled);
    close_pair(from);
    close_pair(to);
    body_pipe_give(&pipes, pipe);
    body_pipes_finish(&pipes);
}

static void what_a_broken_connection_leaves_meets_nobody(void **state)
{
    struct body_pipes pipes = {0};
    struct body_pipe *pipe = body_pipe_take(&pipes);
    int from[2], to[2];
    open_pair(from);
    open_pair(to);
    close(to[1]);
    assert_int_equal(write(from[1], "secret", 6), 6);
    assert_int_equal(body_pipe_fill(pipe, from[0], 10), 6);
    assert_false(body_pipe_drain(pipe, to[0]));
    assert_int_not_equal(errno, EAGAIN);
    body_pipe_give(&pipes, pipe);
    assert_int_equal(pipes.count, 0);
    assert_null(pipes.waiting);
    close(to[0]);
    close_pair(from);
}

static void an_empty_pipe_is_used_again(void **state)
{
    struct body_pipes pipes = {0};
    struct body_pipe *pipe = body_pipe_take(&pipes);
    body_pipe_give(&pipes, pipe);
    assert_ptr_equal(body_pipe_take(&pipes), pipe);
    assert_int_equal(pipes.count, 1);
    assert_int_equal(pipes.waiting_count, 0);
    body_pipe_give(&pipes, pipe);
    body_pipe_give(&pipes, NULL);
    body_pipes_finish(&pipes);
    assert_int_equal(pipes.count, 0);
}

static void there_are_only_so_many(void **state)
{
    static struct body_pipe *taken[MANY];
    struct body_pipes pipes = {0};
    size_t before = count_descriptors(), count = 0;
    while (count < MANY && (taken[count] = body_pipe_take(&pipes)) != NULL)
        ++count;
    assert_in_range(count, 1, MANY / 2);
    assert_int_equal(pipes.count, count);
    for (size_t i = 0; i < count; ++i)
        body_pipe_give(&pipes, taken[i]);
    assert_true(pipes.waiting_count < count);
    assert_int_equal(pipes.count, pipes.waiting_count);
    assert_int_equal(count_descriptors(), before + 2 * pipes.count);
    body_pipes_finish(&pipes);
    assert_int_equal(count_descriptors(), before);
}

static void none_is_to_be_had_without_descriptors(void **state)
{
    struct body_pipes pipes = {0};
    struct rlimit usual;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &usual), 0);
    struct rlimit none = {.rlim_cur = 3, .rlim_max = usual.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    struct body_pipe *pipe = body_pipe_take(&pipes);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &usual), 0);
    assert_null(pipe);
    assert_int_equal(pipes.count, 0);
    pipes.is_refused = true;
    assert_null(body_pipe_take(&pipes));
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_pass_as_they_were),
        cmocka_unit_test(silence_and_the_end_are_told_apart),
        cmocka_unit_test(a_refusal_is_told_from_a_failure),
        cmocka_unit_test(a_slow_reader_gets_the_rest_later),
        cmocka_unit_test(what_a_broken_connection_leaves_meets_nobody),
        cmocka_unit_test(an_empty_pipe_is_used_again),
        cmocka_unit_test(there_are_only_so_many),
        cmocka_unit_test(none_is_to_be_had_without_descriptors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
