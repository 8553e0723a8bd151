#include "worker/exit_guard.h"

#include "base/crash_handler.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SEEN_BY_LIBRARIES __attribute__((visibility("default")))

static void __attribute__((noreturn)) leave(int status)
{
    for (;;)
        syscall(SYS_exit_group, status);
}

/* What it has printed is its last word; but no lock is waited for. */
static void flush(FILE *stream)
{
    if (ftrylockfile(stream) != 0)
        return;
    fflush_unlocked(stream);
    funlockfile(stream);
}

static void __attribute__((noreturn)) leave_with_output(int status)
{
    crash_handler_note_exit(status);
    flush(stdout);
    flush(stderr);
    leave(status);
}

static void __attribute__((noreturn)) call_next(const char *name, int status)
{
    void (*next)(int status) = NULL;
    void *function = dlsym(RTLD_NEXT, name);
    memcpy(&next, &function, sizeof(next));
    if (next != NULL)
        next(status);
    leave(status);
}

SEEN_BY_LIBRARIES void exit(int status)
{
    if (crash_handler_is_in_library())
        leave_with_output(status);
    call_next("exit", status);
}

SEEN_BY_LIBRARIES void quick_exit(int status)
{
    if (crash_handler_is_in_library())
        leave_with_output(status);
    call_next("quick_exit", status);
}

SEEN_BY_LIBRARIES void _exit(int status)
{
    if (crash_handler_is_in_library())
        crash_handler_note_exit(status);
    leave(status);
}

SEEN_BY_LIBRARIES void _Exit(int status)
{
    _exit(status);
}

void exit_guard_use(void)
{
}
