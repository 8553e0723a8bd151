#include "process/control.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "process/console.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    REQUEST_TIMEOUT_US = 5 * 1000 * 1000,
    ANSWER_TIMEOUT_US = 10 * 1000 * 1000,
    RETRY_US = 1000 * 1000,
};

struct control_client {
    struct control *control;
    struct control_client **place;
    struct poller_watch watch;
    struct text request, answer;
    size_t sent;
    uint64_t deadline_us;
};

void control_init(struct control *control, struct poller *poller, const char *config,
                  void (*on_request)(void *data, const struct control_line *request, struct text *answer), void *data)
{
    *control = (struct control){
        .poller = poller,
        .config = config,
        .on_request = on_request,
        .data = data,
        .socket = CONTROL_SOCKET_NONE,
        .watch = POLLER_WATCH_NONE,
    };
}

static void listen_for_clients(struct control *control);

static void drop_client(struct control_client *client)
{
    int fd = client->watch.fd;
    poller_forget(client->control->poller, &client->watch);
    close(fd);
    *client->place = NULL;
    text_finish(&client->request);
    text_finish(&client->answer);
    struct control *control = client->control;
    free(client);
    listen_for_clients(control);
}

static void on_room(void *data)
{
    struct control_client *client = data;
    while (client->sent < client->answer.length) {
        ssize_t length = send(client->watch.fd, client->answer.data + client->sent,
                              client->answer.length - client->sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (length == -1 && (errno == EAGAIN || errno == EINTR))
            return;
        if (length == -1)
            break;
        client->sent += (size_t)length;
    }
    drop_client(client);
}

static void answer(struct control_client *client, struct slice text)
{
    struct control *control = client->control;
    struct control_line request;
    const char *problem = control_line_parse(text, &request) ? control_request_check(&request) : "that was no request";
    if (problem != NULL)
        control_end_answer(&client->answer, EXIT_FAILURE, "%s", problem);
    else
        control->on_request(control->data, &request, &client->answer);
    client->deadline_us = clock_monotonic_us() + ANSWER_TIMEOUT_US;
    if (poller_watch_room(control->poller, &client->watch, on_room))
        on_room(client);
    else
        drop_client(client);
}

static void on_request_bytes(void *data)
{
    struct control_client *client = data;
    char *room = text_reserve(&client->request, CONTROL_LINE_BYTES + 1 - client->request.length);
    ssize_t length = recv(client->watch.fd, room, CONTROL_LINE_BYTES + 1 - client->request.length, MSG_DONTWAIT);
    if (length == -1 && (errno == EAGAIN || errno == EINTR))
        return;
    if (length <= 0) {
        drop_client(client);
        return;
    }
    client->request.length += (size_t)length;
    struct slice text = text_slice(&client->request);
    size_t end = slice_find(text, '\n');
    /* One byte more than a line may have is enough to know that it is too long. */
    if (end < text.length || text.length > CONTROL_LINE_BYTES)
        answer(client, slice_of(text.data, end));
}

static struct control_client **find_place(struct control *control)
{
    for (int i = 0; i < CONTROL_CLIENTS; ++i) {
        if (control->clients[i] == NULL)
            return &control->clients[i];
    }
    return NULL;
}

static void on_connection(void *data)
{
    struct control *control = data;
    struct control_client **place = find_place(control);
    if (place == NULL) {
        poller_forget(control->poller, &control->watch);
        return;
    }
    int fd = control_socket_accept(&control->socket);
    if (fd == -1)
        return;
    struct control_client *client = mem_alloc(sizeof(*client));
    *client = (struct control_client){
        .control = control, .place = place, .deadline_us = clock_monotonic_us() + REQUEST_TIMEOUT_US};
    if (poller_watch(control->poller, &client->watch, fd, on_request_bytes, client)) {
        *place = client;
        return;
    }
    close(fd);
    free(client);
}

/* While all places are taken, others wait. */
static void listen_for_clients(struct control *control)
{
    if (control->socket.fd != -1 && control->watch.fd == -1)
        poller_watch(control->poller, &control->watch, control->socket.fd, on_connection, control);
}

void control_open(struct control *control)
{
    struct error error = ERROR_INIT;
    control->retry_us = 0;
    switch (control_socket_open(&control->socket, control->config, &error)) {
    case CONTROL_OPENED:
        if (control->was_told)
            console_log(LOG_LEVEL_INFO, "the control socket %s is this one's now", control->socket.path);
        listen_for_clients(control);
        break;
    case CONTROL_TAKEN:
        control->retry_us = clock_monotonic_us() + RETRY_US;
        if (!control->was_told)
            console_log(LOG_LEVEL_WARNING, "%s: until that one stops, commands reach it and not this one",
                        error.message);
        control->was_told = true;
        break;
    case CONTROL_IMPOSSIBLE:
        console_log(LOG_LEVEL_WARNING, "no control socket, so commands cannot reach this FlexiLib: %s", error.message);
        break;
    }
}

void control_shut(struct control *control)
{
    poller_forget(control->poller, &control->watch);
    control_socket_close(&control->socket);
    control->retry_us = 0;
}

void control_close(struct control *control)
{
    control_shut(control);
    for (int i = 0; i < CONTROL_CLIENTS; ++i) {
        if (control->clients[i] != NULL)
            drop_client(control->clients[i]);
    }
}

void control_step(struct control *control, uint64_t now_us)
{
    for (int i = 0; i < CONTROL_CLIENTS; ++i) {
        struct control_client *client = control->clients[i];
        if (client != NULL && client->deadline_us <= now_us)
            drop_client(client);
    }
    if (control->retry_us != 0 && control->retry_us <= now_us)
        control_open(control);
}

uint64_t control_deadline(const struct control *control)
{
    uint64_t deadline_us = control->retry_us;
    for (int i = 0; i < CONTROL_CLIENTS; ++i) {
        const struct control_client *client = control->clients[i];
        if (client != NULL && (deadline_us == 0 || client->deadline_us < deadline_us))
            deadline_us = client->deadline_us;
    }
    return deadline_us;
}
