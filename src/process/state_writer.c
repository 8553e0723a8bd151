#include "process/state_writer.h"

#include "base/spawn.h"
#include "process/console.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    FIRST_DESCRIPTOR = 3,
    LOW_PRIORITY = 10,
};

static const uint64_t writing_us = 600 * 1000 * 1000ULL;

struct order {
    int (*write)(void *data);
    void *data;
};

void state_writer_init(struct state_writer *writer, const char *trouble)
{
    *writer = (struct state_writer){.trouble = trouble};
}

void state_writer_finish(struct state_writer *writer)
{
    if (writer->pid != 0)
        kill(writer->pid, SIGKILL);
    writer->pid = 0;
}

/* In the child. */
static int run(void *data)
{
    const struct order *order = data;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGXFSZ, SIG_IGN);
    if (close_range(FIRST_DESCRIPTOR, ~0U, 0) == -1 || nice(LOW_PRIORITY) == -1)
        errno = 0;
    return order->write(order->data);
}

bool state_writer_start(struct state_writer *writer, int (*write)(void *data), void *data, uint64_t now_us)
{
    struct order order = {write, data};
    pid_t pid = spawn_copy(run, &order);
    if (pid == -1) {
        console_log(LOG_LEVEL_WARNING, "%s: %s", writer->trouble, strerror(errno));
        return false;
    }
    writer->pid = pid;
    writer->deadline_us = now_us + writing_us;
    return true;
}

void state_writer_step(struct state_writer *writer, uint64_t now_us)
{
    if (writer->pid == 0 || now_us < writer->deadline_us)
        return;
    kill(writer->pid, SIGKILL);
    writer->deadline_us = now_us + writing_us;
}

bool state_writer_bury(struct state_writer *writer, pid_t pid, int status)
{
    if (writer->pid == 0 || writer->pid != pid)
        return false;
    if (WIFSIGNALED(status))
        console_log(LOG_LEVEL_WARNING, "%s: killed by signal %d (%s)", writer->trouble, WTERMSIG(status),
                    strsignal(WTERMSIG(status)));
    writer->pid = 0;
    return true;
}
