#include "worker/worker.h"

#include "base/alloc.h"
#include "base/log.h"
#include "plan/plan.h"
#include "process/client_region.h"
#include "process/identity.h"
#include "process/limits.h"
#include "process/program.h"
#include "process/role.h"
#include "process/server_region.h"
#include "process/signals.h"
#include "process/slots.h"
#include "process/ticket_region.h"
#include "proxy/proxy.h"
#include "worker/listening.h"
#include "worker/sharing.h"
#include "worker/uplink.h"

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
    uint32_t *server_numbers; /* in shared memory */
    struct source *source;
    struct settings *settings;
    struct loop *loop;
    struct loop_watch *uplink_watch;
    struct runtime *runtime;
    struct plan *plan;
    struct proxy *proxy;
    char *user; /* the settings' one, NUL-terminated */
    int access_log_fd;
    bool is_draining;
    int64_t idle_ms;
    struct timer idle_timer; /* ends connections that have no request while draining */
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
}

static bool become_user(const struct identity *identity, struct error *error)
{
    if (!identity_assume(identity, error))
        return false;
    /* The kernel forgets it when the user changes. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    return true;
}

/* A sibling is told whom to become, so that it never does anything as root. */
static bool become_told_user(struct worker *worker, struct error *error)
{
    const struct role *role = &worker->role;
    struct identity identity = {.name = role->user, .uid = role->uid, .gid = role->gid};
    return role->user[0] == '\0' || become_user(&identity, error);
}

static bool become_configured_user(struct worker *worker, struct error *error)
{
    struct identity identity;
    struct slice name = worker->settings->user;
    if (name.length == 0)
        return true;
    worker->user = mem_copy_text(name.data, name.length);
    if (!identity_find(worker->user, worker->settings->user_place, &identity, error))
        return false;
    if (identity.uid == geteuid())
        return true;
    if (geteuid() != 0)
        return error_set_at(error, worker->settings->user_place, "only root can run workers as user '%s'",
                            worker->user);
    uplink_tell(&worker->uplink, MESSAGE_USER, name, identity.uid, identity.gid, 0);
    if (!identity_give_folder(&identity, worker->role.snapshot))
        return error_set(error, "cannot give the snapshot to user '%s': %s", worker->user, strerror(errno));
    return become_user(&identity, error);
}

static bool open_access_log(struct worker *worker, struct error *error)
{
    struct slice path = worker->settings->access_log;
    if (path.length == 0)
        return true;
    worker->access_log_fd = uplink_open_log(&worker->uplink, ACCESS_LOG_INDEX, path);
    return worker->access_log_fd != -1 ||
           error_set_at(error, worker->settings->access_log_place, "cannot open the access log '%.*s': %s",
                        SLICE_ARG(path), strerror(errno));
}

static bool read_settings(struct worker *worker, struct error *error)
{
    const struct role *role = &worker->role;
    if (!become_told_user(worker, error))
        return false;
    worker->source = role->is_live ? source_create_live(role->snapshot) : source_create_snapshot(role->snapshot);
    worker->settings = settings_load(worker->source, role->config, error);
    if (worker->settings == NULL || !become_configured_user(worker, error))
        return false;
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
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
}

/* From here on code of libraries runs. */
static bool build_plan(struct worker *worker, struct error *error)
{
    uplink_tell(&worker->uplink, MESSAGE_LOADING, SLICE_NONE, 0, 0, 0);
    worker->loop = loop_create();
    struct runtime_services services = {.wake = wake_loop, .context = worker->loop};
    worker->runtime = runtime_create(&services, worker->slot, (size_t)worker->settings->arena_bytes);
    loop_set_wake(worker->loop, on_wake, worker);
    char *bundled = program_bundled_folder(worker->role.program);
    worker->plan = plan_build(worker->settings, worker->source, worker->runtime, bundled, error);
    free(bundled);
    if (!worker->role.is_live)
        return worker->plan != NULL;
    for (char *const *path = source_wanted(worker->source); *path != NULL; ++path)
        uplink_tell(&worker->uplink, MESSAGE_WATCH, slice_from_text(*path), 0, 0, 0);
    return worker->plan != NULL;
}

/* Without the region each worker knows servers for itself. */
static void share_servers(struct worker *worker)
{
    struct server_states *states = server_region_attach(ROLE_SERVERS_FD);
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

static bool open_proxy(struct worker *worker, struct error *error)
{
    const struct settings *settings = worker->settings;
    worker->proxy =
        proxy_create(worker->loop, settings, worker->plan, worker->runtime, worker->access_log_fd, worker->slot);
    share_servers(worker);
    share_tickets(worker);
    share_clients(worker);
    if (worker->slot != NULL)
        proxy_share_accepting(worker->proxy, worker->slot - worker->role.slot, SLOTS_COUNT);
    if (!proxy_prepare(worker->proxy, error))
        return false;
    if (worker->role.is_live)
        proxy_warn(worker->proxy);
    for (size_t i = 0; i < settings->listener_count; ++i) {
        int fd = listening_open(&worker->uplink, i, &settings->listeners[i], error);
        if (fd == -1)
            return false;
        proxy_add_listener(worker->proxy, i, fd);
    }
    if (worker->uplink.reopened_log_fd != -1)
        proxy_reopen_access_log(worker->proxy, worker->uplink.reopened_log_fd);
    return true;
}

static void on_drained(void *data)
{
    struct worker *worker = data;
    loop_stop(worker->loop);
}

static void on_idle_end(struct timer *timer)
{
    struct worker *worker = timer->data;
    proxy_close_idle(worker->proxy);
}

static void drain(struct worker *worker, int64_t idle_ms, bool is_last)
{
    if (!worker->is_draining) {
        worker->is_draining = true;
        if (is_last)
            proxy_accept_waiting(worker->proxy);
        proxy_drain(worker->proxy, on_drained, worker);
        uplink_tell(&worker->uplink, MESSAGE_STOPPED, SLICE_NONE, 0, 0, 0);
    } else if (idle_ms >= worker->idle_ms) {
        return;
    }
    worker->idle_ms = idle_ms;
    worker->idle_timer.on_timeout = on_idle_end;
    worker->idle_timer.data = worker;
    timer_start(worker->loop, &worker->idle_timer, idle_ms);
}

static void obey(struct worker *worker, const struct message *message)
{
    switch (message->kind) {
    case MESSAGE_GO:
        proxy_accept(worker->proxy);
        break;
    case MESSAGE_DRAIN:
        drain(worker, message->numbers[0], message->numbers[1] != 0);
        break;
    case MESSAGE_CUT:
        drain(worker, 0, false);
        proxy_cut(worker->proxy);
        break;
    case MESSAGE_REOPEN:
        proxy_reopen_access_log(worker->proxy, message->fd);
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

static void serve(struct worker *worker)
{
    const struct settings *settings = worker->settings;
    worker->uplink_watch = loop_watch_readable(worker->loop, worker->uplink.fd, on_uplink, worker);
    uplink_tell(&worker->uplink, MESSAGE_READY, SLICE_NONE, settings->workers, settings->drain_timeout_ms,
                settings->shutdown_timeout_ms);
    loop_run(worker->loop);
}

static int refuse(struct worker *worker, const struct error *error)
{
    struct text description = TEXT_INIT;
    error_describe(error, &description);
    uplink_tell(&worker->uplink, MESSAGE_FAILED, text_slice(&description), 0, 0, 0);
    text_finish(&description);
    return STATUS_REFUSED;
}

static void finish(struct worker *worker)
{
    if (worker->uplink_watch != NULL)
        loop_watch_close(worker->uplink_watch);
    proxy_destroy(worker->proxy);
    plan_destroy(worker->plan);
    runtime_destroy(worker->runtime);
    settings_destroy(worker->settings);
    source_destroy(worker->source);
    free(worker->user);
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
    prepare_process();
    worker->slot = slots_attach(ROLE_SLOTS_FD, (int)worker->role.slot, getpid());
    if (worker->slot != NULL)
        worker->slot->generation = worker->role.generation;
    uplink_init(&worker->uplink, ROLE_CHANNEL_FD);
    uplink_tell(&worker->uplink, MESSAGE_HELLO, SLICE_NONE, CHANNEL_VERSION, 0, 0);
    if (read_settings(worker, &error) && build_plan(worker, &error) && open_proxy(worker, &error))
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
