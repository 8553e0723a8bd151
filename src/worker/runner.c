#include "worker/runner.h"

#include "base/crash_handler.h"
#include "base/fork_guard.h"
#include "base/log.h"
#include "coding/body_decodings.h"
#include "net/alarm.h"
#include "process/identity.h"
#include "process/limits.h"
#include "process/role.h"
#include "process/signals.h"
#include "process/slots.h"
#include "runner/runner_host.h"
#include "worker/filter_memory.h"
#include "worker/uplink.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#endif

enum {
    STATUS_USAGE = 2,
    STATUS_REFUSED = 78,
    WHOLE_POOL_PERCENT = 100,
};

struct runner {
    struct role role;
    struct uplink uplink;
    struct slot *slot;
    struct slot_details *details;
    struct source *source;
    struct settings *settings;
    const struct runner_settings *own;
    struct loop *loop;
    struct loop_watch *uplink_watch;
    struct runtime *runtime;
    struct body_decodings decodings;
    struct filter_memory filter_memory;
    struct call_watch *watch;
    struct runner_host *host;
    int status;
};

static void prepare_process(struct runner *runner)
{
    static const int descriptors[] = {ROLE_CHANNEL_FD, ROLE_SLOTS_FD, ROLE_DICTIONARY_FD, ROLE_METRICS_FD};
    static const int foreign[] = {ROLE_SERVERS_FD, ROLE_TICKETS_FD, ROLE_CLIENTS_FD, ROLE_SUPERVISION_FD};
    prctl(PR_SET_NAME, "flexilib");
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signals_ignore();
    limits_raise_descriptors();
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (size_t i = 0; i < sizeof(descriptors) / sizeof(descriptors[0]); ++i)
        fcntl(descriptors[i], F_SETFD, FD_CLOEXEC);
    for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); ++i)
        close(foreign[i]);
    runner->slot = slots_attach(ROLE_SLOTS_FD, (int)runner->role.slot, getpid());
    if (runner->slot != NULL)
        runner->slot->generation = runner->role.generation;
    runner->details = slots_attach_details(ROLE_SLOTS_FD, (int)runner->role.slot);
}

static void handle_crashes(struct runner *runner)
{
    if (runner->details == NULL)
        return;
    const struct crash_handler handler = {
        .crash = &runner->details->records[SLOT_RECORD_CRASH],
        .capture = &runner->details->records[SLOT_RECORD_CAPTURE],
        .call = runner->slot == NULL ? NULL : &runner->slot->call,
        .pool_calls = &runner->details->threads,
    };
    crash_handler_open(&handler);
    fork_guard_open();
}

