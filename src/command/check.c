#include "command/check.h"

#include "base/log.h"
#include "filter/quiesce.h"
#include "listen/tls_listener.h"
#include "plan/plan.h"
#include "process/identity.h"
#include "process/logs.h"
#include "process/program.h"
#include "process/start_timeout.h"
#include "process/trial.h"
#include "tls/tls_upstream.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    STATUS_REFUSED = 78,
};

struct check {
    const char *file;
    struct slot *slot;
    struct slot_threads *threads;
};

static void ignore_wake(void *context)
{
}

/* It may be checked by root and served by somebody else. */
static void warn_of_root(const struct settings *settings)
{
    if (geteuid() == 0 && settings->user.length == 0 && settings->style == SETTINGS_YAML && !identity_may_root_serve())
        log_line(LOG_LEVEL_WARNING, "no `user` is named: started by root, FlexiLib would not serve this");
}

/* What a worker does with the settings themselves, as far as it leaves no trace. */
static bool check_surroundings(const struct settings *settings, struct error *error)
{
    struct identity identity;
    if (settings->user.length != 0 && !identity_find(settings->user.data, settings->user_place, &identity, error))
        return false;
    warn_of_root(settings);
    return settings->access_log.path.length == 0 || logs_is_possible(settings->access_log.path.data) ||
           error_set_at(error, settings->access_log.place, "cannot open the access log '%s': %s",
                        settings->access_log.path.data, strerror(errno));
}

static bool check_tls(const struct settings *settings, struct error *error)
{
    struct tls_listeners *listeners = tls_listeners_create(settings, NULL, error);
    struct tls_upstreams *upstreams = listeners == NULL ? NULL : tls_upstreams_create(settings, error);
    bool is_fine = upstreams != NULL;
    if (is_fine) {
        tls_listeners_warn(listeners);
        tls_upstreams_warn(settings);
    }
    tls_upstreams_destroy(upstreams);
    tls_listeners_destroy(listeners);
    return is_fine;
}

static bool build(const struct check *check, struct source *source, const struct settings *settings,
                  struct error *error)
{
    struct program program;
    if (!program_open(&program))
        return error_set(error, "cannot find the program itself: %s", strerror(errno));
    char *bundled = program_bundled_folder(program.path);
    struct runtime_services services = {.wake = ignore_wake, .settings = settings};
    struct runtime *runtime = runtime_create(&services, check->slot, (size_t)settings->arena_bytes);
    runtime_show_threads(runtime, check->threads);
    /* a server that runs may own what they would take */
    runtime_put_off_exclusive(runtime);
    runtime_limit_pool(runtime, &settings->pool);
    struct plan *plan = plan_build(settings, source, runtime, bundled, error);
    /* no loop runs, so filters that wait for something are not waited for */
    bool is_built = plan != NULL && runtime_ready(runtime, error) != RUNTIME_FAILED;
    plan_destroy(plan);
    runtime_destroy(runtime);
    free(bundled);
    program_close(&program);
    return is_built;
}

static int check_file(struct slot *slot, struct slot_threads *threads, void *data)
{
    struct check *check = data;
    struct error error = ERROR_INIT;
    check->slot = slot;
    check->threads = threads;
    struct source *source = source_create_live(NULL);
    struct settings *settings = settings_load(source, check->file, &error);
    bool is_fine = settings != NULL && check_surroundings(settings, &error) && check_tls(settings, &error) &&
                   build(check, source, settings, &error);
    settings_destroy(settings);
    source_destroy(source);
    if (is_fine)
        return EXIT_SUCCESS;
    struct text description = TEXT_INIT;
    error_describe(&error, &description);
    fprintf(stderr, "%s\n", description.data);
    text_finish(&description);
    return STATUS_REFUSED;
}

int check_run(const char *file)
{
    struct check check = {.file = file};
    int64_t limit_ms = start_timeout_ms();
    struct trial trial = {
        .run = check_file,
        .data = &check,
        .what = "the check",
        .limit_ms = limit_ms > UINT_MAX ? UINT_MAX : (unsigned)limit_ms,
    };
    struct text sentence = TEXT_INIT;
    int status = EXIT_FAILURE;
    switch (trial_run(&trial, &status, &sentence)) {
    case TRIAL_RETURNED:
        if (status == EXIT_SUCCESS)
            printf("%s: ok\n", file);
        break;
    case TRIAL_ENDED:
        fprintf(stderr, "%s: %s\n", file, sentence.data);
        status = STATUS_REFUSED;
        break;
    case TRIAL_IMPOSSIBLE:
        fprintf(stderr, "%s\n", sentence.data);
        break;
    }
    text_finish(&sentence);
    return status;
}
