#include "process/signals.h"

#include <signal.h>
#include <stddef.h>
#include <sys/signalfd.h>
#include <unistd.h>

static const int watched_signals[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGCHLD};

static void set_handler(int number, void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler};
    sigaction(number, &action, NULL);
}

/* What they tell of is told by errno too, and a full file must not end whoever writes to it. */
static void ignore_failures(void)
{
    set_handler(SIGPIPE, SIG_IGN);
    set_handler(SIGXFSZ, SIG_IGN);
}

int signals_open(void)
{
    sigset_t watched;
    sigemptyset(&watched);
    for (size_t i = 0; i < sizeof(watched_signals) / sizeof(watched_signals[0]); ++i) {
        sigaddset(&watched, watched_signals[i]);
        set_handler(watched_signals[i], SIG_DFL);
    }
    ignore_failures();
    if (sigprocmask(SIG_BLOCK, &watched, NULL) == -1)
        return -1;
    return signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK);
}

int signals_take(int fd)
{
    struct signalfd_siginfo info;
    if (read(fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
        return 0;
    return (int)info.ssi_signo;
}

void signals_ignore(void)
{
    for (size_t i = 0; i < sizeof(watched_signals) / sizeof(watched_signals[0]); ++i) {
        if (watched_signals[i] != SIGCHLD)
            set_handler(watched_signals[i], SIG_IGN);
    }
    ignore_failures();
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}
