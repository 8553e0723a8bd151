#include "front_world.h"

#include "base/log.h"
#include "base/slot.h"
#include "fuzz.h"
#include "proxy/proxy.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    MOST_CONNECTIONS = 64,
    MOST_PIECES = 48,
    MOST_TURNS = 2000,
    QUIET_TURNS = 3, /* after which nothing more will happen by itself */
    TIMEOUT_MS = 3600 * 1000,
};

struct plan {
    struct plan_route route;
};

/* Of the proxy to our server. */
struct server_connection {
    int fd;
    size_t unread; /* where the first request begins that is not whole */
    bool is_answered;
    struct text received;
};

struct seen {
    size_t connection, start;
};

struct world {
    struct loop *loop;
    struct proxy *proxy;
    struct plan plan;
    int front_fd, server_fd, client_fd;
    char server_path[64];
    struct sockaddr_un front_address;
    socklen_t front_address_length;
    struct listener_settings listener;
    struct forward_settings forward;
    struct server_settings server;
    struct upstream_settings upstream, *upstreams[1];
    struct settings settings;
    struct slot slot;
    bool answers_early, is_closed, has_progress;
    struct text answers;
    struct server_connection connections[MOST_CONNECTIONS];
    size_t connection_count;
    struct seen seen[WORLD_MOST_REQUESTS];
    size_t seen_count;
};

/* In place of base/log.c: refusals are what most inputs lead to. */
void log_line(enum log_level level, const char *format, ...)
{
}

const struct plan_route *plan_find(const struct plan *plan, const struct request_head *head, struct slice listener)
{
    return &plan->route;
}

static void wake_nobody(void *context)
{
}

static int listen_at(const struct sockaddr_un *address, socklen_t length)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    CLAIM(bind(fd, (const struct sockaddr *)address, length) == 0 && listen(fd, MOST_CONNECTIONS) == 0);
    return fd;
}

/* The socket's file goes at once, and is reached by its descriptor, so that nothing is left of a run. */
static void listen_as_server(struct world *world)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof(address.sun_path), "/tmp/fuzz_front.%d", (int)getpid());
    world->server_fd = listen_at(&address, sizeof(address));
    snprintf(world->server_path, sizeof(world->server_path), "/proc/self/fd/%d",
             open(address.sun_path, O_PATH | O_CLOEXEC));
    unlink(address.sun_path);
}

static void listen_as_front(struct world *world)
{
    world->front_address.sun_family = AF_UNIX; /* and no path: the kernel finds an abstract name */
    world->front_fd = listen_at(&world->front_address, sizeof(sa_family_t));
    world->front_address_length = sizeof(world->front_address);
    CLAIM(getsockname(world->front_fd, (struct sockaddr *)&world->front_address, &world->front_address_length) == 0);
}

static void make_settings(struct world *world)
{
    world->listener = (struct listener_settings){.is_unix = true, .speaks_http2 = true};
    world->forward = (struct forward_settings){.forwarded = FORWARDED_NONE};
    world->server = (struct server_settings){
        .url = SLICE("http+unix:x"), .host = slice_from_text(world->server_path), .is_unix = true, .weight = 1};
    world->upstream = (struct upstream_settings){.name = SLICE("x"),
                                                 .servers = &world->server,
                                                 .server_count = 1,
                                                 .connect_timeout_ms = TIMEOUT_MS,
                                                 .send_timeout_ms = TIMEOUT_MS,
                                                 .response_timeout_ms = TIMEOUT_MS,
                                                 .idle_timeout_ms = TIMEOUT_MS,
                                                 .keep_alive_ms = TIMEOUT_MS};
    world->upstreams[0] = &world->upstream;
    world->settings = (struct settings){.style = SETTINGS_YAML,
                                        .listeners = &world->listener,
                                        .listener_count = 1,
                                        .upstreams = world->upstreams,
                                        .upstream_count = 1,
                                        .head_limit_bytes = 64 * 1024,
                                        .header_limit = 100,
                                        .header_timeout_ms = TIMEOUT_MS,
                                        .body_timeout_ms = TIMEOUT_MS,
                                        .keep_alive_timeout_ms = TIMEOUT_MS,
                                        .write_timeout_ms = TIMEOUT_MS,
                                        .handler_timeout_ms = TIMEOUT_MS,
                                        .arena_bytes = 2048};
    world->plan.route = (struct plan_route){.name = SLICE("x"),
                                            .target = PLAN_PROXY,
                                            .upstream = &world->upstream,
                                            .forward = &world->forward,
                                            .body_limit_bytes = 1024 * 1024};
}

static void open_world(struct world *world)
{
    static const struct runtime_services services = {.wake = wake_nobody};
    struct error error = ERROR_INIT;
    listen_as_server(world);
    listen_as_front(world);
    make_settings(world);
    world->client_fd = -1;
    world->loop = loop_create();
    struct runtime *runtime = runtime_create(&services, NULL, 2048);
    world->proxy = proxy_create(world->loop, &world->settings, runtime, -1, &world->slot);
    proxy_use_plan(world->proxy, &world->plan);
    CLAIM(proxy_prepare(world->proxy, &error));
    proxy_add_listener(world->proxy, 0, world->front_fd);
    proxy_accept(world->proxy);
}

