#ifndef FLEXILIB_RUNNER_RUNNER_HOST_H
#define FLEXILIB_RUNNER_RUNNER_HOST_H

/* A runner's side: one library, the uses that the settings make of it, and workers that have its hooks called. Settings
 * and everything that they name come from the snapshot of the generation; so what is created here is what the workers
 * have checked. */

#include "config/settings.h"
#include "filter/runtime.h"
#include "net/loop.h"
#include "runner/call_watch.h"

struct runner_host;

struct runner_host_parts {
    const struct runner_settings *runner;
    const struct settings *settings;
    struct source *source; /* the snapshot */
    struct loop *loop;
    struct runtime *runtime;
    struct call_watch *watch; /* NULL: calls may take any time */
    /* Filters that workers ask for cannot be ready, or are not within create_timeout: another process has to try. Once,
     * also from within. */
    void (*on_failure)(void *data, const struct error *error);
    void *data;
};

struct runner_host *runner_host_create(const struct runner_host_parts *parts);

/* Ends everything; code of the library runs for the last time. NULL is fine. */
void runner_host_destroy(struct runner_host *host);

/* Takes the connection of a worker, known by its slot; an older one of the same worker ends. */
void runner_host_add_peer(struct runner_host *host, int fd, uint32_t slot);

/* To be called when the loop was woken, after the runtime's mailbox: filters may have got ready. */
void runner_host_look(struct runner_host *host);

#endif
