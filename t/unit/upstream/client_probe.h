#ifndef CLIENT_PROBE_H
#define CLIENT_PROBE_H

/* What the tests of the client share: servers that follow a script in a thread of their own, and an exchange that
 * records what it is told. The functions that the client calls on an exchange are defined here, in place of the real
 * ones, so that nothing of a chain stands in between. */

#include "base/log.h"
#include "net/loop.h"
#include "net/resolver.h"
#include "upstream/client.h"
#include "upstream/client_request.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

/* each test uses a part of this */
#pragma GCC diagnostic ignored "-Wunused-function"

/* What most scripts answer. */
#define HELLO "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

enum {
    DEADLINE_MS = 30000,
    MOST_SERVERS = 3,
};

struct backend {
    int listen_fd;
    uint16_t port;
    pthread_t thread;
    void (*script)(struct backend *backend);
    struct text seen;      /* what the script's reads brought */
    size_t accepted_count; /* connections */
    const char *text;      /* for scripts that send one thing */
    size_t body_start;     /* in what was seen */
    size_t wanted_bytes;   /* for scripts that read a body */
    int signal[2];         /* a pipe: the script says where it is, or waits to be told */
    int order[2];
};

struct probe {
    struct exchange exchange;
    struct client_request *request;
    struct text body;
    unsigned head_count, piece_count, pipe_count, over_count, interim_count;
    int interim_statuses[16];
    int failure_status;
    unsigned retry_after_s;
    bool is_last, has_failed;
    bool is_cancelled_at_head, is_cancelled_in_body, is_not_pulled;
};

struct world {
    struct forward_settings forward;
    struct loop *loop;
    struct resolver *resolver;
    struct client *client;
    struct settings settings;
    struct upstream_settings upstream;
    struct upstream_settings *upstreams[1];
    struct server_settings servers[MOST_SERVERS];
    char urls[MOST_SERVERS][128];
    struct plan_route route;
    struct timer deadline;
    int log_fd, stderr_fd;
    char log[8192];
};

static struct world world;

static struct probe *probe_of(struct exchange *exchange)
{
    return exchange->owner_data;
}

void exchange_response_head(struct exchange *exchange)
{
    struct probe *probe = probe_of(exchange);
    ++probe->head_count;
    if (probe->is_cancelled_at_head) {
        client_cancel(probe->request);
        probe->request = NULL;
        loop_stop(world.loop);
        return;
    }
    if (probe->is_not_pulled)
        loop_stop(world.loop);
    else
        client_pull(probe->request);
}

void exchange_interim(struct exchange *exchange, const struct response_head *interim)
{
    struct probe *probe = probe_of(exchange);
    assert_int_equal(probe->head_count, 0);
    assert_true(probe->interim_count < sizeof(probe->interim_statuses) / sizeof(probe->interim_statuses[0]));
    probe->interim_statuses[probe->interim_count++] = interim->status;
}

void exchange_response_body(struct exchange *exchange, struct slice data, bool last)
{
    struct probe *probe = probe_of(exchange);
    assert_false(probe->is_last);
    text_add(&probe->body, data);
    probe->piece_count += data.length != 0;
    probe->is_last = last;
    if (last) {
        assert_int_equal(probe->over_count, 1);
        loop_stop(world.loop);
    } else if (probe->is_cancelled_in_body) {
        client_cancel(probe->request);
        probe->request = NULL;
        loop_stop(world.loop);
    } else {
        client_pull(probe->request);
    }
}

bool exchange_takes_pipe(const struct exchange *exchange)
{
    return exchange->takes_pipes;
}

/* Reads the piece as a front would send it on; but one that is cancelled stays in the pipe. */
void exchange_response_pipe(struct exchange *exchange, struct body_pipe *pipe, size_t length)
{
    struct probe *probe = probe_of(exchange);
    struct text piece = TEXT_INIT;
    assert_int_equal(pipe->length, length);
    ++probe->pipe_count;
    while (pipe->length != 0 && !probe->is_cancelled_in_body) {
        ssize_t got = read(pipe->read_fd, text_reserve(&piece, pipe->length), pipe->length);
        assert_true(got > 0);
        piece.length += (size_t)got;
        pipe->length -= (size_t)got;
    }
    exchange_response_body(exchange, text_slice(&piece), false);
    text_finish(&piece);
}

void exchange_fail(struct exchange *exchange, int status)
{
    struct probe *probe = probe_of(exchange);
    assert_false(probe->has_failed || probe->is_last);
    assert_int_equal(probe->over_count, 1);
    probe->has_failed = true;
    probe->failure_status = status;
    loop_stop(world.loop);
}

void exchange_fail_for(struct exchange *exchange, int status, unsigned retry_after_s)
{
    probe_of(exchange)->retry_after_s = retry_after_s;
    exchange_fail(exchange, status);
}

