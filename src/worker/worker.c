#include "worker/worker.h"

#include "base/alloc.h"
#include "base/crash_handler.h"
#include "base/fork_guard.h"
#include "base/log.h"
#include "coding/body_decodings.h"
#include "net/alarm.h"
#include "plan/plan.h"
#include "process/client_region.h"
#include "process/limits.h"
#include "process/program.h"
#include "process/role.h"
#include "process/server_region.h"
#include "process/signals.h"
#include "process/slots.h"
#include "process/supervision_region.h"
#include "process/ticket_region.h"
#include "proxy/proxy.h"
#include "worker/administering.h"
#include "worker/draining.h"
#include "worker/exclusive.h"
#include "worker/exit_guard.h"
#include "worker/filter_memory.h"
#include "worker/isolating.h"
#include "worker/listening.h"
#include "worker/manifest_writer.h"
#include "worker/patience.h"
#include "worker/privileges.h"
#include "worker/sharing.h"
#include "worker/sightings.h"
#include "worker/uplink.h"
#include "worker/watchdog.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#endif

enum {
    STATUS_USAGE = 2,
    STATUS_REFUSED = 78,
    ACCESS_LOG_INDEX = 0,
};

struct worker {
    struct role role;
    struct uplink uplink;
    struct slot *slot;
    struct slot_details *details;
    uint32_t *server_numbers;            /* in shared memory, */
    struct server_states *server_states; /* which is this; NULL: not to be had */
    struct source *source;
    struct sightings sightings;
    struct settings *settings;
    struct loop *loop;
    struct loop_watch *uplink_watch;
    struct runtime *runtime;
    struct body_decodings decodings;
    struct filter_memory filter_memory;
    struct exclusive exclusive;
    struct watchdog *watchdog; /* NULL: none */
    struct isolating isolating;
    struct plan *plan;
    struct proxy *proxy;
    int access_log_fd;
    bool is_waiting, is_late; /* for filters to get ready */
    struct timer create_timer;
    struct draining draining;
};

static void prepare_process(void)
{
    /* Executed from a descriptor, the process would be called by its number. */
    prctl(PR_SET_NAME, "flexilib");
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signals_ignore();
    limits_raise_descriptors();
    setvbuf(stdout, NULL, _IOLBF, 0);
    fcntl(ROLE_CHANNEL_FD, F_SETFD, FD_CLOEXEC);
    fcntl(ROLE_SLOTS_FD, F_SETFD, FD_CLOEXEC);
    fcntl(ROLE_SERVERS_FD, F_SETFD, FD_CLOEXEC);
    fcntl(ROLE_TICKETS_FD, F_SETFD, FD_CLOEXEC);
    fcntl(ROLE_CLIENTS_FD, F_SETFD, FD_CLOEXEC);
    fcntl(ROLE_DICTIONARY_FD, F_SETFD, FD_CLOEXEC);
    fcntl(ROLE_METRICS_FD, F_SETFD, FD_CLOEXEC);
    fcntl(ROLE_SUPERVISION_FD, F_SETFD, FD_CLOEXEC);
}

/* As early as can be, and before any library: one that knows what it does passes on what is not its own. */
static void handle_crashes(struct worker *worker)
{
    if (worker->details == NULL)
        return;
    const struct crash_handler handler = {
        .crash = &worker->details->records[SLOT_RECORD_CRASH],
        .capture = &worker->details->records[SLOT_RECORD_CAPTURE],
        .call = worker->slot == NULL ? NULL : &worker->slot->call,
        .pool_calls = &worker->details->threads,
    };
    crash_handler_open(&handler);
    fork_guard_open();
    exit_guard_use();
}

static bool open_access_log(struct worker *worker, struct error *error)
{
    struct slice path = worker->settings->access_log.path;
    if (path.length == 0)
        return true;
    worker->access_log_fd = uplink_open_log(&worker->uplink, ACCESS_LOG_INDEX, path);
    return worker->access_log_fd != -1 ||
           error_set_at(error, worker->settings->access_log.place, "cannot open the access log '%.*s': %s",
                        SLICE_ARG(path), strerror(errno));
}

static bool read_settings(struct worker *worker, struct error *error)
{
    const struct role *role = &worker->role;
    if (!privileges_take_told(role, error))
        return false;
    worker->source = role->is_live ? source_create_live(role->snapshot) : source_create_snapshot(role->snapshot);
    worker->settings = settings_load(worker->source, role->config, error);
    if (worker->settings != NULL)
        worker->settings->is_without_filters = role->is_without_filters;
    if (role->is_first)
        sightings_begin(&worker->sightings, &worker->uplink, worker->source, worker->settings);
    if (worker->settings == NULL ||
        !privileges_take_configured(&worker->uplink, role, worker->source, worker->settings, error))
        return false;
    worker->server_numbers = sharing_number_servers(&worker->uplink, worker->settings);
    return open_access_log(worker, error);
}

