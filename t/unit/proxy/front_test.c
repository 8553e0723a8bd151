#include "base/alloc.h"
#include "base/slot.h"
#include "proxy/proxy.h"

#include <arpa/inet.h>
#include <errno.h>
#include <malloc.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmocka.h>

/* The front as a worker uses it, on a thread of its own, with a plan of built-in filters; the tests are its clients. */

enum {
    DEADLINE_S = 60,
    BIG_BYTES = 20 * 1000 * 1000, /* more than the buffers of both ends hold */
};

struct plan {
    struct plan_route hello, echo, wait, big, nothing;
};

struct worker {
    struct settings settings;
    struct listener_settings listener;
    struct loop *loop;
    struct runtime *runtime;
    struct proxy *proxy;
    struct plan plan;
    struct use *uses[4];
    struct slot slot;
    pthread_t thread;
    bool is_running;
    struct sockaddr_in address;
    atomic_int command; /* what on_wake is to do */
    atomic_int drained_count;
};

enum command {
    COMMAND_NONE = 0,
    COMMAND_DRAIN,
    COMMAND_CLOSE_IDLE,
    COMMAND_CUT,
};

static atomic_int wait_count, end_count;
static char big_body[BIG_BYTES];

static flexilib_answer reply(struct flexilib_exchange *exchange, const struct flexilib_core *core, const char *data,
                             size_t length)
{
    return core->reply(exchange, 200, "text/plain", 10, data, length) ? FLEXILIB_REPLY : FLEXILIB_FAIL;
}

static bool create(const struct flexilib_core *core, const struct flexilib_value *options, void **filter)
{
    *filter = (void *)(uintptr_t)core;
    return true;
}

static flexilib_answer answer_hello(void *filter, struct flexilib_exchange *exchange)
{
    return reply(exchange, filter, "hello", 5);
}

static flexilib_answer ask_for_all(void *filter, struct flexilib_exchange *exchange)
{
    const struct flexilib_core *core = filter;
    return core->collect(exchange, FLEXILIB_REQUEST, UINT64_MAX) ? FLEXILIB_CONTINUE : FLEXILIB_FAIL;
}

static flexilib_answer answer_echo(void *filter, struct flexilib_exchange *exchange, const char *data, size_t length,
                                   bool last)
{
    return reply(exchange, filter, data, length);
}

static flexilib_answer wait_for_ever(void *filter, struct flexilib_exchange *exchange)
{
    const struct flexilib_core *core = filter;
    core->ticket(exchange);
    ++wait_count;
    return FLEXILIB_PAUSE;
}

static flexilib_answer answer_big(void *filter, struct flexilib_exchange *exchange)
{
    return reply(exchange, filter, big_body, sizeof(big_body));
}

static void count_end(void *filter, struct flexilib_exchange *exchange)
{
    ++end_count;
}

static const struct flexilib_filter filters[] = {
    {.name = "hello", .create = create, .on_request_head = answer_hello, .on_end = count_end},
    {.name = "echo",
     .create = create,
     .on_request_head = ask_for_all,
     .on_request_body = answer_echo,
     .on_end = count_end},
    {.name = "wait", .create = create, .on_request_head = wait_for_ever, .on_end = count_end},
    {.name = "big", .create = create, .on_request_head = answer_big, .on_end = count_end},
};

const struct plan_route *plan_find(const struct plan *plan, const struct request_head *head, struct slice listener)
{
    if (slice_equals(head->path, SLICE("/hello")))
        return &plan->hello;
    if (slice_equals(head->path, SLICE("/echo")))
        return &plan->echo;
    if (slice_equals(head->path, SLICE("/wait")))
        return &plan->wait;
    if (slice_equals(head->path, SLICE("/big")))
        return &plan->big;
    return &plan->nothing;
}

static void on_drained(void *data)
{
    struct worker *worker = data;
    ++worker->drained_count;
    loop_stop(worker->loop);
}

static void on_wake(void *data)
{
    struct worker *worker = data;
    switch (atomic_exchange(&worker->command, COMMAND_NONE)) {
    case COMMAND_DRAIN:
        proxy_drain(worker->proxy, on_drained, worker);
        break;
    case COMMAND_CLOSE_IDLE:
        proxy_drain(worker->proxy, on_drained, worker);
        proxy_close_idle(worker->proxy);
        break;
    case COMMAND_CUT:
        proxy_drain(worker->proxy, on_drained, worker);
        proxy_cut(worker->proxy);
        break;
    }
}

static void wake_nobody(void *context)
{
}

static void *run_worker(void *data)
{
    struct worker *worker = data;
    loop_run(worker->loop);
    return NULL;
}

