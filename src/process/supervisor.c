#include "process/supervisor_own.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "process/console.h"
#include "process/control_requests.h"
#include "process/crash_response.h"
#include "process/refusals.h"
#include "process/signals.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const uint64_t writing_us = 5 * 1000 * 1000; /* that a stop waits for what is being written */

static void begin_service(struct supervisor *supervisor)
{
    if (supervisor->has_served || supervisor->generations.serving == NULL)
        return;
    supervisor->has_served = true;
    listeners_warn_unused(&supervisor->supplies.listeners);
    control_open(&supervisor->control);
}

/* There is nothing that could go on serving. */
static void give_up(struct supervisor *supervisor)
{
    notify_failure(&supervisor->notify, generation_failure(supervisor->generations.entries->generation));
    bool is_refused = generation_is_refused(supervisor->generations.entries->generation);
    supervisor->status = is_refused ? SUPERVISOR_REFUSED : SUPERVISOR_FAILED;
    supervisor->stop = STOP_NOW;
    supervisor->is_stop_told = true;
    reloads_end(&supervisor->reloads);
}

static void tell_of_last_good(const struct supervisor *supervisor, const struct kept_set *about)
{
    char kept[CLOCK_TEXT_BYTES];
    clock_format_ms(about->kept_ms, kept);
    if (supervisor->refusal != NULL)
        console_log(LOG_LEVEL_ALERT, "%s; served is what was kept at %s, when it was generation %u, until then",
                    supervisor->refusal, kept, about->generation);
    else
        console_log(LOG_LEVEL_WARNING,
                    "--last-good: '%s' is not served, for what is wrong above; served is what was kept at %s, when it "
                    "was generation %u, until a reload finds the file in order",
                    supervisor->supplies.config, kept, about->generation);
}

/* Whether what was kept may serve, with a library that is refused only where the file is no better. */
static bool may_serve(struct supervisor *supervisor, const struct held_snapshot *snapshot, struct error *error)
{
    struct text reason = TEXT_INIT;
    bool is_forbidden = refusals_forbid_snapshot(&supervisor->supplies, snapshot, &reason);
    bool is_taken = is_forbidden && supervisor->refusal == NULL;
    if (is_taken) {
        console_log(LOG_LEVEL_ALERT, "%s; it is served all the same, for there is nothing else", reason.data);
        supervisor->reloads.takes_refused = true;
    } else if (is_forbidden) {
        error_set(error, "what is kept has a refused library too");
    }
    text_finish(&reason);
    return !is_forbidden || is_taken;
}

/* Returns false and fills error where there is nothing of that kind. */
static bool serve_last_good(struct supervisor *supervisor, struct error *error)
{
    struct kept_set about;
    struct held_snapshot *snapshot = last_good_take(&supervisor->last_good, &supervisor->supplies.snapshots,
                                                    supervisor->generations.last_number + 1, &about, error);
    bool is_served = snapshot != NULL && may_serve(supervisor, snapshot, error);
    if (is_served) {
        tell_of_last_good(supervisor, &about);
        reloads_start_from(&supervisor->reloads, snapshot);
    }
    held_snapshot_release(snapshot);
    return is_served;
}

/* Whoever is down helps nobody. Returns false where no library is to blame that was refused. */
static bool serve_refused(struct supervisor *supervisor, const struct error *error)
{
    if (supervisor->refusal == NULL || supervisor->reloads.takes_refused)
        return false;
    console_log(LOG_LEVEL_ALERT, "%s; it is served all the same, for there is nothing else: %s", supervisor->refusal,
                error->is_set ? error->message : "what was kept cannot be served");
    supervisor->reloads.takes_refused = true;
    reloads_want(&supervisor->reloads, RELOAD_START);
    return true;
}

static void note_refusal(struct supervisor *supervisor)
{
    if (!supervisor->reloads.has_refused)
        return;
    const char *failure = generation_failure(supervisor->generations.entries->generation);
    free(supervisor->refusal);
    supervisor->refusal = mem_copy_text(failure, strlen(failure));
    supervisor->reloads.has_refused = false;
    supervisor->may_use_last_good = true;
}

