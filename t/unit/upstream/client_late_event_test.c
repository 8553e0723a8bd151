#include "client_probe.h"
#include "net/socket.h"
#include "upstream/connection.h"

#include <poll.h>

/* In one turn, the loop tells of a connection and of another socket; whoever hears of the latter first receives the
 * rest of a response on the connection, which is free then. That the loop goes on to tell of it means nothing any more.
 */

enum {
    BODY_BYTES = 40 * 1000,
};

struct meanwhile {
    struct probe *first, *second; /* second: NULL where nobody uses the connection at once */
    struct socket *socket;
    bool was_kept;
};

static void answer_two(struct backend *backend)
{
    static const char body[BODY_BYTES];
    int fd = backend_accept(backend);
    struct text reply = TEXT_INIT;
    text_print(&reply, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", BODY_BYTES);
    text_add(&reply, slice_of(body, BODY_BYTES));
    backend_read_head(backend, fd);
    backend_send(fd, text_slice(&reply));
    backend_tell(backend);
    backend_read_head(backend, fd);
    backend_say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
    close(fd);
    text_finish(&reply);
}

static void on_readable(struct socket *socket, void *data)
{
    struct meanwhile *meanwhile = data;
    socket_read(socket, false);
    struct connection *connection = meanwhile->first->request->connection;
    client_pull(meanwhile->first->request);
    meanwhile->was_kept = meanwhile->first->is_last && connection->events == NULL;
    if (meanwhile->second == NULL)
        return;
    struct pollfd poll_fd = {.fd = socket_descriptor(connection->socket), .events = POLLIN};
    probe_send(meanwhile->second);
    assert_ptr_equal(meanwhile->second->request->connection, connection);
    assert_int_equal(poll(&poll_fd, 1, DEADLINE_MS), 1);
}

/* The connection's readiness is known to the kernel before the other socket's is. */
static void receive_meanwhile(struct meanwhile *meanwhile)
{
    static const struct socket_events events = {.on_readable = on_readable};
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    meanwhile->socket = socket_create(world.loop, ends[0], &events, meanwhile);
    socket_read(meanwhile->socket, true);
    assert_int_equal(write(ends[1], "x", 1), 1);
    loop_run(world.loop);
    socket_close(meanwhile->socket);
    close(ends[1]);
}

static void test_late_event(const char *method, bool is_used_at_once)
{
    struct backend backend;
    struct probe first, second;
    backend_start(&backend, answer_two);
    world_open_one(backend.port);
    world_begin();
    probe_init(&first, "GET", SLICE_NONE);
    probe_init(&second, method, SLICE_NONE);
    first.is_not_pulled = true;
    probe_send(&first);
    loop_run(world.loop);
    backend_await(&backend);
    struct meanwhile meanwhile = {.first = &first, .second = is_used_at_once ? &second : NULL};
    receive_meanwhile(&meanwhile);
    assert_true(meanwhile.was_kept);
    assert_int_equal(first.body.length, BODY_BYTES);
    if (!is_used_at_once)
        probe_send(&second);
    if (!second.is_last)
        loop_run(world.loop);
    assert_true(second.is_last);
    assert_true(slice_equals(text_slice(&second.body), SLICE("hello")));
    probe_finish(&first);
    probe_finish(&second);
    world_close_with_log("");
    backend_finish(&backend);
    assert_int_equal(backend.accepted_count, 1);
}

static void it_is_no_response_before_the_request(void **state)
{
    test_late_event("GET", true);
    test_late_event("POST", true);
}

static void it_does_not_end_an_idle_connection(void **state)
{
    test_late_event("GET", false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_no_response_before_the_request),
        cmocka_unit_test(it_does_not_end_an_idle_connection),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
