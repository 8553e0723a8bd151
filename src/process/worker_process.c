#include "process/worker_process.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

const char *worker_state_name(enum worker_state state)
{
    static const char *const names[] = {"", "starting", "ready", "serving", "draining", "cut", "killed"};
    return names[state];
}

static void write_line(void *data, struct slice line)
{
    const struct worker_process *worker = data;
    console_write(worker->pid, line);
}

static void close_watched(struct worker_process *worker, struct poller_watch *watch)
{
    int fd = watch->fd;
    poller_forget(&worker->supplies->poller, watch);
    if (fd != -1)
        close(fd);
}

/* Returns false where nothing more is there now, or ever. */
static bool pass_output(struct worker_output *output)
{
    char buffer[16384];
    ssize_t length = read(output->watch.fd, buffer, sizeof(buffer));
    if (length > 0) {
        console_lines_add(&output->lines, slice_of(buffer, (size_t)length), write_line, output->worker);
        return true;
    }
    if (length == 0 || (errno != EAGAIN && errno != EINTR)) {
        console_lines_finish(&output->lines, write_line, output->worker);
        close_watched(output->worker, &output->watch);
    }
    return false;
}

static void on_output(void *data)
{
    pass_output(data);
}

static void on_channel(void *data)
{
    struct worker_process *worker = data;
    struct message message;
    switch (channel_receive(worker->channel.fd, &message, false, false)) {
    case CHANNEL_MESSAGE:
        worker->on_message(worker, &message);
        break;
    case CHANNEL_EMPTY:
        break;
    case CHANNEL_ENDED:
        /* It is about to be gone; one that only closed its channel can no longer be led, so it goes too. */
        close_watched(worker, &worker->channel);
        if (worker->state != WORKER_KILLED)
            worker->deadline_us = clock_monotonic_us() + 1000000;
        break;
    case CHANNEL_BROKEN:
        /* what it has sent before it was killed is still to come */
        if (worker->state != WORKER_KILLED) {
            console_log(LOG_LEVEL_ERROR, "worker %d sent what is no message", (int)worker->pid);
            worker_process_kill(worker);
        }
        break;
    }
}

struct pipes {
    int channel[2], output[2], errors[2];
};

static void close_pair(int ends[2])
{
    for (int i = 0; i < 2; ++i) {
        if (ends[i] != -1)
            close(ends[i]);
    }
}

static bool open_pipes(struct pipes *pipes)
{
    *pipes = (struct pipes){{-1, -1}, {-1, -1}, {-1, -1}};
    return channel_open(pipes->channel) && fcntl(pipes->channel[0], F_SETFL, O_NONBLOCK) == 0 &&
           pipe2(pipes->output, O_CLOEXEC) == 0 && fcntl(pipes->output[0], F_SETFL, O_NONBLOCK) == 0 &&
           pipe2(pipes->errors, O_CLOEXEC) == 0 && fcntl(pipes->errors[0], F_SETFL, O_NONBLOCK) == 0;
}

static pid_t execute(struct supplies *supplies, const struct role *role, const struct pipes *pipes)
{
    char **arguments = role_make_arguments(role);
    /* In the order of the numbers they get: standard input, output, error, ROLE_CHANNEL_FD, ROLE_SLOTS_FD,
     * ROLE_SERVERS_FD, ROLE_TICKETS_FD, ROLE_CLIENTS_FD, ROLE_DICTIONARY_FD, ROLE_METRICS_FD,
     * ROLE_SUPERVISION_FD. */
    bool is_runner = role->is_runner;
    const int descriptors[] = {
        -1,
        pipes->output[1],
        pipes->errors[1],
        pipes->channel[1],
        supplies->slots.fd,
        is_runner ? -1 : supplies->servers.region.fd,
        is_runner ? -1 : supplies->tickets.fd,
        is_runner ? -1 : supplies->clients.fd,
        supplies->dictionary.fd,
        supplies->metrics.fd,
        is_runner ? -1 : supplies->supervision.fd,
    };
    struct spawn spawn = {
        .program_fd = supplies->program.fd,
        .arguments = arguments,
        .descriptors = descriptors,
        .descriptor_count = sizeof(descriptors) / sizeof(descriptors[0]),
        .keeps_signals_blocked = true,
    };
    pid_t pid = spawn_program(&spawn);
    int saved = errno;
    role_free_arguments(arguments);
    errno = saved;
    return pid;
}

static bool watch_output(struct worker_process *worker, struct worker_output *output, int *fd)
{
    if (!poller_watch(&worker->supplies->poller, &output->watch, *fd, on_output, output))
        return false;
    *fd = -1;
    return true;
}

/* What is watched passes from the pipes to the worker. */
static bool watch_worker(struct worker_process *worker, struct pipes *pipes)
{
    if (!watch_output(worker, &worker->output, &pipes->output[0]) ||
        !watch_output(worker, &worker->errors, &pipes->errors[0]) ||
        !poller_watch(&worker->supplies->poller, &worker->channel, pipes->channel[0], on_channel, worker))
        return false;
    pipes->channel[0] = -1;
    return true;
}

bool worker_process_watch(struct worker_process *worker, const int fds[3])
{
    struct poller *poller = &worker->supplies->poller;
    return (fds[0] == -1 || poller_watch(poller, &worker->channel, fds[0], on_channel, worker)) &&
           (fds[1] == -1 || poller_watch(poller, &worker->output.watch, fds[1], on_output, &worker->output)) &&
           (fds[2] == -1 || poller_watch(poller, &worker->errors.watch, fds[2], on_output, &worker->errors));
}