/* Returns false where there is nothing to fall back to either. */
static bool fall_back(struct supervisor *supervisor)
{
    struct error error = ERROR_INIT;
    if (supervisor->stop != STOP_NONE)
        return false;
    note_refusal(supervisor);
    bool may_use_last_good = supervisor->may_use_last_good;
    supervisor->may_use_last_good = false;
    if (may_use_last_good && serve_last_good(supervisor, &error))
        return true;
    if (serve_refused(supervisor, &error))
        return true;
    if (error.is_set)
        console_log(LOG_LEVEL_ERROR, "--last-good: %s", error.message);
    return false;
}

/* A stop waits a while for what is being written: the next start is to know it. Whoever wants it at once waits for
 * nothing. */
static bool waits_for_refused(const struct supervisor *supervisor, uint64_t now_us)
{
    const struct supplies *supplies = &supervisor->supplies;
    return supervisor->stop != STOP_NONE && supervisor->stop != STOP_NOW && now_us < supervisor->write_until_us &&
           refused_file_is_busy(&supplies->refused_file, &supplies->crashes);
}

static void tell_when_deaf(struct supervisor *supervisor)
{
    if (supervisor->stop == STOP_NONE || supervisor->is_stop_told || supervisor->generations.entries == NULL ||
        !generations_have_stopped(&supervisor->generations))
        return;
    supervisor->is_stop_told = true;
    console_log(LOG_LEVEL_INFO, "no more connections are accepted");
}

static void raise_stop(struct supervisor *supervisor, enum stop_level level)
{
    struct generations *generations = &supervisor->generations;
    if (level <= supervisor->stop)
        return;
    if (supervisor->stop == STOP_NONE) {
        console_log(LOG_LEVEL_INFO, "stopping");
        supervisor->write_until_us = clock_monotonic_us() + writing_us;
    }
    supervisor->stop = level;
    supervision_show_stopping(supervisor->supplies.supervision.supervision);
    reloads_end(&supervisor->reloads);
    upgrade_cancel(&supervisor->upgrade);
    /* A socket that nobody will accept from any more must not collect connections. */
    listeners_shut(&supervisor->supplies.listeners);
    control_shut(&supervisor->control);
    if (level == STOP_NOW)
        generations_cut(generations);
    else
        generations_drain(generations, level == STOP_PATIENT ? -1 : generations->shutdown_timeout_ms);
}

/* Those in front of us send requests until they have seen that we are not ready any more: they are still served.
 * Under start_server another program is ready in our place. Returns whether the stop is one of later. */
static bool delay_stop(struct supervisor *supervisor, enum stop_level level)
{
    const struct generation *serving = supervisor->generations.serving;
    int64_t delay_ms = serving == NULL ? 0 : generation_shutdown_delay_ms(serving);
    if (supervisor->stop != STOP_NONE || level == STOP_NOW || delay_ms == 0 || supervisor->is_under_starter)
        return false;
    if (supervisor->delayed_stop == STOP_NONE) {
        upgrade_cancel(&supervisor->upgrade);
        supervisor->stop_at_us = clock_monotonic_us() + (uint64_t)delay_ms * 1000;
        supervision_show_stopping(supervisor->supplies.supervision.supervision);
        console_log(LOG_LEVEL_INFO, "not ready any more; stopping in %.3f s", (double)delay_ms / 1e3);
    }
    if (level > supervisor->delayed_stop)
        supervisor->delayed_stop = level;
    return true;
}

static void stop(struct supervisor *supervisor, enum stop_level level)
{
    if (!delay_stop(supervisor, level))
        raise_stop(supervisor, level);
}

static void stop_if_due(struct supervisor *supervisor, uint64_t now_us)
{
    if (supervisor->stop == STOP_NONE && supervisor->delayed_stop != STOP_NONE && now_us >= supervisor->stop_at_us)
        raise_stop(supervisor, supervisor->delayed_stop);
}