static void make_plan(struct worker *worker)
{
    struct plan_route *routes[] = {&worker->plan.hello, &worker->plan.echo, &worker->plan.wait, &worker->plan.big};
    for (size_t i = 0; i < 4; ++i) {
        struct error error = ERROR_INIT;
        worker->uses[i] = use_create(worker->runtime, NULL, &filters[i], &(struct step_settings){0}, NULL, &error);
        assert_non_null(worker->uses[i]);
        routes[i]->name = slice_from_text(filters[i].name);
        routes[i]->target = PLAN_HANDLER;
        routes[i]->body_limit_bytes = 100000;
        routes[i]->chain = (struct chain){.uses = &worker->uses[i], .count = 1, .ends_in_handler = true};
    }
    worker->plan.nothing.target = PLAN_NOTHING;
}

static int listen_on_loopback(struct sockaddr_in *address)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    *address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(bind(fd, (struct sockaddr *)address, sizeof(*address)), 0);
    assert_int_equal(listen(fd, 1024), 0);
    socklen_t length = sizeof(*address);
    assert_int_equal(getsockname(fd, (struct sockaddr *)address, &length), 0);
    return fd;
}

static int start_worker(void **state)
{
    static const struct runtime_services services = {.wake = wake_nobody};
    struct worker *worker = mem_zalloc(sizeof(*worker));
    worker->settings = (struct settings){
        .style = SETTINGS_YAML,
        .listeners = &worker->listener,
        .listener_count = 1,
        .head_limit_bytes = 65536,
        .header_limit = 100,
        .header_timeout_ms = DEADLINE_S * 1000,
        .body_timeout_ms = DEADLINE_S * 1000,
        .keep_alive_timeout_ms = DEADLINE_S * 1000,
        .write_timeout_ms = DEADLINE_S * 1000,
        .handler_timeout_ms = DEADLINE_S * 1000,
        .arena_bytes = 2048,
    };
    wait_count = end_count = 0;
    worker->loop = loop_create();
    worker->runtime = runtime_create(&services, &worker->slot, 2048);
    make_plan(worker);
    worker->proxy = proxy_create(worker->loop, &worker->settings, worker->runtime, -1, &worker->slot);
    proxy_use_plan(worker->proxy, &worker->plan);
    proxy_add_listener(worker->proxy, 0, listen_on_loopback(&worker->address));
    proxy_accept(worker->proxy);
    loop_set_wake(worker->loop, on_wake, worker);
    *state = worker;
    return 0;
}

static void run(struct worker *worker)
{
    assert_int_equal(pthread_create(&worker->thread, NULL, run_worker, worker), 0);
    worker->is_running = true;
}

static void command(struct worker *worker, enum command what)
{
    worker->command = what;
    loop_wake(worker->loop);
}

static void join(struct worker *worker)
{
    pthread_join(worker->thread, NULL);
    worker->is_running = false;
}

/* Drains or cuts, and checks that nothing is left. */
static void end(struct worker *worker, enum command what)
{
    command(worker, what);
    join(worker);
    assert_int_equal(worker->drained_count, 1);
    assert_int_equal(worker->slot.connections, 0);
    assert_int_equal(runtime_exchange_count(worker->runtime), 0);
}

static int stop_worker(void **state)
{
    struct worker *worker = *state;
    if (worker->is_running) { /* the test has failed */
        command(worker, COMMAND_CUT);
        join(worker);
    }
    proxy_destroy(worker->proxy);
    for (size_t i = 0; i < 4; ++i)
        use_destroy(worker->uses[i]);
    runtime_destroy(worker->runtime);
    loop_destroy(worker->loop);
    free(worker);
    return 0;
}

static int connect_to(const struct worker *worker)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct timeval deadline = {.tv_sec = DEADLINE_S};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof(deadline));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &deadline, sizeof(deadline));
    assert_int_equal(connect(fd, (const struct sockaddr *)&worker->address, sizeof(worker->address)), 0);
    return fd;
}

static void send_text(int fd, const char *text)
{
    size_t length = strlen(text);
    assert_int_equal(send(fd, text, length, MSG_NOSIGNAL), length);
}

/* Reads until text has come; what came before it is thrown away. False where the connection ended before. */
static bool await(int fd, const char *text)
{
    size_t matched = 0, length = strlen(text);
    while (matched < length) {
        char c;
        ssize_t received = recv(fd, &c, 1, 0);
        if (received != 1)
            return false;
        if (c == text[matched])
            ++matched;
        else
            matched = c == text[0];
    }
    return true;
}

