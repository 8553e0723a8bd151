#include "process/generation_own.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "process/crash_response.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    LONGEST_WAIT_MS = 24 * 3600 * 1000,
    MOST_GENERATIONS = 1000,
};

static void refuse_message(struct worker_process *worker, const struct message *message)
{
    console_log(LOG_LEVEL_ERROR, "worker %d said %s, which makes no sense here (it is %s)", (int)worker->pid,
                message_name(message->kind), worker_state_name(worker->state));
    worker_process_kill(worker);
}

static void tell_listening(struct listener *listener, int64_t index, struct slice name)
{
    if (listener->was_told)
        return;
    listener->was_told = true;
    struct text line = TEXT_INIT;
    address_print_nicely(&listener->address, &line);
    if (index == CHANNEL_ADMIN)
        text_add(&line, SLICE(" (admin)"));
    else if (name.length != 0)
        text_print(&line, " (listener '%.*s')", SLICE_ARG(name));
    console_log(LOG_LEVEL_INFO, "listening on %s", line.data);
    text_finish(&line);
}

static bool uses_listener(const struct generation *generation, const struct listener *listener)
{
    for (int i = 0; i < GENERATION_LISTENERS; ++i) {
        if (generation->listeners[i] == listener)
            return true;
    }
    return false;
}

/* One socket for each number, and each socket for one number only. Returns NULL with errno set. */
static struct listener *take_listener(struct generation *generation, int64_t index, struct slice address,
                                      const struct listen_options *options)
{
    struct listener **own = &generation->listeners[index];
    struct listener *listener = listeners_take(&generation->supplies->listeners, address, index, options);
    if (listener == NULL)
        return NULL;
    if (*own == NULL && !uses_listener(generation, listener)) {
        generation->listen_options[index] = *options;
        return *own = listener;
    }
    bool is_same = *own == listener;
    listeners_release(&generation->supplies->listeners, listener);
    errno = EADDRINUSE;
    return is_same ? listener : NULL;
}

static void on_listen(struct generation *generation, struct worker_process *worker, const struct message *message)
{
    int64_t index = message->numbers[0];
    uint64_t name_length = (uint64_t)message->numbers[1];
    struct slice address = message->text;
    struct listen_options options;
    if (index < 0 || index >= GENERATION_LISTENERS || !listen_options_take(&address, &options) ||
        name_length > address.length) {
        refuse_message(worker, message);
        return;
    }
    struct slice name = slice_of(address.data, (size_t)name_length);
    struct listener *listener = take_listener(generation, index, slice_skip(address, name.length), &options);
    if (listener != NULL)
        tell_listening(listener, index, name);
    worker_process_hand(worker, MESSAGE_OPENED, index, listener == NULL ? errno : 0,
                        listener == NULL ? -1 : listener->fd);
}

/* Only the first worker chooses, and only before it has run any code of a library: its siblings get what it got.
 * Returns NULL with errno set. */
static struct log_file *take_log(struct generation *generation, const struct worker_process *worker,
                                 const struct message *message)
{
    struct log_file **log = &generation->logs[message->numbers[0]];
    if (*log == NULL && worker->is_first)
        return *log = logs_take(&generation->supplies->logs, message->text);
    errno = EPERM;
    return *log != NULL && slice_equals(slice_from_text((*log)->path), message->text) ? *log : NULL;
}

static void on_open(struct generation *generation, struct worker_process *worker, const struct message *message)
{
    if (message->numbers[0] < 0 || message->numbers[0] >= GENERATION_LOGS || worker->is_loading) {
        refuse_message(worker, message);
        return;
    }
    const struct log_file *log = take_log(generation, worker, message);
    worker_process_hand(worker, MESSAGE_OPENED, message->numbers[0], log == NULL ? errno : 0,
                        log == NULL ? -1 : log->fd);
}

static void on_user(struct generation *generation, struct worker_process *worker, const struct message *message)
{
    const int64_t *ids = message->numbers;
    if (worker->is_loading || !worker->is_first || generation->snapshot->user != NULL || geteuid() != 0 || ids[0] < 0 ||
        ids[0] > UINT32_MAX || ids[1] < 0 || ids[1] > UINT32_MAX || message->text.length == 0) {
        refuse_message(worker, message);
        return;
    }
    generation->snapshot->user = mem_copy_text(message->text.data, message->text.length);
    generation->snapshot->uid = (uint32_t)ids[0];
    generation->snapshot->gid = (uint32_t)ids[1];
}

