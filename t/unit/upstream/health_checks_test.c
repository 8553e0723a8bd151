#include "upstream/health_checks.h"

#include "base/clock.h"
#include "client_probe.h"

#include <poll.h>

enum {
    EVERY_MS = 20,
    ROUNDS = 6,
    WORKERS = 2,
};

#define GOOD "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

/* Workers in one process and on one loop, which know of each other by the state alone. */
static struct {
    struct health_settings health;
    struct server_state state;
    struct server_group groups[WORKERS];
    struct health_checks *checks[WORKERS];
} team;

static uint64_t now_ms(void)
{
    return clock_monotonic_us() / 1000;
}

static void open_team(uint16_t port)
{
    memset(&team, 0, sizeof(team));
    world_open_one(port);
    team.health = (struct health_settings){
        .path = SLICE("/"),
        .every_ms = EVERY_MS,
        .timeout_ms = DEADLINE_MS,
        .healthy_after = 2,
        .unhealthy_after = 2,
    };
    world.upstream.health = &team.health;
    world_begin();
    for (size_t i = 0; i < WORKERS; ++i) {
        server_group_init(&team.groups[i], &world.upstream, world.loop);
        struct server *server = &team.groups[i].servers[0];
        free(server->state);
        server->state = &team.state;
        server->is_state_own = false;
    }
}

static void start_worker(size_t index)
{
    team.checks[index] = health_checks_create(world.loop, world.resolver, &team.groups[index], 1);
}

static void end_worker(size_t index)
{
    health_checks_destroy(team.checks[index]);
    team.checks[index] = NULL;
}

static void close_team(void)
{
    for (size_t i = 0; i < WORKERS; ++i) {
        end_worker(i);
        server_group_finish(&team.groups[i]);
    }
    world_close();
}

static bool is_verdict(uint32_t verdict)
{
    return __atomic_load_n(&team.state.check, __ATOMIC_RELAXED) == verdict;
}

static void look_for_verdict(struct timer *timer)
{
    if (is_verdict((uint32_t)(uintptr_t)timer->data))
        loop_stop(world.loop);
    else
        timer_start(world.loop, timer, 1);
}

static void run_until_verdict(enum server_check verdict)
{
    struct timer timer = {.on_timeout = look_for_verdict, .data = (void *)(uintptr_t)verdict};
    timer_start(world.loop, &timer, 0);
    loop_run(world.loop);
}

static void on_script_end(void *data)
{
    loop_stop(world.loop);
}

/* Until the script says that it is where it wants to be. */
static void run_until_told(struct backend *backend)
{
    struct loop_watch *watch = loop_watch_readable(world.loop, backend->signal[0], on_script_end, NULL);
    loop_run(world.loop);
    loop_watch_close(watch);
    backend_await(backend);
    world_turn();
}

static bool is_another_there(const struct backend *backend)
{
    struct pollfd waiting = {.fd = backend->listen_fd, .events = POLLIN};
    return poll(&waiting, 1, 0) == 1;
}

/* Answers several checks, each one while no other has begun. */
static void answer_alone(struct backend *backend)
{
    for (int i = 0; i < ROUNDS; ++i) {
        int fd = backend_accept(backend);
        backend_read_head(backend, fd);
        assert_false(is_another_there(backend));
        backend_say(fd, GOOD);
        assert_true(backend_await_close(fd));
    }
    backend_tell(backend);
}

static void one_worker_asks_at_a_time(void **state)
{
    struct backend backend;
    backend_listen(&backend, 64);
    open_team(backend.port);
    backend_run(&backend, answer_alone);
    start_worker(0);
    start_worker(1);
    run_until_told(&backend);
    assert_true(is_verdict(SERVER_CHECK_GOOD));
    close_team();
    assert_string_equal(world.log, "");
    backend_finish(&backend);
}

/* The first check is left without an answer. */
static void answer_second(struct backend *backend)
{
    int first = backend_accept(backend);
    backend_read_head(backend, first);
    backend_tell(backend);
    int second = backend_accept(backend);
    backend_read_head(backend, second);
    backend_tell(backend);
    backend_say(second, GOOD);
    assert_true(backend_await_close(second));
    assert_true(backend_await_close(first));
}

