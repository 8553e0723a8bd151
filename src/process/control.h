#ifndef FLEXILIB_PROCESS_CONTROL_H
#define FLEXILIB_PROCESS_CONTROL_H

/* The supervisor's side of the control socket: takes requests of commands and sends the answers, without ever waiting
 * for anybody. Clients are few at a time, and those that are slow are cut. Where another supervisor has the socket, it
 * is taken as soon as that one has gone. */

#include "process/control_message.h"
#include "process/control_socket.h"
#include "process/handover.h"
#include "process/poller.h"

enum {
    CONTROL_CLIENTS = 40,          /* at a time; others wait */
    CONTROL_CLIENTS_AWAITING = 32, /* of those, something that takes its time; more are refused */
};

struct control_client;

/* Answers a request, whose fields begin with its word; the answer ends by control_end_answer. Where that is not known
 * yet, adds nothing and returns the number that control_finish will be called with, otherwise 0. */
typedef unsigned control_request_call(void *data, const struct control_line *request, struct text *answer);

struct control {
    struct poller *poller;
    const char *config;
    control_request_call *on_request;
    void *data;
    struct control_socket socket;
    struct poller_watch watch;
    struct control_client *clients[CONTROL_CLIENTS];
    uint64_t retry_us; /* when to try to open it again; 0: never */
    bool was_told;     /* that it is another's */
};

void control_init(struct control *control, struct poller *poller, const char *config, control_request_call *on_request,
                  void *data);

/* Opens the socket, or warns. */
void control_open(struct control *control);

/* Hands the socket and all clients over to the program that takes this one's place. */
void control_hand_over(const struct control *control, struct handover *handover);

/* Takes the record that the reader stands at. Returns false where it is none of these; whether it was a good one is
 * told by the reader's error. */
bool control_take_over(struct control *control, struct handover_reader *reader);

/* Takes no more requests and removes the socket; answers that are being sent go on. */
void control_shut(struct control *control);

/* Shuts it and drops all clients. */
void control_close(struct control *control);

/* Answers those who wait for what has that number. */
void control_finish(struct control *control, unsigned awaited, struct slice answer);

/* Begins the answer to those who wait for what has that number; from now on they wait for what has another one. */
void control_go_on(struct control *control, unsigned awaited, unsigned other, struct slice beginning);

/* Does what is due. */
void control_step(struct control *control, uint64_t now_us);

/* When control_step has something to do without an event; 0: never. */
uint64_t control_deadline(const struct control *control);

#endif
