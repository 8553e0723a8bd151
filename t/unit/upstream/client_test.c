#include "client_probe.h"

#define HEAD(method, more)                                                                                             \
    method " /x HTTP/1.1\r\nHost: shop.example\r\n" more "X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: http\r\n"   \
           "X-Forwarded-Host: shop.example\r\nVia: 1.1 flexilib\r\n\r\n"

static void expect_failure(const char *method, int status)
{
    struct probe probe;
    probe_init(&probe, method, SLICE_NONE);
    world_exchange(&probe);
    assert_true(probe.has_failed);
    assert_int_equal(probe.failure_status, status);
    assert_int_equal(probe.head_count, 0);
    probe_finish(&probe);
}

static void answer_twice(struct backend *backend)
{
    int fd = backend_accept(backend);
    for (int i = 0; i < 2; ++i) {
        backend_read_head(backend, fd);
        backend_say(fd, HELLO);
    }
    assert_true(backend_await_close(fd));
}

static void a_connection_serves_one_request_after_the_other(void **state)
{
    struct backend backend;
    backend_start(&backend, answer_twice);
    world_open_one(backend.port);
    world_begin();
    exchange_hello("GET");
    exchange_hello("POST");
    world_close_with_log("");
    backend_join(&backend);
    assert_string_equal(backend.seen.data, HEAD("GET", "") HEAD("POST", "Content-Length: 0\r\n"));
    assert_int_equal(backend.accepted_count, 1);
    text_finish(&backend.seen);
}

/* On the first connection answers with backend->text and waits for its end, on the second with "hello". */
static void answer_once_each(struct backend *backend)
{
    int fd = backend_accept(backend);
    backend_read_head(backend, fd);
    backend_say(fd, backend->text);
    assert_true(backend_await_close(fd));
    fd = backend_accept(backend);
    backend_read_head(backend, fd);
    backend_say(fd, HELLO);
    assert_true(backend_await_close(fd));
}

static void connections_that_are_not_used_again(void **state)
{
    static const char *const answers[] = {
        HELLO "extra",
        HELLO HELLO,
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello",
        "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\nextra",
    };
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); ++i) {
        struct backend backend;
        backend_listen(&backend, 64);
        backend.text = answers[i];
        backend_run(&backend, answer_once_each);
        world_open_one(backend.port);
        world_begin();
        exchange_hello("GET");
        exchange_hello("GET");
        world_close_with_log("");
        backend_join(&backend);
        assert_int_equal(backend.accepted_count, 2);
        text_finish(&backend.seen);
    }
}

/* Answers, and does something to the idle connection when told to. */
static void disturb_when_idle(struct backend *backend)
{
    int fd = backend_accept(backend);
    backend_read_head(backend, fd);
    backend_say(fd, HELLO);
    backend_await_order(backend);
    if (backend->text != NULL) {
        backend_say(fd, backend->text);
        backend_tell(backend);
        assert_true(backend_await_close(fd));
    } else {
        close(fd);
        backend_tell(backend);
    }
    fd = backend_accept(backend);
    backend_read_head(backend, fd);
    backend_say(fd, HELLO);
    assert_true(backend_await_close(fd));
}

static void test_idle_event(const char *text, const char *method, bool is_noticed)
{
    struct backend backend;
    backend_listen(&backend, 64);
    backend.text = text;
    backend_run(&backend, disturb_when_idle);
    world_open_one(backend.port);
    world_begin();
    exchange_hello("GET");
    backend_order(&backend);
    backend_await(&backend);
    if (is_noticed)
        world_turn();
    exchange_hello(method);
    world_close_with_log("");
    backend_join(&backend);
    assert_int_equal(backend.accepted_count, 2);
    text_finish(&backend.seen);
}

static void an_event_on_an_idle_connection_closes_it(void **state)
{
    test_idle_event(NULL, "GET", true);
    test_idle_event("HTTP/1.1 408 Request Timeout\r\n\r\n", "GET", true);
    test_idle_event("x", "POST", true);
}

static void a_close_that_the_loop_has_not_seen_is_retried(void **state)
{
    test_idle_event(NULL, "GET", false);
    test_idle_event(NULL, "PUT", false);
}

