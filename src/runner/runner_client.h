#ifndef FLEXILIB_RUNNER_RUNNER_CLIENT_H
#define FLEXILIB_RUNNER_RUNNER_CLIENT_H

/* A worker's side of one runner: the processes that run one library for all workers of a generation. Says which of them
 * an exchange visits, and what becomes of visits when one dies: calls that it had begun are lost (502, or 504 where it
 * took too long), as are exchanges of which it kept something; all others are asked for again, of another one or of the
 * one that takes its place. Which process dies of what, and when the next one comes, is the supervisor's business. */

#include "base/error.h"
#include "config/settings.h"
#include "net/loop.h"

struct library;
struct runner_client;

/* The way to the processes. */
struct runner_connector {
    /* Asks for a connection to that one. Where it is patient it waits, and returns the descriptor, -1 with errno set;
     * otherwise runner_client_join follows, and what it returns means nothing. */
    int (*connect)(void *context, const struct runner_settings *runner, unsigned instance, bool is_patient);
    void *context;
};

/* Asks for all of them, and waits for the connections. settings outlive it. */
struct runner_client *runner_client_create(const struct runner_settings *settings, struct loop *loop,
                                           const struct runner_connector *connector);
void runner_client_destroy(struct runner_client *client);

/* Everything has been created: from here on one that is gone is asked for again. */
void runner_client_serve(struct runner_client *client);

/* A connection that was asked for; -1 where there is none, with the errno value: it is asked for once more, later. */
void runner_client_join(struct runner_client *client, unsigned instance, int fd, int error_number);

/* Makes it the client of a worker that comes late: what the processes have said before of the library is known, so none
 * of them is waited for; one may be busy, or hang. Before runner_client_open. The description is copied. */
void runner_client_come_late(struct runner_client *client, struct slice description);

/* What the processes have said of the library that is open. Valid while the client is. */
struct slice runner_client_description(const struct runner_client *client);

/* Has each of them open the library, and waits. What is given belongs to the caller and needs the client. Returns NULL
 * and fills error. */
struct library *runner_client_open(struct runner_client *client, const char *path, struct error *error);

#endif