static void wake_loop(void *context)
{
    loop_wake(context);
}

static void on_wake(void *data)
{
    struct worker *worker = data;
    runtime_run_mailbox(worker->runtime);
    if (worker->is_waiting)
        loop_stop(worker->loop);
}

static void open_runtime(struct worker *worker)
{
    worker->loop = loop_create();
    if (worker->slot != NULL)
        worker->watchdog = watchdog_start(
            worker->loop, worker->slot, worker->details == NULL ? NULL : &worker->details->records[SLOT_RECORD_CAPTURE],
            worker->uplink.fd);
    struct runtime_services services = {.wake = wake_loop, .context = worker->loop, .settings = worker->settings};
    worker->runtime = runtime_create(&services, worker->slot, (size_t)worker->settings->arena_bytes);
    runtime_use_decodings(worker->runtime, &body_decoding_services, &worker->decodings);
    runtime_use_timers(worker->runtime, &alarm_services, worker->loop);
    if (worker->details != NULL)
        runtime_show_threads(worker->runtime, &worker->details->threads);
    runtime_limit_pool(worker->runtime, &worker->settings->pool);
    filter_memory_open(&worker->filter_memory, &worker->role, worker->runtime);
    exclusive_init(&worker->exclusive, worker->loop, worker->runtime, &worker->uplink);
    loop_set_wake(worker->loop, on_wake, worker);
}

/* From here on code of libraries runs. */
static bool build_plan(struct worker *worker, struct error *error)
{
    isolating_open(&worker->isolating, &worker->role, worker->settings, worker->loop, worker->runtime, &worker->uplink);
    uplink_tell(&worker->uplink, MESSAGE_LOADING, SLICE_NONE, 0, 0, 0);
    char *bundled = program_bundled_folder(worker->role.program);
    worker->plan = plan_build(worker->settings, worker->source, worker->runtime, bundled, error);
    free(bundled);
    return worker->plan != NULL;
}

/* Without the region each worker knows servers for itself. */
static void share_servers(struct worker *worker)
{
    struct server_states *states = server_region_attach(ROLE_SERVERS_FD);
    worker->server_states = states;
    if (states != NULL)
        proxy_share_servers(worker->proxy, states, worker->role.slot, worker->server_numbers);
    else
        log_line(LOG_LEVEL_WARNING,
                 "cannot use the shared memory of servers: %s; this worker knows them, and counts for their limits, "
                 "for itself",
                 strerror(errno));
}

/* Without the region a session can be taken up again by none but the worker that has begun it. */
static void share_tickets(struct worker *worker)
{
    const struct ticket_keys *tickets = ticket_region_attach(ROLE_TICKETS_FD);
    if (tickets == NULL)
        log_line(LOG_LEVEL_WARNING, "cannot use the shared memory of ticket keys: %s", strerror(errno));
    proxy_share_tickets(worker->proxy, tickets);
}

static void share_clients(struct worker *worker)
{
    struct client_counts *counts = client_region_attach(ROLE_CLIENTS_FD);
    if (counts != NULL)
        proxy_share_clients(worker->proxy, counts, worker->role.slot);
    else
        log_line(LOG_LEVEL_WARNING,
                 "cannot use the shared memory of clients: %s; this worker counts connections for itself",
                 strerror(errno));
}

/* Before the plan, since filters may ask upstreams for something from their create on. */
static bool open_proxy(struct worker *worker, struct error *error)
{
    open_runtime(worker);
    worker->proxy = proxy_create(worker->loop, worker->settings, worker->runtime, worker->access_log_fd, worker->slot);
    if (worker->filter_memory.core_metrics != NULL)
        proxy_use_metrics(worker->proxy, worker->filter_memory.core_metrics);
    draining_init(&worker->draining, worker->loop, worker->proxy, worker->settings);
    share_servers(worker);
    share_tickets(worker);
    share_clients(worker);
    if (worker->slot != NULL)
        proxy_share_accepting(worker->proxy, worker->slot - worker->role.slot, SLOTS_COUNT);
    if (!proxy_prepare(worker->proxy, error))
        return false;
    if (worker->role.is_live)
        proxy_warn(worker->proxy);
    return true;
}

static bool open_admin(struct worker *worker, struct error *error)
{
    const struct admin_sources sources = {
        .supervision = supervision_region_attach(ROLE_SUPERVISION_FD),
        .metrics = worker->filter_memory.metrics_table,
        .settings = worker->settings,
        .servers = worker->server_states,
        .server_numbers = worker->server_numbers,
    };
    return administering_open(worker->proxy, &worker->uplink, worker->settings, &sources, worker->role.is_live, error);
}

