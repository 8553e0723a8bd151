/* The server behind the proxies: answers every request as fast as one process can, so that it is never what is
 * measured. The response's size is the number in the path's last segment: /bytes/100 is answered with 100 bytes, and
 * /text/100 with 100 that compress as a page does. /echo becomes a WebSocket on which every byte is sent back as it is.
 * It believes that requests are well formed, carry a Content-Length where they have a body, and come one at a time. */

#define _GNU_SOURCE

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    INPUT_BYTES = 16384,
    RESPONSE_BYTES_AT_MOST = 16 * 1024 * 1024,
    RESPONSES = 16,
    EVENTS = 256,
    TURN_BYTES = 256 * 1024, /* of one response at a time, so that those of others need not wait for long */
    BACKLOG = 4096,
};

/* Every size that was asked for is made once. */
struct response {
    size_t size;
    bool is_text;
    char *bytes;
    size_t length;
};

struct responses {
    struct response items[RESPONSES];
    size_t count;
};

struct connection {
    int fd;
    size_t used;                     /* of input */
    size_t body_remaining;           /* of a request whose head has been taken */
    const struct response *response; /* that is being sent or will be after the body */
    size_t sent;
    bool is_echo;
    char input[INPUT_BYTES];
};

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

/* Words of a small language, some of which are frequent, in lines. */
static void fill_text(char *bytes, size_t size)
{
    static const char *const words[] = {"<p>",    "</p>", "the",   "price", "of",    "a",      "red",    "house",
                                        "number", "is",   "never", "told",  "where", "people", "listen", "in"};
    uint32_t number = 1;
    for (size_t used = 0; used < size;) {
        char word[32];
        number = number * 1103515245 + 12345;
        uint32_t draw = number >> 16;
        int length = draw % 8 == 0 ? snprintf(word, sizeof(word), "%u\n", draw)
                                   : snprintf(word, sizeof(word), "%s ", words[(draw >> 3) % 4 * ((draw >> 6) % 5)]);
        for (int i = 0; i < length && used < size; ++i)
            bytes[used++] = word[i];
    }
}

