#ifndef FLEXILIB_UPSTREAM_HEALTH_CHECK_H
#define FLEXILIB_UPSTREAM_HEALTH_CHECK_H

/* Asks a server once how it is (struct health_settings), on a connection of its own: good is a response with one of the
 * statuses, read as strictly as those that clients get, whose body begins as it shall. Changes nothing that anybody
 * knows about the server: health_checks.h says when to ask and what follows. */

#include "net/resolver.h"
#include "upstream/server.h"

struct health_check;

/* Begins a check of a server whose upstream has `health`. on_over comes once, never from within and at the latest after
 * the time for it: is_good, or why not in plain words that are valid until it returns. The check is gone then. */
struct health_check *health_check_start(struct server *server, struct resolver *resolver,
                                        void (*on_over)(void *data, bool is_good, const char *reason), void *data);

/* Gives up: on_over does not come. NULL is fine. */
void health_check_cancel(struct health_check *check);

#endif