struct worker_process *
worker_process_create(struct supplies *supplies,
                      void (*on_message)(struct worker_process *worker, const struct message *message), void *data)
{
    struct worker_process *worker = mem_zalloc(sizeof(*worker));
    worker->state = WORKER_STARTING;
    worker->pid = -1;
    worker->slot = -1;
    worker->supplies = supplies;
    worker->channel = POLLER_WATCH_NONE;
    worker->output = (struct worker_output){.worker = worker, .watch = POLLER_WATCH_NONE};
    worker->errors = (struct worker_output){.worker = worker, .watch = POLLER_WATCH_NONE};
    worker->on_message = on_message;
    worker->data = data;
    return worker;
}

struct worker_process *
worker_process_start(struct supplies *supplies, struct role *role,
                     void (*on_message)(struct worker_process *worker, const struct message *message), void *data)
{
    struct worker_process *worker = worker_process_create(supplies, on_message, data);
    struct pipes pipes;
    worker->slot = slots_take(&supplies->slots);
    worker->number = role->number;
    worker->is_first = role->is_first;
    worker->started_us = clock_monotonic_us();
    worker->deadline_us = worker->started_us + (uint64_t)supplies->start_timeout_ms * 1000;
    role->slot = (uint32_t)worker->slot;
    role->program = supplies->program.path;
    if (worker->slot != -1)
        server_table_worker_starts(&supplies->servers, worker->slot);
    client_region_start_row(&supplies->clients, worker->slot);
    metrics_region_start(&supplies->metrics, worker->slot);
    errno = EAGAIN;
    bool is_started = worker->slot != -1 && open_pipes(&pipes) && watch_worker(worker, &pipes) &&
                      (worker->pid = execute(supplies, role, &pipes)) != -1;
    int saved = errno;
    if (worker->slot != -1) {
        close_pair(pipes.channel);
        close_pair(pipes.output);
        close_pair(pipes.errors);
    }
    if (!is_started) {
        worker_process_destroy(worker);
        errno = saved;
        return NULL;
    }
    return worker;
}

void worker_process_send(struct worker_process *worker, const struct message *message)
{
    if (worker->channel.fd == -1 || channel_send(worker->channel.fd, message) || errno == EPIPE || errno == ECONNRESET)
        return;
    console_log(LOG_LEVEL_ERROR, "cannot tell worker %d to %s: %s", (int)worker->pid, message_name(message->kind),
                strerror(errno));
    worker_process_kill(worker);
}

void worker_process_tell(struct worker_process *worker, enum message_kind kind)
{
    worker_process_send(worker, &(struct message){.kind = kind, .fd = -1});
}

void worker_process_hand(struct worker_process *worker, enum message_kind kind, int64_t first, int64_t second, int fd)
{
    worker_process_send(worker, &(struct message){.kind = kind, .numbers = {first, second}, .fd = fd});
}

void worker_process_answer(struct worker_process *worker, enum message_kind kind, int64_t first, struct slice text)
{
    worker_process_send(worker, &(struct message){.kind = kind, .numbers = {first}, .text = text, .fd = -1});
}

void worker_process_kill(struct worker_process *worker)
{
    if (!worker->is_dead)
        kill(worker->pid, SIGKILL);
    worker->state = WORKER_KILLED;
    worker->deadline_us = 0;
}

static void pass_last_messages(struct worker_process *worker)
{
    struct message message;
    while (worker->channel.fd != -1 && channel_receive(worker->channel.fd, &message, false, false) == CHANNEL_MESSAGE)
        worker->on_message(worker, &message);
}

/* Bounded, since a process that a library started may hold the pipe and write on. */
static void pass_last_output(struct worker_output *output)
{
    for (int i = 0; i < 16 && output->watch.fd != -1 && pass_output(output); ++i)
        ;
    console_lines_finish(&output->lines, write_line, output->worker);
}

void worker_process_bury(struct worker_process *worker, unsigned generation, int status, struct death *death)
{
    *death = (struct death){
        .pid = worker->pid,
        .generation = generation,
        .status = status,
        .lived_us = clock_monotonic_us() - worker->started_us,
        .slot = slots_read(&worker->supplies->slots, worker->slot),
    };
    slots_read_threads(&worker->supplies->slots, worker->slot, &death->threads);
    death->record = slots_read_record(&worker->supplies->slots, worker->slot, SLOT_RECORD_CRASH);
    /* Somebody else's, who has no business there. */
    if (death->record != NULL && death->record->pid != worker->pid) {
        free(death->record);
        death->record = NULL;
    }
    worker->is_dead = true;
    server_table_worker_died(&worker->supplies->servers, worker->slot);
    client_region_clear_row(&worker->supplies->clients, worker->slot);
    dictionary_region_bury(&worker->supplies->dictionary, worker->slot);
    metrics_region_bury(&worker->supplies->metrics, worker->slot);
    pass_last_messages(worker);
    pass_last_output(&worker->output);
    pass_last_output(&worker->errors);
}

void worker_process_destroy(struct worker_process *worker)
{
    if (worker == NULL)
        return;
    close_watched(worker, &worker->channel);
    close_watched(worker, &worker->output.watch);
    close_watched(worker, &worker->errors.watch);
    slots_release(&worker->supplies->slots, worker->slot);
    free(worker->failure);
    free(worker);
}
