#include "process/supervisor.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/units.h"
#include "process/console.h"
#include "process/control.h"
#include "process/control_requests.h"
#include "process/generation.h"
#include "process/limits.h"
#include "process/signals.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    STATUS_OK = 0,
    STATUS_FAILED = 1,
    STATUS_REFUSED = 78, /* EX_CONFIG */
    DRAINING_LIMIT = 3,
    START_TIMEOUT_MS = 30 * 1000,
    IDLE_MS = 1000,                       /* how long connections without a request are kept when stopping */
    STOPPED_TIMEOUT_US = 2 * 1000 * 1000, /* how long an old worker may take to say that it accepts no more */
};

enum stop_level {
    STOP_NONE = 0,
    STOP_PATIENT, /* QUIT: without limit */
    STOP_LIMITED, /* TERM, INT: until shutdown_timeout */
    STOP_NOW,
};

struct generation_entry {
    struct generation_entry *next;
    struct generation *generation;
};

struct supervisor {
    struct supplies supplies;
    int signal_fd;
    struct poller_watch signals;
    struct control control;
    struct generation_entry *entries; /* all that have processes left */
    struct generation *starting, *serving;
    unsigned last_number;
    bool is_reload_wanted;
    bool was_wait_told;          /* that a reload waits for draining generations */
    bool is_announced;           /* that serving serves */
    uint64_t announce_until_us;  /* without waiting for the old one any longer */
    int64_t shutdown_timeout_ms; /* of the generation that served last */
    enum stop_level stop;
    bool is_under_starter; /* start_server has started us */
    bool is_stop_told;     /* that nobody accepts any more */
    int status;
};

static void start_generation(struct supervisor *supervisor)
{
    struct generation_entry *entry = mem_zalloc(sizeof(*entry));
    supervisor->is_reload_wanted = false;
    supervisor->was_wait_told = false;
    entry->generation = generation_create(&supervisor->supplies, ++supervisor->last_number);
    entry->next = supervisor->entries;
    supervisor->entries = entry;
    supervisor->starting = entry->generation;
}

static void report_failed_reload(const struct supervisor *supervisor, const struct generation *failed)
{
    struct slice reason = slice_from_text(generation_failure(failed));
    size_t end = slice_find(reason, '\n');
    struct slice details = slice_skip(reason, end);
    console_log(LOG_LEVEL_ERROR, "generation %u failed: %.*s; generation %u goes on serving%.*s",
                generation_number(failed), SLICE_ARG(slice_of(reason.data, end)),
                generation_number(supervisor->serving), SLICE_ARG(details));
}

static void handle_failed_start(struct supervisor *supervisor)
{
    const struct generation *failed = supervisor->starting;
    supervisor->starting = NULL;
    if (supervisor->stop != STOP_NONE)
        return;
    if (supervisor->serving != NULL) {
        report_failed_reload(supervisor, failed);
        return;
    }
    console_log(LOG_LEVEL_ERROR, "%s", generation_failure(failed));
    supervisor->status = generation_is_refused(failed) ? STATUS_REFUSED : STATUS_FAILED;
    supervisor->stop = STOP_NOW;
    supervisor->is_stop_told = true;
}

static void begin_service(struct supervisor *supervisor)
{
    listeners_warn_unused(&supervisor->supplies.listeners);
    control_open(&supervisor->control);
}

/* The new one accepts before the old one stops, so that there is always somebody who does. */
static void promote(struct supervisor *supervisor)
{
    struct generation *old = supervisor->serving;
    supervisor->serving = supervisor->starting;
    supervisor->starting = NULL;
    supervisor->shutdown_timeout_ms = generation_shutdown_timeout_ms(supervisor->serving);
    generation_go(supervisor->serving);
    /* Half the time for clients to come back and be told that the connection closes; the rest for requests. */
    if (old != NULL)
        generation_drain(old, generation_drain_timeout_ms(old), generation_drain_timeout_ms(old) / 2, false);
    else
        begin_service(supervisor);
    wanted_keep(&supervisor->supplies.wanted, generation_number(supervisor->serving));
    supervisor->is_announced = false;
    supervisor->announce_until_us = clock_monotonic_us() + STOPPED_TIMEOUT_US;
}