static void what_must_not_be_repeated_looks_before_it_is_sent(void **state)
{
    test_idle_event(NULL, "POST", false);
    test_idle_event("HTTP/1.1 200 OK\r\n\r\n", "POST", false);
}

/* Takes a second request on the connection and closes without a word. */
static void close_on_second(struct backend *backend)
{
    int fd = backend_accept(backend);
    backend_read_head(backend, fd);
    backend_say(fd, HELLO);
    backend_read_head(backend, fd);
    close(fd);
    if (backend->text == NULL)
        return;
    fd = backend_accept(backend);
    backend_read_head(backend, fd);
    backend_say(fd, backend->text);
    close(fd);
}

static void a_stale_connection_is_retried_once(void **state)
{
    struct backend backend;
    backend_listen(&backend, 64);
    backend.text = HELLO;
    backend_run(&backend, close_on_second);
    world_open_one(backend.port);
    world_begin();
    exchange_hello("GET");
    exchange_hello("DELETE");
    world_close_with_log("");
    backend_join(&backend);
    assert_string_equal(backend.seen.data, HEAD("GET", "") HEAD("DELETE", "") HEAD("DELETE", ""));
    text_finish(&backend.seen);

    backend_listen(&backend, 64);
    backend.text = "";
    backend_run(&backend, close_on_second);
    world_open_one(backend.port);
    world_begin();
    exchange_hello("GET");
    expect_failure("GET", 502);
    world_close();
    assert_non_null(strstr(world.log, "it closed the connection without a response"));
    backend_finish(&backend);
}

static void what_may_have_been_done_is_not_repeated(void **state)
{
    struct backend backend;
    backend_start(&backend, close_on_second);
    world_open_one(backend.port);
    world_begin();
    exchange_hello("GET");
    expect_failure("POST", 502);
    world_close();
    char expected[256];
    snprintf(expected, sizeof(expected),
             "error: upstream 'shop' server http://127.0.0.1:%u: it closed the connection without a response (request "
             "0123456789abcdef)\n",
             backend.port);
    assert_string_equal(world.log, expected);
    backend_finish(&backend);
}

static void close_at_once(struct backend *backend)
{
    int fd = backend_accept(backend);
    backend_read_head(backend, fd);
    backend_say(fd, backend->text);
    close(fd);
}

static void a_fresh_connection_is_not_retried(void **state)
{
    static const char *const words[] = {"", "HTTP/1.1 200 OK\r\nContent-"};
    for (size_t i = 0; i < 2; ++i) {
        struct backend backend;
        backend_listen(&backend, 64);
        backend.text = words[i];
        backend_run(&backend, close_at_once);
        world_open_one(backend.port);
        world_begin();
        expect_failure("GET", 502);
        world_close();
        backend_join(&backend);
        assert_int_equal(backend.accepted_count, 1);
        text_finish(&backend.seen);
    }
}

static uint16_t find_closed_port(void)
{
    struct backend backend;
    backend_listen(&backend, 1);
    close(backend.listen_fd);
    for (int i = 0; i < 2; ++i) {
        close(backend.signal[i]);
        close(backend.order[i]);
    }
    return backend.port;
}

static void a_refused_connection_is_502(void **state)
{
    uint16_t port = find_closed_port();
    world_open_one(port);
    world_begin();
    expect_failure("GET", 502);
    world_close();
    char expected[256];
    snprintf(expected, sizeof(expected),
             "error: upstream 'shop' server http://127.0.0.1:%u: connection refused (request 0123456789abcdef)\n",
             port);
    assert_string_equal(world.log, expected);
}

static void every_server_is_tried_once(void **state)
{
    struct backend backend;
    uint16_t closed = find_closed_port();
    backend_start(&backend, answer_twice);
    world_open(3);
    world_set_server(0, "127.0.0.1", closed);
    world_set_server(1, "/nowhere/to/be/found", 0);
    world_set_server(2, "127.0.0.1", backend.port);
    world_begin();
    exchange_hello("POST"); /* 0, 1, 2 */
    exchange_hello("GET");  /* 1, 2 */
    world_close();
    assert_non_null(strstr(world.log, ": connection refused (request"));
    assert_non_null(strstr(world.log, "server http+unix:/nowhere/to/be/found: no such file or directory (request"));
    backend_join(&backend);
    assert_int_equal(backend.accepted_count, 1);
    text_finish(&backend.seen);

    world_open(2);
    world_set_server(0, "127.0.0.1", closed);
    world_set_server(1, "127.0.0.1", closed);
    world_begin();
    expect_failure("GET", 502);
    world_close();
    char *first = strstr(world.log, "connection refused");
    assert_non_null(first);
    char *second = strstr(first + 1, "connection refused");
    assert_non_null(second);
    assert_null(strstr(second + 1, "connection refused"));
}

