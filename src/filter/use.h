#ifndef FLEXILIB_FILTER_USE_H
#define FLEXILIB_FILTER_USE_H

/* The inside of a use, for the files of filter/ that call its hooks. */

#include "base/slot.h"
#include "filter/belonging.h"
#include "filter/chain.h"
#include "filter/hook_counts.h"
#include "filter/options.h"
#include "filter/pool.h"
#include "filter/quiesce.h"
#include "filter/readiness.h"

#include <sys/queue.h>

/* What a create that is running may still need. */
struct use_creation {
    struct place place;
    struct error *error;
};

struct use {
    struct flexilib_core core; /* at the front: a core call finds its use by it */
    struct runtime *runtime;
    const struct library *library;
    const struct library_settings *declared; /* NULL: the library is not under `libraries:` */
    const struct flexilib_filter *filter;
    unsigned step_number; /* as in step_settings */
    void *data;           /* what create gave */
    struct slice name;
    enum error_policy on_error;
    bool is_created;
    bool is_blocking;          /* its hooks run on threads of the pool */
    struct pool_line line;     /* for hooks that must not overlap */
    bool wants_whole_requests; /* built when on_request_body was promised all of a body at once */
    struct options options;
    const struct use_creation *creation;   /* NULL outside of create */
    char slot_name[SLOT_FILTER_BYTES];     /* the name in the slot's shape: one copy of known size per hook call */
    LIST_HEAD(use_jobs, offload_job) jobs; /* that the pool has for it */
    struct arena arena;
    struct belonging *belongings; /* what has to end before destroy */
    struct readiness readiness;
    struct quiescence quiescence;
    size_t fetch_count;
    bool is_crowd_told;         /* in the log, that it has too many fetches */
    struct hook_counts *counts; /* shared with uses of the same name; NULL: nobody counts */
    bool is_stand_in;           /* its hooks run in a runner, which counts their calls */
    bool is_isolated;           /* its settings want a runner for it, also where it is only looked at */
    bool is_abandoned;          /* create has failed: nothing of the filter is there that could be called */
};

/* Its body hooks look and do no more. */
static inline bool use_observes(const struct use *use)
{
    return (use->filter->flags & FLEXILIB_OBSERVES) != 0;
}

static inline const struct use *use_of_core(const struct flexilib_core *core)
{
    return (const struct use *)core;
}

/* Only code of filters is to leave it as it is. */
static inline struct use *use_of_core_changing(const struct flexilib_core *core)
{
    return (struct use *)(uintptr_t)core;
}

/* Calls the create of a use whose options have been read. Returns false as use_create does. */
bool use_start(struct use *use, const struct step_settings *step, struct error *error);

/* Whether an option of it is one that no message shows. */
bool use_takes_secret(const struct use *use);

/* The table that every use gets a copy of. */
extern const struct flexilib_core core_table;

#endif
