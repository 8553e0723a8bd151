/* The server behind FlexiLib while filters do as they like: usage: chaos-backend SEED
 *
 * Prints the port it listens on. It answers well, or slowly, or early, or not at all, as the dice of the request's
 * number have it; and it reads with distrust. What no proxy may send is told in a line on standard output. */

#include "bytes.h"
#include "coded.h"
#include "dice.h"
#include "message.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    MOST_CONNECTIONS = 1024,
    STALL_MS = 5,
};

/* A connection that FlexiLib has opened. */
struct connection {
    int fd;
    struct message request;
    struct dice dice; /* of the request at hand */
    struct bytes output;
    bool has_answered; /* the request at hand */
    bool is_mute;
    bool is_tunnel;
    bool closes;        /* when the output is out */
    size_t cut_at;      /* of the output; 0: nowhere */
    int64_t stalled_ms; /* until then nothing is sent */
};

struct backend {
    uint64_t seed;
    int listener;
    struct connection connections[MOST_CONNECTIONS];
    struct pollfd polls[MOST_CONNECTIONS + 1];
    size_t count;
};

static int64_t now_ms(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static void open_listener(struct backend *backend)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    backend->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (backend->listener == -1 || bind(backend->listener, (struct sockaddr *)&address, length) == -1 ||
        listen(backend->listener, 1024) == -1 ||
        getsockname(backend->listener, (struct sockaddr *)&address, &length) == -1) {
        perror("chaos-backend");
        exit(EXIT_FAILURE);
    }
    printf("port %d\n", ntohs(address.sin_port));
    fflush(stdout);
}

static void accept_all(struct backend *backend)
{
    int one = 1;
    while (backend->count < MOST_CONNECTIONS) {
        int fd = accept4(backend->listener, NULL, NULL, SOCK_NONBLOCK);
        if (fd == -1)
            return;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        struct connection *connection = &backend->connections[backend->count++];
        *connection = (struct connection){.fd = fd};
        message_begin(&connection->request, MESSAGE_REQUEST);
    }
}