static void a_name_is_looked_up_and_its_addresses_are_tried(void **state)
{
    struct backend backend;
    backend_start(&backend, answer_twice);
    world_open(1);
    world_set_server(0, "localhost", backend.port);
    world_begin();
    exchange_hello("GET");
    exchange_hello("GET");
    world_close_with_log("");
    backend_finish(&backend);
}

static void a_name_that_does_not_resolve_is_502(void **state)
{
    world_open(1);
    world_set_server(0, "no-such-name.invalid", 80);
    world_begin();
    expect_failure("GET", 502);
    world_close();
    assert_non_null(strstr(world.log, "http://no-such-name.invalid:80: its name was not resolved: "));
}

static void a_connection_that_does_not_come_about_is_504(void **state)
{
    enum {
        FILLERS = 8,
    };
    int fillers[FILLERS];
    struct backend backend;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    /* once the queue of connections is full the kernel answers no more */
    backend_listen(&backend, 0);
    address.sin_port = htons(backend.port);
    for (int i = 0; i < FILLERS; ++i) {
        fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        connect(fillers[i], (struct sockaddr *)&address, sizeof(address));
    }
    world_open_one(backend.port);
    world.upstream.connect_timeout_ms = 50;
    world_begin();
    expect_failure("GET", 504);
    world_close();
    assert_non_null(strstr(world.log, ": no connection within 50 ms (request"));
    for (int i = 0; i < FILLERS; ++i)
        close(fillers[i]);
    close(backend.listen_fd);
}

static void wait_for_close(struct backend *backend)
{
    int fd = backend_accept(backend);
    backend_read_head(backend, fd);
    backend_say(fd, backend->text);
    assert_true(backend_await_close(fd));
}

static void silence_is_504(void **state)
{
    static const char *const words[] = {"", "HTTP/1.1 200 OK\r\nX", "HTTP/1.1 102 Processing\r\n\r\n"};
    for (size_t i = 0; i < 3; ++i) {
        struct backend backend;
        backend_listen(&backend, 64);
        backend.text = words[i];
        backend_run(&backend, wait_for_close);
        world_open_one(backend.port);
        world.upstream.response_timeout_ms = 50;
        world_begin();
        expect_failure("GET", 504);
        world_close();
        assert_non_null(strstr(world.log, ": no response within 50 ms (request"));
        backend_finish(&backend);
    }
}

static void silence_in_the_body_breaks_it_off(void **state)
{
    struct backend backend;
    struct probe probe;
    backend_listen(&backend, 64);
    backend.text = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello";
    backend_run(&backend, wait_for_close);
    world_open_one(backend.port);
    world.upstream.idle_timeout_ms = 50;
    world_begin();
    probe_init(&probe, "GET", SLICE_NONE);
    world_exchange(&probe);
    assert_true(probe.has_failed);
    assert_int_equal(probe.head_count, 1);
    assert_string_equal(probe.body.data, "hello");
    probe_finish(&probe);
    world_close();
    assert_non_null(strstr(world.log, ": nothing more of the response within 50 ms (request"));
    backend_finish(&backend);
}

/* Takes nothing beyond the head, so that a large body gets stuck. */
static void take_head_only(struct backend *backend)
{
    int fd = backend_accept(backend);
    backend_read_head(backend, fd);
    backend_say(fd, backend->text);
    backend_await_order(backend);
    close(fd);
}

static struct text make_large_body(void)
{
    struct text body = TEXT_INIT;
    size_t length = (size_t)32 << 20;
    memset(text_reserve(&body, length), 'b', length);
    body.length = length;
    return body;
}