static bool become_user(const struct role *role, struct error *error)
{
    const struct identity identity = {.name = role->user, .uid = role->uid, .gid = role->gid};
    if (role->user[0] != '\0' && !identity_assume(&identity, error))
        return false;
    /* The kernel forgets it when the user changes. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    return true;
}

static bool read_settings(struct runner *runner, struct error *error)
{
    runner->source = source_create_snapshot(runner->role.snapshot);
    runner->settings = settings_load(runner->source, runner->role.config, error);
    if (runner->settings == NULL)
        return false;
    if (runner->role.runner >= runner->settings->runner_count)
        return error_set(error, "the settings have no runner %u", runner->role.runner);
    runner->own = runner->settings->runners[runner->role.runner];
    return true;
}

/* What is written to and not shared, as RLIMIT_DATA counts it; 0 where that cannot be told. */
static uint64_t data_bytes(void)
{
    unsigned long size, resident, shared, code, library, data;
    FILE *file = fopen("/proc/self/statm", "re");
    if (file == NULL)
        return 0;
    bool is_read = fscanf(file, "%lu %lu %lu %lu %lu %lu", &size, &resident, &shared, &code, &library, &data) == 6;
    fclose(file);
    return is_read ? (uint64_t)data * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

/* Which takes many times as much memory for itself. */
static bool has_sanitizer(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return true;
#else
    return false;
#endif
}

/* What the library may take comes on top of what is taken already. */
static void limit_memory(const struct runner_settings *own)
{
    rlim_t most = (rlim_t)(data_bytes() + (uint64_t)own->memory_bytes);
    const struct rlimit limit = {.rlim_cur = most, .rlim_max = most};
    if (!has_sanitizer() && setrlimit(RLIMIT_DATA, &limit) == -1)
        log_line(LOG_LEVEL_WARNING, "library '%.*s': its memory cannot be limited: %s", SLICE_ARG(own->name),
                 strerror(errno));
}

static void limit_process(const struct runner_settings *own)
{
    limit_memory(own);
    if (own->nice != 0 && setpriority(PRIO_PROCESS, 0, (int)own->nice) == -1)
        log_line(LOG_LEVEL_WARNING, "library '%.*s': its processes cannot stand back: %s", SLICE_ARG(own->name),
                 strerror(errno));
}

static void wake_loop(void *context)
{
    loop_wake(context);
}

static void on_wake(void *data)
{
    struct runner *runner = data;
    runtime_run_mailbox(runner->runtime);
    runner_host_look(runner->host);
}

/* Everything but fetches, which are the workers'. Nobody shares the pool with the library. */
static void open_runtime(struct runner *runner)
{
    struct pool_settings pool = runner->settings->pool;
    const struct runtime_services services = {
        .wake = wake_loop, .context = runner->loop, .settings = runner->settings, .is_isolated = true};
    runner->runtime = runtime_create(&services, runner->slot, (size_t)runner->settings->arena_bytes);
    runtime_use_decodings(runner->runtime, &body_decoding_services, &runner->decodings);
    runtime_use_timers(runner->runtime, &alarm_services, runner->loop);
    if (runner->details != NULL)
        runtime_show_threads(runner->runtime, &runner->details->threads);
    pool.share_percent = WHOLE_POOL_PERCENT;
    runtime_limit_pool(runner->runtime, &pool);
    filter_memory_open(&runner->filter_memory, &runner->role, runner->runtime);
}

static int refuse(struct runner *runner, const struct error *error)
{
    struct text description = TEXT_INIT;
    error_describe_line(error, &description);
    uplink_tell(&runner->uplink, MESSAGE_FAILED, text_slice(&description), 0, 0, 0);
    text_finish(&description);
    return STATUS_REFUSED;
}

static void on_host_failure(void *data, const struct error *error)
{
    struct runner *runner = data;
    runner->status = refuse(runner, error);
    loop_stop(runner->loop);
}

static bool open_host(struct runner *runner, struct error *error)
{
    runner->loop = loop_create();
    open_runtime(runner);
    if (runner->slot != NULL && runner->details != NULL)
        runner->watch = call_watch_start(runner->loop, runner->slot, &runner->details->threads, runner->own);
    if (runner->watch == NULL)
        return error_set(error, "cannot watch how long calls take: %s", strerror(errno));
    /* the stack of that thread is not the library's */
    limit_process(runner->own);
    const struct runner_host_parts parts = {
        .runner = runner->own,
        .settings = runner->settings,
        .source = runner->source,
        .loop = runner->loop,
        .runtime = runner->runtime,
        .watch = runner->watch,
        .on_failure = on_host_failure,
        .data = runner,
    };
    runner->host = runner_host_create(&parts);
    loop_set_wake(runner->loop, on_wake, runner);
    return true;
}

static void obey(struct runner *runner, const struct message *message)
{
    if (message->kind == MESSAGE_PEER && message->fd != -1)
        runner_host_add_peer(runner->host, message->fd, (uint32_t)message->numbers[0]);
    else if (message->kind == MESSAGE_CUT)
        loop_stop(runner->loop);
}

static void on_uplink(void *data)
{
    struct runner *runner = data;
    struct message message;
    while (uplink_take(&runner->uplink, &message))
        obey(runner, &message);
}

static void finish(struct runner *runner)
{
    if (runner->uplink_watch != NULL)
        loop_watch_close(runner->uplink_watch);
    runner_host_destroy(runner->host);
    call_watch_stop(runner->watch);
    runtime_destroy(runner->runtime);
    filter_memory_close(&runner->filter_memory);
    settings_destroy(runner->settings);
    source_destroy(runner->source);
}

static void look_for_leaks(void)
{
#ifdef __SANITIZE_ADDRESS__
    __lsan_do_leak_check();
#endif
}

static int run(struct runner *runner)
{
    struct error error = ERROR_INIT;
    runner->status = EXIT_SUCCESS;
    prepare_process(runner);
    handle_crashes(runner);
    uplink_init(&runner->uplink, ROLE_CHANNEL_FD);
    uplink_tell(&runner->uplink, MESSAGE_HELLO, SLICE_NONE, CHANNEL_VERSION, 0, 0);
    if (become_user(&runner->role, &error) && read_settings(runner, &error) && open_host(runner, &error)) {
        runner->uplink_watch = loop_watch_readable(runner->loop, runner->uplink.fd, on_uplink, runner);
        loop_run(runner->loop);
    } else {
        runner->status = refuse(runner, &error);
    }
    finish(runner);
    look_for_leaks();
    return runner->status;
}

void runner_run(int count, char **arguments)
{
    struct runner runner = {0};
    int status = STATUS_USAGE;
    if (role_parse(count, arguments, &runner.role))
        status = run(&runner);
    else
        fprintf(stderr, "flexilib: %s is how the supervisor starts runners; it is of no other use\n", ROLE_RUNNER);
    fflush(NULL);
    _exit(status);
}