static bool is_busy(const struct supervisor *supervisor)
{
    const struct reloads *reloads = &supervisor->reloads;
    return reloads->current != NULL || reloads->wanted != NULL || reloads->wanted_rollback != NULL ||
           supervisor->upgrade.state != UPGRADE_NONE;
}

static void tell_manager(struct supervisor *supervisor, uint64_t now_us)
{
    const struct generations *generations = &supervisor->generations;
    const struct reload *last = supervisor->reloads.last;
    const struct notify_state state = {
        .is_serving = generations->serving != NULL,
        .is_busy = is_busy(supervisor),
        .last_id = supervisor->reloads.last_id,
        .has_failed = last != NULL && last->result == RELOAD_FAILED,
        .is_stopping = supervisor->stop != STOP_NONE || supervisor->delayed_stop != STOP_NONE,
        .generation = generations->serving == NULL ? 0 : generation_number(generations->serving),
        .workers = generations->serving == NULL ? 0 : generation_worker_count(generations->serving),
        .draining = generations_count_draining(generations).generations,
    };
    notify_step(&supervisor->notify, &state, now_us);
}

static void step(struct supervisor *supervisor)
{
    uint64_t now_us = clock_monotonic_us();
    stop_if_due(supervisor, now_us);
    generations_step(&supervisor->generations, now_us);
    if (!reloads_step(&supervisor->reloads) && !fall_back(supervisor))
        give_up(supervisor);
    begin_service(supervisor);
    crash_response_step(&supervisor->reloads);
    crash_response_show(&supervisor->reloads);
    refused_file_step(&supervisor->supplies.refused_file, &supervisor->supplies.crashes, now_us);
    reloads_announce(&supervisor->reloads, now_us);
    control_step(&supervisor->control, now_us);
    ticket_region_step(&supervisor->supplies.tickets, now_us);
    autopsies_step(&supervisor->supplies.autopsies, now_us);
    if (supervisor->stop == STOP_NONE)
        last_good_step(&supervisor->last_good, now_us);
    tell_when_deaf(supervisor);
    generations_remove_finished(&supervisor->generations);
    watched_step(&supervisor->supplies.watched, now_us);
    reloads_start_wanted(&supervisor->reloads);
    supervisor_upgrade_step(supervisor, now_us);
    tell_manager(supervisor, now_us);
}

void supervisor_bury_dead(struct supervisor *supervisor)
{
    struct supplies *supplies = &supervisor->supplies;
    int status;
    pid_t pid;
    /* Any child: as process 1 of a container it inherits others' too. */
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (!upgrade_bury(&supervisor->upgrade, pid, status) && !last_good_bury(&supervisor->last_good, pid, status) &&
            !refused_file_bury(&supplies->refused_file, &supplies->crashes, pid, status) &&
            !autopsies_bury(&supplies->autopsies, pid))
            generations_bury(&supervisor->generations, pid, status);
    }
}

static void reopen_logs(struct supervisor *supervisor)
{
    bool is_complete = logs_reopen(&supervisor->supplies.logs);
    generations_reopen_logs(&supervisor->generations);
    if (is_complete)
        console_log(LOG_LEVEL_INFO, "logs reopened");
}

/* Whoever says it twice means at once; but start_server tells all that still drain again, each time it starts another.
 */
static bool is_urgent(const struct supervisor *supervisor, int number)
{
    return (supervisor->stop >= STOP_LIMITED || supervisor->delayed_stop >= STOP_LIMITED) &&
           !(number == SIGTERM && supervisor->is_under_starter);
}

