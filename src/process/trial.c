#include "process/trial.h"

#include "base/clock.h"
#include "base/fork_guard.h"
#include "base/spawn.h"
#include "process/obituary.h"
#include "process/slots.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    LOOK_EVERY_MS = 100,
    SLOT_NUMBER = 0, /* a region is made for each trial */
};

struct attempt {
    const struct trial *trial;
    struct slots slots;
    bool is_timed_out;
};

/* Nobody else uses the slot's counter here: it tells an end of ours from an exit() in a library. */
static const uint32_t attempt_done = 1;

static int run_copy(void *data)
{
    const struct attempt *attempt = data;
    struct slot *slot = slots_attach(attempt->slots.fd, SLOT_NUMBER, getpid());
    struct slot_details *details = slots_attach_details(attempt->slots.fd, SLOT_NUMBER);
    fork_guard_open();
    int status = attempt->trial->run(slot, details == NULL ? NULL : &details->threads, attempt->trial->data);
    if (slot != NULL)
        slot->connections = attempt_done;
    return status;
}

/* Waits for the end of the process, until the limit at most where nothing moves in it. */
static bool wait_for_end(struct attempt *attempt, int pid_fd)
{
    uint64_t limit_us = (uint64_t)attempt->trial->limit_ms * 1000;
    uint64_t moved_us = clock_monotonic_us();
    uint32_t turns = 0;
    for (;;) {
        struct pollfd ended = {.fd = pid_fd, .events = POLLIN};
        if (poll(&ended, 1, LOOK_EVERY_MS) > 0)
            return true;
        struct slot slot = slots_read(&attempt->slots, SLOT_NUMBER);
        uint64_t now_us = clock_monotonic_us();
        if (slot.turns != turns)
            moved_us = now_us;
        turns = slot.turns;
        if (now_us - moved_us >= limit_us)
            return false;
    }
}

static void limit_time(struct attempt *attempt, pid_t pid)
{
    int pid_fd = attempt->trial->limit_ms == 0 ? -1 : (int)syscall(SYS_pidfd_open, pid, 0);
    if (pid_fd == -1)
        return;
    if (!wait_for_end(attempt, pid_fd)) {
        attempt->is_timed_out = true;
        kill(pid, SIGKILL);
    }
    close(pid_fd);
}

static void describe_end(const struct attempt *attempt, int status, const struct slot *slot,
                         const struct slot_threads *threads, struct text *sentence)
{
    const struct trial *trial = attempt->trial;
    if (attempt->is_timed_out)
        text_print(sentence, "%s did not end: nothing has moved for %u s", trial->what, trial->limit_ms / 1000);
    else if (WIFSIGNALED(status))
        text_print(sentence, "%s was ended by signal %d (%s)", trial->what, WTERMSIG(status),
                   strsignal(WTERMSIG(status)));
    else
        text_print(sentence, "a library ended %s with status %d", trial->what, WEXITSTATUS(status));
    obituary_print_slot(slot, threads, sentence);
}

static enum trial_outcome run_attempt(struct attempt *attempt, int *status, struct text *sentence)
{
    int ended = 0;
    pid_t pid = spawn_copy(run_copy, attempt);
    if (pid != -1)
        limit_time(attempt, pid);
    if (pid == -1 || waitpid(pid, &ended, 0) == -1) {
        text_print(sentence, "cannot start a process: %s", strerror(errno));
        return TRIAL_IMPOSSIBLE;
    }
    struct slot slot = slots_read(&attempt->slots, SLOT_NUMBER);
    if (WIFEXITED(ended) && slot.connections == attempt_done && !attempt->is_timed_out) {
        *status = WEXITSTATUS(ended);
        return TRIAL_RETURNED;
    }
    struct slot_threads threads;
    slots_read_threads(&attempt->slots, SLOT_NUMBER, &threads);
    describe_end(attempt, ended, &slot, &threads, sentence);
    return TRIAL_ENDED;
}

enum trial_outcome trial_run(const struct trial *trial, int *status, struct text *sentence)
{
    struct attempt attempt = {.trial = trial};
    if (!slots_open(&attempt.slots)) {
        text_print(sentence, "cannot make shared memory: %s", strerror(errno));
        return TRIAL_IMPOSSIBLE;
    }
    enum trial_outcome outcome = run_attempt(&attempt, status, sentence);
    slots_close(&attempt.slots);
    return outcome;
}