static void a_request_that_gets_stuck_is_504(void **state)
{
    struct backend backend;
    struct probe probe;
    struct text body = make_large_body();
    backend_listen(&backend, 64);
    backend.text = "";
    backend_run(&backend, take_head_only);
    world_open_one(backend.port);
    world.upstream.send_timeout_ms = 50;
    world_begin();
    probe_init(&probe, "POST", text_slice(&body));
    world_exchange(&probe);
    assert_true(probe.has_failed);
    assert_int_equal(probe.failure_status, 504);
    world_close();
    assert_non_null(strstr(world.log, ": it took nothing of the request for 50 ms (request"));
    backend_order(&backend);
    probe_finish(&probe);
    text_finish(&body);
    backend_finish(&backend);
}

/* Answers before it has read the body, and closes: the kernel resets the connection. */
static void answer_early(struct backend *backend)
{
    int fd = backend_accept(backend);
    backend_read_head(backend, fd);
    backend_say(fd, "HTTP/1.1 413 Content Too Large\r\nContent-Length: 5\r\n\r\nlarge");
    if (backend->text != NULL)
        assert_true(backend_await_close(fd));
    else
        close(fd);
}

static void an_early_answer_is_delivered(void **state)
{
    struct text body = make_large_body();
    for (int i = 0; i < 2; ++i) {
        struct backend backend;
        struct probe probe;
        backend_listen(&backend, 64);
        backend.text = i == 0 ? "stay" : NULL;
        backend_run(&backend, answer_early);
        world_open_one(backend.port);
        world_begin();
        probe_init(&probe, "POST", text_slice(&body));
        world_exchange(&probe);
        assert_false(probe.has_failed);
        assert_int_equal(probe.exchange.response.status, 413);
        assert_true(probe.is_last);
        assert_string_equal(probe.body.data, "large");
        probe_finish(&probe);
        world_close_with_log("");
        backend_finish(&backend);
    }
    text_finish(&body);
}

static void take_whole_body(struct backend *backend)
{
    static char piece[65536];
    int fd = backend_accept(backend);
    backend_read_head(backend, fd);
    size_t left = (size_t)32 << 20;
    while (left != 0) {
        ssize_t received = recv(fd, piece, sizeof(piece) < left ? sizeof(piece) : left, 0);
        if (received <= 0)
            return;
        for (ssize_t i = 0; i < received; ++i)
            assert_int_equal(piece[i], 'b');
        left -= (size_t)received;
    }
    backend_say(fd, HELLO);
    backend_read_head(backend, fd);
    backend_say(fd, HELLO);
    assert_true(backend_await_close(fd));
}

static void a_large_request_arrives_whole(void **state)
{
    struct backend backend;
    struct probe probe;
    struct text body = make_large_body();
    backend_start(&backend, take_whole_body);
    world_open_one(backend.port);
    world_begin();
    probe_init(&probe, "PUT", text_slice(&body));
    world_exchange(&probe);
    expect_hello(&probe);
    exchange_hello("GET");
    world_close_with_log("");
    backend_join(&backend);
    assert_string_equal(backend.seen.data, HEAD("PUT", "Content-Length: 33554432\r\n") HEAD("GET", ""));
    text_finish(&backend.seen);
    text_finish(&body);
}

static void idle_connections_end_with_their_time(void **state)
{
    struct backend backend;
    backend_listen(&backend, 64);
    backend.text = HELLO;
    backend_run(&backend, wait_for_close);
    world_open_one(backend.port);
    world.upstream.keep_alive_ms = 1;
    world_begin();
    exchange_hello("GET");
    /* the script ends when it sees the close, which only the loop can bring about */
    struct timer timer = {.on_timeout = stop_loop};
    timer_start(world.loop, &timer, 20);
    world_run();
    backend_join(&backend);
    text_finish(&backend.seen);
    world_close_with_log("");
}

static void serve_unix(struct backend *backend)
{
    answer_twice(backend);
}

