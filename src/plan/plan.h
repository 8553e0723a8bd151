#ifndef FLEXILIB_PLAN_PLAN_H
#define FLEXILIB_PLAN_PLAN_H

/* What a worker does: the settings with every library opened, every filter created, and the routes compiled. Built once
 * before READY, read only afterwards. */

#include "config/settings.h"
#include "filter/chain.h"
#include "filter/exchange.h"
#include "filter/runtime.h"

struct library;
struct plan;

enum plan_target {
    PLAN_HANDLER = 1, /* the chain's last filter answers */
    PLAN_PROXY,
    PLAN_REDIRECT,
    PLAN_RESPOND,
    PLAN_FILES,
    PLAN_MISSING,  /* proxy.ini: the library is not there (yet); answer 500 */
    PLAN_LEFT_OUT, /* the handler, since no filters are wanted; answer 503 */
    PLAN_NOTHING,  /* no route: 404, in proxy.ini 500 */
};

struct plan_route {
    struct slice name;
    struct chain chain; /* the global filters, the inherited and own ones, the handler */
    enum plan_target target;
    const struct upstream_settings *upstream; /* PLAN_PROXY */
    const struct forward_settings *forward;   /* PLAN_PROXY */
    const struct redirect_settings *redirect; /* PLAN_REDIRECT */
    const struct respond_settings *respond;   /* PLAN_RESPOND */
    const struct files_settings *files;       /* PLAN_FILES */
    int64_t body_limit_bytes;                 /* of requests; its own, or that of the nearest around it */
    const struct error_pages *error_pages;    /* its own, then those around it, then the settings' */
    /* Its own, or that of the nearest around it; NULL: responses are not compressed. */
    const struct compression_settings *compression;
    bool is_quarantined; /* a library of its chain is; answer 503 without running the chain */
};

/* Builds the plan. settings, source and runtime must outlive it. bundled_folder is where bundled libraries stand
 * (absolute). Warnings (a route that can never match, a missing library of proxy.ini) go to the log; missing files that
 * are waited for go to source_want. Returns NULL and fills error with the place. */
struct plan *plan_build(const struct settings *settings, struct source *source, struct runtime *runtime,
                        const char *bundled_folder, struct error *error);

/* Puts the library of that path in quarantine: all routes whose chains have a filter of it. Returns how many those are.
 */
size_t plan_quarantine(struct plan *plan, struct slice library);

/* Destroys every use. No exchange may be left. */
void plan_destroy(struct plan *plan);

/* The route that serves this request; never NULL, since PLAN_NOTHING stands at the end. */
const struct plan_route *plan_find(const struct plan *plan, const struct request_head *head, struct slice listener);

/* The libraries that it uses. */
size_t plan_library_count(const struct plan *plan);
const struct library *plan_library(const struct plan *plan, size_t index);

/* Every configured filter, in the order of the file. */
size_t plan_use_count(const struct plan *plan);
const struct use *plan_use(const struct plan *plan, size_t index);

#endif
