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

int signals_open(void)
{
    sigset_t watched;
    sigemptyset(&watched);
    for (size_t i = 0; i < sizeof(watched_signals) / sizeof(watched_signals[0]); ++i) {
        sigaddset(&watched, watched_signals[i]);
        set_handler(watched_signals[i], SIG_DFL);
    }
    set_handler(SIGPIPE, SIG_IGN);
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
    set_handler(SIGPIPE, SIG_IGN);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}