static void a_unix_socket_serves_too(void **state)
{
    struct backend backend;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char folder[] = "/tmp/flexilib-client-XXXXXX";
    assert_non_null(mkdtemp(folder));
    snprintf(address.sun_path, sizeof(address.sun_path), "%s/socket", folder);
    backend_listen(&backend, 1);
    close(backend.listen_fd);
    backend.listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(backend.listen_fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(backend.listen_fd, 4), 0);
    backend_run(&backend, serve_unix);
    world_open(1);
    world_set_server(0, address.sun_path, 0);
    world.forward.host = HOST_SERVER;
    world_begin();
    exchange_hello("GET");
    exchange_hello("GET");
    world_close_with_log("");
    backend_join(&backend);
    assert_true(slice_starts_with(text_slice(&backend.seen), SLICE("GET /x HTTP/1.1\r\nHost: localhost\r\n")));
    text_finish(&backend.seen);
    unlink(address.sun_path);
    rmdir(folder);
}

static void cancelling_closes_the_connection(void **state)
{
    struct backend backend;
    struct probe probe;
    for (int i = 0; i < 3; ++i) {
        backend_listen(&backend, 64);
        backend.text = i == 0 ? "" : "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello";
        backend_run(&backend, wait_for_close);
        world_open_one(backend.port);
        world_begin();
        probe_init(&probe, "GET", SLICE_NONE);
        probe.is_cancelled_at_head = i == 1;
        probe.is_cancelled_in_body = i == 2;
        probe_send(&probe);
        if (i == 0) {
            world_turn();
            client_cancel(probe.request);
            world_turn();
        } else {
            world_run();
        }
        assert_int_equal(probe.head_count, i != 0);
        backend_join(&backend);
        assert_int_equal(probe.over_count, 0);
        probe_finish(&probe);
        text_finish(&backend.seen);
        world_close_with_log("");
    }
}

static void cancelling_at_once_is_harmless(void **state)
{
    struct probe probe;
    world_open(2);
    world_set_server(0, "no-such-name.invalid", 80);
    world_set_server(1, "127.0.0.1", find_closed_port());
    world_begin();
    for (int i = 0; i < 4; ++i) {
        probe_init(&probe, "GET", SLICE_NONE);
        probe_send(&probe);
        if (i >= 2)
            world_turn();
        if (probe.over_count == 0)
            client_cancel(probe.request);
        probe_finish(&probe);
    }
    world_turn();
    world_close();
}

static void nonsense_is_502(void **state)
{
    struct backend backend;
    struct probe probe;
    backend_listen(&backend, 64);
    backend.text = "nonsense\r\n\r\n";
    backend_run(&backend, wait_for_close);
    world_open_one(backend.port);
    world_begin();
    probe_init(&probe, "GET", SLICE_NONE);
    world_exchange(&probe);
    assert_true(probe.has_failed);
    assert_int_equal(probe.failure_status, 502);
    world_close();
    assert_non_null(strstr(world.log, ": bad response: it does not begin with HTTP/1 (request"));
    backend_finish(&backend);
    probe_finish(&probe);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_connection_serves_one_request_after_the_other),
        cmocka_unit_test(connections_that_are_not_used_again),
        cmocka_unit_test(an_event_on_an_idle_connection_closes_it),
        cmocka_unit_test(a_close_that_the_loop_has_not_seen_is_retried),
        cmocka_unit_test(what_must_not_be_repeated_looks_before_it_is_sent),
        cmocka_unit_test(a_stale_connection_is_retried_once),
        cmocka_unit_test(what_may_have_been_done_is_not_repeated),
        cmocka_unit_test(a_fresh_connection_is_not_retried),
        cmocka_unit_test(a_refused_connection_is_502),
        cmocka_unit_test(every_server_is_tried_once),
        cmocka_unit_test(a_name_is_looked_up_and_its_addresses_are_tried),
        cmocka_unit_test(a_name_that_does_not_resolve_is_502),
        cmocka_unit_test(a_connection_that_does_not_come_about_is_504),
        cmocka_unit_test(silence_is_504),
        cmocka_unit_test(silence_in_the_body_breaks_it_off),
        cmocka_unit_test(a_request_that_gets_stuck_is_504),
        cmocka_unit_test(an_early_answer_is_delivered),
        cmocka_unit_test(a_large_request_arrives_whole),
        cmocka_unit_test(idle_connections_end_with_their_time),
        cmocka_unit_test(a_unix_socket_serves_too),
        cmocka_unit_test(cancelling_closes_the_connection),
        cmocka_unit_test(cancelling_at_once_is_harmless),
        cmocka_unit_test(nonsense_is_502),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
