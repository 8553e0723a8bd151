#include "base/log.h"
#include "fuzz.h"
#include "http/http1_response.h"
#include "upstream/client.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* Bytes of a server, in pieces, on their way through the client: what an exchange is told must be what the parts of the
 * client say of the same bytes one by one, with no socket, buffer or turn of the loop between them. Whatever came, the
 * next request gets its own response. The input's first two bytes say how the others are sent. */

enum {
    MOST_FIELDS = 200,
    MOST_INTERIM = 16,
    MOST_INPUT_BYTES = 32 * 1024, /* below the limits of heads, which are the client's own */
    MOST_TURNS = 200,
};

/* The input's first byte. */
enum {
    WAY_HEAD = 1 << 0,    /* the request's method; GET otherwise */
    WAY_UPGRADE = 1 << 1, /* WebSocket is asked for */
    WAY_RESET = 1 << 2,   /* the connection ends by a reset */
    WAY_WAIT = 1 << 3,    /* the body is pulled a turn later */
    WAY_CANCEL = 1 << 4,  /* nothing is pulled: the exchange gives up */
};

struct outcome {
    bool is_complete, is_switch, is_kept;
    int status; /* 0 where there was no response */
    unsigned interim_count;
    struct text body;
};

struct probe {
    struct exchange exchange;
    struct client_request *request;
    struct outcome outcome;
    bool is_over, is_pull_due, is_waiting, is_cancelling;
};

struct world {
    struct loop *loop;
    struct resolver *resolver;
    int listen_fd;
    char path[64];
    struct forward_settings forward;
    struct field_item upgrade;
    struct server_settings server;
    struct upstream_settings upstream, *upstreams[1];
    struct settings settings;
    struct plan_route route;
};

/* In place of base/log.c: failures are what most inputs lead to. */
void log_line(enum log_level level, const char *format, ...)
{
}

static struct probe *probe_of(struct exchange *exchange)
{
    return exchange->owner_data;
}

static void want_piece(struct probe *probe)
{
    if (probe->is_cancelling) {
        client_cancel(probe->request);
        probe->is_over = true;
    } else if (probe->is_waiting) {
        probe->is_pull_due = true;
    } else {
        client_pull(probe->request);
    }
}

void exchange_response_head(struct exchange *exchange)
{
    struct probe *probe = probe_of(exchange);
    CLAIM(!probe->is_over && probe->outcome.status == 0);
    probe->outcome.status = exchange->response.status;
    for (size_t i = 0; i < exchange->response.headers.count; ++i) {
        struct header field = exchange->response.headers.items[i];
        CLAIM(header_is_name(field.name) && header_is_value(field.value) && !header_is_hop_by_hop(field.name));
    }
    want_piece(probe);
}

void exchange_interim(struct exchange *exchange, const struct response_head *interim)
{
    CLAIM(interim->status > 100 && interim->status < 200 && probe_of(exchange)->outcome.status == 0);
    ++probe_of(exchange)->outcome.interim_count;
}

void exchange_response_body(struct exchange *exchange, struct slice data, bool last)
{
    struct probe *probe = probe_of(exchange);
    CLAIM(!probe->is_over && probe->outcome.status != 0 && !probe->is_pull_due);
    text_add(&probe->outcome.body, data);
    probe->is_over = probe->outcome.is_complete = last;
    if (!last)
        want_piece(probe);
}

/* A pipe has nobody look at what comes, which is what this is for. */
bool exchange_takes_pipe(const struct exchange *exchange)
{
    return false;
}

void exchange_response_pipe(struct exchange *exchange, struct body_pipe *pipe, size_t length)
{
    CLAIM(false);
}

void exchange_fail(struct exchange *exchange, int status)
{
    CLAIM(status == 502 && !probe_of(exchange)->is_over);
    probe_of(exchange)->is_over = true;
}

void exchange_fail_for(struct exchange *exchange, int status, unsigned retry_after_s)
{
    CLAIM(false);
}

static void on_over(struct exchange *exchange)
{
}

/* Takes one head byte by byte off the front of *input. Returns what it is. */
static enum head_result expect_head(struct slice *input, struct parsed_head *head)
{
    const char *reason;
    enum head_result result = HEAD_INCOMPLETE;
    for (size_t end = 1; result == HEAD_INCOMPLETE && end <= input->length; ++end)
        result = head_parse_response(slice_of(input->data, end), end - 1, head, &reason);
    if (result == HEAD_OK)
        *input = slice_skip(*input, head->length);
    return result;
}

