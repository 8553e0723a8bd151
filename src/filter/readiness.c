#include "filter/readiness.h"

#include "base/alloc.h"
#include "base/log.h"
#include "filter/core_calls.h"

#include <inttypes.h>
#include <stdlib.h>

void core_defer_ready(const struct flexilib_core *core)
{
    struct use *use = use_of_core_changing(core), **end;
    struct runtime *runtime = use->runtime;
    if (use->creation == NULL) {
        log_line(LOG_LEVEL_ERROR, "filter '%.*s': called defer_ready outside of create", SLICE_ARG(use->name));
        return;
    }
    pthread_mutex_lock(&runtime->mutex);
    if (!use->readiness.is_deferred) {
        use->readiness = (struct readiness){.place = use->creation->place, .is_deferred = true};
        for (end = &runtime->deferred; *end != NULL; end = &(*end)->readiness.next)
            continue;
        *end = use;
    }
    pthread_mutex_unlock(&runtime->mutex);
}

void core_set_ready(const struct flexilib_core *core, const char *sentence, size_t length)
{
    struct use *use = use_of_core_changing(core);
    struct runtime *runtime = use->runtime;
    char cleaned[CORE_SENTENCE_BYTES];
    struct slice why = core_clean_sentence(sentence, sentence == NULL ? 0 : length, cleaned);
    pthread_mutex_lock(&runtime->mutex);
    if (use->readiness.is_deferred && !use->readiness.is_settled) {
        use->readiness.is_settled = true;
        if (why.length != 0)
            use->readiness.failure = mem_copy_text(why.data, why.length);
        /* under the mutex, as in runtime_post */
        runtime->services.wake(runtime->services.context);
    }
    pthread_mutex_unlock(&runtime->mutex);
}

void readiness_finish(struct use *use)
{
    struct runtime *runtime = use->runtime;
    if (!use->readiness.is_deferred)
        return;
    pthread_mutex_lock(&runtime->mutex);
    struct use **link = &runtime->deferred;
    while (*link != use)
        link = &(*link)->readiness.next;
    *link = use->readiness.next;
    pthread_mutex_unlock(&runtime->mutex);
    free(use->readiness.failure);
}

/* What is wrong counts before what is still under way; the list stands in the order of the file. */
static const struct use *find_blocker(const struct runtime *runtime, bool *is_failure)
{
    const struct use *waiting = NULL;
    *is_failure = true;
    for (const struct use *use = runtime->deferred; use != NULL; use = use->readiness.next) {
        if (use->readiness.failure != NULL)
            return use;
        if (waiting == NULL && !use->readiness.is_settled)
            waiting = use;
    }
    *is_failure = false;
    return waiting;
}

static void tell_failure(const struct use *use, struct error *error)
{
    error_set_at(error, use->readiness.place, "filter '%.*s': %s", SLICE_ARG(use->name), use->readiness.failure);
    if (use_takes_secret(use))
        error_hide_line(error);
}

enum runtime_readiness use_readiness(struct use *use, struct error *error)
{
    struct runtime *runtime = use->runtime;
    pthread_mutex_lock(&runtime->mutex);
    bool is_waiting = use->readiness.is_deferred && !use->readiness.is_settled;
    bool is_failure = use->readiness.failure != NULL;
    if (is_failure)
        tell_failure(use, error);
    pthread_mutex_unlock(&runtime->mutex);
    return is_failure ? RUNTIME_FAILED : is_waiting ? RUNTIME_WAITING : RUNTIME_READY;
}

const char *use_readiness_failure(const struct use *use)
{
    return use->readiness.failure;
}

enum runtime_readiness runtime_ready(struct runtime *runtime, struct error *error)
{
    bool is_failure;
    pthread_mutex_lock(&runtime->mutex);
    const struct use *use = find_blocker(runtime, &is_failure);
    if (is_failure)
        tell_failure(use, error);
    pthread_mutex_unlock(&runtime->mutex);
    if (use == NULL)
        return RUNTIME_READY;
    return is_failure ? RUNTIME_FAILED : RUNTIME_WAITING;
}

void runtime_blame_waiting(struct runtime *runtime, int64_t waited_ms, struct error *error)
{
    bool is_failure;
    pthread_mutex_lock(&runtime->mutex);
    const struct use *use = find_blocker(runtime, &is_failure);
    if (is_failure)
        tell_failure(use, error);
    else if (use != NULL)
        error_set_at(error, use->readiness.place, "filter '%.*s' is not ready after %" PRId64 " ms (create_timeout)",
                     SLICE_ARG(use->name), waited_ms);
    pthread_mutex_unlock(&runtime->mutex);
}