static void handle_signal(struct supervisor *supervisor, int number)
{
    switch (number) {
    case SIGCHLD:
        supervisor_bury_dead(supervisor);
        generations_note_stops(&supervisor->generations);
        break;
    case SIGHUP:
        reloads_want(&supervisor->reloads, RELOAD_SIGNAL);
        break;
    case SIGQUIT:
        stop(supervisor, STOP_PATIENT);
        break;
    case SIGUSR1:
        reopen_logs(supervisor);
        break;
    case SIGUSR2:
        supervisor_want_upgrade(supervisor);
        break;
    default:
        stop(supervisor, is_urgent(supervisor, number) ? STOP_NOW : STOP_LIMITED);
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

static uint64_t sooner(uint64_t a, uint64_t b)
{
    return b != 0 && b < a ? b : a;
}

static int time_to_wait_ms(const struct supervisor *supervisor)
{
    uint64_t now_us = clock_monotonic_us();
    uint64_t until_us = generations_deadline(&supervisor->generations);
    if (watched_is_due(&supervisor->supplies.watched))
        return 0;
    until_us = sooner(until_us, watched_deadline(&supervisor->supplies.watched));
    until_us = sooner(until_us, supervisor->supplies.tickets.rotate_at_us);
    until_us = sooner(until_us, autopsies_deadline(&supervisor->supplies.autopsies));
    until_us = sooner(until_us, reloads_deadline(&supervisor->reloads));
    until_us = sooner(until_us, supervisor->stop == STOP_NONE ? last_good_deadline(&supervisor->last_good) : 0);
    until_us = sooner(until_us, refused_file_deadline(&supervisor->supplies.refused_file));
    until_us = sooner(until_us, waits_for_refused(supervisor, now_us) ? supervisor->write_until_us : 0);
    until_us = sooner(until_us, control_deadline(&supervisor->control));
    until_us = sooner(until_us, supervisor->stop == STOP_NONE ? supervisor->stop_at_us : 0);
    until_us = sooner(until_us, upgrade_deadline(&supervisor->upgrade));
    until_us = sooner(until_us, notify_deadline(&supervisor->notify));
    uint64_t wait_ms = until_us <= now_us ? 0 : (until_us - now_us + 999) / 1000;
    return wait_ms > INT32_MAX ? INT32_MAX : (int)wait_ms;
}

bool supervisor_open_signals(struct supervisor *supervisor, struct error *error)
{
    supervisor->signal_fd = signals_open();
    return supervisor->signal_fd != -1 || error_set(error, "cannot wait for signals: %s", strerror(errno));
}

bool supervisor_watch_signals(struct supervisor *supervisor, struct error *error)
{
    return poller_watch(&supervisor->supplies.poller, &supervisor->signals, supervisor->signal_fd, on_signal,
                        supervisor) ||
           error_set(error, "cannot watch for signals: %s", strerror(errno));
}

/* Signals come first: one that a limit sends must not end us. */
static bool open_all(struct supervisor *supervisor, struct error *error)
{
    return supervisor_open_signals(supervisor, error) && supplies_open(&supervisor->supplies, error) &&
           supervisor_watch_signals(supervisor, error);
}

void supervisor_close(struct supervisor *supervisor)
{
    notify_close(&supervisor->notify);
    upgrade_close(&supervisor->upgrade);
    control_close(&supervisor->control);
    last_good_finish(&supervisor->last_good);
    reloads_finish(&supervisor->reloads);
    poller_forget(&supervisor->supplies.poller, &supervisor->signals);
    if (supervisor->signal_fd != -1)
        close(supervisor->signal_fd);
    supplies_close(&supervisor->supplies);
    free(supervisor->refusal);
}

static unsigned want_upgrade(void *data)
{
    return supervisor_want_upgrade(data);
}

static unsigned on_control_request(void *data, const struct control_line *request, struct text *answer)
{
    struct supervisor *supervisor = data;
    struct control_view view = {
        .servers = &supervisor->supplies.servers,
        .metrics = &supervisor->supplies.metrics,
        .supervision = supervisor->supplies.supervision.supervision,
        .serving = supervisor->generations.serving,
        .reloads = &supervisor->reloads,
        .want_upgrade = want_upgrade,
        .data = supervisor,
    };
    return control_requests_answer(&view, request, answer);
}

/* What runs a library that is refused is not good. In an emergency without filters the snapshot has none of the
 * libraries, and has to leave alone what was kept with them. */
void supervisor_note_good(struct supervisor *supervisor)
{
    struct text reason = TEXT_INIT;
    struct held_snapshot *snapshot = generation_snapshot(supervisor->generations.serving);
    if (!supervisor->supplies.is_without_filters && !refusals_forbid_snapshot(&supervisor->supplies, snapshot, &reason))
        last_good_note(&supervisor->last_good, snapshot, clock_monotonic_us());
    text_finish(&reason);
}

static void on_reload_over(void *data, const struct reload *reload)
{
    struct supervisor *supervisor = data;
    struct text answer = TEXT_INIT;
    reload_answer(reload, &answer);
    control_finish(&supervisor->control, reload->id, text_slice(&answer));
    if (reload->result == RELOAD_CHANGED || reload->result == RELOAD_UNCHANGED)
        supervisor_note_good(supervisor);
    text_finish(&answer);
}

void supervisor_prepare(struct supervisor *supervisor, const struct supervisor_options *options)
{
    *supervisor = (struct supervisor){.signal_fd = -1, .signals = POLLER_WATCH_NONE, .notify = {.fd = -1}};
    supplies_init(&supervisor->supplies, options->config);
    supervisor->supplies.is_without_filters = options->is_without_filters;
    supervisor->may_use_last_good = options->may_use_last_good;
    last_good_init(&supervisor->last_good, options->config);
    generations_init(&supervisor->generations, &supervisor->supplies);
    reloads_init(&supervisor->reloads, &supervisor->generations, on_reload_over, supervisor);
    upgrade_init(&supervisor->upgrade, &supervisor->supplies, supervisor_on_upgrade_failed, supervisor);
    control_init(&supervisor->control, &supervisor->supplies.poller, options->config, on_control_request, supervisor);
}

static bool is_over(struct supervisor *supervisor)
{
    if (supervisor->stop == STOP_NONE || supervisor->generations.entries != NULL ||
        autopsies_are_under_way(&supervisor->supplies.autopsies))
        return false;
    bool waits = waits_for_refused(supervisor, clock_monotonic_us());
    if (waits && !supervisor->is_wait_told)
        console_log(LOG_LEVEL_INFO, "which libraries are refused is still being kept on disk");
    supervisor->is_wait_told = waits;
    return !waits;
}

int supervisor_serve(struct supervisor *supervisor)
{
    step(supervisor);
    while (!is_over(supervisor)) {
        poller_wait(&supervisor->supplies.poller, time_to_wait_ms(supervisor));
        step(supervisor);
    }
    console_log(LOG_LEVEL_INFO, "stopped");
    return supervisor->status;
}

int supervisor_run(const struct supervisor_options *options)
{
    struct error error = ERROR_INIT;
    struct supervisor *supervisor = mem_alloc(sizeof(*supervisor));
    supervisor_prepare(supervisor, options);
    notify_open(&supervisor->notify, clock_monotonic_us());
    if (open_all(supervisor, &error)) {
        if (options->is_without_filters)
            console_log(LOG_LEVEL_WARNING, "no filters run, those that protect something included, as --no-filters "
                                           "says; handlers answer 503");
        supervisor->is_under_starter = listeners_inherit(&supervisor->supplies.listeners);
        listeners_activate(&supervisor->supplies.listeners);
        supervision_show_starter(supervisor->supplies.supervision.supervision, supervisor->is_under_starter);
        refused_file_read(&supervisor->supplies.refused_file, &supervisor->supplies.crashes);
        reloads_want(&supervisor->reloads, RELOAD_START);
        supervisor_serve(supervisor);
    } else {
        console_log(LOG_LEVEL_ERROR, "%s", error.message);
        notify_failure(&supervisor->notify, error.message);
        supervisor->status = SUPERVISOR_FAILED;
    }
    supervisor_close(supervisor);
    int status = supervisor->status;
    free(supervisor);
    return status;
}
