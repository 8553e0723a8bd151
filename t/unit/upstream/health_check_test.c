#include "upstream/health_check.h"

#include "client_probe.h"

#include <poll.h>
#include <sched.h>

enum {
    SHORT_MS = 100,
};

struct outcome {
    unsigned count;
    bool is_good;
    char reason[256];
};

struct checker {
    struct server_group group;
    struct health_settings health;
    struct outcome outcome;
};

static struct checker checker;

static void on_checked(void *data, bool is_good, const char *reason)
{
    struct outcome *outcome = data;
    ++outcome->count;
    outcome->is_good = is_good;
    snprintf(outcome->reason, sizeof(outcome->reason), "%s", reason == NULL ? "" : reason);
    loop_stop(world.loop);
}

/* After world_open and the server have been set. */
static void begin_checks(const char *body)
{
    checker = (struct checker){0};
    checker.health = (struct health_settings){
        .path = SLICE("/healthz?full"),
        .timeout_ms = DEADLINE_MS,
        .body = slice_from_text(body),
    };
    world.upstream.health = &checker.health;
    server_group_init(&checker.group, &world.upstream, world.loop);
    world.log_fd = memfd_create("log", MFD_CLOEXEC);
    world.stderr_fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
}

static void check_once(void)
{
    checker.outcome = (struct outcome){0};
    struct health_check *check =
        health_check_start(&checker.group.servers[0], world.resolver, on_checked, &checker.outcome);
    assert_non_null(check);
    assert_int_equal(checker.outcome.count, 0);
    world_run();
    assert_int_equal(checker.outcome.count, 1);
}

static void end_checks(void)
{
    server_group_finish(&checker.group);
    world_close();
}

/* One piece after the other, of those in text that are separated by '|', on one connection. */
static void answer(struct backend *backend)
{
    int fd = backend_accept(backend);
    backend_read_head(backend, fd);
    struct slice rest = slice_from_text(backend->text);
    while (rest.length != 0) {
        size_t length = slice_find(rest, '|');
        backend_send(fd, slice_of(rest.data, length));
        rest = slice_skip(rest, length == rest.length ? length : length + 1);
        /* so that the pieces arrive one by one, mostly */
        sched_yield();
    }
    shutdown(fd, SHUT_WR);
    backend_await_close(fd);
}

/* An empty reason: good. */
static void expect_verdict(const char *response, const char *body, const char *reason)
{
    struct backend backend;
    backend_listen(&backend, 64);
    backend.text = response;
    backend_run(&backend, answer);
    world_open_one(backend.port);
    begin_checks(body);
    check_once();
    assert_string_equal(checker.outcome.reason, reason);
    assert_int_equal(checker.outcome.is_good, reason[0] == '\0');
    end_checks();
    backend_finish(&backend);
}

static void asks_politely(void **state)
{
    struct backend backend;
    backend_listen(&backend, 64);
    backend.text = "HTTP/1.1 204 No Content\r\n\r\n";
    backend_run(&backend, answer);
    world_open_one(backend.port);
    begin_checks("");
    checker.health.host = SLICE("shop.example");
    check_once();
    assert_true(checker.outcome.is_good);
    end_checks();
    backend_join(&backend);
    assert_string_equal(backend.seen.data, "GET /healthz?full HTTP/1.1\r\nHost: shop.example\r\n"
                                           "User-Agent: flexilib-health-check\r\nAccept: */*\r\n"
                                           "Connection: close\r\n\r\n");
    text_finish(&backend.seen);
}

static void judges_the_status(void **state)
{
    expect_verdict("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes", "", "");
    expect_verdict("HTTP/1.0 399 Odd\r\n\r\n", "", "");
    expect_verdict("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", "", "it answered with status 400");
    expect_verdict("HTTP/1.1 503 Sorry\r\n\r\nlater", "", "it answered with status 503");
    expect_verdict("HTTP/1.1 100 Go On\r\n\r\n|HTTP/1.1 103 Early\r\nLink: x\r\n\r\n|HTTP/1.1 200 OK\r\n\r\n", "", "");

    static const struct status_range ranges[] = {{204, 204}, {500, 599}};
    struct backend backend;
    backend_listen(&backend, 64);
    backend.text = "HTTP/1.1 503 Sorry\r\n\r\n";
    backend_run(&backend, answer);
    world_open_one(backend.port);
    begin_checks("");
    checker.health.statuses = (struct status_ranges){ranges, 2};
    check_once();
    assert_true(checker.outcome.is_good);
    end_checks();
    backend_finish(&backend);
}

