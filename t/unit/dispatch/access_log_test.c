#include "dispatch/access_log.h"

#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static const struct expansion_times no_times;

static struct exchange make_exchange(void)
{
    struct exchange exchange = {
        .request = {.method = SLICE("GET"), .raw_target = SLICE("/"), .minor_version = 1},
        .response = {.status = 200},
        .peer_address = SLICE("127.0.0.1"),
        .peer_port = 59940,
        .id = SLICE("0123456789abcdef"),
        .response_bytes = 11,
    };
    exchange.arena.ready_bytes = 1569;
    exchange.arena.taken_bytes = 4350;
    return exchange;
}

static int make_file(void)
{
    int fd = memfd_create("log", MFD_CLOEXEC);
    assert_int_not_equal(fd, -1);
    assert_int_equal(fcntl(fd, F_SETFL, O_APPEND), 0);
    return fd;
}

static void read_file(int fd, char *text, size_t size)
{
    ssize_t got = pread(fd, text, size - 1, 0);
    assert_true(got >= 0);
    text[got] = '\0';
}

/* Logs one exchange and gives the line. */
static void log_one(enum settings_style style, struct exchange *exchange, uint64_t first_us, uint64_t last_us,
                    char *line, size_t size)
{
    int fd = make_file();
    struct access_log *log = access_log_create(dup(fd), style, NULL);
    access_log_add(log, exchange, &(struct expansion_times){first_us, last_us});
    read_file(fd, line, size);
    assert_string_equal(line, "");
    access_log_flush(log);
    read_file(fd, line, size);
    access_log_destroy(log);
    close(fd);
}

static void the_originals_line_is_exact(void **state)
{
    char line[8192];
    struct exchange exchange = make_exchange();
    log_one(SETTINGS_INI, &exchange, 2420, 2568, line, sizeof(line));
    assert_string_equal(line, "127.0.0.1:59940 - - \"GET / HTTP/1.1\" 200 ttfb 2.420ms 11 ttlb 2.568ms "
                              "(pre-alloc: 1569, alloc: 4350)\n");
    exchange.request.minor_version = 0;
    exchange.request.method = SLICE("POST");
    exchange.request.raw_target = SLICE("http://a/b?c=%20d");
    exchange.response.status = 502;
    exchange.response_bytes = UINT64_MAX;
    exchange.peer_address = SLICE("::1");
    exchange.peer_port = 0;
    exchange.arena = (struct arena){0};
    log_one(SETTINGS_INI, &exchange, 0, 123456789, line, sizeof(line));
    assert_string_equal(line, "[::1] - - \"POST http://a/b?c=%20d HTTP/1.0\" 502 ttfb 0.000ms 18446744073709551615 "
                              "ttlb 123456.789ms (pre-alloc: 0, alloc: 0)\n");
    exchange.peer_address = SLICE("unix:");
    log_one(SETTINGS_INI, &exchange, 7, 1000, line, sizeof(line));
    assert_string_equal(line, "unix: - - \"POST http://a/b?c=%20d HTTP/1.0\" 502 ttfb 0.007ms 18446744073709551615 "
                              "ttlb 1.000ms (pre-alloc: 0, alloc: 0)\n");
    exchange.request.is_http2 = true;
    exchange.request.minor_version = 1;
    log_one(SETTINGS_INI, &exchange, 7, 1000, line, sizeof(line));
    assert_string_equal(line, "unix: - - \"POST http://a/b?c=%20d HTTP/2.0\" 502 ttfb 0.007ms 18446744073709551615 "
                              "ttlb 1.000ms (pre-alloc: 0, alloc: 0)\n");
}

static void our_line_has_time_and_id_in_front(void **state)
{
    char line[8192];
    struct exchange exchange = make_exchange();
    log_one(SETTINGS_YAML, &exchange, 2420, 2568, line, sizeof(line));
    int year, month, day, hour, minute, second, millisecond, used = 0;
    assert_int_equal(sscanf(line, "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ%n", &year, &month, &day, &hour, &minute, &second,
                            &millisecond, &used),
                     7);
    assert_int_equal(used, 24);
    assert_string_equal(line + used, " 0123456789abcdef 127.0.0.1:59940 - - \"GET / HTTP/1.1\" 200 ttfb 2.420ms 11 "
                                     "ttlb 2.568ms (pre-alloc: 1569, alloc: 4350)\n");
}

