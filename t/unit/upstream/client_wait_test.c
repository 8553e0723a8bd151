#include "client_probe.h"

/* The client among limits, and on connections whose state cannot be known. */

enum {
    MANY = 50,
};

/* Answers whatever comes on one connection, until it is closed. */
static void answer_all(struct backend *backend)
{
    int fd = backend_accept(backend);
    for (size_t length = 0;;) {
        backend_read_head(backend, fd);
        if (backend->seen.length == length)
            break;
        length = backend->seen.length;
        backend_say(fd, HELLO);
    }
    close(fd);
}

static void open_limited(struct backend *backend, uint32_t most_requests, uint32_t most_connections)
{
    backend_start(backend, answer_all);
    world_open_one(backend->port);
    world.servers[0].max_requests = most_requests;
    world.servers[0].max_connections = most_connections;
    world.upstream.queue_length = MANY;
    world.upstream.queue_timeout_ms = DEADLINE_MS;
    world_begin();
}

static void many_wait_for_one_place(void **state)
{
    for (uint32_t i = 0; i < 2; ++i) {
        struct backend backend;
        static struct probe probes[MANY];
        open_limited(&backend, i == 0, i == 1);
        for (int j = 0; j < MANY; ++j) {
            probe_init(&probes[j], "GET", SLICE_NONE);
            probe_send(&probes[j]);
        }
        for (int j = 0; j < MANY; ++j) {
            while (!probes[j].is_last) {
                assert_false(probes[j].has_failed);
                world_run();
            }
            expect_hello(&probes[j]);
        }
        world_close_with_log("");
        backend_join(&backend);
        assert_int_equal(backend.accepted_count, 1);
        text_finish(&backend.seen);
    }
}

static void who_leaves_the_queue_leaves_nothing(void **state)
{
    struct backend backend;
    static struct probe probes[MANY];
    open_limited(&backend, 1, 0);
    for (int i = 0; i < MANY; ++i) {
        probe_init(&probes[i], "GET", SLICE_NONE);
        probe_send(&probes[i]);
    }
    for (int i = 1; i < MANY - 1; ++i) {
        client_cancel(probes[i].request);
        assert_int_equal(probes[i].over_count, 0);
        probe_finish(&probes[i]);
    }
    while (!probes[MANY - 1].is_last)
        world_run();
    expect_hello(&probes[0]);
    expect_hello(&probes[MANY - 1]);
    world_close_with_log("");
    backend_finish(&backend);
}

static void a_full_queue_and_a_long_wait_are_503(void **state)
{
    struct backend backend;
    struct probe probes[3];
    backend_listen(&backend, 64);
    world_open_one(backend.port);
    world.servers[0].max_requests = 1;
    world.upstream.queue_length = 1;
    world.upstream.queue_timeout_ms = 50;
    world_begin();
    for (int i = 0; i < 3; ++i) {
        probe_init(&probes[i], "GET", SLICE_NONE);
        probe_send(&probes[i]);
    }
    world_run();
    assert_int_equal(probes[2].failure_status, 503);
    assert_int_equal(probes[2].retry_after_s, 1);
    world_run();
    assert_int_equal(probes[1].failure_status, 503);
    assert_int_equal(probes[1].retry_after_s, 1);
    client_cancel(probes[0].request);
    for (int i = 0; i < 3; ++i)
        probe_finish(&probes[i]);
    world_close_with_log(
        "error: upstream 'shop': all its servers are busy, and 1 requests wait already (request 0123456789abcdef)\n"
        "error: upstream 'shop': no server had room within 50 ms (request 0123456789abcdef)\n");
    close(backend.listen_fd);
}

static void drained_servers_are_503(void **state)
{
    struct backend backend;
    struct probe probe;
    backend_listen(&backend, 64);
    world_open_one(backend.port);
    world_begin();
    world.client->groups[0].servers[0].state->is_drained = 1;
    probe_init(&probe, "GET", SLICE_NONE);
    world_exchange(&probe);
    assert_int_equal(probe.failure_status, 503);
    probe_finish(&probe);
    world_close_with_log("error: upstream 'shop': no server is available: 1 drained (request 0123456789abcdef)\n");
    close(backend.listen_fd);
}

/* Answers once, says what nobody asked for when it is told to, and answers on the next connection. */
static void say_more_than_asked(struct backend *backend)
{
    int fd = backend_accept(backend);
    backend_read_head(backend, fd);
    backend_say(fd, backend->text);
    backend_await_order(backend);
    backend_say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison");
    backend_tell(backend);
    assert_true(backend_await_close(fd));
    fd = backend_accept(backend);
    backend_read_head(backend, fd);
    backend_say(fd, HELLO);
    assert_true(backend_await_close(fd));
}

static void a_body_of_a_bodiless_response_answers_nothing_else(void **state)
{
    struct backend backend;
    struct probe probe;
    backend_listen(&backend, 64);
    backend.text = "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n";
    backend_run(&backend, say_more_than_asked);
    world_open_one(backend.port);
    world_begin();
    probe_init(&probe, "HEAD", SLICE_NONE);
    world_exchange(&probe);
    assert_true(probe.is_last);
    probe_finish(&probe);
    backend_order(&backend);
    backend_await(&backend);
    exchange_hello("GET");
    world_close_with_log("");
    backend_finish(&backend);
}

static struct probe late_probe;

static void send_late(void *data)
{
    int fd = *(const int *)data;
    char byte;
    if (read(fd, &byte, 1) == 1)
        probe_send(&late_probe);
}

/* The loop learns of both in one turn: of what makes us send, and of bytes on the connection that is taken for it. */
static void bytes_that_came_before_a_request_are_not_its_response(void **state)
{
    struct backend backend;
    int ends[2];
    backend_listen(&backend, 64);
    backend.text = HELLO;
    backend_run(&backend, say_more_than_asked);
    world_open_one(backend.port);
    world_begin();
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    struct loop_watch *watch = loop_watch_readable(world.loop, ends[0], send_late, &ends[0]);
    exchange_hello("GET");
    probe_init(&late_probe, "GET", SLICE_NONE);
    assert_int_equal(write(ends[1], "x", 1), 1);
    backend_order(&backend);
    backend_await(&backend);
    world_run();
    expect_hello(&late_probe);
    loop_watch_close(watch);
    close(ends[0]);
    close(ends[1]);
    world_close_with_log("");
    backend_finish(&backend);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_wait_for_one_place),
        cmocka_unit_test(who_leaves_the_queue_leaves_nothing),
        cmocka_unit_test(a_full_queue_and_a_long_wait_are_503),
        cmocka_unit_test(drained_servers_are_503),
        cmocka_unit_test(a_body_of_a_bodiless_response_answers_nothing_else),
        cmocka_unit_test(bytes_that_came_before_a_request_are_not_its_response),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
