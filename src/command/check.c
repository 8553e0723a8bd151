#include "command/check.h"

#include "base/spawn.h"
#include "listen/tls_listener.h"
#include "plan/plan.h"
#include "process/identity.h"
#include "process/logs.h"
#include "process/obituary.h"
#include "process/program.h"
#include "process/slots.h"
#include "tls/tls_upstream.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    STATUS_REFUSED = 78,
};

struct check {
    const char *file;
    struct slots slots;
    int slot_number;
    struct slot *slot; /* in the child */
};

/* Nobody else uses the slot's counter here: it tells an end of ours from an exit() in a library. */
static const uint32_t check_done = 1;

static void ignore_wake(void *context)
{
}

/* What a worker does with the settings themselves, as far as it leaves no trace. */
static bool check_surroundings(const struct settings *settings, struct error *error)
{
    struct identity identity;
    if (settings->user.length != 0 && !identity_find(settings->user.data, settings->user_place, &identity, error))
        return false;
    return settings->access_log.length == 0 || logs_is_possible(settings->access_log.data) ||
           error_set_at(error, settings->access_log_place, "cannot open the access log '%s': %s",
                        settings->access_log.data, strerror(errno));
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
    struct runtime_services services = {.wake = ignore_wake};
    struct runtime *runtime = runtime_create(&services, check->slot, (size_t)settings->arena_bytes);
    struct plan *plan = plan_build(settings, source, runtime, bundled, error);
    bool is_built = plan != NULL;
    plan_destroy(plan);
    runtime_destroy(runtime);
    free(bundled);
    program_close(&program);
    return is_built;
}

static int check_file(void *data)
{
    struct check *check = data;
    struct error error = ERROR_INIT;
    check->slot = slots_attach(check->slots.fd, check->slot_number, getpid());
    struct source *source = source_create_live(NULL);
    struct settings *settings = settings_load(source, check->file, &error);
    bool is_fine = settings != NULL && check_surroundings(settings, &error) && check_tls(settings, &error) &&
                   build(check, source, settings, &error);
    settings_destroy(settings);
    source_destroy(source);
    if (check->slot != NULL)
        check->slot->connections = check_done;
    if (is_fine)
        return EXIT_SUCCESS;
    struct text description = TEXT_INIT;
    error_describe(&error, &description);
    fprintf(stderr, "%s\n", description.data);
    text_finish(&description);
    return STATUS_REFUSED;
}

static int report_end(const struct check *check, int status)
{
    struct slot slot = slots_read(&check->slots, check->slot_number);
    if (WIFEXITED(status) && slot.connections == check_done) {
        if (WEXITSTATUS(status) == EXIT_SUCCESS)
            printf("%s: ok\n", check->file);
        return WEXITSTATUS(status);
    }
    struct text line = TEXT_INIT;
    if (WIFSIGNALED(status))
        text_print(&line, "the check was ended by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
    else
        text_print(&line, "a library ended the check with status %d", WEXITSTATUS(status));
    obituary_print_slot(&slot, &line);
    fprintf(stderr, "%s: %s\n", check->file, line.data);
    text_finish(&line);
    return STATUS_REFUSED;
}

int check_run(const char *file)
{
    struct check check = {.file = file};
    int status = 0;
    if (!slots_open(&check.slots)) {
        fprintf(stderr, "cannot make shared memory: %s\n", strerror(errno));
        return EXIT_FAILURE;
    }
    check.slot_number = slots_take(&check.slots);
    pid_t pid = spawn_copy(check_file, &check);
    if (pid == -1 || waitpid(pid, &status, 0) == -1) {
        fprintf(stderr, "cannot start a process: %s\n", strerror(errno));
        slots_close(&check.slots);
        return EXIT_FAILURE;
    }
    int result = report_end(&check, status);
    slots_close(&check.slots);
    return result;
}