static void where_a_request_went_stands_at_the_end(void **state)
{
    char line[8192];
    struct exchange exchange = make_exchange();
    exchange.forwarding = (struct exchange_forwarding){.upstream = SLICE("shop"), .tries = 0};
    log_one(SETTINGS_YAML, &exchange, 0, 0, line, sizeof(line));
    assert_non_null(strstr(line, "alloc: 4350) upstream shop server - tries 0 waited 0.000ms answered -\n"));
    exchange.forwarding.server = SLICE("http+unix:/run/a\n\"b");
    exchange.forwarding.tries = 2;
    exchange.forwarding.waited_us = 5001;
    exchange.forwarding.is_answered = true;
    exchange.forwarding.answered_us = 7;
    log_one(SETTINGS_YAML, &exchange, 0, 0, line, sizeof(line));
    assert_non_null(strstr(line, "alloc: 4350) upstream shop server http+unix:/run/a\\x0A\\x22b tries 2 waited 5.001ms "
                                 "answered 0.007ms\n"));
    log_one(SETTINGS_INI, &exchange, 0, 0, line, sizeof(line));
    assert_non_null(strstr(line, "alloc: 4350)\n"));
}

static void nothing_in_a_request_line_forges_a_log(void **state)
{
    char line[8192];
    struct exchange exchange = make_exchange();
    exchange.request.method = SLICE("G\nT");
    exchange.request.raw_target = SLICE("/\"a\\b\r\n\x1b[31m\t\x7f\xc3\xa9\0z~ !");
    log_one(SETTINGS_INI, &exchange, 0, 0, line, sizeof(line));
    static const char start[] =
        "127.0.0.1:59940 - - \"G\\x0AT /\\x22a\\x5Cb\\x0D\\x0A\\x1B[31m\\x09\\x7F\\xC3\\xA9\\x00z~"
        " ! HTTP/1.1\" 200 ";
    assert_memory_equal(line, start, sizeof(start) - 1);
}

static void long_lines_are_cut(void **state)
{
    char line[8192];
    char *target = malloc(70000);
    struct exchange exchange = make_exchange();
    for (int c = 0; c < 2; ++c) {
        memset(target, "a\xff"[c], 70000);
        exchange.request.raw_target = slice_of(target, 70000);
        exchange.forwarding = (struct exchange_forwarding){
            .upstream = slice_of(target, 70000), .server = slice_of(target, 70000), .tries = UINT_MAX};
        log_one(SETTINGS_YAML, &exchange, 0, 0, line, sizeof(line));
        assert_true(strlen(line) < 4096);
        assert_non_null(strstr(line, "...\" 200 ttfb"));
        assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
    }
    free(target);
}

static void there_may_be_no_log(void **state)
{
    struct exchange exchange = make_exchange();
    struct access_log *log = access_log_create(-1, SETTINGS_YAML, NULL);
    access_log_add(log, &exchange, &no_times);
    access_log_flush(log);
    int fd = make_file();
    char line[8192];
    access_log_reopen(log, dup(fd));
    access_log_add(log, &exchange, &no_times);
    access_log_reopen(log, -1);
    access_log_add(log, &exchange, &no_times);
    access_log_destroy(log);
    access_log_destroy(NULL);
    read_file(fd, line, sizeof(line));
    assert_non_null(strchr(line, '\n'));
    assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
    close(fd);
}

static void reopening_splits_the_log_where_it_should(void **state)
{
    struct exchange exchange = make_exchange();
    char line[8192];
    int fds[2] = {make_file(), make_file()};
    struct access_log *log = access_log_create(dup(fds[0]), SETTINGS_INI, NULL);
    for (int i = 0; i < 2; ++i) {
        exchange.response.status = 200 + i;
        access_log_add(log, &exchange, &no_times);
        if (i == 0)
            access_log_reopen(log, dup(fds[1]));
    }
    access_log_destroy(log);
    for (int i = 0; i < 2; ++i) {
        read_file(fds[i], line, sizeof(line));
        assert_non_null(strstr(line, i == 0 ? "\" 200 " : "\" 201 "));
        assert_null(strstr(line, i == 0 ? "\" 201 " : "\" 200 "));
        close(fds[i]);
    }
}

