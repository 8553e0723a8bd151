#include "client_probe.h"
#include "upstream/client_request.h"

/* Bodies that go through a pipe: what arrives, and what becomes of pipes and connections. */

static const struct {
    size_t length;
    bool is_piped;
} sizes[] = {
    {1000, false}, {50000, false}, {100 * 1024, true}, {131072 + 16384 + 1, true}, {262144 + 3, true}, {3000001, true},
};

static struct text reply;
static bool is_reset, is_ended;

static void make_reply(size_t announced, size_t sent, const char *framing)
{
    text_clear(&reply);
    text_print(&reply, "HTTP/1.1 200 OK\r\n");
    if (framing == NULL)
        text_print(&reply, "Content-Length: %zu\r\n", announced);
    else
        text_print(&reply, "%s", framing);
    text_print(&reply, "\r\n");
    for (size_t i = 0; i < sent; ++i)
        text_add_char(&reply, (char)('a' + i * 7 / 3 % 26));
}

static struct slice reply_body(void)
{
    struct slice text = text_slice(&reply);
    for (size_t i = 0; i + 4 <= text.length; ++i) {
        if (memcmp(text.data + i, "\r\n\r\n", 4) == 0)
            return slice_skip(text, i + 4);
    }
    fail_msg("the reply has no end of a head");
    return SLICE_NONE;
}

/* Every connection gets the reply for each of its requests. */
static void serve(struct backend *backend)
{
    struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    int fd = backend_accept(backend);
    for (;;) {
        size_t before = backend->seen.length;
        backend_read_head(backend, fd);
        if (backend->seen.length == before)
            break;
        backend_send(fd, text_slice(&reply));
        if (!is_ended)
            continue;
        if (is_reset) {
            backend_await_order(backend);
            setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
        }
        break;
    }
    close(fd);
}

/* So that none of the body comes with the head, into memory. */
static void serve_head_first(struct backend *backend)
{
    int fd = backend_accept(backend);
    size_t head_length = reply.length - reply_body().length;
    backend_read_head(backend, fd);
    backend_send(fd, slice_of(reply.data, head_length));
    backend_await_order(backend);
    backend_send(fd, slice_skip(text_slice(&reply), head_length));
    close(fd);
}

static void begin(struct backend *backend, void (*script)(struct backend *backend))
{
    backend_start(backend, script);
    world_open_one(backend->port);
    world_begin();
}

static void probe_init_piped(struct probe *probe)
{
    probe_init(probe, "GET", SLICE_NONE);
    probe->exchange.takes_pipes = true;
}

static void end(struct backend *backend)
{
    world_close();
    backend_finish(backend);
    is_reset = is_ended = false;
}

static void long_bodies_arrive_as_they_were(void **state)
{
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); ++i) {
        struct backend backend;
        make_reply(sizes[i].length, sizes[i].length, NULL);
        begin(&backend, serve);
        /* the second one knows what to expect */
        for (unsigned round = 0; round < 2; ++round) {
            struct probe probe;
            probe_init_piped(&probe);
            world_exchange(&probe);
            assert_true(probe.is_last);
            assert_true(slice_equals(text_slice(&probe.body), reply_body()));
            assert_int_equal(probe.pipe_count != 0, sizes[i].is_piped);
            probe_finish(&probe);
            assert_int_equal(world.client->pipes.count, sizes[i].is_piped ? 1 : 0);
            assert_int_equal(world.client->pipes.count, world.client->pipes.waiting_count);
        }
        assert_int_equal(backend.accepted_count, 1);
        end(&backend);
        assert_string_equal(world.log, "");
    }
}

static void run_unpiped(bool takes_pipes, const char *framing)
{
    struct backend backend;
    struct probe probe;
    make_reply(300000, 300000, framing);
    is_ended = framing != NULL;
    begin(&backend, serve);
    probe_init(&probe, "GET", SLICE_NONE);
    probe.exchange.takes_pipes = takes_pipes;
    world_exchange(&probe);
    assert_true(slice_equals(text_slice(&probe.body), reply_body()));
    assert_int_equal(probe.pipe_count, 0);
    assert_int_equal(world.client->pipes.count, 0);
    probe_finish(&probe);
    end(&backend);
}

