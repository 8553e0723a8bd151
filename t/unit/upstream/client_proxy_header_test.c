#include "client_probe.h"

/* What the PROXY protocol makes of connections to servers. */

static void exchange_hello_from(uint16_t peer_port)
{
    struct probe probe;
    probe_init(&probe, "GET", SLICE_NONE);
    probe.exchange.peer_port = peer_port;
    probe.exchange.local_address = SLICE("203.0.113.1");
    probe.exchange.local_port = 80;
    world_exchange(&probe);
    assert_true(probe.is_last);
    assert_string_equal(probe.body.data, "hello");
    probe_finish(&probe);
}

static void read_line(struct backend *backend, int fd)
{
    char c;
    while (recv(fd, &c, 1, 0) == 1) {
        text_add_char(&backend->seen, c);
        if (c == '\n')
            return;
    }
}

static void answer(struct backend *backend, int fd)
{
    struct text head = TEXT_INIT;
    struct text seen = backend->seen;
    backend->seen = head;
    backend_read_head(backend, fd);
    text_finish(&backend->seen);
    backend->seen = seen;
    backend_say(fd, HELLO);
}

/* Two requests on the first connection, one on the second, and another one on the first. */
static void serve_two_clients(struct backend *backend)
{
    int first = backend_accept(backend);
    read_line(backend, first);
    answer(backend, first);
    answer(backend, first);
    int second = backend_accept(backend);
    read_line(backend, second);
    answer(backend, second);
    answer(backend, first);
    assert_true(backend_await_close(first));
    assert_true(backend_await_close(second));
}

static void a_connection_stays_its_client_s(void **state)
{
    struct backend backend;
    backend_start(&backend, serve_two_clients);
    world_open_one(backend.port);
    world.upstream.proxy_protocol = PROXY_PROTOCOL_V1;
    world_begin();
    exchange_hello_from(1);
    exchange_hello_from(1);
    exchange_hello_from(2);
    exchange_hello_from(1);
    world_close_with_log("");
    backend_join(&backend);
    assert_string_equal(backend.seen.data, "PROXY TCP4 192.0.2.7 203.0.113.1 1 80\r\n"
                                           "PROXY TCP4 192.0.2.7 203.0.113.1 2 80\r\n");
    text_finish(&backend.seen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_connection_stays_its_client_s),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