static struct world *get_world(void)
{
    static struct world *world;
    if (world == NULL) {
        world = calloc(1, sizeof(*world));
        CLAIM(world != NULL);
        open_world(world);
    }
    return world;
}

/* Receives all there is; false at the end. */
static bool receive(struct world *world, int fd, struct text *into)
{
    ssize_t received;
    do {
        char *room = text_reserve(into, 16 * 1024);
        received = recv(fd, room, 16 * 1024 - 1, MSG_DONTWAIT);
        if (received > 0) {
            into->length += (size_t)received;
            into->data[into->length] = '\0';
            world->has_progress = true;
        }
    } while (received > 0);
    return received == -1 && errno == EAGAIN;
}

static void answer(struct world *world, struct server_connection *connection, const struct strict_request *request)
{
    struct slice response = SLICE("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    if (slice_equals(request->method, SLICE("HEAD")))
        response.length -= 2;
    world->has_progress = true;
    /* the proxy may have closed it */
    (void)!send(connection->fd, response.data, response.length, MSG_NOSIGNAL);
}

static void note_request(struct world *world, const struct server_connection *connection)
{
    CLAIM(world->seen_count < WORLD_MOST_REQUESTS);
    world->seen[world->seen_count++] =
        (struct seen){.connection = (size_t)(connection - world->connections), .start = connection->unread};
}

/* Reads what is new, strictly: nothing malformed ever comes to the server. */
static void serve_requests(struct world *world, struct server_connection *connection)
{
    while (connection->unread < connection->received.length) {
        struct strict_request request = {0};
        struct slice input = slice_skip(text_slice(&connection->received), connection->unread);
        CLAIM(input.data[0] != '\r');
        enum strict_verdict verdict = strict_read_request(&input, &request);
        CLAIM(verdict != STRICT_BAD);
        bool is_whole = verdict != STRICT_PARTIAL;
        bool is_known = request.has_head && (is_whole || world->answers_early);
        if (is_known && !connection->is_answered) {
            note_request(world, connection);
            answer(world, connection, &request);
        }
        connection->is_answered = is_known;
        strict_request_finish(&request);
        if (!is_whole)
            return;
        connection->is_answered = false;
        connection->unread = (size_t)(input.data - connection->received.data);
    }
}

static void accept_connection(struct world *world)
{
    int fd;
    while ((fd = accept4(world->server_fd, NULL, NULL, SOCK_CLOEXEC)) != -1) {
        CLAIM(world->connection_count < MOST_CONNECTIONS);
        world->connections[world->connection_count++] = (struct server_connection){.fd = fd};
        world->has_progress = true;
    }
}

static void serve(struct world *world)
{
    accept_connection(world);
    for (size_t i = 0; i < world->connection_count; ++i) {
        struct server_connection *connection = &world->connections[i];
        if (connection->fd == -1)
            continue;
        bool is_open = receive(world, connection->fd, &connection->received);
        serve_requests(world, connection);
        if (!is_open) {
            close(connection->fd);
            connection->fd = -1;
        }
    }
}

static void on_turn(struct timer *timer)
{
    loop_stop(timer->data);
}

static void turn(struct world *world)
{
    struct timer timer = {.on_timeout = on_turn, .data = world->loop};
    timer_start(world->loop, &timer, 0);
    loop_run(world->loop);
    serve(world);
    if (world->client_fd != -1 && !world->is_closed)
        world->is_closed = !receive(world, world->client_fd, &world->answers);
}

void world_begin(bool answers_early)
{
    struct world *world = get_world();
    world->answers_early = answers_early;
    world->is_closed = false;
    world->seen_count = 0;
    text_clear(&world->answers);
    world->client_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CLAIM(connect(world->client_fd, (struct sockaddr *)&world->front_address, world->front_address_length) == 0);
    turn(world);
}

void world_send(struct slice input, unsigned seed)
{
    struct world *world = get_world();
    bool is_whole = seed == 0;
    size_t most = input.length / 32 + seed;
    for (unsigned count = 0; input.length != 0; ++count) {
        seed = seed * 1103515245 + 12345;
        size_t length = is_whole || count == MOST_PIECES ? input.length : 1 + (seed >> 16) % most;
        if (length > input.length)
            length = input.length;
        /* where the proxy has closed, nothing more arrives */
        if (send(world->client_fd, input.data, length, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)length)
            return;
        input = slice_skip(input, length);
        turn(world);
    }
}

void world_settle(void)
{
    struct world *world = get_world();
    unsigned quiet = 0;
    for (unsigned i = 0; quiet < QUIET_TURNS; ++i) {
        CLAIM(i < MOST_TURNS);
        world->has_progress = false;
        turn(world);
        quiet = world->has_progress ? 0 : quiet + 1;
    }
    /* what is on its way to the server and has no answer yet */
    for (size_t i = 0; i < world->connection_count; ++i) {
        struct server_connection *connection = &world->connections[i];
        if (connection->unread < connection->received.length && !connection->is_answered) {
            note_request(world, connection);
            connection->is_answered = true;
        }
    }
}

struct slice world_answers(void)
{
    return text_slice(&get_world()->answers);
}

bool world_is_closed(void)
{
    return get_world()->is_closed;
}

size_t world_request_count(void)
{
    return get_world()->seen_count;
}

enum strict_verdict world_read_request(size_t index, struct strict_request *request)
{
    const struct world *world = get_world();
    const struct seen *seen = &world->seen[index];
    struct slice input = slice_skip(text_slice(&world->connections[seen->connection].received), seen->start);
    return strict_read_request(&input, request);
}

static bool has_field(const struct header *fields, size_t count, const struct header *wanted)
{
    for (size_t i = 0; i < count; ++i) {
        if (slice_equals_nocase(fields[i].name, wanted->name) && slice_equals(fields[i].value, wanted->value))
            return true;
    }
    return false;
}

/* What the proxy says itself. */
static bool is_own(const struct header *field)
{
    static const char *const names[] = {"content-length", "transfer-encoding", "host", "sec-websocket-key"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); ++i) {
        if (slice_equals_nocase(field->name, slice_from_text(names[i])))
            return true;
    }
    return slice_equals_nocase(field->name, SLICE("via")) && slice_ends_with(field->value, SLICE(" flexilib"));
}