/* Whether the connection ends here, in good order. */
static bool has_ended(int fd)
{
    char c;
    return recv(fd, &c, 1, 0) == 0;
}

static void wait_until(atomic_int *counter, int value)
{
    while (*counter < value)
        sched_yield();
}

#define HELLO    "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"
#define GREETING "\r\nContent-Length: 5\r\n\r\nhello"

static void serves_requests_one_after_another(void **state)
{
    struct worker *worker = *state;
    run(worker);
    int fd = connect_to(worker);
    for (int i = 0; i < 3; ++i) {
        send_text(fd, HELLO);
        assert_true(await(fd, "HTTP/1.1 200 OK\r\n"));
        assert_true(await(fd, GREETING));
    }
    send_text(fd, "GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    assert_true(await(fd, "Connection: close\r\n\r\nhello"));
    assert_true(has_ended(fd));
    close(fd);
    end(worker, COMMAND_DRAIN);
    assert_int_equal(end_count, 4);
}

static void takes_a_request_byte_by_byte(void **state)
{
    struct worker *worker = *state;
    run(worker);
    int fd = connect_to(worker);
    static const char text[] = "\r\nPOST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                               "3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nT: x\r\n\r\n" HELLO;
    for (const char *c = text; *c != '\0'; ++c)
        assert_int_equal(send(fd, c, 1, MSG_NOSIGNAL), 1);
    assert_true(await(fd, "\r\nContent-Length: 5\r\n\r\nabcde"));
    assert_true(await(fd, GREETING));
    close(fd);
    end(worker, COMMAND_DRAIN);
}

static void *send_pipeline(void *data)
{
    const int *fd = data;
    static const char request[] = "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n";
    static char block[1000 * (sizeof(request) - 1)];
    for (int i = 0; i < 1000; ++i)
        memcpy(block + i * (sizeof(request) - 1), request, sizeof(request) - 1);
    for (int i = 0; i < 100; ++i) {
        for (size_t sent = 0; sent < sizeof(block);) {
            ssize_t taken = send(*fd, block + sent, sizeof(block) - sent, MSG_NOSIGNAL);
            if (taken <= 0)
                return NULL;
            sent += (size_t)taken;
        }
    }
    return NULL;
}

static void serves_100_000_pipelined_requests(void **state)
{
    struct worker *worker = *state;
    run(worker);
    int fd = connect_to(worker);
    pthread_t sender;
    assert_int_equal(pthread_create(&sender, NULL, send_pipeline, &fd), 0);
    char buffer[65536];
    int bodies = 0;
    size_t matched = 0;
    while (bodies < 100000) {
        ssize_t received = recv(fd, buffer, sizeof(buffer), 0);
        assert_true(received > 0);
        for (ssize_t i = 0; i < received; ++i) {
            matched = buffer[i] == GREETING[matched] ? matched + 1 : buffer[i] == GREETING[0];
            if (matched == sizeof(GREETING) - 1) {
                matched = 0;
                ++bodies;
            }
        }
    }
    pthread_join(sender, NULL);
    close(fd);
    end(worker, COMMAND_DRAIN);
    assert_int_equal(end_count, 100000);
}

static void nothing_follows_a_refusal(void **state)
{
    struct worker *worker = *state;
    run(worker);
    int fd = connect_to(worker);
    send_text(fd, "GET /hello HTTP/1.1\r\n\r\n" HELLO);
    assert_true(await(fd, "HTTP/1.1 400 Bad Request\r\n"));
    assert_true(await(fd, "Connection: close\r\n\r\n400 Bad Request: no Host field\n"));
    assert_true(has_ended(fd));
    close(fd);
    end(worker, COMMAND_DRAIN);
    assert_int_equal(end_count, 0);
}

static void the_exchange_of_a_client_that_left_ends(void **state)
{
    struct worker *worker = *state;
    run(worker);
    int fd = connect_to(worker);
    send_text(fd, "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
    wait_until(&wait_count, 1);
    close(fd);
    wait_until(&end_count, 1);
    end(worker, COMMAND_DRAIN);
}

static void a_cut_ends_what_waits(void **state)
{
    struct worker *worker = *state;
    run(worker);
    int waiting = connect_to(worker), idle = connect_to(worker), partly = connect_to(worker);
    send_text(waiting, "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
    wait_until(&wait_count, 1);
    send_text(idle, HELLO);
    assert_true(await(idle, GREETING));
    send_text(partly, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n");
    assert_true(await(partly, "HTTP/1.1 100 Continue\r\n\r\n"));
    end(worker, COMMAND_CUT);
    assert_int_equal(end_count, 3);
    close(waiting);
    close(idle);
    close(partly);
}

static void a_pause_has_an_end(void **state)
{
    struct worker *worker = *state;
    worker->settings.handler_timeout_ms = 20;
    run(worker);
    int fd = connect_to(worker);
    send_text(fd, "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_true(await(fd, "HTTP/1.1 504 "));
    assert_true(await(fd, "\r\n\r\n"));
    close(fd);
    end(worker, COMMAND_DRAIN);
    assert_int_equal(end_count, 1);
}

/* The listening socket is gone once the drain has begun. */
static void wait_until_refused(const struct worker *worker)
{
    int result;
    do {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        result = connect(fd, (const struct sockaddr *)&worker->address, sizeof(worker->address));
        close(fd);
    } while (result == 0);
}

static void a_draining_worker_answers_once_more(void **state)
{
    struct worker *worker = *state;
    worker->settings.keep_alive_timeout_ms = 200;
    run(worker);
    int fd = connect_to(worker), busy = connect_to(worker), idle = connect_to(worker);
    send_text(idle, HELLO);
    assert_true(await(idle, GREETING));
    send_text(fd, HELLO);
    assert_true(await(fd, GREETING));
    send_text(busy, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    assert_true(await(busy, "HTTP/1.1 100 Continue\r\n\r\n"));
    command(worker, COMMAND_DRAIN);
    wait_until_refused(worker);
    send_text(busy, "xy");
    assert_true(await(busy, "Connection: close\r\n\r\nxy"));
    assert_true(has_ended(busy));
    close(busy);
    assert_true(has_ended(idle));
    close(idle);
    close(fd);
    join(worker);
    assert_int_equal(worker->drained_count, 1);
}

static void a_drain_need_not_wait_for_idle_connections(void **state)
{
    struct worker *worker = *state;
    run(worker);
    int busy = connect_to(worker), idle = connect_to(worker);
    send_text(idle, HELLO);
    assert_true(await(idle, GREETING));
    send_text(busy, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    assert_true(await(busy, "HTTP/1.1 100 Continue\r\n\r\n"));
    command(worker, COMMAND_CLOSE_IDLE);
    assert_true(has_ended(idle));
    close(idle);
    send_text(busy, "xy");
    assert_true(await(busy, "Connection: close\r\n\r\nxy"));
    assert_true(has_ended(busy));
    close(busy);
    join(worker);
    assert_int_equal(worker->drained_count, 1);
}

static void silence_and_drips_in_a_head_have_an_end(void **state)
{
    struct worker *worker = *state;
    worker->settings.header_timeout_ms = 1000;
    run(worker);
    int silent = connect_to(worker), head = connect_to(worker);
    send_text(head, "GET /hello HTTP/1.1\r\nHo");
    assert_true(await(head, "HTTP/1.1 408 Request Timeout\r\n"));
    assert_true(await(head, "408 Request Timeout: the head did not come in time\n"));
    assert_true(has_ended(head));
    assert_true(has_ended(silent));
    close(head);
    close(silent);
    end(worker, COMMAND_DRAIN);
}

static void a_body_that_stops_coming_is_given_up(void **state)
{
    struct worker *worker = *state;
    worker->settings.body_timeout_ms = 20;
    run(worker);
    int fd = connect_to(worker);
    send_text(fd, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab");
    assert_true(await(fd, "HTTP/1.1 408 Request Timeout\r\n"));
    assert_true(await(fd, "408 Request Timeout: the body did not come in time\n"));
    assert_true(has_ended(fd));
    close(fd);
    end(worker, COMMAND_DRAIN);
    assert_int_equal(end_count, 1);
}

static void a_client_that_does_not_read_is_cut(void **state)
{
    struct worker *worker = *state;
    worker->settings.write_timeout_ms = 200;
    run(worker);
    int fd = connect_to(worker);
    send_text(fd, "GET /big HTTP/1.1\r\nHost: a\r\n\r\n");
    wait_until(&end_count, 1);
    char buffer[65536];
    size_t total = 0;
    ssize_t received;
    while ((received = recv(fd, buffer, sizeof(buffer), 0)) > 0)
        total += (size_t)received;
    assert_int_equal(received, -1);
    assert_int_equal(errno, ECONNRESET);
    assert_true(total < BIG_BYTES);
    close(fd);
    end(worker, COMMAND_DRAIN);
}

static void a_large_body_comes_whole(void **state)
{
    struct worker *worker = *state;
    for (size_t i = 0; i < BIG_BYTES; ++i)
        big_body[i] = (char)(i * 7 + i / 1000);
    run(worker);
    int fd = connect_to(worker);
    send_text(fd, "GET /big HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_true(await(fd, "Content-Length: 20000000\r\n\r\n"));
    char buffer[65536];
    for (size_t total = 0; total < BIG_BYTES;) {
        ssize_t received = recv(fd, buffer, sizeof(buffer), 0);
        assert_true(received > 0);
        assert_memory_equal(buffer, big_body + total, (size_t)received);
        total += (size_t)received;
    }
    send_text(fd, HELLO);
    assert_true(await(fd, GREETING));
    close(fd);
    end(worker, COMMAND_DRAIN);
}

/* Most of an upload is under way when the answer is there: it must not be lost in a reset. */
static void an_early_answer_reaches_a_client_that_goes_on_sending(void **state)
{
    struct worker *worker = *state;
    run(worker);
    int fd = connect_to(worker);
    send_text(fd, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 20000000\r\n\r\n");
    for (size_t sent = 0; sent < BIG_BYTES;) {
        ssize_t taken = send(fd, big_body + sent, BIG_BYTES - sent, MSG_NOSIGNAL);
        assert_true(taken > 0);
        sent += (size_t)taken;
    }
    assert_true(await(fd, "HTTP/1.1 413 Content Too Large\r\n"));
    assert_true(await(fd, "413 Content Too Large: the body is too large\n"));
    assert_true(has_ended(fd));
    close(fd);
    end(worker, COMMAND_DRAIN);
}

static void an_idle_connection_costs_little_memory(void **state)
{
#if defined(__SANITIZE_ADDRESS__)
    skip();
#else
    enum { CONNECTIONS = 200 };
    struct worker *worker = *state;
    static int fds[CONNECTIONS];
    run(worker);
    /* what the worker keeps for all of them is there after the first ones */
    for (size_t i = 0; i < CONNECTIONS / 2; ++i) {
        fds[i] = connect_to(worker);
        send_text(fds[i], HELLO);
        assert_true(await(fds[i], GREETING));
    }
    size_t before = mallinfo2().uordblks;
    for (size_t i = CONNECTIONS / 2; i < CONNECTIONS; ++i) {
        fds[i] = connect_to(worker);
        send_text(fds[i], HELLO);
        assert_true(await(fds[i], GREETING));
    }
    size_t each = (mallinfo2().uordblks - before) / (CONNECTIONS / 2);
    for (size_t i = 0; i < CONNECTIONS; ++i)
        close(fds[i]);
    end(worker, COMMAND_DRAIN);
    assert_in_range(each, 200, 2048);
#endif
}

/* The worker must not spin, and must go on when there are descriptors again. */
static void a_shortage_of_descriptors_passes(void **state)
{
    struct worker *worker = *state;
    struct rlimit before, narrow;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    run(worker);
    int first = connect_to(worker);
    send_text(first, HELLO);
    assert_true(await(first, GREETING));
    int late = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    narrow = before;
    narrow.rlim_cur = (rlim_t)late + 1;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &narrow), 0);
    assert_int_equal(connect(late, (const struct sockaddr *)&worker->address, sizeof(worker->address)), 0);
    send_text(late, HELLO);
    send_text(first, HELLO);
    assert_true(await(first, GREETING));
    assert_int_equal(__atomic_load_n(&worker->slot.connections, __ATOMIC_RELAXED), 1);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_true(await(late, GREETING));
    close(first);
    close(late);
    end(worker, COMMAND_DRAIN);
}

#define ON_WORKER(test) cmocka_unit_test_setup_teardown(test, start_worker, stop_worker)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_WORKER(serves_requests_one_after_another),
        ON_WORKER(takes_a_request_byte_by_byte),
        ON_WORKER(serves_100_000_pipelined_requests),
        ON_WORKER(nothing_follows_a_refusal),
        ON_WORKER(the_exchange_of_a_client_that_left_ends),
        ON_WORKER(a_cut_ends_what_waits),
        ON_WORKER(a_pause_has_an_end),
        ON_WORKER(a_draining_worker_answers_once_more),
        ON_WORKER(a_drain_need_not_wait_for_idle_connections),
        ON_WORKER(silence_and_drips_in_a_head_have_an_end),
        ON_WORKER(a_body_that_stops_coming_is_given_up),
        ON_WORKER(a_client_that_does_not_read_is_cut),
        ON_WORKER(a_large_body_comes_whole),
        ON_WORKER(an_early_answer_reaches_a_client_that_goes_on_sending),
        ON_WORKER(an_idle_connection_costs_little_memory),
        ON_WORKER(a_shortage_of_descriptors_passes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