static bool open_listeners(struct worker *worker, struct error *error)
{
    const struct settings *settings = worker->settings;
    proxy_use_plan(worker->proxy, worker->plan);
    for (size_t i = 0; i < settings->listener_count; ++i) {
        int fd = listening_open(&worker->uplink, i, &settings->listeners[i], error);
        if (fd == -1)
            return false;
        proxy_add_listener(worker->proxy, i, fd);
    }
    if (!open_admin(worker, error))
        return false;
    if (worker->uplink.reopened_log_fd != -1)
        proxy_reopen_access_log(worker->proxy, worker->uplink.reopened_log_fd);
    return true;
}

static void on_leaving(void *data)
{
    struct worker *worker = data;
    uplink_tell(&worker->uplink, MESSAGE_LEAVING, SLICE_NONE, draining_left_ms(&worker->draining), 0, 0);
}

static void on_drained(void *data)
{
    struct worker *worker = data;
    loop_stop(worker->loop);
}

static void drain(struct worker *worker, int64_t idle_ms, bool is_last)
{
    static const struct draining_events events = {.on_leaving = on_leaving, .on_drained = on_drained};
    if (worker->draining.has_begun) {
        draining_shorten(&worker->draining, idle_ms);
        return;
    }
    if (is_last)
        proxy_accept_waiting(worker->proxy);
    proxy_stop_admin(worker->proxy, is_last);
    draining_begin(&worker->draining, idle_ms, &events, worker);
    uplink_tell(&worker->uplink, MESSAGE_STOPPED, SLICE_NONE, 0, 0, 0);
    /* At a stop the successor is given up, and its end told. */
    if (!is_last)
        exclusive_retire(&worker->exclusive);
}

static void quarantine(struct worker *worker, struct slice library)
{
    size_t count = plan_quarantine(worker->plan, library);
    log_line(LOG_LEVEL_WARNING, "library '%.*s' is in quarantine: %zu route%s answer%s 503", SLICE_ARG(library), count,
             count == 1 ? "" : "s", count == 1 ? "s" : "");
}

static void obey(struct worker *worker, const struct message *message)
{
    switch (message->kind) {
    case MESSAGE_GO:
        patience_set(false);
        proxy_accept(worker->proxy);
        break;
    case MESSAGE_DRAIN:
        drain(worker, message->numbers[0], message->numbers[1] != 0);
        break;
    case MESSAGE_CUT:
        drain(worker, 0, false);
        draining_cut(&worker->draining);
        break;
    case MESSAGE_QUARANTINE:
        quarantine(worker, message->text);
        break;
    case MESSAGE_REOPEN:
        proxy_reopen_access_log(worker->proxy, message->fd);
        break;
    case MESSAGE_JOINED:
        isolating_join(&worker->isolating, message);
        break;
    case MESSAGE_QUIET:
        exclusive_go_on(&worker->exclusive);
        break;
    case MESSAGE_QUIESCE:
        exclusive_quiesce(&worker->exclusive, message);
        break;
    case MESSAGE_WAKE:
        exclusive_wake(&worker->exclusive, message);
        break;
    default:
        log_line(LOG_LEVEL_ALERT, "the supervisor said %s, which makes no sense here", message_name(message->kind));
        break;
    }
}

static void on_uplink(void *data)
{
    struct worker *worker = data;
    struct message message;
    while (uplink_take(&worker->uplink, &message))
        obey(worker, &message);
}

static void on_create_end(struct timer *timer)
{
    struct worker *worker = timer->data;
    worker->is_late = true;
    loop_stop(worker->loop);
}

static bool wait_for_filters(struct worker *worker, struct error *error)
{
    enum runtime_readiness readiness = RUNTIME_WAITING;
    int64_t timeout_ms = worker->settings->create_timeout_ms;
    uplink_tell(&worker->uplink, MESSAGE_WAITING, SLICE_NONE, timeout_ms, 0, 0);
    worker->create_timer = (struct timer){.on_timeout = on_create_end, .data = worker};
    timer_start(worker->loop, &worker->create_timer, timeout_ms);
    worker->is_waiting = true;
    while (readiness == RUNTIME_WAITING && !worker->is_late) {
        loop_run(worker->loop);
        readiness = runtime_ready(worker->runtime, error);
    }
    worker->is_waiting = false;
    timer_stop(worker->loop, &worker->create_timer);
    if (readiness == RUNTIME_WAITING)
        runtime_blame_waiting(worker->runtime, timeout_ms, error);
    return readiness == RUNTIME_READY;
}