static bool is_of_connection(struct slice name)
{
    static const char *const names[] = {"connection", "keep-alive", "proxy-connection", "upgrade",
                                        "te",         "expect",     "http2-settings"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); ++i) {
        if (slice_equals_nocase(name, slice_from_text(names[i])))
            return true;
    }
    return false;
}

/* A server may be told that trailers are understood. */
static bool is_offer_of_trailers(const struct header *field)
{
    return (slice_equals_nocase(field->name, SLICE("te")) && slice_equals(field->value, SLICE("trailers"))) ||
           (slice_equals_nocase(field->name, SLICE("connection")) && slice_equals_nocase(field->value, SLICE("te")));
}

/* Names of trailers are told in one field, of however many they came in. */
static bool is_announcement_known(const struct header *field, const struct header *client, size_t count)
{
    struct slice names = field->value;
    bool is_known = true;
    while (names.length != 0 && is_known) {
        struct slice name = slice_next_item(&names, ',');
        is_known = false;
        for (size_t i = 0; i < count && !is_known; ++i) {
            struct slice said = slice_equals_nocase(client[i].name, field->name) ? client[i].value : SLICE_NONE;
            while (said.length != 0 && !is_known)
                is_known = slice_equals(slice_next_item(&said, ','), name);
        }
    }
    return is_known;
}

bool world_are_fields_known(const struct strict_request *seen, const struct header *client, size_t client_count)
{
    bool has_via = false;
    for (size_t i = 0; i < seen->field_count; ++i) {
        const struct header *field = &seen->fields[i];
        has_via = has_via || slice_equals_nocase(field->name, SLICE("via"));
        if (is_own(field) || is_offer_of_trailers(field))
            continue;
        CLAIM(!is_of_connection(field->name));
        if (slice_equals_nocase(field->name, SLICE("trailer")) ? !is_announcement_known(field, client, client_count)
                                                               : !has_field(client, client_count, field))
            return false;
    }
    CLAIM(has_via);
    return true;
}

bool world_are_trailers_known(const struct strict_request *seen, const struct strict_request *sent)
{
    for (size_t i = 0; i < seen->trailer_count; ++i) {
        if (!has_field(sent->trailers, sent->trailer_count, &seen->trailers[i]))
            return false;
    }
    return true;
}

bool world_is_same(const struct strict_request *seen, bool is_seen_whole, const struct strict_request *sent,
                   bool is_sent_whole)
{
    struct slice seen_path = slice_of(seen->target.data, seen->target.length);
    seen_path.length = slice_find(seen_path, '?');
    struct slice seen_body = text_slice(&seen->body), sent_body = text_slice(&sent->body);
    if (!slice_equals(seen->method, sent->method) || !slice_equals(seen_path, text_slice(&sent->path)) ||
        seen->has_query != sent->has_query || !slice_equals(seen->query, sent->query))
        return false;
    if (is_seen_whole)
        return is_sent_whole && slice_equals(seen_body, sent_body);
    return slice_starts_with(sent_body, seen_body);
}

static void close_connections(struct world *world)
{
    for (size_t i = 0; i < world->connection_count; ++i) {
        if (world->connections[i].fd != -1)
            close(world->connections[i].fd);
        text_finish(&world->connections[i].received);
    }
    world->connection_count = 0;
}

/* The proxy's kept connections end too, so that one input's have nothing to do with the next one's. */
void world_end(void)
{
    struct world *world = get_world();
    close(world->client_fd);
    world->client_fd = -1;
    turn(world);
    for (unsigned i = 0; world->slot.connections != 0 || world->connection_count != 0; ++i) {
        CLAIM(i < MOST_TURNS);
        close_connections(world);
        turn(world);
    }
    turn(world);
    CLAIM(world->connection_count == 0);
}
