#ifndef FLEXILIB_COMMAND_SERVER_H
#define FLEXILIB_COMMAND_SERVER_H

/* `flexilib server`: how the servers of upstreams stand, and taking one out of service by hand. */

#include <stdbool.h>

struct server_command {
    const char *file;     /* the configuration; NULL where $FLEXILIB_CONTROL names the socket */
    const char *upstream; /* NULL: all */
    const char *url;      /* NULL: they are listed */
    const char *verb;     /* "drain" or "ready" */
    bool is_json;
};

/* Asks the FlexiLib that serves the configuration, and prints. Returns the exit status: 0 or 1. */
int server_run(const struct server_command *command);

#endif