/* Filters may need the loop and the upstreams before they are ready; but most are when they have been created. */
static bool await_filters(struct worker *worker, struct error *error)
{
    switch (runtime_ready(worker->runtime, error)) {
    case RUNTIME_WAITING:
        return wait_for_filters(worker, error);
    case RUNTIME_FAILED:
        return false;
    case RUNTIME_READY:
        break;
    }
    return true;
}

static bool get_ready(struct worker *worker, struct error *error)
{
    worker->uplink_watch = loop_watch_readable(worker->loop, worker->uplink.fd, on_uplink, worker);
    return await_filters(worker, error) && exclusive_create(&worker->exclusive, worker->settings->workers, error) &&
           await_filters(worker, error);
}

static void serve(struct worker *worker)
{
    const struct settings *settings = worker->settings;
    if (worker->role.is_live)
        manifest_write(worker->role.snapshot, settings, worker->source, worker->plan);
    isolating_serve(&worker->isolating);
    uplink_tell(&worker->uplink, MESSAGE_SHUTDOWN_DELAY, SLICE_NONE, settings->shutdown_delay_ms, 0, 0);
    uplink_tell(&worker->uplink, MESSAGE_STUCK_TIMEOUT, SLICE_NONE, settings->stuck_timeout_ms, 0, 0);
    uplink_tell(&worker->uplink, MESSAGE_MAX_GENERATIONS, SLICE_NONE, settings->max_generations, 0, 0);
    uplink_tell(&worker->uplink, MESSAGE_READY, SLICE_NONE, settings->workers, draining_most_ms(settings),
                settings->shutdown_timeout_ms);
    loop_run(worker->loop);
}

static int refuse(struct worker *worker, const struct error *error)
{
    struct text description = TEXT_INIT;
    int number = worker->source == NULL ? 0 : source_record_errno(worker->source);
    if (number == 0) {
        error_describe(error, &description);
    } else {
        uplink_tell(&worker->uplink, MESSAGE_TROUBLE, SLICE_NONE, 0, 0, 0);
        text_print(&description, "the snapshot in '%s' cannot be written: %s", worker->role.snapshot, strerror(number));
    }
    uplink_tell(&worker->uplink, MESSAGE_FAILED, text_slice(&description), 0, 0, 0);
    text_finish(&description);
    return STATUS_REFUSED;
}

static void finish(struct worker *worker)
{
    if (worker->uplink_watch != NULL)
        loop_watch_close(worker->uplink_watch);
    watchdog_stop(worker->watchdog);
    exclusive_finish(&worker->exclusive);
    if (worker->runtime != NULL)
        runtime_settle(worker->runtime);
    proxy_destroy(worker->proxy);
    plan_destroy(worker->plan);
    isolating_close(&worker->isolating);
    runtime_destroy(worker->runtime);
    filter_memory_close(&worker->filter_memory);
    settings_destroy(worker->settings);
    source_destroy(worker->source);
    free(worker->server_numbers);
}

/* Exit handlers do not run, and a sanitizer's search for leaks is one. */
static void look_for_leaks(void)
{
#ifdef __SANITIZE_ADDRESS__
    __lsan_do_leak_check();
#endif
}

static int run(struct worker *worker)
{
    struct error error = ERROR_INIT;
    int status = EXIT_SUCCESS;
    patience_set(true);
    prepare_process();
    worker->slot = slots_attach(ROLE_SLOTS_FD, (int)worker->role.slot, getpid());
    if (worker->slot != NULL)
        worker->slot->generation = worker->role.generation;
    worker->details = slots_attach_details(ROLE_SLOTS_FD, (int)worker->role.slot);
    handle_crashes(worker);
    uplink_init(&worker->uplink, ROLE_CHANNEL_FD);
    uplink_tell(&worker->uplink, MESSAGE_HELLO, SLICE_NONE, CHANNEL_VERSION, 0, 0);
    if (read_settings(worker, &error) && open_proxy(worker, &error) && build_plan(worker, &error) &&
        open_listeners(worker, &error) && get_ready(worker, &error))
        serve(worker);
    else
        status = refuse(worker, &error);
    finish(worker);
    look_for_leaks();
    return status;
}

void worker_run(int count, char **arguments)
{
    struct worker worker = {.access_log_fd = -1};
    int status = STATUS_USAGE;
    if (role_parse(count, arguments, &worker.role))
        status = run(&worker);
    else
        fprintf(stderr, "flexilib: %s is how the supervisor starts its workers; it is of no other use\n", ROLE_WORKER);
    fflush(NULL);
    _exit(status);
}