static void another_worker_goes_on_when_one_leaves(void **state)
{
    struct backend backend;
    backend_listen(&backend, 64);
    open_team(backend.port);
    backend_run(&backend, answer_second);
    start_worker(0);
    run_until_told(&backend);
    start_worker(1);
    assert_true(team.state.next_check_ms > now_ms());
    end_worker(0);
    run_until_told(&backend);
    run_until_verdict(SERVER_CHECK_GOOD);
    close_team();
    backend_finish(&backend);
}

static void answer_first(struct backend *backend)
{
    int fd = backend_accept(backend);
    backend_read_head(backend, fd);
    backend_tell(backend);
    backend_say(fd, GOOD);
    assert_true(backend_await_close(fd));
}

/* A check begins although next_check_ms was left like that. */
static void expect_check_after(uint64_t next_check_ms)
{
    struct backend backend;
    backend_listen(&backend, 64);
    open_team(backend.port);
    backend_run(&backend, answer_first);
    team.state.next_check_ms = next_check_ms;
    start_worker(0);
    run_until_told(&backend);
    assert_true(now_ms() >= next_check_ms || next_check_ms > now_ms() + DEADLINE_MS);
    close_team();
    backend_finish(&backend);
}

static void a_check_that_a_dead_worker_left_is_taken_over(void **state)
{
    expect_check_after(now_ms() + 60);
    expect_check_after(1);
    expect_check_after(now_ms() + DEADLINE_MS * 2);
    expect_check_after(UINT64_MAX);
}

static void what_comes_after_a_take_over_does_not_count(void **state)
{
    struct backend backend;
    backend_listen(&backend, 64);
    open_team(backend.port);
    backend_run(&backend, answer_second);
    start_worker(0);
    run_until_told(&backend);
    /* as if the time had come: the other one begins while the first still waits */
    team.state.next_check_ms = now_ms();
    start_worker(1);
    run_until_told(&backend);
    run_until_verdict(SERVER_CHECK_GOOD);
    uint64_t next_check_ms = team.state.next_check_ms;
    end_worker(1);
    end_worker(0);
    assert_true(next_check_ms == team.state.next_check_ms);
    close_team();
    backend_finish(&backend);
}

/* Good, bad, bad, good, good. */
static void answer_by_turns(struct backend *backend)
{
    static const bool is_good[] = {true, false, false, true, true};
    for (size_t i = 0; i < sizeof(is_good) / sizeof(is_good[0]); ++i) {
        int fd = backend_accept(backend);
        backend_read_head(backend, fd);
        backend_say(fd, is_good[i] ? GOOD : "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n");
        assert_true(backend_await_close(fd));
    }
}

static void outcomes_decide_whether_a_server_is_used(void **state)
{
    struct backend backend;
    backend_listen(&backend, 64);
    open_team(backend.port);
    backend_run(&backend, answer_by_turns);
    start_worker(0);
    run_until_verdict(SERVER_CHECK_GOOD);
    run_until_verdict(SERVER_CHECK_BAD);
    run_until_verdict(SERVER_CHECK_GOOD);
    assert_true(team.state.recovered_ms != 0);
    close_team();
    char expected[256];
    snprintf(expected, sizeof(expected),
             "warning: upstream 'shop' server http://127.0.0.1:%u: unhealthy: it answered with status 500 (2 checks in "
             "a row)\ninfo: upstream 'shop' server http://127.0.0.1:%u: healthy\n",
             backend.port, backend.port);
    assert_string_equal(world.log, expected);
    backend_finish(&backend);
}

static void do_nothing(struct backend *backend)
{
}

static void servers_without_health_are_left_alone(void **state)
{
    struct backend backend;
    backend_listen(&backend, 64);
    open_team(backend.port);
    world.upstream.health = NULL;
    world.upstream.slow_start_ms = 700;
    team.state.check = SERVER_CHECK_BAD;
    start_worker(0);
    world_turn();
    assert_true(is_verdict(SERVER_CHECK_NONE));
    assert_int_equal(team.state.slow_start_ms, 700);
    assert_int_equal(team.state.next_check_ms, 0);
    assert_false(is_another_there(&backend));
    health_checks_destroy(NULL);
    close_team();
    backend_run(&backend, do_nothing);
    backend_finish(&backend);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_worker_asks_at_a_time),
        cmocka_unit_test(another_worker_goes_on_when_one_leaves),
        cmocka_unit_test(a_check_that_a_dead_worker_left_is_taken_over),
        cmocka_unit_test(what_comes_after_a_take_over_does_not_count),
        cmocka_unit_test(outcomes_decide_whether_a_server_is_used),
        cmocka_unit_test(servers_without_health_are_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