/* Libraries may speak for the worker here; so they get time once, and only so much. */
static void on_waiting(struct worker_process *worker, const struct message *message)
{
    int64_t timeout_ms = message->numbers[0];
    if (!worker->is_loading || worker->is_waiting || timeout_ms < 0 || timeout_ms > LONGEST_WAIT_MS) {
        refuse_message(worker, message);
        return;
    }
    worker->is_waiting = true;
    worker->deadline_us += (uint64_t)timeout_ms * 1000;
}

static void on_watching(struct generation *generation, struct worker_process *worker, const struct message *message)
{
    if (!worker->is_first || worker->is_loading || message->numbers[0] < WATCH_OFF || message->numbers[0] > WATCH_ALL) {
        refuse_message(worker, message);
        return;
    }
    generation->tells_watch = true;
    generation->tells_sights = message->numbers[1] != 0;
    generation->watch = (enum watch_mode)message->numbers[0];
}

/* Libraries may speak for the worker here: at worst they have a file looked at. Where the settings could not be read,
 * the serving generation's hold. */
static void on_watch(struct generation *generation, struct worker_process *worker, const struct message *message)
{
    struct watched *watched = &generation->supplies->watched;
    int64_t kind = message->numbers[0];
    if (!worker->is_first || kind < WATCH_LIBRARY || kind > WATCH_PATTERN || message->text.length < 2 ||
        message->text.data[0] != '/') {
        refuse_message(worker, message);
        return;
    }
    struct watched_sight sight = {(enum watch_kind)kind, message->text, (uint64_t)message->numbers[1],
                                  (uint64_t)message->numbers[2]};
    if (generation->watch_count++ < GENERATION_WATCHES &&
        watch_mode_has(generation->tells_watch ? generation->watch : watched->mode, sight.kind))
        watched_add(watched, &sight, generation->number);
}

static unsigned count_cpus(void)
{
    cpu_set_t set;
    return sched_getaffinity(0, sizeof(set), &set) == 0 ? (unsigned)CPU_COUNT(&set) : 1;
}

/* Once; the first worker has filled the snapshot then. */
static void add_siblings(struct generation *generation, int64_t wanted)
{
    if (generation->is_read)
        return;
    generation->is_read = generation->snapshot->is_recorded = true;
    unsigned count = wanted == 0 ? count_cpus() : (unsigned)wanted;
    count = count > GENERATION_WORKERS ? GENERATION_WORKERS : count;
    generation->places = mem_realloc(generation->places, count * sizeof(*generation->places));
    for (unsigned i = generation->count; i < count; ++i)
        generation->places[i] = (struct worker_place){.start_us = 1};
    generation->count = count;
}

static void on_ready(struct generation *generation, struct worker_process *worker, const struct message *message)
{
    if (message->numbers[0] < 0 || message->numbers[0] > GENERATION_WORKERS || message->numbers[1] < 0 ||
        message->numbers[2] < 0) {
        refuse_message(worker, message);
        return;
    }
    worker->state = WORKER_READY;
    worker->deadline_us = 0;
    if (worker->is_first) {
        generation->drain_timeout_ms = message->numbers[1];
        generation->shutdown_timeout_ms = message->numbers[2];
    }
    add_siblings(generation, message->numbers[0]);
    if (generation->state != GENERATION_SERVING)
        return;
    worker->state = WORKER_SERVING;
    crash_response_tell_quarantine(generation, worker);
    worker_process_tell(worker, MESSAGE_GO);
}

static void on_shutdown_delay(struct generation *generation, struct worker_process *worker,
                              const struct message *message)
{
    int64_t delay_ms = message->numbers[0];
    if (delay_ms < 0 || delay_ms > LONGEST_WAIT_MS)
        refuse_message(worker, message);
    else if (worker->is_first)
        generation->shutdown_delay_ms = delay_ms;
}

static void on_max_generations(struct generation *generation, struct worker_process *worker,
                               const struct message *message)
{
    if (message->numbers[0] < 1 || message->numbers[0] > MOST_GENERATIONS)
        refuse_message(worker, message);
    else if (worker->is_first)
        generation->max_generations = (unsigned)message->numbers[0];
}

static void on_exclusive(struct generation *generation, struct worker_process *worker, const struct message *message)
{
    if (!worker->is_loading || message->numbers[0] < 0 || message->numbers[0] > GENERATION_WORKERS ||
        !succession_ask(worker, message->text)) {
        refuse_message(worker, message);
        return;
    }
    add_siblings(generation, message->numbers[0]);
}

