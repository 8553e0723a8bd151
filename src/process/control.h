#ifndef FLEXILIB_PROCESS_CONTROL_H
#define FLEXILIB_PROCESS_CONTROL_H

/* The supervisor's side of the control socket: takes requests of commands and sends the answers, without ever waiting
 * for anybody. Clients are few at a time, and those that are slow are cut. Where another supervisor has the socket, it
 * is taken as soon as that one has gone. */

#include "process/control_message.h"
#include "process/control_socket.h"
#include "process/poller.h"

enum {
    CONTROL_CLIENTS = 8, /* at a time; others wait */
};

struct control_client;

struct control {
    struct poller *poller;
    const char *config;
    void (*on_request)(void *data, const struct control_line *request, struct text *answer);
    void *data;
    struct control_socket socket;
    struct poller_watch watch;
    struct control_client *clients[CONTROL_CLIENTS];
    uint64_t retry_us; /* when to try to open it again; 0: never */
    bool was_told;     /* that it is another's */
};

/* on_request answers a request, whose fields begin with its word; the answer ends by control_end_answer. */
void control_init(struct control *control, struct poller *poller, const char *config,
                  void (*on_request)(void *data, const struct control_line *request, struct text *answer), void *data);

/* Opens the socket, or warns. */
void control_open(struct control *control);

/* Takes no more requests and removes the socket; answers that are being sent go on. */
void control_shut(struct control *control);

/* Shuts it and drops all clients. */
void control_close(struct control *control);

/* Does what is due. */
void control_step(struct control *control, uint64_t now_us);

/* When control_step has something to do without an event; 0: never. */
uint64_t control_deadline(const struct control *control);

#endif