static void expect_body(struct slice input, const struct http1_response *response, bool is_reset,
                        struct outcome *expected)
{
    struct body_reader reader;
    uint64_t length = response->framing == BODY_LENGTH ? (uint64_t)response->body_length : 0;
    body_reader_init(&reader, response->framing, length);
    while (!reader.is_done && input.length != 0) {
        struct slice data;
        size_t extra;
        char byte = input.data[0];
        if (!body_reader_take(&reader, &byte, 1, &data, &extra))
            return;
        CLAIM(extra == 0 && data.length <= 1);
        text_add(&expected->body, data);
        input = slice_skip(input, 1);
    }
    expected->is_complete = reader.is_done || (!is_reset && body_reader_end(&reader));
    expected->is_kept = expected->is_complete && response->keep_alive && input.length == 0;
    CLAIM(response->framing != BODY_LENGTH || expected->body.length <= length);
    CLAIM(response->framing != BODY_NONE || expected->body.length == 0);
}

/* What the bytes mean. */
static void expect_response(struct slice input, unsigned way, struct outcome *expected)
{
    struct http1_response response;
    do {
        struct header fields[MOST_FIELDS];
        struct parsed_head head = {.fields = fields, .field_capacity = MOST_FIELDS};
        const char *reason;
        struct slice method = (way & WAY_HEAD) != 0 ? SLICE("HEAD") : SLICE("GET");
        struct slice upgrade = (way & WAY_UPGRADE) != 0 ? SLICE("websocket") : SLICE_NONE;
        if (expect_head(&input, &head) != HEAD_OK || !http1_response_judge(&head, method, upgrade, &response, &reason))
            return;
        if (!response.is_interim)
            expected->status = head.status;
        else if (head.status != 100)
            ++expected->interim_count;
        expected->is_switch = response.is_switch;
    } while (response.is_interim);
    if (expected->is_switch)
        expected->is_complete = true;
    else
        expect_body(input, &response, (way & WAY_RESET) != 0, expected);
}

/* The client counts 100 too. */
static unsigned count_interim(struct slice input)
{
    unsigned count = 0;
    struct header fields[MOST_FIELDS];
    struct parsed_head head = {.fields = fields, .field_capacity = MOST_FIELDS};
    while (expect_head(&input, &head) == HEAD_OK && head.status < 200 && head.status != 101)
        ++count;
    return count;
}

/* The socket's file goes at once, and is reached by its descriptor, so that nothing is left of a run. */
static void listen_somewhere(struct world *world)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof(address.sun_path), "/tmp/fuzz_response.%d", (int)getpid());
    world->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    CLAIM(bind(world->listen_fd, (struct sockaddr *)&address, sizeof(address)) == 0);
    CLAIM(listen(world->listen_fd, 8) == 0);
    snprintf(world->path, sizeof(world->path), "/proc/self/fd/%d", open(address.sun_path, O_PATH | O_CLOEXEC));
    unlink(address.sun_path);
}

static void open_world(struct world *world)
{
    listen_somewhere(world);
    world->loop = loop_create();
    world->resolver = resolver_create(world->loop, &(struct resolver_settings){.timeout_ms = 1000});
    world->upgrade.text = SLICE("websocket");
    world->forward = (struct forward_settings){.upgrades = &world->upgrade, .upgrade_count = 1};
    world->server = (struct server_settings){
        .url = SLICE("http+unix:x"), .host = slice_from_text(world->path), .is_unix = true, .weight = 1};
    world->upstream = (struct upstream_settings){.name = SLICE("x"),
                                                 .servers = &world->server,
                                                 .server_count = 1,
                                                 .connect_timeout_ms = 60000,
                                                 .send_timeout_ms = 60000,
                                                 .response_timeout_ms = 60000,
                                                 .idle_timeout_ms = 60000,
                                                 .keep_alive_ms = 60000};
    world->upstreams[0] = &world->upstream;
    world->settings = (struct settings){.upstreams = world->upstreams, .upstream_count = 1};
    world->route = (struct plan_route){.upstream = &world->upstream, .forward = &world->forward};
}

static struct world *get_world(void)
{
    static struct world world;
    if (world.loop == NULL)
        open_world(&world);
    return &world;
}

static void on_turn(struct timer *timer)
{
    loop_stop(timer->data);
}

/* Has everything happen that can happen without more bytes. */
static void turn(struct world *world, struct probe *probe)
{
    for (int i = 0; i < 2; ++i) {
        struct timer timer = {.on_timeout = on_turn, .data = world->loop};
        timer_start(world->loop, &timer, 0);
        loop_run(world->loop);
        if (probe->is_pull_due) {
            probe->is_pull_due = false;
            client_pull(probe->request);
        }
    }
}

static void begin(struct world *world, struct client *client, struct probe *probe, unsigned way)
{
    struct exchange *exchange = &probe->exchange;
    arena_init(&exchange->arena, 0);
    exchange->owner_data = probe;
    exchange->upstream = &world->upstream;
    exchange->id = SLICE("0123456789abcdef");
    exchange->peer_address = SLICE("192.0.2.7");
    exchange->request.method = (way & WAY_HEAD) != 0 ? SLICE("HEAD") : SLICE("GET");
    exchange->request.scheme = SLICE("http");
    exchange->request.authority = SLICE("shop.example");
    exchange->request.path = SLICE("/x");
    exchange->request.minor_version = 1;
    exchange->request.upgrade = (way & WAY_UPGRADE) != 0 ? SLICE("websocket") : SLICE_NONE;
    probe->is_waiting = (way & WAY_WAIT) != 0;
    probe->is_cancelling = (way & WAY_CANCEL) != 0;
    probe->request = client_send(client, exchange, &world->route, on_over);
    turn(world, probe);
}