static void on_stuck_timeout(struct generation *generation, struct worker_process *worker,
                             const struct message *message)
{
    int64_t timeout_ms = message->numbers[0];
    if (timeout_ms < 0 || timeout_ms > LONGEST_WAIT_MS)
        refuse_message(worker, message);
    else if (worker->is_first)
        generation->stuck_timeout_ms = timeout_ms;
}

static void on_failed(struct generation *generation, struct worker_process *worker, const struct message *message)
{
    free(worker->failure);
    worker->failure = mem_copy_text(message->text.data, message->text.length);
    if (generation->state != GENERATION_STARTING)
        return;
    generation->is_refused = !generation->is_in_trouble;
    generation_fail(generation, worker->failure);
}

/* Also from one that serves, when a runner has died. */
static void on_runner(struct generation *generation, struct worker_process *worker, const struct message *message)
{
    if (!runners_on_request(generation, worker, message))
        refuse_message(worker, message);
}

/* The kinds that a worker may send while it starts and has greeted. */
static void handle_request(struct generation *generation, struct worker_process *worker, const struct message *message)
{
    switch (message->kind) {
    case MESSAGE_USER:
        on_user(generation, worker, message);
        break;
    case MESSAGE_OPEN:
        on_open(generation, worker, message);
        break;
    case MESSAGE_SERVERS:
        if (worker->is_loading || !generation_number_servers(generation, worker, message))
            refuse_message(worker, message);
        break;
    case MESSAGE_LOADING:
        worker->is_loading = true;
        break;
    case MESSAGE_WAITING:
        on_waiting(worker, message);
        break;
    case MESSAGE_WATCH:
        on_watch(generation, worker, message);
        break;
    case MESSAGE_WATCHING:
        on_watching(generation, worker, message);
        break;
    case MESSAGE_LISTEN:
        on_listen(generation, worker, message);
        break;
    case MESSAGE_SHUTDOWN_DELAY:
        on_shutdown_delay(generation, worker, message);
        break;
    case MESSAGE_STUCK_TIMEOUT:
        on_stuck_timeout(generation, worker, message);
        break;
    case MESSAGE_MAX_GENERATIONS:
        on_max_generations(generation, worker, message);
        break;
    case MESSAGE_EXCLUSIVE:
        on_exclusive(generation, worker, message);
        break;
    case MESSAGE_READY:
        on_ready(generation, worker, message);
        break;
    case MESSAGE_TROUBLE:
        generation->is_in_trouble = true;
        break;
    case MESSAGE_FAILED:
        on_failed(generation, worker, message);
        break;
    default:
        refuse_message(worker, message);
        break;
    }
}

static void note_stall(struct worker_process *worker, const struct message *message)
{
    if (!worker->has_greeted || !stall_note(worker, message))
        refuse_message(worker, message);
}

/* What may keep it from its end now is a filter that blocks. */
static void on_leaving(struct worker_process *worker, const struct message *message)
{
    int64_t left_ms = message->numbers[0];
    uint64_t until_us = clock_monotonic_us() + (uint64_t)(left_ms < 0 ? 0 : left_ms) * 1000;
    if (left_ms <= LONGEST_WAIT_MS && worker->state == WORKER_DRAINING &&
        (worker->deadline_us == 0 || until_us < worker->deadline_us))
        worker->deadline_us = until_us;
}

void generation_on_message(struct worker_process *worker, const struct message *message)
{
    struct generation *generation = worker->data;
    if (worker->state == WORKER_KILLED)
        return;
    if (message->kind == MESSAGE_STOPPED)
        worker->has_stopped = true;
    else if (message->kind == MESSAGE_LEAVING)
        on_leaving(worker, message);
    else if (message->kind == MESSAGE_QUIESCED)
        succession_note(worker, message);
    else if (message->kind == MESSAGE_BLOCKED || message->kind == MESSAGE_MOVED)
        note_stall(worker, message);
    else if (message->kind == MESSAGE_RUNNER && worker->has_greeted)
        on_runner(generation, worker, message);
    else if (worker->state != WORKER_STARTING)
        refuse_message(worker, message);
    else if (worker->has_greeted)
        handle_request(generation, worker, message);
    else if (message->kind == MESSAGE_HELLO && message->numbers[0] == CHANNEL_VERSION)
        worker->has_greeted = true;
    else
        refuse_message(worker, message);
}
