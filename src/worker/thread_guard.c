#include "worker/thread_guard.h"

#include "base/alternate_stack.h"
#include "base/crash_handler.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)

void thread_guard_open(void)
{
}

#else

#define SEEN_BY_LIBRARIES __attribute__((visibility("default")))

typedef int create_function(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *argument),
                            void *argument);

/* What a thread that is guarded brings along. */
struct guard {
    void *(*run)(void *argument);
    void *argument;
    struct alternate_stack stack;
    bool was_seen; /* at its end, once */
};

/* Rule 0: who calls pthread_create brings nothing of ours along. Written once, before there are threads. */
static struct {
    create_function *next; /* the C library's; NULL: not known yet */
    pthread_key_t key;
    bool has_key;
} state;

static create_function *find_next(void)
{
    create_function *next = NULL;
    void *function = dlsym(RTLD_NEXT, "pthread_create");
    memcpy(&next, &function, sizeof(next));
    return next;
}

/* A runtime that does its own tidying among the destructors (Go) may still use the stack: it goes in the next round. */
static void on_end(void *data)
{
    struct guard *guard = data;
    bool is_first = !guard->was_seen;
    guard->was_seen = true;
    if (is_first && pthread_setspecific(state.key, guard) == 0)
        return;
    alternate_stack_close(&guard->stack);
    free(guard);
}

static void *run_guarded(void *data)
{
    struct guard *guard = data;
    void *(*run)(void *argument) = guard->run;
    void *argument = guard->argument;
    if (pthread_setspecific(state.key, guard) == 0)
        alternate_stack_open(&guard->stack);
    else
        free(guard);
    return run(argument);
}

static int create_guarded(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *argument),
                          void *argument)
{
    struct guard *guard = malloc(sizeof(*guard));
    if (guard == NULL)
        return state.next(thread, attributes, run, argument);
    *guard = (struct guard){.run = run, .argument = argument};
    int problem = state.next(thread, attributes, run_guarded, guard);
    if (problem != 0)
        free(guard);
    return problem;
}

SEEN_BY_LIBRARIES int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *argument),
                                     void *argument)
{
    if (state.has_key && crash_handler_is_in_library())
        return create_guarded(thread, attributes, run, argument);
    create_function *next = state.next == NULL ? find_next() : state.next;
    return next == NULL ? EAGAIN : next(thread, attributes, run, argument);
}

void thread_guard_open(void)
{
    state.next = find_next();
    state.has_key = state.next != NULL && pthread_key_create(&state.key, on_end) == 0;
}

#endif