static void on_over(struct exchange *exchange)
{
    ++probe_of(exchange)->over_count;
}

static void probe_init(struct probe *probe, const char *method, struct slice body)
{
    *probe = (struct probe){0};
    struct exchange *exchange = &probe->exchange;
    arena_init(&exchange->arena, 0);
    exchange->owner_data = probe;
    exchange->upstream = &world.upstream;
    exchange->id = SLICE("0123456789abcdef");
    exchange->peer_address = SLICE("192.0.2.7");
    exchange->request.method = slice_from_text(method);
    exchange->request.scheme = SLICE("http");
    exchange->request.authority = SLICE("shop.example");
    exchange->request.path = SLICE("/x");
    exchange->request.minor_version = 1;
    exchange->request_body = body;
}

static void probe_finish(struct probe *probe)
{
    arena_finish(&probe->exchange.arena);
    text_finish(&probe->body);
}

static void probe_send(struct probe *probe)
{
    probe->request = client_send(world.client, &probe->exchange, &world.route, on_over);
    assert_int_equal(probe->head_count + probe->over_count, 0);
}

static void *run_script(void *data)
{
    struct backend *backend = data;
    backend->script(backend);
    return NULL;
}

static void backend_listen(struct backend *backend, int backlog)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    *backend = (struct backend){0};
    backend->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(backend->listen_fd, (struct sockaddr *)&address, length), 0);
    assert_int_equal(listen(backend->listen_fd, backlog), 0);
    assert_int_equal(getsockname(backend->listen_fd, (struct sockaddr *)&address, &length), 0);
    assert_int_equal(pipe2(backend->signal, O_CLOEXEC), 0);
    assert_int_equal(pipe2(backend->order, O_CLOEXEC), 0);
    backend->port = ntohs(address.sin_port);
}

static void backend_run(struct backend *backend, void (*script)(struct backend *backend))
{
    backend->script = script;
    assert_int_equal(pthread_create(&backend->thread, NULL, run_script, backend), 0);
}

static void backend_start(struct backend *backend, void (*script)(struct backend *backend))
{
    backend_listen(backend, 64);
    backend_run(backend, script);
}

/* Waits for the script's end. */
static void backend_join(struct backend *backend)
{
    assert_int_equal(pthread_join(backend->thread, NULL), 0);
    close(backend->listen_fd);
    for (int i = 0; i < 2; ++i) {
        close(backend->signal[i]);
        close(backend->order[i]);
    }
}

static void backend_finish(struct backend *backend)
{
    backend_join(backend);
    text_finish(&backend->seen);
}

/* For scripts: with a deadline on everything, so that a wrong expectation ends a test instead of hanging it. */
static int backend_accept(struct backend *backend)
{
    struct timeval deadline = {.tv_sec = DEADLINE_MS / 1000};
    setsockopt(backend->listen_fd, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof(deadline));
    int fd = accept4(backend->listen_fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd == -1)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof(deadline));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &deadline, sizeof(deadline));
    ++backend->accepted_count;
    return fd;
}

/* Reads one head, and adds it to what was seen. */
static void backend_read_head(struct backend *backend, int fd)
{
    size_t start = backend->seen.length;
    char c;
    while (recv(fd, &c, 1, 0) == 1) {
        text_add_char(&backend->seen, c);
        if (slice_ends_with(slice_skip(text_slice(&backend->seen), start), SLICE("\r\n\r\n")))
            return;
    }
}

static void backend_send(int fd, struct slice data)
{
    while (data.length != 0) {
        ssize_t sent = send(fd, data.data, data.length, MSG_NOSIGNAL);
        if (sent <= 0)
            return;
        data = slice_skip(data, (size_t)sent);
    }
}

static void backend_say(int fd, const char *text)
{
    backend_send(fd, slice_from_text(text));
}

/* Waits until the peer has closed the connection, and closes it here. Returns whether it did. */
static bool backend_await_close(int fd)
{
    char junk[4096];
    ssize_t received;
    while ((received = recv(fd, junk, sizeof(junk), 0)) > 0)
        continue;
    bool is_closed = received == 0 || errno == ECONNRESET;
    close(fd);
    return is_closed;
}

static void backend_tell(struct backend *backend)
{
    assert_int_equal(write(backend->signal[1], "x", 1), 1);
}

static void backend_await_order(struct backend *backend)
{
    char c;
    ssize_t ignored = read(backend->order[0], &c, 1);
    (void)ignored;
}

/* For tests: the script is where it calls backend_tell, or may go on from where it awaits an order. */
static void backend_await(struct backend *backend)
{
    char c;
    assert_int_equal(read(backend->signal[0], &c, 1), 1);
}

