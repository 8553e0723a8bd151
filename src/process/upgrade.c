#include "process/upgrade.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/spawn.h"
#include "process/console.h"
#include "process/role.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    MOST_SAID = 4096, /* bytes of the child's output that are kept */
};

void upgrade_init(struct upgrade *upgrade, struct supplies *supplies,
                  void (*on_failed)(void *data, unsigned id, const char *sentence), void *data)
{
    *upgrade = (struct upgrade){
        .supplies = supplies,
        .on_failed = on_failed,
        .data = data,
        .next = {.fd = -1},
        .pid = -1,
        .output = POLLER_WATCH_NONE,
    };
}

static void close_output(struct upgrade *upgrade)
{
    int fd = upgrade->output.fd;
    poller_forget(&upgrade->supplies->poller, &upgrade->output);
    if (fd != -1)
        close(fd);
}

static void reset(struct upgrade *upgrade)
{
    close_output(upgrade);
    program_close(&upgrade->next);
    text_clear(&upgrade->said);
    upgrade->state = UPGRADE_NONE;
    upgrade->id = 0;
    upgrade->pid = -1;
    upgrade->deadline_us = 0;
    upgrade->is_late = false;
    upgrade->was_wait_told = false;
}

void upgrade_cancel(struct upgrade *upgrade)
{
    if (upgrade->state == UPGRADE_NONE)
        return;
    if (upgrade->pid != -1)
        kill(upgrade->pid, SIGKILL);
    upgrade->on_failed(upgrade->data, upgrade->id, "FlexiLib stops");
    reset(upgrade);
}

void upgrade_close(struct upgrade *upgrade)
{
    upgrade_cancel(upgrade);
    text_finish(&upgrade->said);
}

void upgrade_begin(struct upgrade *upgrade, unsigned id)
{
    console_log(LOG_LEVEL_INFO, "upgrading from %s", upgrade->supplies->program.origin);
    upgrade->id = id;
    upgrade->state = UPGRADE_WANTED;
}

void upgrade_tell_wait(struct upgrade *upgrade, const char *what)
{
    if (!upgrade->was_wait_told)
        console_log(LOG_LEVEL_INFO, "the upgrade waits: %s", what);
    upgrade->was_wait_told = true;
}

static void fail(struct upgrade *upgrade, const char *sentence)
{
    console_log(LOG_LEVEL_ERROR, "the upgrade failed: %s; flexilib %s goes on", sentence, FLEXILIB_VERSION);
    upgrade->on_failed(upgrade->data, upgrade->id, sentence);
    reset(upgrade);
}

static void take_output(struct upgrade *upgrade)
{
    char buffer[1024];
    ssize_t length;
    while (upgrade->output.fd != -1 && (length = read(upgrade->output.fd, buffer, sizeof(buffer))) != 0) {
        if (length == -1 && errno == EINTR)
            continue;
        if (length == -1)
            return;
        if (upgrade->said.length < MOST_SAID)
            text_add(&upgrade->said, slice_of(buffer, (size_t)length));
    }
    close_output(upgrade);
}

static void on_output(void *data)
{
    take_output(data);
}

static bool start_child(struct upgrade *upgrade, const struct handover *handover, int state_fd, int output[2])
{
    char number[16];
    const char *arguments[] = {"flexilib", ROLE_SUPERVISOR, ROLE_SUPERVISOR_PROBE, number, NULL};
    const int descriptors[] = {-1, output[1], output[1]};
    struct spawn spawn = {
        .program_fd = upgrade->next.fd,
        .arguments = (char *const *)(uintptr_t)arguments,
        .descriptors = descriptors,
        .descriptor_count = sizeof(descriptors) / sizeof(descriptors[0]),
        .kept = handover->fds,
        .kept_count = handover->fd_count,
    };
    snprintf(number, sizeof(number), "%d", state_fd);
    if (!poller_watch(&upgrade->supplies->poller, &upgrade->output, output[0], on_output, upgrade))
        return false;
    output[0] = -1;
    upgrade->pid = spawn_program(&spawn);
    return upgrade->pid != -1;
}

static bool try_to_probe(struct upgrade *upgrade, struct handover *handover)
{
    int output[2] = {-1, -1};
    int state_fd = handover_seal(handover);
    bool is_started = state_fd != -1 && pipe2(output, O_CLOEXEC | O_NONBLOCK) == 0 &&
                      start_child(upgrade, handover, state_fd, output);
    int saved = errno;
    for (int i = 0; i < 2; ++i) {
        if (output[i] != -1)
            close(output[i]);
    }
    if (state_fd != -1)
        close(state_fd);
    errno = saved;
    return is_started;
}

