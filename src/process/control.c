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
    bool is_answered;     /* answer is all that there will be, and is being sent */
    unsigned awaited;     /* what it waits for, 0: nothing */
    uint64_t deadline_us; /* 0: none */
};

void control_init(struct control *control, struct poller *poller, const char *config, control_request_call *on_request,
                  void *data)
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

static void send_answer(struct control_client *client)
{
    client->awaited = 0;
    client->is_answered = true;
    client->deadline_us = clock_monotonic_us() + ANSWER_TIMEOUT_US;
    if (poller_watch_room(client->control->poller, &client->watch, on_room))
        on_room(client);
    else
        drop_client(client);
}

static int count_awaiting(const struct control *control)
{
    int count = 0;
    for (int i = 0; i < CONTROL_CLIENTS; ++i)
        count += control->clients[i] != NULL && control->clients[i]->awaited != 0;
    return count;
}

/* What it waits for happens all the same. */
static void refuse_to_wait(struct control_client *client)
{
    control_end_answer(&client->answer, EXIT_FAILURE, "%d others wait already; reload %u goes on, as the log will tell",
                       CONTROL_CLIENTS_AWAITING, client->awaited);
    send_answer(client);
}

/* Nothing is to come but its end. */
static void await(struct control_client *client)
{
    client->deadline_us = 0;
    text_clear(&client->request);
}

static void answer(struct control_client *client, struct slice text)
{
    struct control *control = client->control;
    struct control_line request;
    const char *problem = control_line_parse(text, &request) ? control_request_check(&request) : "that was no request";
    if (problem != NULL)
        control_end_answer(&client->answer, EXIT_FAILURE, "%s", problem);
    else
        client->awaited = control->on_request(control->data, &request, &client->answer);
    if (client->awaited == 0)
        send_answer(client);
    else if (count_awaiting(control) <= CONTROL_CLIENTS_AWAITING)
        await(client);
    else
        refuse_to_wait(client);
}

static void on_request_bytes(void *data)
{
    struct control_client *client = data;
    char *room = text_reserve(&client->request, CONTROL_LINE_BYTES + 1 - client->request.length);
    ssize_t length = recv(client->watch.fd, room, CONTROL_LINE_BYTES + 1 - client->request.length, MSG_DONTWAIT);
    if (length == -1 && (errno == EAGAIN || errno == EINTR))
        return;
    if (length <= 0 || client->awaited != 0) {
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

static void hand_client_over(const struct control_client *client, struct handover *handover)
{
    handover_add_record(handover, "client");
    handover_add_fd(handover, client->watch.fd);
    handover_add_unsigned(handover, client->awaited);
    handover_add_unsigned(handover, client->deadline_us);
    handover_add_number(handover, client->is_answered);
    handover_add_slice(handover, text_slice(&client->request));
    handover_add_slice(handover, slice_skip(text_slice(&client->answer), client->sent));
}

void control_hand_over(const struct control *control, struct handover *handover)
{
    handover_add_record(handover, "control");
    handover_add_text(handover, control->socket.path);
    handover_add_fd(handover, control->socket.fd);
    handover_add_fd(handover, control->socket.lock_fd);
    handover_add_unsigned(handover, control->socket.device);
    handover_add_unsigned(handover, control->socket.inode);
    handover_add_unsigned(handover, control->retry_us);
    handover_add_number(handover, control->was_told);
    for (int i = 0; i < CONTROL_CLIENTS; ++i) {
        if (control->clients[i] != NULL)
            hand_client_over(control->clients[i], handover);
    }
}

static void take_socket(struct control *control, struct handover_reader *reader)
{
    struct control_socket socket = CONTROL_SOCKET_NONE;
    socket.path = handover_take_text(reader);
    socket.fd = handover_take_fd(reader);
    socket.lock_fd = handover_take_fd(reader);
    socket.device = handover_take_unsigned(reader);
    socket.inode = handover_take_unsigned(reader);
    control->retry_us = handover_take_unsigned(reader);
    control->was_told = handover_take_bool(reader);
    bool is_open = socket.fd != -1;
    if (!handover_end_record(reader) || is_open != (socket.path != NULL) || is_open != (socket.lock_fd != -1) ||
        control->socket.fd != -1) {
        handover_refuse(reader, "that is no control socket, or a second one");
        free(socket.path);
        return;
    }
    control->socket = socket;
    listen_for_clients(control);
}

static void take_into(struct text *text, struct handover_reader *reader)
{
    struct slice bytes = handover_take_slice(reader);
    text_add(text, bytes);
    free((char *)(uintptr_t)bytes.data);
}

static void take_client(struct control *control, struct handover_reader *reader)
{
    struct control_client **place = find_place(control);
    struct control_client *client = mem_zalloc(sizeof(*client));
    int fd = handover_need_fd(reader);
    client->control = control;
    client->awaited = (unsigned)handover_take_number(reader, 0, UINT32_MAX);
    client->deadline_us = handover_take_unsigned(reader);
    client->is_answered = handover_take_bool(reader);
    take_into(&client->request, reader);
    take_into(&client->answer, reader);
    client->place = place;
    if (!handover_end_record(reader) || place == NULL || client->request.length > CONTROL_LINE_BYTES ||
        !poller_watch(control->poller, &client->watch, fd, on_request_bytes, client) ||
        (client->is_answered && !poller_watch_room(control->poller, &client->watch, on_room))) {
        handover_refuse(reader, "that is no client");
        return;
    }
    *place = client;
}

bool control_take_over(struct control *control, struct handover_reader *reader)
{
    if (handover_is(reader, "control"))
        take_socket(control, reader);
    else if (handover_is(reader, "client"))
        take_client(control, reader);
    else
        return false;
    return true;
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

void control_finish(struct control *control, unsigned awaited, struct slice text)
{
    for (int i = 0; i < CONTROL_CLIENTS; ++i) {
        struct control_client *client = control->clients[i];
        if (client == NULL || client->awaited != awaited)
            continue;
        text_add(&client->answer, text);
        send_answer(client);
    }
}

void control_go_on(struct control *control, unsigned awaited, unsigned other, struct slice beginning)
{
    for (int i = 0; i < CONTROL_CLIENTS; ++i) {
        struct control_client *client = control->clients[i];
        if (client == NULL || client->awaited != awaited)
            continue;
        text_add(&client->answer, beginning);
        client->awaited = other;
    }
}

void control_step(struct control *control, uint64_t now_us)
{
    for (int i = 0; i < CONTROL_CLIENTS; ++i) {
        struct control_client *client = control->clients[i];
        if (client != NULL && client->deadline_us != 0 && client->deadline_us <= now_us)
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
        if (client != NULL && client->deadline_us != 0 && (deadline_us == 0 || client->deadline_us < deadline_us))
            deadline_us = client->deadline_us;
    }
    return deadline_us;
}