static void backend_order(struct backend *backend)
{
    assert_int_equal(write(backend->order[1], "x", 1), 1);
}

static void on_deadline(struct timer *timer)
{
    fprintf(stderr, "the test's deadline is over\n");
    abort();
}

static void world_open(size_t server_count)
{
    memset(&world, 0, sizeof(world));
    /* as a worker does */
    signal(SIGPIPE, SIG_IGN);
    world.loop = loop_create();
    world.resolver = resolver_create(world.loop, &(struct resolver_settings){.timeout_ms = 1000});
    world.upstream = (struct upstream_settings){
        .name = SLICE("shop"),
        .servers = world.servers,
        .server_count = server_count,
        .connect_timeout_ms = DEADLINE_MS,
        .send_timeout_ms = DEADLINE_MS,
        .response_timeout_ms = DEADLINE_MS,
        .idle_timeout_ms = DEADLINE_MS,
        .keep_alive_ms = DEADLINE_MS,
    };
    world.upstreams[0] = &world.upstream;
    world.settings = (struct settings){.upstreams = world.upstreams, .upstream_count = 1};
    world.route = (struct plan_route){.upstream = &world.upstream, .forward = &world.forward};
    world.deadline.on_timeout = on_deadline;
    timer_start(world.loop, &world.deadline, DEADLINE_MS);
}

static void world_set_server(size_t index, const char *host, uint16_t port)
{
    struct server_settings *server = &world.servers[index];
    bool is_unix = host[0] == '/';
    snprintf(world.urls[index], sizeof(world.urls[index]), is_unix ? "http+unix:%s" : "http://%s:%u", host, port);
    *server = (struct server_settings){
        .url = slice_from_text(world.urls[index]),
        .host = slice_from_text(host),
        .port = port,
        .is_unix = is_unix,
        .weight = 1,
    };
}

/* After the servers and the timeouts have been set. From here on log lines are collected. */
static void world_begin(void)
{
    world.log_fd = memfd_create("log", MFD_CLOEXEC);
    world.stderr_fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    assert_true(world.log_fd != -1 && world.stderr_fd != -1);
    dup2(world.log_fd, STDERR_FILENO);
    world.client = client_create(&world.settings, world.loop, world.resolver);
}

static void world_open_one(uint16_t port)
{
    world_open(1);
    world_set_server(0, "127.0.0.1", port);
}

/* Turns the loop until something stops it. */
static void world_run(void)
{
    loop_run(world.loop);
}

static void stop_loop(struct timer *timer)
{
    loop_stop(world.loop);
}

/* Turns the loop once or twice, with whatever is ready now. */
static void world_turn(void)
{
    struct timer timer = {.on_timeout = stop_loop};
    timer_start(world.loop, &timer, 0);
    loop_run(world.loop);
    timer_start(world.loop, &timer, 0);
    loop_run(world.loop);
}

static void world_exchange(struct probe *probe)
{
    probe_send(probe);
    world_run();
}

static void world_read_log(void)
{
    ssize_t length = pread(world.log_fd, world.log, sizeof(world.log) - 1, 0);
    world.log[length < 0 ? 0 : length] = '\0';
}

/* Whatever has happened: no try is left, and no connection but the idle ones. */
static void check_counts(void)
{
    if (world.client == NULL)
        return;
    const struct server_group *group = &world.client->groups[0];
    for (size_t i = 0; i < group->count; ++i) {
        assert_int_equal(group->servers[i].own_count.requests, 0);
        assert_int_equal(group->servers[i].own_count.connections, group->servers[i].idle_count);
    }
    assert_int_equal(world.client->upstreams[0].queue.count, 0);
}

static void expect_hello(struct probe *probe)
{
    if (probe->has_failed) {
        world_read_log();
        fail_msg("failed with %d: %s", probe->failure_status, world.log);
    }
    assert_int_equal(probe->exchange.response.status, 200);
    assert_true(probe->is_last);
    assert_string_equal(probe->body.data, "hello");
    probe_finish(probe);
}

/* Sends a request and expects "hello". */
static void exchange_hello(const char *method)
{
    struct probe probe;
    probe_init(&probe, method, SLICE_NONE);
    world_exchange(&probe);
    expect_hello(&probe);
}

static void world_close(void)
{
    check_counts();
    client_destroy(world.client);
    timer_stop(world.loop, &world.deadline);
    resolver_destroy(world.resolver);
    /* what was closed is freed in the loop's turn */
    world_turn();
    loop_destroy(world.loop);
    dup2(world.stderr_fd, STDERR_FILENO);
    close(world.stderr_fd);
    world_read_log();
    close(world.log_fd);
}

/* world.log is exactly that. */
static void world_close_with_log(const char *expected)
{
    world_close();
    assert_string_equal(world.log, expected);
}

#endif