static bool have_others_stopped(const struct supervisor *supervisor)
{
    for (const struct generation_entry *entry = supervisor->entries; entry != NULL; entry = entry->next) {
        if (generation_state(entry->generation) == GENERATION_DRAINING && !generation_has_stopped(entry->generation))
            return false;
    }
    return true;
}

/* Said only once no older worker accepts any more: whoever reads it may count on the new one. */
static void announce_when_alone(struct supervisor *supervisor, uint64_t now_us)
{
    if (supervisor->serving == NULL || supervisor->is_announced ||
        (!have_others_stopped(supervisor) && now_us < supervisor->announce_until_us))
        return;
    unsigned count = generation_worker_count(supervisor->serving);
    supervisor->is_announced = true;
    console_log(LOG_LEVEL_INFO, "generation %u is serving (%u worker%s)", generation_number(supervisor->serving), count,
                count == 1 ? "" : "s");
}

static void tell_when_deaf(struct supervisor *supervisor)
{
    if (supervisor->stop == STOP_NONE || supervisor->is_stop_told || supervisor->entries == NULL ||
        !have_others_stopped(supervisor))
        return;
    supervisor->is_stop_told = true;
    console_log(LOG_LEVEL_INFO, "no more connections are accepted");
}

static unsigned count_draining(const struct supervisor *supervisor)
{
    unsigned count = 0;
    for (const struct generation_entry *entry = supervisor->entries; entry != NULL; entry = entry->next)
        count += generation_state(entry->generation) == GENERATION_DRAINING;
    return count;
}

static void reload_if_wanted(struct supervisor *supervisor)
{
    supervisor->is_reload_wanted |= wanted_take(&supervisor->supplies.wanted);
    if (!supervisor->is_reload_wanted || supervisor->starting != NULL || supervisor->stop != STOP_NONE)
        return;
    /* Each generation that takes over is reported, so that whoever waits for its line gets it. */
    if (supervisor->serving != NULL && !supervisor->is_announced)
        return;
    if (count_draining(supervisor) < DRAINING_LIMIT) {
        start_generation(supervisor);
        return;
    }
    if (!supervisor->was_wait_told)
        console_log(LOG_LEVEL_INFO, "the reload waits: %d generations are still draining", DRAINING_LIMIT);
    supervisor->was_wait_told = true;
}

/* A worker of the serving generation is replaced as soon as it dies, so empty means over only for the others. */
static bool is_over(const struct supervisor *supervisor, const struct generation *generation)
{
    return generation != supervisor->serving && generation != supervisor->starting && generation_is_empty(generation);
}

static void remove_finished(struct supervisor *supervisor)
{
    struct generation_entry **link = &supervisor->entries;
    while (*link != NULL) {
        struct generation_entry *entry = *link;
        if (!is_over(supervisor, entry->generation)) {
            link = &entry->next;
            continue;
        }
        if (generation_state(entry->generation) == GENERATION_DRAINING)
            console_log(LOG_LEVEL_INFO, "generation %u has drained", generation_number(entry->generation));
        *link = entry->next;
        generation_destroy(entry->generation);
        free(entry);
    }
}

static void step(struct supervisor *supervisor)
{
    uint64_t now_us = clock_monotonic_us();
    for (struct generation_entry *entry = supervisor->entries; entry != NULL; entry = entry->next)
        generation_step(entry->generation, now_us);
    if (supervisor->starting != NULL && generation_state(supervisor->starting) == GENERATION_FAILED)
        handle_failed_start(supervisor);
    else if (supervisor->starting != NULL && generation_state(supervisor->starting) == GENERATION_READY)
        promote(supervisor);
    control_step(&supervisor->control, now_us);
    ticket_region_step(&supervisor->supplies.tickets, now_us);
    announce_when_alone(supervisor, now_us);
    tell_when_deaf(supervisor);
    remove_finished(supervisor);
    reload_if_wanted(supervisor);
}

