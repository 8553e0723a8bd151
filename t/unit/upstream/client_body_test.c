#include "client_probe.h"

#include <netinet/tcp.h>

enum {
    LARGE_BYTES = 3 * 1000 * 1000,
};

/* What a server says to one request, and how the connection goes on. */
struct reply {
    const char *text;
    bool ends; /* the server closes then; otherwise it waits for us to */
    int status;
    const char *body;   /* NULL: it breaks off */
    const char *method; /* NULL: GET */
    int64_t length;     /* as announced; 0: nothing to check */
};

static const struct reply good[] = {
    {.text = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", .status = 200, .body = "hello", .length = 5},
    {.text = "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", .status = 200, .body = ""},
    {.text = "HTTP/1.1 404 Not Found\r\ncontent-length: 2\r\n\r\nno", .status = 404, .body = "no", .length = 2},
    {.text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1;x=y\r\nd\r\n0\r\nT: x\r\n\r\n",
     .status = 200,
     .body = "abcd",
     .length = -1},
    {.text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", .status = 200, .body = "", .length = -1},
    {.text = "HTTP/1.1 200 OK\r\n\r\nuntil the end",
     .ends = true,
     .status = 200,
     .body = "until the end",
     .length = -1},
    {.text = "HTTP/1.0 200 OK\r\n\r\n", .ends = true, .status = 200, .body = "", .length = -1},
    {.text = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", .ends = true, .status = 200, .body = "hello"},
    {.text = "HTTP/1.1 200 OK\r\nContent-Length: 77\r\n\r\n",
     .status = 200,
     .body = "",
     .method = "HEAD",
     .length = 77},
    {.text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
     .status = 200,
     .body = "",
     .method = "HEAD",
     .length = -1},
    {.text = "HTTP/1.1 204 No Content\r\n\r\n", .status = 204, .body = "", .length = -1},
    {.text = "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", .status = 304, .body = "", .length = 9},
    {.text = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: "
             "1\r\n\r\nx",
     .status = 200,
     .body = "x"},
};

static const struct reply bad[] = {
    {.text = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", .status = 502},
    {.text = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello", .status = 502},
    {.text = "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello", .status = 502},
    {.text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nhello", .status = 502},
    {.text = "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", .status = 502},
    {.text = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", .status = 502},
    {.text = "HTTP/1.1 000 x\r\n\r\n", .status = 502},
    {.text = "HTTP/2.0 200 OK\r\n\r\n", .status = 502},
    {.text = "220 mail.example ESMTP\r\n", .status = 502},
    {.text = "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", .status = 502},
    {.text = "HTTP/1.1 200 OK\nContent-Length: 0\n\n", .status = 502},
    {.text = "HTTP/1.1 200 OK\r\nContent-Le", .ends = true, .status = 502},
    {.text = "", .ends = true, .status = 502},
    {.text = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello", .ends = true, .status = 200},
    {.text = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n", .ends = true, .status = 200},
    {.text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", .ends = true, .status = 200},
    {.text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n", .ends = true, .status = 200},
};

static const struct reply *current;
static size_t step_bytes;

static void say_in_steps(int fd, struct slice text)
{
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    while (text.length != 0) {
        size_t length = text.length < step_bytes ? text.length : step_bytes;
        backend_send(fd, slice_of(text.data, length));
        text = slice_skip(text, length);
    }
}

static void reply(struct backend *backend)
{
    int fd = backend_accept(backend);
    backend_read_head(backend, fd);
    say_in_steps(fd, slice_from_text(current->text));
    if (current->ends)
        shutdown(fd, SHUT_WR);
    backend_await_close(fd);
}

/* Runs one exchange against current. */
static void run_reply(struct probe *probe)
{
    struct backend backend;
    backend_start(&backend, reply);
    world_open_one(backend.port);
    world_begin();
    probe_init(probe, current->method == NULL ? "GET" : current->method, SLICE_NONE);
    world_exchange(probe);
    world_close();
    backend_finish(&backend);
}

static void delivers_good_responses(void **state)
{
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); ++i) {
        current = &good[i];
        for (step_bytes = 1000; step_bytes != 0; step_bytes /= 10) {
            struct probe probe;
            run_reply(&probe);
            const char *body = probe.body.data == NULL ? "" : probe.body.data;
            if (probe.has_failed || probe.exchange.response.status != current->status ||
                strcmp(body, current->body) != 0 || world.log[0] != '\0')
                fail_msg("failed %d, status %d, body '%s' on:\n%s\n%s", probe.has_failed,
                         probe.exchange.response.status, body, current->text, world.log);
            if (current->length != 0)
                assert_int_equal(probe.exchange.response.body_length, current->length);
            probe_finish(&probe);
        }
    }
}

static void refuses_or_cuts_bad_ones(void **state)
{
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); ++i) {
        current = &bad[i];
        for (step_bytes = 1000; step_bytes != 0; step_bytes /= 10) {
            struct probe probe;
            run_reply(&probe);
            bool is_cut = current->status == 200;
            if (!probe.has_failed || (probe.head_count == 1) != is_cut || strstr(world.log, "error: upstream") == NULL)
                fail_msg("failed %d, heads %u on:\n%s", probe.has_failed, probe.head_count, current->text);
            assert_int_equal(probe.failure_status, 502);
            probe_finish(&probe);
        }
    }
}

/* Chunks that are broken behind good ones: refused while nothing has been sent on yet, cut later. */
static void cuts_broken_chunks(void **state)
{
    static const struct reply broken = {
        .text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nfive\r\nhello\r\n0\r\n\r\n"};
    current = &broken;
    for (step_bytes = 1; step_bytes <= 100; step_bytes *= 100) {
        struct probe probe;
        run_reply(&probe);
        assert_true(probe.has_failed);
        assert_non_null(strstr(world.log, ": bad response: its chunks are malformed (request"));
        probe_finish(&probe);
    }
}

static struct text large_reply;
static bool is_large_ended;

static void reply_large(struct backend *backend)
{
    int fd = backend_accept(backend);
    backend_read_head(backend, fd);
    backend_send(fd, text_slice(&large_reply));
    if (is_large_ended)
        shutdown(fd, SHUT_WR);
    assert_true(backend_await_close(fd));
}

static void make_large_body(struct text *body)
{
    char *at = text_reserve(body, LARGE_BYTES);
    for (size_t i = 0; i < LARGE_BYTES; ++i)
        at[i] = (char)('a' + i * 7 / 3 % 26);
    body->length += LARGE_BYTES;
}

/* Cuts body into chunks of all sizes, tiny ones and such that span many buffers. */
static void add_chunks(struct text *out, struct slice body)
{
    size_t size = 1;
    while (body.length != 0) {
        size_t length = size < body.length ? size : body.length;
        text_print(out, "%zx\r\n", length);
        text_add(out, slice_of(body.data, length));
        text_add(out, SLICE("\r\n"));
        body = slice_skip(body, length);
        size = size > 300000 ? 1 : size * 3 / 2 + 1;
    }
    text_add(out, SLICE("0\r\n\r\n"));
}

static void large_bodies_arrive_as_they_were(void **state)
{
    struct text body = TEXT_INIT;
    make_large_body(&body);
    for (int kind = 0; kind < 3; ++kind) {
        static const char *const framings[] = {"Content-Length: 3000000\r\n", "Transfer-Encoding: chunked\r\n", ""};
        struct backend backend;
        struct probe probe;
        text_clear(&large_reply);
        text_print(&large_reply, "HTTP/1.1 200 OK\r\n%s\r\n", framings[kind]);
        if (kind == 1)
            add_chunks(&large_reply, text_slice(&body));
        else
            text_add(&large_reply, text_slice(&body));
        is_large_ended = kind == 2;
        backend_start(&backend, reply_large);
        world_open_one(backend.port);
        world_begin();
        probe_init(&probe, "GET", SLICE_NONE);
        world_exchange(&probe);
        assert_true(probe.is_last);
        assert_true(slice_equals(text_slice(&probe.body), text_slice(&body)));
        probe_finish(&probe);
        world_close_with_log("");
        backend_finish(&backend);
    }
    text_finish(&large_reply);
    text_finish(&body);
}

/* A thousand chunks of one byte that arrive together. */
static void tiny_chunks_come_in_few_pieces(void **state)
{
    struct backend backend;
    struct probe probe;
    text_clear(&large_reply);
    text_add(&large_reply, SLICE("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"));
    for (int i = 0; i < 1000; ++i)
        text_add(&large_reply, SLICE("1\r\nx\r\n"));
    text_add(&large_reply, SLICE("0\r\n\r\n"));
    is_large_ended = false;
    backend_start(&backend, reply_large);
    world_open_one(backend.port);
    world_begin();
    probe_init(&probe, "GET", SLICE_NONE);
    world_exchange(&probe);
    assert_int_equal(probe.body.length, 1000);
    /* one for each time that something arrived, and the reply was sent at once */
    assert_in_range(probe.piece_count, 1, 8);
    probe_finish(&probe);
    world_close_with_log("");
    backend_finish(&backend);
    text_finish(&large_reply);
}

static void nothing_comes_before_it_is_asked_for(void **state)
{
    struct backend backend;
    struct probe probe;
    struct text body = TEXT_INIT;
    make_large_body(&body);
    text_clear(&large_reply);
    text_print(&large_reply, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", LARGE_BYTES);
    text_add(&large_reply, text_slice(&body));
    is_large_ended = false;
    backend_start(&backend, reply_large);
    world_open_one(backend.port);
    world_begin();
    probe_init(&probe, "GET", SLICE_NONE);
    probe.is_not_pulled = true;
    world_exchange(&probe);
    for (int i = 0; i < 10; ++i)
        world_turn();
    assert_int_equal(probe.head_count, 1);
    assert_int_equal(probe.body.length, 0);
    client_pull(probe.request);
    if (!probe.is_last)
        world_run();
    assert_true(slice_equals(text_slice(&probe.body), text_slice(&body)));
    probe_finish(&probe);
    world_close_with_log("");
    backend_finish(&backend);
    text_finish(&large_reply);
    text_finish(&body);
}

/* A head with that many fields, of that many bytes in all. */
static void test_head(size_t bytes, size_t fields, bool is_good, const char *reason)
{
    struct backend backend;
    struct probe probe;
    text_clear(&large_reply);
    text_add(&large_reply, SLICE("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n"));
    for (size_t i = 2; i < fields; ++i)
        text_add(&large_reply, SLICE("A: b\r\n"));
    text_add(&large_reply, SLICE("X: "));
    while (large_reply.length + 4 < bytes)
        text_add_char(&large_reply, 'x');
    text_add(&large_reply, SLICE("\r\n\r\n"));
    is_large_ended = false;
    backend_start(&backend, reply_large);
    world_open_one(backend.port);
    world_begin();
    probe_init(&probe, "GET", SLICE_NONE);
    world_exchange(&probe);
    assert_int_equal(probe.has_failed, !is_good);
    if (is_good)
        assert_int_equal(probe.exchange.response.headers.count, fields);
    probe_finish(&probe);
    world_close();
    if (is_good)
        assert_string_equal(world.log, "");
    else
        assert_non_null(strstr(world.log, reason));
    backend_finish(&backend);
    text_finish(&large_reply);
}

static void heads_are_limited(void **state)
{
    test_head(60000, 10, true, NULL);
    test_head(65536, 10, true, NULL);
    test_head(65537, 10, false, ": bad response: its head is larger than 64 KB (request");
    test_head(200000, 10, false, ": bad response: its head is larger than 64 KB (request");
    test_head(0, 200, true, NULL);
    test_head(0, 201, false, ": bad response: it has more than 200 header fields (request");
}

static void test_interim(unsigned count, bool is_good)
{
    struct probe probe;
    struct text text = TEXT_INIT;
    for (unsigned i = 0; i < count; ++i)
        text_add(&text,
                 SLICE("HTTP/1.1 102 Processing\r\nX-Padding: 0123456789012345678901234567890123456789\r\n\r\n"));
    text_add(&text, SLICE("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
    const struct reply interim = {.text = text.data};
    current = &interim;
    for (step_bytes = 1; step_bytes <= 10000; step_bytes *= 100) {
        run_reply(&probe);
        assert_int_equal(probe.has_failed, !is_good);
        assert_int_equal(probe.exchange.response.status, is_good ? 200 : 0);
        probe_finish(&probe);
    }
    text_finish(&text);
}

static void interim_responses_are_passed_over_up_to_sixteen(void **state)
{
    test_interim(16, true);
    test_interim(17, false);
}

static void an_error_does_not_end_a_body_in_good_order(void **state)
{
    struct linger at_once = {.l_onoff = 1};
    struct probe probe;
    struct sockaddr_in address;
    socklen_t length = sizeof(address);
    /* without a thread: the reset must come after the body was taken */
    struct backend backend;
    backend_listen(&backend, 4);
    world_open_one(backend.port);
    world_begin();
    probe_init(&probe, "GET", SLICE_NONE);
    probe.is_not_pulled = true;
    probe_send(&probe);
    int fd = accept(backend.listen_fd, (struct sockaddr *)&address, &length);
    backend_say(fd, "HTTP/1.1 200 OK\r\n\r\nhello");
    world_run();
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    close(fd);
    client_pull(probe.request);
    world_run();
    assert_true(probe.has_failed);
    assert_false(probe.is_last);
    assert_string_equal(probe.body.data, "hello");
    probe_finish(&probe);
    world_close();
    assert_non_null(strstr(world.log, ": connection reset by peer in the middle of the response's body (request"));
    close(backend.listen_fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(delivers_good_responses),
        cmocka_unit_test(refuses_or_cuts_bad_ones),
        cmocka_unit_test(cuts_broken_chunks),
        cmocka_unit_test(large_bodies_arrive_as_they_were),
        cmocka_unit_test(tiny_chunks_come_in_few_pieces),
        cmocka_unit_test(nothing_comes_before_it_is_asked_for),
        cmocka_unit_test(heads_are_limited),
        cmocka_unit_test(interim_responses_are_passed_over_up_to_sixteen),
        cmocka_unit_test(an_error_does_not_end_a_body_in_good_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