enum {
    WRITERS = 3,
    LINES = 3000,
};

/* Takes the place of a worker that shares a pipe with others. */
static void write_many(int fd, int number)
{
    struct exchange exchange = make_exchange();
    char target[400];
    struct access_log *log = access_log_create(fd, SETTINGS_INI, NULL);
    for (int i = 0; i < LINES; ++i) {
        int length = snprintf(target, sizeof(target), "/%d/%d/%0*d", number, i, i % 300 + 1, 0);
        exchange.request.raw_target = slice_of(target, (size_t)length);
        access_log_add(log, &exchange, &no_times);
        if (i % 50 == 49)
            access_log_flush(log);
    }
    access_log_destroy(log);
}

static void read_lines(FILE *stream, int counts[WRITERS])
{
    char line[8192];
    while (fgets(line, sizeof(line), stream) != NULL) {
        int number = -1, index = -1, used = 0;
        sscanf(line,
               "127.0.0.1:59940 - - \"GET /%d/%d/%*[0] HTTP/1.1\" 200 ttfb 0.000ms 11 ttlb 0.000ms "
               "(pre-alloc: 1569, alloc: 4350)%n",
               &number, &index, &used);
        if (used == 0 || line[used] != '\n' || number < 0 || number >= WRITERS || index != counts[number])
            fail_msg("torn or out of order: %s", line);
        ++counts[number];
    }
}

static void workers_that_share_a_pipe_do_not_mix(void **state)
{
    int pipes[2], counts[WRITERS] = {0};
    assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
    assert_int_equal(fcntl(pipes[1], F_SETFL, O_NONBLOCK), 0);
    for (int i = 0; i < WRITERS; ++i) {
        if (fork() == 0) {
            write_many(pipes[1], i);
            _exit(0);
        }
    }
    close(pipes[1]);
    FILE *stream = fdopen(pipes[0], "r");
    read_lines(stream, counts);
    fclose(stream);
    for (int i = 0; i < WRITERS; ++i)
        assert_int_not_equal(wait(NULL), -1);
    for (int i = 0; i < WRITERS; ++i)
        assert_int_equal(counts[i], LINES);
}

/* Collects what goes to standard error while on. */
static int catch_errors(int *saved)
{
    int fd = make_file();
    *saved = dup(STDERR_FILENO);
    dup2(fd, STDERR_FILENO);
    return fd;
}

static void assert_errors(int fd, int saved, const char *wanted)
{
    char text[8192];
    dup2(saved, STDERR_FILENO);
    close(saved);
    read_file(fd, text, sizeof(text));
    close(fd);
    assert_string_equal(text, wanted);
}

static void a_log_that_cannot_be_written_is_told_once(void **state)
{
    struct exchange exchange = make_exchange();
    int pipes[2], saved, errors = catch_errors(&saved);
    assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
    close(pipes[0]);
    struct access_log *log = access_log_create(pipes[1], SETTINGS_INI, NULL);
    for (int i = 0; i < 3; ++i) {
        access_log_add(log, &exchange, &no_times);
        access_log_add(log, &exchange, &no_times);
        access_log_flush(log);
    }
    access_log_destroy(log);
    assert_errors(errors, saved, "warning: the access log cannot be written (Broken pipe); 2 lines lost so far\n");
    errors = catch_errors(&saved);
    log = access_log_create(open("/dev/full", O_WRONLY | O_CLOEXEC), SETTINGS_INI, NULL);
    access_log_add(log, &exchange, &no_times);
    access_log_destroy(log);
    assert_errors(errors, saved,
                  "warning: the access log cannot be written (No space left on device); 1 lines lost so far\n");
}

