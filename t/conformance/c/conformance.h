#ifndef T_CONFORMANCE_H
#define T_CONFORMANCE_H

/* The two filters of a conformance library: one does what the request's script says, the other replies with the options
 * that it was given. */

#include "script.h"

#include <flexilib/ext/dictionary.h>
#include <flexilib/ext/fetch.h>
#include <flexilib/ext/metrics.h>
#include <flexilib/ext/offload.h>
#include <flexilib/ext/timer.h>
#include <flexilib/filter.h>

#include <pthread.h>

enum {
    OPTION_SCRIPT,
    OPTION_EXPANSION,
    OPTION_PATTERN,
    OPTION_RANGES,
    OPTION_EXTENSIONS,
    OPTION_COUNT,
};

/* A use of the filter that follows scripts. */
struct actor {
    const struct flexilib_core *core;
    struct flexilib_text script; /* the request field that holds it */
    const struct flexilib_template *expansion;
    const struct flexilib_regex *pattern;
    const struct flexilib_ranges *ranges;
    const struct flexilib_timer *timer;
    const struct flexilib_offload *offload;
    const struct flexilib_fetch *fetch;
    const struct flexilib_dictionary *dictionary;
    const struct flexilib_dictionary_name *opened;
    const struct flexilib_metrics *metrics;
    const struct flexilib_metric *metric, *gauge, *histogram;
    pthread_mutex_t mutex;
    pthread_cond_t is_idle;
    unsigned threads;
};

/* What an actor knows of an exchange. */
struct memory {
    int64_t count;
    uint64_t last_fetch;
    struct flexilib_text result; /* what ended the last pause */
};

/* A command that is being followed. */
struct scene {
    struct actor *actor;
    const struct flexilib_core *core;
    struct flexilib_exchange *exchange;
    struct memory *memory;
    flexilib_half half; /* where refusals are told */
    struct flexilib_text piece;
    bool is_last;
    struct flexilib_text *words; /* of the command, without the verb */
    flexilib_answer answer;
};

/* Follows the command; false where there is no such verb. */
bool verbs_follow(struct scene *scene, struct flexilib_text verb);
bool waits_follow(struct scene *scene, struct flexilib_text verb);

/* What `tell` tells. */
struct flexilib_text getters_find(const struct scene *scene, const struct flexilib_text *words);

flexilib_half half_of(struct flexilib_text name);
struct flexilib_text print(const struct scene *scene, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Takes what a pause of this actor was ended by, which is a text that ends with NUL. */
void waits_take(struct scene *scene, void *result);
bool fetches_ask(struct scene *scene);
bool fetches_upload(struct scene *scene);
bool fetches_cancel(struct scene *scene);
bool shared_increment(struct scene *scene);
bool shared_put(struct scene *scene);
bool shared_put_new(struct scene *scene);
bool shared_put_briefly(struct scene *scene);
bool shared_put_over(struct scene *scene);
bool shared_take_away(struct scene *scene);
bool shared_get(struct scene *scene);
bool shared_count(struct scene *scene);
bool shared_level(struct scene *scene);
bool shared_observe(struct scene *scene);
bool shared_open_dictionary(struct actor *actor);
bool shared_open_metrics(struct actor *actor);
bool waits_open_extension(struct actor *actor, struct flexilib_text name);

#endif
