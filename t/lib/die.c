/* Ends the worker in the way that the path of a request names: /die/null, /die/jump and so on; any other passes. Built
 * without frame pointers, as libraries mostly are. */

#define _GNU_SOURCE
#include <flexilib/filter.h>

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define AS_IT_IS __attribute__((noinline, no_sanitize("undefined", "address")))

static const struct flexilib_core *core;
static volatile int zero, depth;

AS_IT_IS static void die_null(void)
{
    volatile int *volatile nowhere = NULL;
    *nowhere = 1;
    ++zero;
}

AS_IT_IS static void die_jump(void)
{
    void (*volatile nowhere)(void) = NULL;
    nowhere();
    ++zero;
}

AS_IT_IS static int die_overflow(void)
{
    volatile char room[256];
    room[0] = (char)depth++;
    return depth < 0 ? 0 : die_overflow() + room[0];
}

static void die_deep(void)
{
    zero = die_overflow();
}

AS_IT_IS static void die_abort(void)
{
    abort();
}

AS_IT_IS static void die_fpe(void)
{
    depth = depth / zero;
}

AS_IT_IS static void die_double_free(void)
{
    void *volatile memory = malloc(2000);
    void *volatile guard = malloc(2000);
    free(memory);
    free(memory);
    free(guard);
}

AS_IT_IS static void die_exit(void)
{
    exit(3);
}

AS_IT_IS static void die_exit_well(void)
{
    exit(0);
}

AS_IT_IS static void die_exit_at_once(void)
{
    _exit(4);
}

/* As runtimes do that use no C library. */
AS_IT_IS static void die_system_call(void)
{
    syscall(SYS_exit_group, 5);
}

static void wait_for_ever(void)
{
    for (;;)
        pause();
}

AS_IT_IS static void die_exit_hanging(void)
{
    atexit(wait_for_ever);
    exit(6);
}

AS_IT_IS static void die_killed(void)
{
    kill(getpid(), SIGKILL);
    wait_for_ever();
}

AS_IT_IS static void die_reset(void)
{
    signal(SIGSEGV, SIG_DFL);
    die_null();
}

AS_IT_IS static void die_core(void)
{
    core->path((struct flexilib_exchange *)(uintptr_t)8);
    ++zero;
}

AS_IT_IS static void *run_own(void *data)
{
    die_null();
    return NULL;
}

AS_IT_IS static void *run_own_abort(void *data)
{
    die_abort();
    return NULL;
}

AS_IT_IS static void *run_own_overflow(void *data)
{
    die_deep();
    return NULL;
}

static void start_own(void *(*run)(void *data))
{
    pthread_t thread;
    pthread_create(&thread, NULL, run, NULL);
    pthread_join(thread, NULL);
}

static void die_own(void)
{
    start_own(run_own);
}

static void die_own_abort(void)
{
    start_own(run_own_abort);
}

static void die_own_overflow(void)
{
    start_own(run_own_overflow);
}

/* Such a process can open nothing any more. */
AS_IT_IS static void die_without_descriptors(void)
{
    const struct rlimit none = {0, 0};
    setrlimit(RLIMIT_NOFILE, &none);
    die_null();
    ++zero;
}

AS_IT_IS static void die_thread(void)
{
    pthread_exit(NULL);
}

/* Both go on. */
static void fork_child(void)
{
    pid_t pid = fork();
    zero = pid == -1;
}

static void leave_otherwise(void)
{
    _exit(10);
}

/* Children of libraries die as those of anybody. */
static bool have_children_die(void)
{
    int status[2];
    for (int i = 0; i < 2; ++i) {
        pid_t pid = fork();
        if (pid == 0 && i == 0)
            die_null();
        if (pid == 0) {
            atexit(leave_otherwise);
            exit(9);
        }
        if (waitpid(pid, &status[i], 0) != pid)
            return false;
    }
    return WIFSIGNALED(status[0]) && WTERMSIG(status[0]) == SIGSEGV && WIFEXITED(status[1]) &&
           WEXITSTATUS(status[1]) == 10;
}

static const struct {
    const char *name;
    void (*die)(void);
} ways[] = {
    {"null", die_null},
    {"jump", die_jump},
    {"overflow", die_deep},
    {"abort", die_abort},
    {"fpe", die_fpe},
    {"double-free", die_double_free},
    {"exit", die_exit},
    {"exit-well", die_exit_well},
    {"exit-at-once", die_exit_at_once},
    {"exit-hanging", die_exit_hanging},
    {"system-call", die_system_call},
    {"killed", die_killed},
    {"reset", die_reset},
    {"core", die_core},
    {"own", die_own},
    {"without-descriptors", die_without_descriptors},
    {"thread", die_thread},
    {"fork", fork_child},
    {"own-abort", die_own_abort},
    {"own-overflow", die_own_overflow},
};

static bool create(const struct flexilib_core *given, const struct flexilib_value *values, void **filter)
{
    core = given;
    return true;
}

static flexilib_answer on_request_head(void *filter, struct flexilib_exchange *exchange)
{
    static const char above[] = "/die/";
    struct flexilib_text path = core->path(exchange);
    size_t skipped = sizeof(above) - 1;
    if (path.length < skipped || memcmp(path.data, above, skipped) != 0)
        return FLEXILIB_CONTINUE;
    if (path.length == skipped + strlen("children") && memcmp(path.data + skipped, "children", strlen("children")) == 0)
        return have_children_die() ? FLEXILIB_CONTINUE : FLEXILIB_FAIL;
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); ++i) {
        if (strlen(ways[i].name) == path.length - skipped &&
            memcmp(ways[i].name, path.data + skipped, path.length - skipped) == 0)
            ways[i].die();
    }
    return FLEXILIB_CONTINUE;
}

static const struct flexilib_filter filters[] = {
    {.name = "die", .summary = "ends the worker", .create = create, .on_request_head = on_request_head},
};

FLEXILIB_LIBRARY(filters);