static void a_pipe_that_nobody_reads_holds_nobody_up(void **state)
{
    struct exchange exchange = make_exchange();
    char line[8192];
    int pipes[2], saved, errors = catch_errors(&saved), counted = 0;
    assert_int_equal(pipe2(pipes, O_CLOEXEC | O_NONBLOCK), 0);
    struct access_log *log = access_log_create(pipes[1], SETTINGS_INI, NULL);
    for (int i = 0; i < 4000; ++i) {
        access_log_add(log, &exchange, &no_times);
        if (i % 10 == 0)
            access_log_flush(log);
    }
    assert_int_equal(fcntl(pipes[0], F_SETFL, 0), 0);
    FILE *stream = fdopen(pipes[0], "r");
    access_log_destroy(log);
    while (fgets(line, sizeof(line), stream) != NULL) {
        assert_non_null(strstr(line, "alloc: 4350)\n"));
        ++counted;
    }
    fclose(stream);
    assert_true(counted > 100 && counted < 4000);
    char text[8192];
    dup2(saved, STDERR_FILENO);
    close(saved);
    read_file(errors, text, sizeof(text));
    close(errors);
    assert_non_null(strstr(text, "warning: the access log cannot be written (nobody reads it); "));
    assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
}

static int full_fd;
static volatile sig_atomic_t signals;

static void make_room_at_last(int number)
{
    char dropped[8192];
    if (++signals == 3)
        while (read(full_fd, dropped, sizeof(dropped)) > 0)
            ;
}

static void signals_do_not_end_the_wait_for_a_reader(void **state)
{
    struct exchange exchange = make_exchange();
    char text[8192] = {0};
    int pipes[2], saved, errors = catch_errors(&saved);
    assert_int_equal(pipe2(pipes, O_CLOEXEC | O_NONBLOCK), 0);
    while (write(pipes[1], text, sizeof(text)) > 0)
        ;
    full_fd = pipes[0];
    sigaction(SIGALRM, &(struct sigaction){.sa_handler = make_room_at_last}, NULL);
    const struct itimerval often = {{0, 2000}, {0, 2000}}, never = {0};
    struct access_log *log = access_log_create(pipes[1], SETTINGS_INI, NULL);
    access_log_add(log, &exchange, &no_times);
    setitimer(ITIMER_REAL, &often, NULL);
    access_log_flush(log);
    setitimer(ITIMER_REAL, &never, NULL);
    access_log_destroy(log);
    assert_errors(errors, saved, "");
    assert_true(read(pipes[0], text, sizeof(text) - 1) > 0);
    assert_non_null(strstr(text, "alloc: 4350)\n"));
    close(pipes[0]);
}

/* A limit on the file's size cuts a write in the middle of a line; once there is room again, its rest comes first. */
static void a_torn_line_is_mended(void **state)
{
    struct exchange exchange = make_exchange();
    char line[256], text[1024], wanted[1024];
    log_one(SETTINGS_INI, &exchange, 0, 0, line, sizeof(line));
    int saved, errors = catch_errors(&saved), fd = make_file();
    struct rlimit before, limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    limit = (struct rlimit){.rlim_cur = strlen(line) + 20, .rlim_max = before.rlim_max};
    struct access_log *log = access_log_create(dup(fd), SETTINGS_INI, NULL);
    for (int i = 0; i < 3; ++i)
        access_log_add(log, &exchange, &no_times);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    access_log_flush(log);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    exchange.response.status = 404;
    access_log_add(log, &exchange, &no_times);
    access_log_destroy(log);
    assert_errors(errors, saved, "warning: the access log cannot be written (File too large); 1 lines lost so far\n");
    read_file(fd, text, sizeof(text));
    close(fd);
    snprintf(wanted, sizeof(wanted), "%s%s%s", line, line, line);
    memcpy(strstr(wanted + 2 * strlen(line), " 200 "), " 404 ", 5);
    assert_string_equal(text, wanted);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_originals_line_is_exact),
        cmocka_unit_test(our_line_has_time_and_id_in_front),
        cmocka_unit_test(where_a_request_went_stands_at_the_end),
        cmocka_unit_test(nothing_in_a_request_line_forges_a_log),
        cmocka_unit_test(long_lines_are_cut),
        cmocka_unit_test(there_may_be_no_log),
        cmocka_unit_test(reopening_splits_the_log_where_it_should),
        cmocka_unit_test(workers_that_share_a_pipe_do_not_mix),
        cmocka_unit_test(a_log_that_cannot_be_written_is_told_once),
        cmocka_unit_test(a_pipe_that_nobody_reads_holds_nobody_up),
        cmocka_unit_test(signals_do_not_end_the_wait_for_a_reader),
        cmocka_unit_test(a_torn_line_is_mended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