static void raise_stop(struct supervisor *supervisor, enum stop_level level)
{
    if (level <= supervisor->stop)
        return;
    if (supervisor->stop == STOP_NONE)
        console_log(LOG_LEVEL_INFO, "stopping");
    supervisor->stop = level;
    if (supervisor->starting != NULL)
        generation_abandon(supervisor->starting);
    supervisor->serving = NULL;
    /* A socket that nobody will accept from any more must not collect connections. */
    listeners_shut(&supervisor->supplies.listeners);
    control_shut(&supervisor->control);
    for (struct generation_entry *entry = supervisor->entries; entry != NULL; entry = entry->next) {
        if (generation_state(entry->generation) == GENERATION_FAILED)
            continue;
        if (level == STOP_NOW)
            generation_cut(entry->generation);
        else
            generation_drain(entry->generation, level == STOP_PATIENT ? -1 : supervisor->shutdown_timeout_ms, IDLE_MS,
                             true);
    }
}

static void bury_dead(struct supervisor *supervisor)
{
    int status;
    pid_t pid;
    /* Any child: as process 1 of a container it inherits others' too. */
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        for (struct generation_entry *entry = supervisor->entries; entry != NULL; entry = entry->next) {
            if (generation_bury(entry->generation, pid, status))
                break;
        }
    }
}

static void reopen_logs(struct supervisor *supervisor)
{
    logs_reopen(&supervisor->supplies.logs);
    for (struct generation_entry *entry = supervisor->entries; entry != NULL; entry = entry->next)
        generation_reopen_logs(entry->generation);
    console_log(LOG_LEVEL_INFO, "logs reopened");
}

/* Whoever says it twice means at once; but start_server tells all that still drain again, each time it starts another.
 */
static bool is_urgent(const struct supervisor *supervisor, int number)
{
    return supervisor->stop >= STOP_LIMITED && !(number == SIGTERM && supervisor->is_under_starter);
}

static void handle_signal(struct supervisor *supervisor, int number)
{
    switch (number) {
    case SIGCHLD:
        bury_dead(supervisor);
        break;
    case SIGHUP:
        console_log(LOG_LEVEL_INFO, "reloading");
        supervisor->is_reload_wanted = true;
        break;
    case SIGQUIT:
        raise_stop(supervisor, STOP_PATIENT);
        break;
    case SIGUSR1:
        reopen_logs(supervisor);
        break;
    case SIGUSR2:
        console_log(LOG_LEVEL_INFO, "signal USR2 is ignored");
        break;
    default:
        raise_stop(supervisor, is_urgent(supervisor, number) ? STOP_NOW : STOP_LIMITED);
        break;
    }
}

static void on_signal(void *data)
{
    struct supervisor *supervisor = data;
    int number = signals_take(supervisor->signal_fd);
    if (number != 0)
        handle_signal(supervisor, number);
}

static int time_to_wait_ms(const struct supervisor *supervisor)
{
    uint64_t now_us = clock_monotonic_us();
    uint64_t until_us = supervisor->supplies.tickets.rotate_at_us;
    /* It failed before it had a process whose end would be an event. */
    if (supervisor->starting != NULL && generation_state(supervisor->starting) == GENERATION_FAILED)
        return 0;
    for (const struct generation_entry *entry = supervisor->entries; entry != NULL; entry = entry->next) {
        uint64_t deadline_us = generation_deadline(entry->generation);
        if (deadline_us != 0 && deadline_us < until_us)
            until_us = deadline_us;
    }
    if (supervisor->serving != NULL && !supervisor->is_announced && supervisor->announce_until_us < until_us)
        until_us = supervisor->announce_until_us;
    uint64_t control_us = control_deadline(&supervisor->control);
    if (control_us != 0 && control_us < until_us)
        until_us = control_us;
    uint64_t wait_ms = until_us <= now_us ? 0 : (until_us - now_us + 999) / 1000;
    return wait_ms > INT32_MAX ? INT32_MAX : (int)wait_ms;
}