bool upgrade_open(struct upgrade *upgrade)
{
    struct error error = ERROR_INIT;
    if (program_open_next(&upgrade->supplies->program, &upgrade->next, &error))
        return true;
    fail(upgrade, error.message);
    return false;
}

void upgrade_probe(struct upgrade *upgrade, struct handover *handover)
{
    struct error error = ERROR_INIT;
    if (!try_to_probe(upgrade, handover)) {
        error_set(&error, "cannot try %s: %s", upgrade->next.origin, strerror(errno));
        fail(upgrade, error.message);
        return;
    }
    upgrade->state = UPGRADE_PROBING;
    upgrade->deadline_us = clock_monotonic_us() + (uint64_t)upgrade->supplies->start_timeout_ms * 1000;
}

/* The last line that is not empty. */
static struct slice find_last_line(struct slice text)
{
    while (text.length != 0 && text.data[text.length - 1] == '\n')
        --text.length;
    size_t start = text.length;
    while (start != 0 && text.data[start - 1] != '\n')
        --start;
    return slice_skip(text, start);
}

/* Other programs say first what is wrong. */
static struct slice find_reason(struct slice said)
{
    struct slice last = find_last_line(said);
    if (slice_starts_with(last, SLICE(UPGRADE_REFUSAL)))
        return slice_skip(last, sizeof(UPGRADE_REFUSAL) - 1);
    return slice_of(said.data, slice_find(said, '\n'));
}

static void describe_failure(const struct upgrade *upgrade, int status, struct text *sentence)
{
    const char *path = upgrade->next.origin;
    struct slice line = find_reason(text_slice(&upgrade->said));
    if (upgrade->is_late)
        text_print(sentence, "%s has not restored the state within %.3f s", path,
                   (double)upgrade->supplies->start_timeout_ms / 1e3);
    else if (WIFSIGNALED(status))
        text_print(sentence, "%s was ended by signal %d (%s) while it restored the state", path, WTERMSIG(status),
                   strsignal(WTERMSIG(status)));
    else
        text_print(sentence, "%s cannot take over (status %d)", path, WEXITSTATUS(status));
    if (line.length != 0)
        text_print(sentence, ": %.*s", SLICE_ARG(line));
}

bool upgrade_bury(struct upgrade *upgrade, pid_t pid, int status)
{
    if (pid != upgrade->pid)
        return false;
    upgrade->pid = -1;
    upgrade->deadline_us = 0;
    take_output(upgrade);
    struct slice said = find_last_line(text_slice(&upgrade->said));
    if (!upgrade->is_late && status == 0 && slice_starts_with(said, SLICE(UPGRADE_APPROVAL))) {
        upgrade->state = UPGRADE_PROBED;
        return true;
    }
    struct text sentence = TEXT_INIT;
    describe_failure(upgrade, status, &sentence);
    fail(upgrade, sentence.data);
    text_finish(&sentence);
    return true;
}

void upgrade_step(struct upgrade *upgrade, uint64_t now_us)
{
    if (upgrade->deadline_us == 0 || now_us < upgrade->deadline_us)
        return;
    upgrade->is_late = true;
    upgrade->deadline_us = 0;
    kill(upgrade->pid, SIGKILL);
}

uint64_t upgrade_deadline(const struct upgrade *upgrade)
{
    return upgrade->deadline_us;
}

void upgrade_execute(struct upgrade *upgrade, struct handover *handover)
{
    char number[16];
    const char *arguments[] = {
        "flexilib", ROLE_SUPERVISOR, ROLE_SUPERVISOR_RESUME, number, "-c", upgrade->supplies->config, NULL};
    struct error error = ERROR_INIT;
    int state_fd = handover_seal(handover);
    struct spawn spawn = {
        .program_fd = upgrade->next.fd,
        .arguments = (char *const *)(uintptr_t)arguments,
        .kept = handover->fds,
        .kept_count = handover->fd_count,
    };
    snprintf(number, sizeof(number), "%d", state_fd);
    if (state_fd != -1) {
        spawn_replacement(&spawn);
        file_close_quietly(state_fd);
    }
    error_set(&error, "cannot execute %s: %s", upgrade->next.origin, strerror(errno));
    fail(upgrade, error.message);
}
