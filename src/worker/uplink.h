#ifndef FLEXILIB_WORKER_UPLINK_H
#define FLEXILIB_WORKER_UPLINK_H

/* The worker's end of the channel: what it asks its supervisor for. While it starts it waits for each answer; once it
 * serves, messages come on the loop. Where the supervisor is gone, the process ends at once. */

#include "process/channel.h"
#include "process/listen_options.h"

struct uplink {
    int fd;
    int reopened_log_fd; /* a log that was rotated while the worker waited for something else; -1 for none */
};

void uplink_init(struct uplink *uplink, int fd);

/* Says something that needs no answer. */
void uplink_tell(struct uplink *uplink, enum message_kind kind, struct slice text, int64_t first, int64_t second,
                 int64_t third);

/* Asks for a log or a listening socket, and waits. Returns the descriptor, -1 with errno set. */
int uplink_open_log(struct uplink *uplink, int64_t index, struct slice path);
int uplink_listen(struct uplink *uplink, int64_t index, const struct listen_options *options, struct slice name,
                  struct slice address);

/* Asks for the numbers of count servers, which text names, and waits; leaves UINT32_MAX for one that has none. */
void uplink_number_servers(struct uplink *uplink, int64_t first, size_t count, struct slice text, uint32_t *numbers);

/* Asks for a connection to a process of a runner; runner is its number, and there are `instances` of it. Where it is
 * patient it waits, and returns the descriptor, -1 with errno set; otherwise JOINED comes by uplink_take. */
void uplink_ask_runner(struct uplink *uplink, unsigned runner, unsigned instance, unsigned instances,
                       struct slice library);
int uplink_join_runner(struct uplink *uplink, unsigned runner, unsigned instance, unsigned instances,
                       struct slice library);

/* Takes the next message that is there. Returns false where there is none. */
bool uplink_take(struct uplink *uplink, struct message *message);

#endif
