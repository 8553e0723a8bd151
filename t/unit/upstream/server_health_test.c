#include "upstream/server_health.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

enum {
    MOST_SERVERS = 5,
    START_MS = 1000000,
};

struct fixture {
    struct server_settings settings[MOST_SERVERS];
    struct health_settings health;
    struct upstream_settings upstream;
    struct loop *loop;
    struct server_group group;
    int log_fd, stderr_fd;
    uint64_t now_ms;
};

static struct fixture fixture;

/* Servers a, b, c... of which two checks or three failures in a row change something. */
static void open_group(size_t count)
{
    static const char *const urls[] = {"http://a", "http://b", "http://c", "http://d", "http://e"};
    fixture = (struct fixture){.now_ms = START_MS};
    for (size_t i = 0; i < count; ++i)
        fixture.settings[i] =
            (struct server_settings){.url = slice_from_text(urls[i]), .host = SLICE("::1"), .port = 80, .weight = 1};
    fixture.health = (struct health_settings){.healthy_after = 2, .unhealthy_after = 3};
    fixture.upstream = (struct upstream_settings){
        .name = SLICE("shop"),
        .servers = fixture.settings,
        .server_count = count,
        .health = &fixture.health,
        .eject = {.failures = 3, .time_ms = 10000, .longest_ms = 60000},
    };
    fixture.loop = loop_create();
    server_group_init(&fixture.group, &fixture.upstream, fixture.loop);
    fixture.log_fd = memfd_create("log", MFD_CLOEXEC);
    fixture.stderr_fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    dup2(fixture.log_fd, STDERR_FILENO);
}

/* The log since the last call is exactly that. */
static void expect_log(const char *expected)
{
    char log[4096];
    ssize_t length = pread(fixture.log_fd, log, sizeof(log) - 1, 0);
    log[length < 0 ? 0 : length] = '\0';
    assert_int_equal(ftruncate(fixture.log_fd, 0), 0);
    lseek(fixture.log_fd, 0, SEEK_SET);
    if (strcmp(log, expected) != 0)
        dup2(fixture.stderr_fd, STDERR_FILENO);
    assert_string_equal(log, expected);
}

static void close_group(void)
{
    expect_log("");
    dup2(fixture.stderr_fd, STDERR_FILENO);
    close(fixture.stderr_fd);
    close(fixture.log_fd);
    server_group_finish(&fixture.group);
    loop_destroy(fixture.loop);
}

static struct server *server_at(size_t index)
{
    return &fixture.group.servers[index];
}

static void fail_requests(size_t index, unsigned count)
{
    while (count-- != 0)
        server_note_outcome(server_at(index), SERVER_FAILED, 0, fixture.now_ms);
}

static void answer_request(size_t index, int status)
{
    server_note_outcome(server_at(index), SERVER_ANSWERED, status, fixture.now_ms);
}

static void check(size_t index, bool is_good)
{
    server_note_check(server_at(index), is_good, "it answered with status 500", fixture.now_ms);
}

/* Which servers may get requests, as "a-c". */
static void expect_usable(const char *expected)
{
    char usable[MOST_SERVERS + 1] = "";
    for (size_t i = 0; i < fixture.group.count; ++i)
        usable[i] = server_is_usable(server_at(i), fixture.now_ms) ? (char)('a' + i) : '-';
    assert_string_equal(usable, expected);
}

static void failures_in_a_row_put_a_server_out(void **state)
{
    open_group(2);
    fail_requests(0, 2);
    answer_request(0, 200);
    fail_requests(0, 2);
    answer_request(0, 500);
    fail_requests(0, 2);
    server_note_outcome(server_at(0), SERVER_LEFT, 0, fixture.now_ms);
    expect_usable("ab");
    fail_requests(0, 1);
    expect_log("warning: upstream 'shop' server http://a: put out for 10 s after 3 failures in a row\n");
    expect_usable("-b");
    fail_requests(0, 20);
    fixture.now_ms += 9999;
    expect_usable("-b");
    fixture.now_ms += 1;
    expect_usable("ab");
    expect_log("info: upstream 'shop' server http://a: is back\n");
    expect_usable("ab");
    close_group();
}