static const struct response *find_response(struct responses *responses, size_t size, bool is_text)
{
    for (size_t i = 0; i < responses->count; ++i)
        if (responses->items[i].size == size && responses->items[i].is_text == is_text)
            return &responses->items[i];
    if (responses->count == RESPONSES || size > RESPONSE_BYTES_AT_MOST)
        return &responses->items[0];
    struct response *response = &responses->items[responses->count++];
    response->size = size;
    response->is_text = is_text;
    response->bytes = malloc(size + 200);
    if (response->bytes == NULL)
        fail("malloc");
    int head =
        sprintf(response->bytes, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n\r\n", size);
    if (is_text)
        fill_text(response->bytes + head, size);
    else
        memset(response->bytes + head, 'x', size);
    response->length = (size_t)head + size;
    return response;
}

static size_t parse_size(const char *head)
{
    const char *target = head + strcspn(head, " ");
    target += strspn(target, " ");
    const char *slash = memrchr(target, '/', strcspn(target, " ?\r"));
    return slash == NULL ? 0 : strtoul(slash + 1, NULL, 10);
}

static bool is_for_text(const char *head)
{
    const char *target = head + strcspn(head, " ");
    return strncmp(target, " /text/", 7) == 0;
}

static bool is_for_echo(const char *head)
{
    return strncmp(head, "GET /echo ", 10) == 0;
}

/* The answer belongs to the only key that clients here send. */
static bool begin_echo(struct connection *connection)
{
    static const char answer[] = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                                 "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
    connection->is_echo = true;
    return send(connection->fd, answer, sizeof(answer) - 1, MSG_NOSIGNAL) == sizeof(answer) - 1;
}

/* What is sent back is little, and the other side reads. */
static bool echo(struct connection *connection)
{
    for (;;) {
        ssize_t got = recv(connection->fd, connection->input, sizeof(connection->input), 0);
        if (got <= 0)
            return got < 0 && errno == EAGAIN;
        if (send(connection->fd, connection->input, (size_t)got, MSG_NOSIGNAL) != got)
            return false;
    }
}

static size_t parse_body_length(const char *head)
{
    for (const char *line = strstr(head, "\r\n"); line != NULL; line = strstr(line + 2, "\r\n"))
        if (strncasecmp(line + 2, "content-length:", 15) == 0)
            return strtoul(line + 17, NULL, 10);
    return 0;
}

static void take_body(struct connection *connection)
{
    size_t taken = connection->used < connection->body_remaining ? connection->used : connection->body_remaining;
    connection->body_remaining -= taken;
    connection->used = 0;
}

static bool take_head(struct connection *connection, struct responses *responses)
{
    connection->input[connection->used] = '\0';
    char *end = strstr(connection->input, "\r\n\r\n");
    if (end == NULL)
        return false;
    end[2] = '\0';
    if (is_for_echo(connection->input)) {
        connection->used = 0;
        return begin_echo(connection);
    }
    connection->response = find_response(responses, parse_size(connection->input), is_for_text(connection->input));
    connection->body_remaining = parse_body_length(connection->input);
    connection->used -= (size_t)(end + 4 - connection->input);
    take_body(connection);
    return true;
}

static struct epoll_event readiness_of(struct connection *connection)
{
    return (struct epoll_event){.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = connection};
}

/* Returns false where the connection is over. */
static bool send_response(struct connection *connection, int poller)
{
    const struct response *response = connection->response;
    size_t rest = response->length - connection->sent;
    ssize_t sent =
        send(connection->fd, response->bytes + connection->sent, rest < TURN_BYTES ? rest : TURN_BYTES, MSG_NOSIGNAL);
    if (sent < 0)
        return errno == EAGAIN;
    connection->sent += (size_t)sent;
    if (connection->sent < response->length) {
        /* where there is room for more, it is told again */
        struct epoll_event event = readiness_of(connection);
        return epoll_ctl(poller, EPOLL_CTL_MOD, connection->fd, &event) == 0;
    }
    connection->response = NULL;
    connection->sent = 0;
    return true;
}

/* Readiness is told on its edge only: what filled the buffer may have left more behind. */
static bool serve(struct connection *connection, struct responses *responses, int poller)
{
    if (connection->is_echo)
        return echo(connection);
    if (connection->response != NULL && connection->body_remaining == 0)
        return send_response(connection, poller);
    for (;;) {
        size_t space = sizeof(connection->input) - 1 - connection->used;
        ssize_t got = recv(connection->fd, connection->input + connection->used, space, 0);
        if (got <= 0)
            return got < 0 && errno == EAGAIN;
        connection->used += (size_t)got;
        if (connection->response != NULL)
            take_body(connection);
        else if (!take_head(connection, responses))
            return connection->used < sizeof(connection->input) - 1;
        if (connection->is_echo)
            return echo(connection);
        if (connection->body_remaining == 0)
            return send_response(connection, poller);
        if ((size_t)got < space)
            return true;
    }
}

static void accept_connections(int listener, int poller)
{
    int fd;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
        struct connection *connection = calloc(1, sizeof(*connection));
        if (connection == NULL)
            fail("calloc");
        connection->fd = fd;
        struct epoll_event event = readiness_of(connection);
        if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event) != 0)
            fail("epoll_ctl");
    }
}

static int listen_on(uint16_t port)
{
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        listen(listener, BACKLOG) != 0)
        fail("listen");
    return listener;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: backend PORT\n");
        return 2;
    }
    static struct responses responses;
    find_response(&responses, 0, false);
    int listener = listen_on((uint16_t)atoi(argv[1])), poller = epoll_create1(0);
    if (poller < 0 || epoll_ctl(poller, EPOLL_CTL_ADD, listener, &(struct epoll_event){.events = EPOLLIN}) != 0)
        fail("epoll");
    for (;;) {
        struct epoll_event events[EVENTS];
        int count = epoll_wait(poller, events, EVENTS, -1);
        for (int i = 0; i < count; ++i) {
            struct connection *connection = events[i].data.ptr;
            if (connection == NULL) {
                accept_connections(listener, poller);
            } else if (!serve(connection, &responses, poller)) {
                close(connection->fd);
                free(connection);
            }
        }
    }
}