/* For libraries that take longer than most to be created. */
static int64_t read_start_timeout_ms(void)
{
    const char *value = getenv("FLEXILIB_START_TIMEOUT");
    int64_t timeout_ms;
    if (value == NULL)
        return START_TIMEOUT_MS;
    if (units_parse_duration_ms(slice_from_text(value), &timeout_ms) && timeout_ms > 0)
        return timeout_ms;
    console_log(LOG_LEVEL_WARNING, "FLEXILIB_START_TIMEOUT: '%s' is no duration such as 30s", value);
    return START_TIMEOUT_MS;
}

static bool open_supplies(struct supervisor *supervisor, const char *config, struct error *error)
{
    struct supplies *supplies = &supervisor->supplies;
    limits_raise_descriptors();
    supplies->config = config;
    supplies->start_timeout_ms = read_start_timeout_ms();
    if (!program_open(&supplies->program))
        return error_set(error, "cannot open the program itself: %s (is /proc there?)", strerror(errno));
    if (!poller_open(&supplies->poller) || (supervisor->signal_fd = signals_open()) == -1 ||
        !poller_watch(&supplies->poller, &supervisor->signals, supervisor->signal_fd, on_signal, supervisor))
        return error_set(error, "cannot watch for events: %s", strerror(errno));
    if (!slots_open(&supplies->slots) || !server_table_open(&supplies->servers) ||
        !ticket_region_open(&supplies->tickets) || !client_region_open(&supplies->clients))
        return error_set(error, "cannot make shared memory: %s%s", strerror(errno),
                         errno == EFBIG ? " (the limit of file sizes, `ulimit -f`, counts for it too)" : "");
    wanted_init(&supplies->wanted, &supplies->poller);
    return snapshots_open(&supplies->snapshots, error);
}

static void close_supplies(struct supervisor *supervisor)
{
    struct supplies *supplies = &supervisor->supplies;
    control_close(&supervisor->control);
    listeners_close(&supplies->listeners);
    snapshots_close(&supplies->snapshots);
    wanted_finish(&supplies->wanted);
    poller_forget(&supplies->poller, &supervisor->signals);
    if (supervisor->signal_fd != -1)
        close(supervisor->signal_fd);
    poller_close(&supplies->poller);
    client_region_close(&supplies->clients);
    ticket_region_close(&supplies->tickets);
    server_table_close(&supplies->servers);
    slots_close(&supplies->slots);
    program_close(&supplies->program);
}

static void on_control_request(void *data, const struct control_line *request, struct text *answer)
{
    struct supervisor *supervisor = data;
    struct control_view view = {.servers = &supervisor->supplies.servers, .serving = supervisor->serving};
    control_requests_answer(&view, request, answer);
}

static void prepare(struct supervisor *supervisor, const char *config)
{
    *supervisor = (struct supervisor){
        .supplies = {.poller = {.epoll_fd = -1},
                     .program = {.fd = -1},
                     .slots = {.fd = -1},
                     .servers = {.region.fd = -1},
                     .tickets = {.fd = -1},
                     .clients = {.fd = -1}},
        .signal_fd = -1,
        .signals = POLLER_WATCH_NONE,
    };
    supervisor->supplies.snapshots.lock_fd = -1;
    wanted_init(&supervisor->supplies.wanted, &supervisor->supplies.poller);
    control_init(&supervisor->control, &supervisor->supplies.poller, config, on_control_request, supervisor);
}

int supervisor_run(const char *config)
{
    struct error error = ERROR_INIT;
    struct supervisor *supervisor = mem_alloc(sizeof(*supervisor));
    prepare(supervisor, config);
    if (open_supplies(supervisor, config, &error)) {
        supervisor->is_under_starter = listeners_inherit(&supervisor->supplies.listeners);
        start_generation(supervisor);
        step(supervisor);
        while (supervisor->stop == STOP_NONE || supervisor->entries != NULL) {
            poller_wait(&supervisor->supplies.poller, time_to_wait_ms(supervisor));
            step(supervisor);
        }
        console_log(LOG_LEVEL_INFO, "stopped");
    } else {
        console_log(LOG_LEVEL_ERROR, "%s", error.message);
        supervisor->status = STATUS_FAILED;
    }
    close_supplies(supervisor);
    int status = supervisor->status;
    free(supervisor);
    return status;
}
