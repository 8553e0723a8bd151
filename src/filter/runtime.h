#ifndef FLEXILIB_FILTER_RUNTIME_H
#define FLEXILIB_FILTER_RUNTIME_H

/* What all filters of a worker share: the exchanges that live, the mailbox in which other threads leave their resumes,
 * and the services that the layer above provides. One per worker; created before the first use, destroyed after the
 * last. */

#include "base/error.h"
#include "base/slice.h"
#include "config/settings.h"

#include <stddef.h>
#include <stdint.h>

struct core_metrics;
struct decoding_services;
struct dictionary_store;
struct fetch_services;
struct library;
struct metrics;
struct runtime;
struct settings;
struct slot;
struct slot_threads;
struct timer_services;

struct runtime_services {
    /* Makes the loop call runtime_run_mailbox soon. [any thread] */
    void (*wake)(void *context);
    void *context;
    const struct settings *settings; /* whose upstreams filters may choose; NULL: there are none */
    /* The time by which what filters keep gets old, in milliseconds since any moment; NULL: the system's clock that
     * nobody sets. [any thread] */
    uint64_t (*now_ms)(void);
    /* An extension that takes the place of ours, or NULL. May be NULL: none does. */
    const void *(*find_extension)(void *context, const char *id);
    /* The exchanges are those of other processes: what needs more of a worker than them is not there. */
    bool is_isolated;
};

struct isolation_services {
    /* A library of stand-ins for the filters of the one at path (absolute), which run in processes as runner says. It
     * belongs to the caller. Returns NULL and fills error. */
    struct library *(*open)(void *context, const struct runner_settings *runner, const char *path, struct error *error);
};

/* slot, where not NULL, is told which filter and hook runs, for a post mortem; arena_bytes is what an exchange has
 * ready. */
struct runtime *runtime_create(const struct runtime_services *services, struct slot *slot, size_t arena_bytes);
void runtime_destroy(struct runtime *runtime);

/* Lets filters have codings taken off bodies; without it no coding is known. */
void runtime_use_decodings(struct runtime *runtime, const struct decoding_services *services, void *context);

/* Has filters' timers come; until then none does. */
void runtime_use_timers(struct runtime *runtime, const struct timer_services *services, void *context);

/* Says how many threads there may be for work that blocks, and who may have how much of them. Before the first use;
 * without it they are as many as with a configuration that says nothing. */
void runtime_limit_pool(struct runtime *runtime, const struct pool_settings *settings);

/* Where it is told what the threads of the pool run. Before the first use. */
void runtime_show_threads(struct runtime *runtime, struct slot_threads *threads);

/* Gives filters this dictionary, which outlives the runtime, in place of one of its own. Before the first use. */
void runtime_use_dictionary(struct runtime *runtime, struct dictionary_store *store);

/* Likewise for metrics. */
void runtime_use_metrics(struct runtime *runtime, struct metrics *metrics);

/* Has calls of filters counted; core outlives the runtime. Before the first use. */
void runtime_use_core_metrics(struct runtime *runtime, struct core_metrics *core);

/* Has filters' fetches sent; without it they begin, and are never sent. */
void runtime_use_fetches(struct runtime *runtime, const struct fetch_services *services, void *context);

/* Lets filters run in other processes; without it they run in this one, whatever the settings say. */
void runtime_use_isolation(struct runtime *runtime, const struct isolation_services *services, void *context);
bool runtime_isolates(const struct runtime *runtime);
struct library *runtime_open_isolated(struct runtime *runtime, const struct runner_settings *runner, const char *path,
                                      struct error *error);

/* Has no more fetches begin. */
void runtime_close_fetches(struct runtime *runtime);

/* Ends those under way besides: before the services go. */
void runtime_end_fetches(struct runtime *runtime);

/* Tells the slot that this library is being loaded, which may run code of it; and that it no longer is. */
void runtime_enter_library(struct runtime *runtime, struct slice name);
void runtime_leave_library(struct runtime *runtime);

enum runtime_readiness {
    RUNTIME_READY = 1,
    RUNTIME_WAITING, /* filters have deferred it; when that may have changed, the loop is woken */
    RUNTIME_FAILED,  /* one of them says why in error */
};

/* Whether all filters that were created can serve requests. */
enum runtime_readiness runtime_ready(struct runtime *runtime, struct error *error);

/* Fills error with the first filter that is still waited for, after so long. */
void runtime_blame_waiting(struct runtime *runtime, int64_t waited_ms, struct error *error);

/* Delivers what other threads have left, and tells of jobs that the pool has done. On the loop thread. */
void runtime_run_mailbox(struct runtime *runtime);

/* Whether threads of the pool have work, or have done some that nobody was told of yet. On the loop thread. */
bool runtime_has_jobs(const struct runtime *runtime);

/* Waits until no thread has an exchange any more, and ends those that were waited for. Blocks. Before their chains go.
 */
void runtime_settle(struct runtime *runtime);

/* How many exchanges live. */
size_t runtime_exchange_count(const struct runtime *runtime);

#endif