static void finish(struct probe *probe)
{
    arena_finish(&probe->exchange.arena);
    text_finish(&probe->outcome.body);
}

/* Sends the input in one piece where seed is 0, or in pieces whose sizes vary with it: the larger it is, the larger
 * they are. */
static void send_pieces(struct world *world, struct probe *probe, int fd, struct slice input, unsigned seed)
{
    size_t most = input.length / 32 + seed;
    bool is_whole = seed == 0;
    for (unsigned count = 0; input.length != 0; ++count) {
        seed = seed * 1103515245 + 12345;
        size_t length = is_whole ? input.length : 1 + (seed >> 16) % most;
        if (length > input.length || count == MOST_TURNS)
            length = input.length;
        /* where the client has closed, nothing more arrives */
        if (send(fd, input.data, length, MSG_NOSIGNAL) < 0)
            return;
        input = slice_skip(input, length);
        turn(world, probe);
    }
}

/* Ends the connection; unread bytes make that a reset. */
static void end_connection(struct world *world, struct probe *probe, int fd, bool is_reset)
{
    char junk[4096];
    if (!is_reset) {
        while (recv(fd, junk, sizeof(junk), MSG_DONTWAIT) > 0)
            continue;
    }
    close(fd);
    for (int i = 0; i < MOST_TURNS && !probe->is_over; ++i)
        turn(world, probe);
    CLAIM(probe->is_over);
}

/* Whether the client keeps the connection, the request on which has been read then. */
static bool is_kept(int fd)
{
    char junk[4096];
    ssize_t received;
    do {
        received = recv(fd, junk, sizeof(junk), MSG_DONTWAIT);
    } while (received > 0);
    return received == -1 && errno == EAGAIN;
}

/* Another request, whose response must be its own. */
static void ask_again(struct world *world, struct client *client, int fd, bool was_kept)
{
    struct probe probe = {0};
    struct slice response = SLICE("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecond");
    begin(world, client, &probe, 0);
    int new_fd = accept(world->listen_fd, NULL, NULL);
    CLAIM((new_fd == -1) == was_kept);
    CLAIM(send(new_fd == -1 ? fd : new_fd, response.data, response.length, MSG_NOSIGNAL) == (ssize_t)response.length);
    turn(world, &probe);
    CLAIM(probe.is_over && probe.outcome.is_complete && probe.outcome.status == 200);
    CLAIM(slice_equals(text_slice(&probe.outcome.body), SLICE("second")));
    if (new_fd != -1)
        close(new_fd);
    finish(&probe);
}

static void compare(const struct outcome *told, const struct outcome *expected)
{
    CLAIM(told->is_complete == expected->is_complete);
    /* what is found wrong together with the head is refused, and nothing is passed on */
    CLAIM(told->status == expected->status || (!expected->is_complete && told->status == 0));
    CLAIM(told->interim_count == expected->interim_count);
    CLAIM(slice_starts_with(text_slice(&expected->body), text_slice(&told->body)));
    CLAIM(!expected->is_complete || told->body.length == expected->body.length);
}

static void run(struct slice input, unsigned way, unsigned seed, const struct outcome *expected)
{
    struct world *world = get_world();
    struct client *client = client_create(&world->settings, world->loop, world->resolver);
    struct probe probe = {0};
    begin(world, client, &probe, way);
    int fd = accept(world->listen_fd, NULL, NULL);
    CLAIM(fd != -1 && !probe.is_over);
    send_pieces(world, &probe, fd, input, seed);
    bool was_kept = probe.is_over && is_kept(fd);
    CLAIM(!was_kept || (expected->is_kept && !expected->is_switch));
    CLAIM(was_kept || !expected->is_kept || probe.is_cancelling || !probe.is_over);
    if (was_kept)
        ask_again(world, client, fd, true);
    end_connection(world, &probe, fd, (way & WAY_RESET) != 0);
    turn(world, &probe);
    ask_again(world, client, -1, false);
    if (!probe.is_cancelling)
        compare(&probe.outcome, expected);
    finish(&probe);
    client_destroy(client);
    turn(world, &(struct probe){0});
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct outcome expected = {0};
    if (size < 3 || size > MOST_INPUT_BYTES)
        return 0;
    struct slice input = slice_of((const char *)bytes + 2, size - 2);
    if (count_interim(input) > MOST_INTERIM)
        return 0;
    expect_response(input, bytes[0], &expected);
    run(input, bytes[0], bytes[1], &expected);
    text_finish(&expected.body);
    return 0;
}