static void close_connection(struct backend *backend, size_t place, bool is_reset)
{
    struct connection *connection = &backend->connections[place];
    struct linger linger = {.l_onoff = 1};
    if (is_reset)
        setsockopt(connection->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
    close(connection->fd);
    message_finish(&connection->request);
    bytes_finish(&connection->output);
    *connection = backend->connections[--backend->count];
}

static void complain(const struct connection *connection, const char *fault)
{
    printf("request %llu: %s\n", (unsigned long long)message_number(&connection->request, "x-number"), fault);
    fflush(stdout);
}

static struct bytes make_body(char letter, size_t length, bool is_coded)
{
    struct bytes body = {0};
    bytes_fill(&body, letter, length);
    return is_coded ? coded_of(body) : body;
}

static void add_chunks(struct connection *connection, const struct bytes *body)
{
    size_t length = bytes_length(body);
    for (size_t at = 0, size; at < length; at += size) {
        size = 1 + roll(&connection->dice, 20000);
        size = size < length - at ? size : length - at;
        bytes_print(&connection->output, "%zx\r\n", size);
        bytes_add(&connection->output, body->data + at, size);
        bytes_add(&connection->output, "\r\n", 2);
    }
    bytes_print(&connection->output, "0\r\n%s\r\n", roll(&connection->dice, 8) == 0 ? "x-trailer: 1\r\n" : "");
}

static void add_framed(struct connection *connection, const struct bytes *body, bool has_body)
{
    struct bytes *output = &connection->output;
    if (roll(&connection->dice, 10) == 0) {
        connection->closes = true;
        bytes_print(output, "Connection: close\r\n%s", roll(&connection->dice, 2) ? "\r\n" : "");
        if (output->data[output->end - 3] == '\n') {
            bytes_add(output, body->data, has_body ? bytes_length(body) : 0);
            return;
        }
    }
    if (roll(&connection->dice, 2)) {
        bytes_print(output, "Transfer-Encoding: chunked\r\n\r\n");
        if (has_body)
            add_chunks(connection, body);
    } else {
        bytes_print(output, "Content-Length: %zu\r\n\r\n", bytes_length(body));
        bytes_add(output, body->data, has_body ? bytes_length(body) : 0);
    }
}

static void answer(struct connection *connection)
{
    static const int statuses[] = {200, 200, 200, 200, 200, 200, 201, 204, 304, 404, 500, 503};
    struct dice *dice = &connection->dice;
    uint64_t number = message_number(&connection->request, "x-number");
    int status = statuses[roll(dice, sizeof(statuses) / sizeof(statuses[0]))];
    bool is_coded = message_field(&connection->request, "x-fetch") == NULL && roll(dice, 4) == 0;
    struct bytes body = make_body(letter_of(number), roll_length(dice), is_coded);
    struct bytes *output = &connection->output;
    size_t before = bytes_length(output);
    if (roll(dice, 12) == 0)
        bytes_print(output, "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");
    bytes_print(output, "HTTP/1.1 %d Whatever\r\nx-answer: %llu\r\nContent-Type: text/plain\r\nETag: \"a\"\r\n%s",
                status, (unsigned long long)number, is_coded ? "Content-Encoding: gzip\r\nx-coded: yes\r\n" : "");
    if (status == 204)
        bytes_print(output, "\r\n");
    else
        add_framed(connection, &body, status != 304 && strcmp(connection->request.method, "HEAD") != 0);
    if (roll(dice, 25) == 0)
        connection->cut_at = before + 1 + roll(dice, (unsigned)(bytes_length(output) - before));
    bytes_finish(&body);
    connection->has_answered = true;
    connection->stalled_ms = roll(dice, 8) == 0 ? now_ms() + roll(dice, 10) : 0;
}

/* The connection is no longer one of HTTP. */
static void begin_tunnel(struct connection *connection)
{
    uint64_t number = message_number(&connection->request, "x-number");
    bytes_print(&connection->output,
                "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\nx-answer: %llu\r\n\r\n",
                (unsigned long long)number);
    bytes_fill(&connection->output, letter_of(number), roll_length(&connection->dice));
    connection->is_tunnel = true;
    connection->request.part = PART_TO_END;
    connection->request.letter = letter_of(number);
}

/* The head of a request is there. */
static void begin_answer(const struct backend *backend, struct connection *connection)
{
    uint64_t number = message_number(&connection->request, "x-number");
    bool is_fetch = message_field(&connection->request, "x-fetch") != NULL;
    connection->dice = dice_for(backend->seed, number, is_fetch ? WHO_FETCHED : WHO_BACKEND);
    if (message_field(&connection->request, "content-encoding") == NULL)
        connection->request.letter = letter_of(number);
    connection->is_mute = roll(&connection->dice, 100) == 0;
    if (!connection->is_mute && message_field(&connection->request, "upgrade") != NULL && roll(&connection->dice, 3))
        begin_tunnel(connection);
    else if (!connection->is_mute && roll(&connection->dice, 12) == 0)
        answer(connection);
}

/* Returns false where the connection has to end. */
static bool take(const struct backend *backend, struct connection *connection, const char *data, size_t length)
{
    struct message *request = &connection->request;
    while (length != 0 && !connection->closes) {
        bool had_head = message_has_head(request);
        size_t taken = message_read(request, data, length);
        data += taken;
        length -= taken;
        if (request->fault != NULL) {
            complain(connection, request->fault);
            return false;
        }
        if (message_has_head(request) && !had_head)
            begin_answer(backend, connection);
        if (!message_is_whole(request))
            continue;
        if (length != 0 && !connection->has_answered)
            complain(connection, "bytes come behind it before it is answered");
        if (!connection->has_answered && !connection->is_mute)
            answer(connection);
        if (connection->is_mute)
            continue;
        connection->has_answered = false;
        message_begin(request, MESSAGE_REQUEST);
    }
    return true;
}

static bool receive(const struct backend *backend, struct connection *connection)
{
    char data[65536];
    ssize_t length = recv(connection->fd, data, sizeof(data), 0);
    if (length < 0)
        return errno == EAGAIN;
    return length != 0 && take(backend, connection, data, (size_t)length);
}

static bool send_some(struct connection *connection)
{
    struct bytes *output = &connection->output;
    size_t length = bytes_length(output);
    if (connection->cut_at != 0 && length > connection->cut_at)
        length = connection->cut_at;
    size_t most = 1 + roll(&connection->dice, 40000);
    ssize_t sent = send(connection->fd, output->data + output->start, length < most ? length : most, MSG_NOSIGNAL);
    if (sent < 0)
        return errno == EAGAIN;
    output->start += (size_t)sent;
    if (connection->cut_at != 0 && (connection->cut_at -= (size_t)sent) == 0)
        return false;
    if (roll(&connection->dice, 60) == 0)
        connection->stalled_ms = now_ms() + roll(&connection->dice, STALL_MS);
    return true;
}

/* Returns false where the connection has to end. */
static bool serve(const struct backend *backend, struct connection *connection, short events)
{
    if ((events & (POLLIN | POLLHUP | POLLERR)) != 0 && !receive(backend, connection))
        return false;
    bool has_output = bytes_length(&connection->output) != 0;
    if (has_output && connection->stalled_ms <= now_ms() && !send_some(connection))
        return false;
    bool is_done = connection->closes || (connection->is_tunnel && roll(&connection->dice, 20) == 0);
    return !(is_done && bytes_length(&connection->output) == 0);
}

/* Says how long to wait at most. */
static int prepare(struct backend *backend)
{
    int64_t now = now_ms();
    int wait_ms = -1;
    backend->polls[0] = (struct pollfd){.fd = backend->listener, .events = POLLIN};
    for (size_t i = 0; i < backend->count; ++i) {
        struct connection *connection = &backend->connections[i];
        bool is_stalled = connection->stalled_ms > now;
        short out = bytes_length(&connection->output) != 0 && !is_stalled ? POLLOUT : 0;
        short in = connection->closes ? 0 : POLLIN;
        backend->polls[i + 1] = (struct pollfd){.fd = connection->fd, .events = (short)(in | out)};
        if (is_stalled || connection->is_tunnel)
            wait_ms = 1;
    }
    return wait_ms;
}

int main(int count, char **arguments)
{
    static struct backend backend;
    backend.seed = count > 1 ? strtoull(arguments[1], NULL, 10) : 1;
    signal(SIGPIPE, SIG_IGN);
    open_listener(&backend);
    for (;;) {
        int wait_ms = prepare(&backend);
        size_t polled = backend.count;
        poll(backend.polls, polled + 1, wait_ms);
        for (size_t i = polled; i > 0; --i) {
            struct connection *connection = &backend.connections[i - 1];
            bool is_cut = connection->cut_at != 0;
            if (!serve(&backend, connection, backend.polls[i].revents))
                close_connection(&backend, i - 1, is_cut);
        }
        if (backend.polls[0].revents != 0)
            accept_all(&backend);
    }
}