static void bodies_are_copied_where_pipes_do_not_fit(void **state)
{
    run_unpiped(false, NULL);
    run_unpiped(true, "X-Length: unknown\r\n");
}

static void a_body_that_is_cut_fails(void **state)
{
    for (int i = 0; i < 2; ++i) {
        struct backend backend;
        struct probe probe;
        make_reply(1000000, 300001, NULL);
        is_ended = true;
        is_reset = i == 1;
        begin(&backend, serve);
        probe_init_piped(&probe);
        probe_send(&probe);
        while (is_reset && probe.body.length < 300001)
            world_turn();
        if (is_reset)
            backend_order(&backend);
        world_run();
        assert_true(probe.has_failed);
        assert_false(probe.is_last);
        assert_true(probe.pipe_count != 0);
        assert_true(slice_equals(text_slice(&probe.body), reply_body()));
        probe_finish(&probe);
        assert_int_equal(world.client->pipes.count, 1);
        end(&backend);
        assert_non_null(strstr(world.log, i == 1 ? ": connection reset by peer in the middle of the response's body"
                                                 : ": it closed the connection in the middle of the response's body"));
    }
}

/* What follows a body must never become the next response. */
static void bytes_behind_the_body_end_the_connection(void **state)
{
    struct backend backend;
    make_reply(200000, 200000, NULL);
    struct text first = TEXT_INIT;
    text_add(&first, reply_body());
    text_print(&reply, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");
    begin(&backend, serve);
    struct probe probe;
    probe_init_piped(&probe);
    world_exchange(&probe);
    assert_true(slice_equals(text_slice(&probe.body), text_slice(&first)));
    assert_true(probe.pipe_count != 0);
    probe_finish(&probe);
    const struct server *server = &world.client->groups[0].servers[0];
    assert_true(server->idle_count == 0 || server->newest->is_doubtful);
    world_turn();
    world_turn();
    assert_int_equal(server->idle_count, 0);
    text_finish(&first);
    end(&backend);
    assert_string_equal(world.log, "");
}

static void a_client_that_leaves_takes_the_pipe_along(void **state)
{
    struct backend backend;
    struct probe probe;
    make_reply(3000000, 3000000, NULL);
    begin(&backend, serve_head_first);
    probe_init_piped(&probe);
    probe.is_cancelled_in_body = true;
    probe_send(&probe);
    while (probe.head_count == 0)
        world_turn();
    backend_order(&backend);
    world_run();
    assert_int_equal(probe.pipe_count, 1);
    assert_int_equal(world.client->pipes.count, 0);
    assert_int_equal(world.client->groups[0].servers[0].idle_count, 0);
    probe_finish(&probe);
    end(&backend);
    assert_string_equal(world.log, "");
}

/* A kernel that does not do it for this kind of socket says so before anything has been moved. */
static void a_kernel_that_refuses_is_asked_once(void **state)
{
    struct backend backend;
    make_reply(300000, 300000, NULL);
    begin(&backend, serve);
    struct body_pipe *useless = malloc(sizeof(*useless));
    assert_non_null(useless);
    *useless = (struct body_pipe){
        .read_fd = open("/dev/null", O_RDONLY | O_CLOEXEC),
        .write_fd = open("/dev/null", O_WRONLY | O_CLOEXEC),
    };
    world.client->pipes = (struct body_pipes){.waiting = useless, .waiting_count = 1, .count = 1};
    for (unsigned round = 0; round < 2; ++round) {
        struct probe probe;
        probe_init_piped(&probe);
        world_exchange(&probe);
        assert_true(probe.is_last);
        assert_true(slice_equals(text_slice(&probe.body), reply_body()));
        assert_int_equal(probe.pipe_count, 0);
        assert_true(world.client->pipes.is_refused);
        probe_finish(&probe);
    }
    end(&backend);
    assert_string_equal(world.log, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(long_bodies_arrive_as_they_were),
        cmocka_unit_test(bodies_are_copied_where_pipes_do_not_fit),
        cmocka_unit_test(a_body_that_is_cut_fails),
        cmocka_unit_test(bytes_behind_the_body_end_the_connection),
        cmocka_unit_test(a_client_that_leaves_takes_the_pipe_along),
        cmocka_unit_test(a_kernel_that_refuses_is_asked_once),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    text_finish(&reply);
    return failed;
}