static void listed_statuses_are_failures(void **state)
{
    static const struct status_range ranges[] = {{500, 500}, {502, 504}};
    open_group(2);
    fixture.upstream.eject.statuses = (struct status_ranges){ranges, 2};
    answer_request(0, 500);
    answer_request(0, 502);
    answer_request(0, 501);
    answer_request(0, 504);
    answer_request(0, 503);
    expect_usable("ab");
    answer_request(0, 500);
    expect_usable("-b");
    expect_log("warning: upstream 'shop' server http://a: put out for 10 s after 3 failures in a row\n");
    close_group();
}

/* Puts server a out, and comes back when its time is over. */
static void expect_ejection(unsigned failures, const char *duration, uint64_t duration_ms)
{
    char expected[200];
    uint32_t before = server_at(0)->state->failures_in_a_row;
    fail_requests(0, failures);
    snprintf(expected, sizeof(expected),
             "warning: upstream 'shop' server http://a: put out for %s after %u failures in a row\n", duration,
             before + failures);
    expect_log(expected);
    expect_usable("-b");
    fixture.now_ms += duration_ms - 1;
    expect_usable("-b");
    fixture.now_ms += 1;
    expect_usable("ab");
    expect_log("info: upstream 'shop' server http://a: is back\n");
}

static void each_time_is_longer_while_nothing_goes_well(void **state)
{
    open_group(2);
    fixture.upstream.eject.longest_ms = 35500;
    expect_ejection(3, "10 s", 10000);
    expect_ejection(1, "20 s", 20000);
    expect_ejection(1, "35500 ms", 35500);
    expect_ejection(1, "35500 ms", 35500);
    answer_request(0, 200);
    /* it does well for a while, not for long enough */
    fixture.now_ms += 35499;
    expect_ejection(3, "35500 ms", 35500);
    answer_request(0, 200);
    fixture.now_ms += 35500;
    expect_ejection(3, "10 s", 10000);
    close_group();
}

static void never_more_than_half_are_out(void **state)
{
    open_group(1);
    fail_requests(0, 100);
    expect_usable("a");
    close_group();

    open_group(5);
    for (size_t i = 0; i < 5; ++i)
        fail_requests(i, 3);
    expect_usable("--cde");
    expect_log("warning: upstream 'shop' server http://a: put out for 10 s after 3 failures in a row\n"
               "warning: upstream 'shop' server http://b: put out for 10 s after 3 failures in a row\n");
    fail_requests(2, 1);
    expect_log("");
    fixture.now_ms += 10000;
    expect_usable("abcde");
    expect_log("info: upstream 'shop' server http://a: is back\n"
               "info: upstream 'shop' server http://b: is back\n");
    fail_requests(2, 1);
    expect_usable("ab-de");
    expect_log("warning: upstream 'shop' server http://c: put out for 10 s after 5 failures in a row\n");
    close_group();
}

static void half_is_of_those_that_others_have_not_taken_out(void **state)
{
    open_group(4);
    server_state_drain(server_at(2)->state);
    check(3, false);
    expect_log("warning: upstream 'shop' server http://d: unhealthy: it answered with status 500\n");
    fail_requests(0, 3);
    fail_requests(1, 3);
    expect_log("warning: upstream 'shop' server http://a: put out for 10 s after 3 failures in a row\n");
    expect_usable("-b--");
    /* when the last one that stands is taken out, those that merely failed are better than none */
    server_state_drain(server_at(1)->state);
    expect_usable("a---");
    server_state_make_ready(server_at(1)->state, fixture.now_ms);
    expect_usable("-b--");
    close_group();
}

