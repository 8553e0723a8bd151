#ifndef FLEXILIB_PROCESS_SUPERVISOR_H
#define FLEXILIB_PROCESS_SUPERVISOR_H

/* The parent of all workers. It reads no configuration, loads no library and speaks no HTTP: it owns the sockets, logs
 * and snapshots, starts a generation of workers, replaces it on a reload once the new one is ready, replaces workers
 * that crash, and ends all of them when told to. */

#include <stdbool.h>

struct supervisor_options {
    const char *config;      /* the file's name as the operator gave it */
    bool may_use_last_good;  /* where the configuration cannot be served */
    bool is_without_filters; /* no library is loaded: chains are empty, and handlers answer 503 */
};

/* Runs until it is told to stop by a signal, or cannot start. Returns the exit status: 0, 1, or 78 where the
 * configuration is refused. */
int supervisor_run(const struct supervisor_options *options);

#endif