static void judges_the_beginning_of_the_body(void **state)
{
    const char *wrong = "its body does not begin with what is expected";
    expect_verdict("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nok, r", "ok", "");
    expect_verdict("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n|o|k|, r", "ok, r", "");
    expect_verdict("HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n|o|k|, r", "ok", "");
    expect_verdict("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nbad..", "ok", wrong);
    expect_verdict("HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\nob", "ok", wrong);
    expect_verdict("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\no", "ok", wrong);
    expect_verdict("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "ok", wrong);
    expect_verdict("HTTP/1.1 204 OK\r\n\r\n", "ok", wrong);
    expect_verdict("HTTP/1.1 200 OK\r\n\r\n|o|k", "ok", "");
    expect_verdict("HTTP/1.1 200 OK\r\n\r\n|o", "ok", wrong);
    expect_verdict("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n1|\r\nk|\r\n0\r\n\r\n", "ok", "");
    expect_verdict("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n0\r\n\r\n", "ok", wrong);
    expect_verdict("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\noo\r\n", "ok",
                   "bad response: its chunks are malformed");
    expect_verdict("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\no", "ok",
                   "it closed the connection in the middle of the response's body");
}

static void refuses_what_clients_would_not_get(void **state)
{
    expect_verdict("SSH-2.0-OpenSSH_9.2\r\n", "", "bad response: it does not begin with HTTP/1");
    expect_verdict("HTTP/1.1 101 Switching Protocols\r\n\r\n", "",
                   "bad response: it switches to a protocol that nobody asked for");
    expect_verdict("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", "",
                   "bad response: it has both Content-Length and Transfer-Encoding");
    expect_verdict("", "", "it closed the connection without a response");
    expect_verdict("HTTP/1.1 200 OK\r\nContent-", "", "it closed the connection in the middle of the response's head");
}

/* A response of so many times the same text. */
static void expect_verdict_of_many(const char *start, const char *repeated, size_t count, const char *reason)
{
    struct text response = TEXT_INIT;
    text_add(&response, slice_from_text(start));
    for (size_t i = 0; i < count; ++i)
        text_add(&response, slice_from_text(repeated));
    text_add(&response, SLICE("\r\n"));
    expect_verdict(response.data, "", reason);
    text_finish(&response);
}

static void bounds_what_a_server_may_send(void **state)
{
    expect_verdict_of_many("HTTP/1.1 200 OK\r\nX: ", "0123456789abcdef", 5000,
                           "bad response: its head is larger than 64 KB");
    expect_verdict_of_many("HTTP/1.1 200 OK\r\n", "X: y\r\n", 101, "bad response: it has more than 100 header fields");
    expect_verdict_of_many("", "HTTP/1.1 100 Go On\r\n\r\n", 20, "bad response: too many interim ones before it");
}

static void hang(struct backend *backend)
{
    int fd = backend_accept(backend);
    backend_read_head(backend, fd);
    if (backend->text != NULL)
        backend_say(fd, backend->text);
    assert_true(backend_await_close(fd));
}

/* One byte after the other for as long as somebody listens. */
static void drip(struct backend *backend)
{
    int fd = backend_accept(backend);
    backend_read_head(backend, fd);
    backend_say(fd, "HTTP/1.1 200 OK\r\nX: ");
    while (send(fd, "x", 1, MSG_NOSIGNAL) == 1)
        poll(NULL, 0, 5);
    close(fd);
}

static void expect_timeout(void (*script)(struct backend *backend), const char *text, const char *reason)
{
    struct backend backend;
    backend_listen(&backend, 64);
    backend.text = text;
    backend_run(&backend, script);
    world_open_one(backend.port);
    begin_checks("ok");
    checker.health.timeout_ms = SHORT_MS;
    check_once();
    assert_string_equal(checker.outcome.reason, reason);
    end_checks();
    backend_finish(&backend);
}

static void ends_in_time(void **state)
{
    expect_timeout(hang, NULL, "no response within 100 ms");
    expect_timeout(hang, "HTTP/1.1 200", "no whole response within 100 ms");
    expect_timeout(hang, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no", "no whole response within 100 ms");
    expect_timeout(drip, NULL, "no whole response within 100 ms");
}

static void says_why_it_cannot_connect(void **state)
{
    struct backend backend;
    backend_listen(&backend, 1);
    close(backend.listen_fd);
    world_open_one(backend.port);
    begin_checks("");
    check_once();
    assert_false(checker.outcome.is_good);
    assert_string_equal(checker.outcome.reason, "connection refused");
    end_checks();
    for (int i = 0; i < 2; ++i) {
        close(backend.signal[i]);
        close(backend.order[i]);
    }
}

static void can_be_cancelled_at_any_stage(void **state)
{
    struct backend backend;
    backend_start(&backend, hang);
    world_open_one(backend.port);
    begin_checks("");
    struct server *server = &checker.group.servers[0];
    health_check_cancel(health_check_start(server, world.resolver, on_checked, &checker.outcome));
    health_check_cancel(NULL);
    struct health_check *check = health_check_start(server, world.resolver, on_checked, &checker.outcome);
    world_turn();
    world_turn();
    health_check_cancel(check);
    world_turn();
    assert_int_equal(checker.outcome.count, 0);
    end_checks();
    /* the script has had the first or the second connection */
    backend_finish(&backend);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(asks_politely),
        cmocka_unit_test(judges_the_status),
        cmocka_unit_test(judges_the_beginning_of_the_body),
        cmocka_unit_test(refuses_what_clients_would_not_get),
        cmocka_unit_test(bounds_what_a_server_may_send),
        cmocka_unit_test(ends_in_time),
        cmocka_unit_test(says_why_it_cannot_connect),
        cmocka_unit_test(can_be_cancelled_at_any_stage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