static void ejection_can_be_turned_off(void **state)
{
    open_group(2);
    fail_requests(0, 3);
    expect_log("warning: upstream 'shop' server http://a: put out for 10 s after 3 failures in a row\n");
    /* the next generation has no ejection */
    fixture.upstream.eject = (struct eject_settings){0};
    expect_usable("ab");
    server_adopt_state(server_at(0));
    assert_int_equal(server_at(0)->state->ejected_until_ms, 0);
    fail_requests(0, 100);
    expect_usable("ab");
    close_group();
}

static void the_first_check_decides_at_once(void **state)
{
    open_group(3);
    expect_usable("abc");
    check(0, true);
    check(1, false);
    expect_usable("a-c");
    expect_log("warning: upstream 'shop' server http://b: unhealthy: it answered with status 500\n");
    close_group();
}

static void further_checks_decide_in_a_row(void **state)
{
    open_group(1);
    check(0, true);
    check(0, false);
    check(0, false);
    check(0, true);
    check(0, false);
    check(0, false);
    expect_usable("a");
    check(0, false);
    expect_usable("-");
    expect_log(
        "warning: upstream 'shop' server http://a: unhealthy: it answered with status 500 (3 checks in a row)\n");
    check(0, false);
    check(0, true);
    check(0, false);
    check(0, true);
    expect_usable("-");
    check(0, true);
    expect_usable("a");
    expect_log("info: upstream 'shop' server http://a: healthy\n");
    close_group();
}

static void none_is_usable_when_all_are_unhealthy(void **state)
{
    open_group(2);
    fail_requests(0, 3);
    check(0, false);
    check(1, false);
    expect_usable("--");
    assert_false(server_is_healthy(server_at(0), fixture.now_ms));
    expect_log("warning: upstream 'shop' server http://a: put out for 10 s after 3 failures in a row\n"
               "warning: upstream 'shop' server http://a: unhealthy: it answered with status 500\n"
               "warning: upstream 'shop' server http://b: unhealthy: it answered with status 500\n");
    /* good checks end an ejection too */
    check(0, true);
    check(0, true);
    expect_usable("a-");
    expect_log("info: upstream 'shop' server http://a: healthy\n");
    close_group();
}

static void a_verdict_does_not_outlive_the_checks(void **state)
{
    open_group(1);
    check(0, false);
    expect_usable("-");
    expect_log("warning: upstream 'shop' server http://a: unhealthy: it answered with status 500\n");
    fixture.upstream.health = NULL;
    expect_usable("a");
    server_adopt_state(server_at(0));
    assert_int_equal(server_at(0)->state->check, SERVER_CHECK_NONE);
    close_group();
}

static void a_drained_server_may_be_healthy(void **state)
{
    open_group(2);
    server_state_drain(server_at(0)->state);
    expect_usable("-b");
    assert_true(server_is_healthy(server_at(0), fixture.now_ms));
    close_group();
}

static void expect_weights(uint32_t first, uint32_t second)
{
    assert_int_equal(server_weight(server_at(0), fixture.now_ms), first);
    assert_int_equal(server_weight(server_at(1), fixture.now_ms), second);
}

static void a_server_that_comes_back_starts_slowly(void **state)
{
    open_group(2);
    fixture.upstream.slow_start_ms = 1000;
    fixture.settings[1].weight = 256;
    check(0, true);
    expect_weights(100, 25600);
    check(1, false);
    check(1, true);
    check(1, true);
    expect_weights(100, 2560);
    fixture.now_ms += 500;
    expect_weights(100, 2560 + 11520);
    fixture.now_ms += 499;
    expect_weights(100, 25576);
    fixture.now_ms += 1;
    expect_weights(100, 25600);
    expect_log("warning: upstream 'shop' server http://b: unhealthy: it answered with status 500\n"
               "info: upstream 'shop' server http://b: healthy\n");
    fail_requests(0, 3);
    fixture.now_ms += 20000;
    expect_usable("ab");
    expect_weights(10, 25600);
    expect_log("warning: upstream 'shop' server http://a: put out for 10 s after 3 failures in a row\n"
               "info: upstream 'shop' server http://a: is back\n");
    server_state_drain(server_at(1)->state);
    server_state_make_ready(server_at(1)->state, fixture.now_ms);
    expect_weights(10, 2560);
    /* a worker that is a little behind the one that wrote */
    fixture.now_ms -= 3;
    expect_weights(10, 2560);
    fixture.upstream.slow_start_ms = 0;
    expect_weights(100, 25600);
    close_group();
}

