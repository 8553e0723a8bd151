#ifndef FLEXILIB_PROCESS_INHERITED_H
#define FLEXILIB_PROCESS_INHERITED_H

/* Listening sockets that a program like server_starter opened before us: SERVER_STARTER_PORT says
 * `host:port=fd;port=fd;path=fd`. libh2o's h2o_server_starter_get_fds reads the same variable, but the supervisor does
 * not link against it and needs to know each socket's address too. */

#include "base/slice.h"

/* Takes the next `name=fd` off the variable's value: returns its descriptor and sets *name, or -1 where the item cannot
 * be read. Loop while rest->length != 0. */
int inherited_next(struct slice *rest, struct slice *name);

#endif
