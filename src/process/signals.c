#include "process/signals.h"

#include <pthread.h>
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

static void do_nothing(int number)
{
}

/* exec makes of a handler what a program expects, and leaves what is ignored so: a program that a library starts could
 * not be told to end. The handler runs on an alternate stack where a thread has one, as Go's have to. */
static void leave_unnoticed(int number)
{
    struct sigaction action = {.sa_handler = do_nothing, .sa_flags = SA_RESTART | SA_ONSTACK};
    sigaction(number, &action, NULL);
}

static void stop_ignoring(int number)
{
    struct sigaction action;
    if (sigaction(number, NULL, &action) == 0 && action.sa_handler == do_nothing)
        set_handler(number, SIG_DFL);
}

/* Nor could a child that a library forks. */
static void in_child(void)
{
    for (size_t i = 0; i < sizeof(watched_signals) / sizeof(watched_signals[0]); ++i)
        stop_ignoring(watched_signals[i]);
    stop_ignoring(SIGPIPE);
    stop_ignoring(SIGXFSZ);
}

void signals_ignore(void)
{
    for (size_t i = 0; i < sizeof(watched_signals) / sizeof(watched_signals[0]); ++i) {
        if (watched_signals[i] != SIGCHLD)
            leave_unnoticed(watched_signals[i]);
    }
    leave_unnoticed(SIGPIPE);
    leave_unnoticed(SIGXFSZ);
    pthread_atfork(NULL, NULL, in_child);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}