static void nonsense_in_the_state_is_harmless(void **state)
{
    open_group(2);
    fixture.upstream.slow_start_ms = 1000;
    struct server_state *shared = server_at(0)->state;
    memset(shared, 0xff, sizeof(*shared));
    shared->is_drained = 0;
    expect_usable("ab");
    expect_log("info: upstream 'shop' server http://a: is back\n");
    shared->recovered_ms = UINT64_MAX;
    expect_weights(100, 100);
    fail_requests(0, 4);
    expect_log("warning: upstream 'shop' server http://a: put out for 10 s after 3 failures in a row\n");
    check(0, false);
    expect_usable("-b");
    expect_log("warning: upstream 'shop' server http://a: unhealthy: it answered with status 500\n");
    shared->ejections = 0x80000000;
    shared->ejected_until_ms = 0;
    shared->check = 0;
    shared->recovered_ms = UINT64_MAX;
    fail_requests(0, 1);
    expect_log("warning: upstream 'shop' server http://a: put out for 60 s after 4 failures in a row\n");
    close_group();
}

static void settings_of_zero_bytes_judge_nobody(void **state)
{
    open_group(2);
    fixture.upstream = (struct upstream_settings){.servers = fixture.settings, .server_count = 2};
    fail_requests(0, 10);
    expect_usable("ab");
    server_adopt_state(server_at(0));
    expect_weights(100, 100);
    fixture.upstream.eject.failures = 1;
    fail_requests(0, 10);
    expect_usable("ab");
    close_group();
}

static void the_log_tells_why_nobody_is_left(void **state)
{
    char why[SERVER_ABSENCE_BYTES];
    open_group(3);
    server_group_explain(&fixture.group, why);
    assert_string_equal(why, "");
    server_at(0)->state->is_drained = 1;
    server_group_explain(&fixture.group, why);
    assert_string_equal(why, ": 1 drained");
    for (size_t i = 0; i < 3; ++i)
        server_at(i)->state->check = SERVER_CHECK_BAD;
    server_group_explain(&fixture.group, why);
    assert_string_equal(why, ": 2 unhealthy, 1 drained");
    close_group();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(failures_in_a_row_put_a_server_out),
        cmocka_unit_test(listed_statuses_are_failures),
        cmocka_unit_test(each_time_is_longer_while_nothing_goes_well),
        cmocka_unit_test(never_more_than_half_are_out),
        cmocka_unit_test(half_is_of_those_that_others_have_not_taken_out),
        cmocka_unit_test(ejection_can_be_turned_off),
        cmocka_unit_test(the_first_check_decides_at_once),
        cmocka_unit_test(further_checks_decide_in_a_row),
        cmocka_unit_test(none_is_usable_when_all_are_unhealthy),
        cmocka_unit_test(a_verdict_does_not_outlive_the_checks),
        cmocka_unit_test(a_drained_server_may_be_healthy),
        cmocka_unit_test(a_server_that_comes_back_starts_slowly),
        cmocka_unit_test(nonsense_in_the_state_is_harmless),
        cmocka_unit_test(settings_of_zero_bytes_judge_nobody),
        cmocka_unit_test(the_log_tells_why_nobody_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
