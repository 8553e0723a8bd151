#include "client_probe.h"

/* What is thought of a server, and when; and that a try more is under the deadline of all of them. */

#define HEAD "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"

static const struct field_item websocket = {.text = {"websocket", 9}};

static struct server *server_at(size_t index)
{
    return &world.client->groups[0].servers[index];
}

static void open_judged(struct backend *backend, const char *text, void (*script)(struct backend *backend))
{
    backend_listen(backend, 64);
    backend->text = text;
    backend_run(backend, script);
    world_open_one(backend->port);
    world.forward = (struct forward_settings){.upgrades = &websocket, .upgrade_count = 1};
    world.upstream.eject = (struct eject_settings){.failures = 100, .time_ms = 1000, .longest_ms = 1000};
    world_begin();
    server_at(0)->state->failures_in_a_row = 3;
}

/* Sends the text, and ends the connection when it is told to, if the other side has not. */
static void send_and_wait(struct backend *backend)
{
    int fd = backend_accept(backend);
    backend_read_head(backend, fd);
    backend_say(fd, backend->text);
    backend_await_order(backend);
    shutdown(fd, SHUT_WR);
    backend_await_close(fd);
}

static void begin_response(struct backend *backend, struct probe *probe, const char *text)
{
    open_judged(backend, text, send_and_wait);
    probe_init(probe, "GET", SLICE_NONE);
    probe->exchange.request.upgrade = SLICE("websocket");
    probe->is_not_pulled = true;
    world_exchange(probe);
    assert_int_equal(probe->head_count, 1);
    assert_int_equal(server_at(0)->state->failures_in_a_row, 0);
    assert_int_equal(server_at(0)->own_count.requests, 1);
}

static void the_head_of_a_stream_speaks_for_its_server(void **state)
{
    struct backend backend;
    struct probe probe;
    begin_response(&backend, &probe, HEAD "begun");
    server_at(0)->state->failures_in_a_row = 2;
    client_cancel(probe.request);
    assert_int_equal(server_at(0)->state->failures_in_a_row, 2);
    probe_finish(&probe);
    backend_order(&backend);
    world_close_with_log("");
    backend_finish(&backend);
}

static void a_tunnel_begins_with_the_verdict(void **state)
{
    struct backend backend;
    struct probe probe;
    begin_response(&backend, &probe, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n");
    client_cancel(probe.request);
    assert_int_equal(server_at(0)->state->failures_in_a_row, 0);
    probe_finish(&probe);
    backend_order(&backend);
    world_close_with_log("");
    backend_finish(&backend);
}

static void what_breaks_off_has_not_spoken_for_anybody(void **state)
{
    struct backend backend;
    struct probe probe;
    begin_response(&backend, &probe, HEAD "begun");
    backend_order(&backend);
    client_pull(probe.request);
    world_run();
    assert_true(probe.has_failed);
    assert_int_equal(server_at(0)->state->failures_in_a_row, 4);
    probe_finish(&probe);
    world_close();
    assert_non_null(strstr(world.log, "it closed the connection in the middle of the response's body"));
    backend_finish(&backend);
}

static void never_pull(void *source, struct client_request *request)
{
}

/* Reads the head, waits in vain for the body, and gives up. */
static void give_up(struct backend *backend)
{
    int fd = backend_accept(backend);
    backend_read_head(backend, fd);
    backend_await_order(backend);
    backend_say(fd, backend->text);
    close(fd);
}

static void a_slow_client_is_nobody_elses_fault(void **state)
{
    static const char *const texts[] = {"", "HTTP/1.1 100 Continue\r\n\r\n", "SSH-2.0\r\n", HEAD "begun"};
    const struct client_body body = {.length = 10, .pull = never_pull};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); ++i) {
        struct backend backend;
        struct probe probe;
        open_judged(&backend, texts[i], give_up);
        probe_init(&probe, "POST", SLICE_NONE);
        probe.request = client_send_body(world.client, &probe.exchange, &world.route, &body, on_over);
        while (!probe.request->upload.is_pulled)
            world_turn();
        backend_order(&backend);
        world_run();
        assert_true(probe.has_failed);
        assert_int_equal(server_at(0)->state->failures_in_a_row, probe.head_count != 0 ? 0 : 3);
        probe_finish(&probe);
        world_close();
        backend_finish(&backend);
    }
}

static void say_and_await_close(struct backend *backend)
{
    int fd = backend_accept(backend);
    backend_read_head(backend, fd);
    backend_say(fd, backend->text);
    assert_true(backend_await_close(fd));
}

static void another_try_has_no_more_time(void **state)
{
    static struct status_range busy = {503, 503};
    struct backend first, second;
    struct probe probe;
    backend_listen(&first, 64);
    backend_listen(&second, 64);
    first.text = "HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy";
    second.text = "";
    backend_run(&first, say_and_await_close);
    backend_run(&second, say_and_await_close);
    world_open(2);
    world_set_server(0, "127.0.0.1", first.port);
    world_set_server(1, "127.0.0.1", second.port);
    world.upstream.total_timeout_ms = 200;
    world.upstream.retry =
        (struct retry_settings){.tries = 2, .statuses = {.items = &busy, .count = 1}, .budget_percent = 100};
    world_begin();
    probe_init(&probe, "GET", SLICE_NONE);
    world_exchange(&probe);
    assert_int_equal(probe.failure_status, 504);
    probe_finish(&probe);
    world_close();
    assert_non_null(strstr(world.log, "no complete response within 200 ms in all"));
    backend_finish(&first);
    backend_finish(&second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_head_of_a_stream_speaks_for_its_server),
        cmocka_unit_test(a_tunnel_begins_with_the_verdict),
        cmocka_unit_test(what_breaks_off_has_not_spoken_for_anybody),
        cmocka_unit_test(a_slow_client_is_nobody_elses_fault),
        cmocka_unit_test(another_try_has_no_more_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
