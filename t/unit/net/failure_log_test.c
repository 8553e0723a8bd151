#include "net/failure_log.h"

#include "base/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

struct recording {
    int fd, console_fd;
    struct loop *loop;
    struct failure_log log;
    char text[1 << 17];
};

static struct recording recording;

static int start_recording(void **state)
{
    recording.loop = loop_create();
    recording.console_fd = dup(STDERR_FILENO);
    recording.fd = memfd_create("log", MFD_CLOEXEC);
    dup2(recording.fd, STDERR_FILENO);
    failure_log_init(&recording.log, recording.loop, SLICE("shop"), SLICE("http://192.0.2.1"));
    return 0;
}

static int stop_recording(void **state)
{
    failure_log_finish(&recording.log);
    dup2(recording.console_fd, STDERR_FILENO);
    close(recording.console_fd);
    close(recording.fd);
    loop_destroy(recording.loop);
    return 0;
}

static size_t count_lines(const char *part)
{
    size_t count = 0;
    ssize_t got = pread(recording.fd, recording.text, sizeof(recording.text) - 1, 0);
    assert_true(got >= 0);
    recording.text[got] = '\0';
    for (char *line = strtok(recording.text, "\n"); line != NULL; line = strtok(NULL, "\n"))
        count += strstr(line, part) != NULL;
    return count;
}

static void add(const char *reason, unsigned count)
{
    while (count-- != 0)
        failure_log_add(&recording.log, reason, SLICE("0123456789abcdef"));
}

static void what_fails_alike_is_counted(void **state)
{
    add("connection refused", 1000);
    assert_int_equal(
        count_lines("error: upstream 'shop' server http://192.0.2.1: connection refused (request 0123456789abcdef)"),
        FAILURE_LOG_ALIKE);
    assert_int_equal(count_lines(""), FAILURE_LOG_ALIKE);
    add("no response within 5 s", 1);
    assert_int_equal(count_lines(": no response within 5 s (request"), 1);
    failure_log_finish(&recording.log);
    assert_int_equal(count_lines(": 980 more failures within 10 s, the last: no response within 5 s"), 1);
    add("connection refused", 1);
    assert_int_equal(count_lines(": connection refused (request"), FAILURE_LOG_ALIKE + 1);
}

static void reasons_that_take_turns_do_not_flood_the_log_either(void **state)
{
    for (int i = 0; i < 1000; ++i)
        add(i % 2 == 0 ? "connection refused" : "no response within 5 s", 1);
    assert_int_equal(count_lines(""), FAILURE_LOG_LINES);
}

static void long_reasons_are_compared_as_far_as_they_are_kept(void **state)
{
    char reason[600];
    memset(reason, 'x', sizeof(reason));
    reason[sizeof(reason) - 1] = '\0';
    add(reason, FAILURE_LOG_ALIKE + 1);
    assert_int_equal(count_lines("xxx (request"), FAILURE_LOG_ALIKE);
}

static void one_that_is_left_out_is_one(void **state)
{
    struct failure_log *log = &recording.log;
    failure_log_finish(log);
    failure_log_init(log, recording.loop, SLICE("shop"), SLICE_NONE);
    add("no server is available", FAILURE_LOG_ALIKE + 1);
    log->timer.on_timeout(&log->timer);
    assert_int_equal(
        count_lines("error: upstream 'shop': 1 more failure within 10 s, the last: no server is available"), 1);
    log->timer.on_timeout(&log->timer);
    assert_int_equal(count_lines(""), FAILURE_LOG_ALIKE + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_fails_alike_is_counted, start_recording, stop_recording),
        cmocka_unit_test_setup_teardown(reasons_that_take_turns_do_not_flood_the_log_either, start_recording,
                                        stop_recording),
        cmocka_unit_test_setup_teardown(long_reasons_are_compared_as_far_as_they_are_kept, start_recording,
                                        stop_recording),
        cmocka_unit_test_setup_teardown(one_that_is_left_out_is_one, start_recording, stop_recording),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
