#include "worker/thread_guard.h"

#include "base/crash_handler.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
static const bool is_sanitized = true;
#else
static const bool is_sanitized = false;
#endif

enum {
    HANDLER_BYTES = 32 * 1024, /* what Go's handlers want */
};

static struct slot_call call;
static size_t found; /* by the thread: the size of its stack for handlers */

/* What runs on this thread from now on. */
static void begin(enum slot_hook hook)
{
    if (is_sanitized)
        skip();
    call.hook = hook;
}

static size_t find_stack(void)
{
    stack_t stack;
    assert_int_equal(sigaltstack(NULL, &stack), 0);
    return (stack.ss_flags & SS_DISABLE) != 0 ? 0 : stack.ss_size;
}

static void *return_it(void *argument)
{
    found = find_stack();
    return argument;
}

static void *exit_with_it(void *argument)
{
    found = find_stack();
    pthread_exit(argument);
}

static void *wait_for_cancellation(void *argument)
{
    found = find_stack();
    pause();
    return argument;
}

static void *run(void *(*work)(void *argument), void *argument, bool is_cancelled)
{
    pthread_t thread;
    void *result;
    found = 0;
    assert_int_equal(pthread_create(&thread, NULL, work, argument), 0);
    if (is_cancelled)
        assert_int_equal(pthread_cancel(thread), 0);
    assert_int_equal(pthread_join(thread, &result), 0);
    return result;
}

static unsigned count_mappings(void)
{
    unsigned count = 0;
    FILE *maps = fopen("/proc/self/maps", "r");
    assert_non_null(maps);
    for (int c = getc(maps); c != EOF; c = getc(maps))
        count += c == '\n';
    fclose(maps);
    return count;
}

static void threads_of_libraries_have_a_stack_for_handlers(void **state)
{
    int mark;
    begin(SLOT_HOOK_END);
    assert_ptr_equal(run(return_it, &mark, false), &mark);
    assert_in_range(found, HANDLER_BYTES, SIZE_MAX);
}

static void others_have_none(void **state)
{
    int mark;
    begin(SLOT_HOOK_NONE);
    assert_ptr_equal(run(return_it, &mark, false), &mark);
    assert_int_equal(found, 0);
}

static void nothing_is_left_however_they_end(void **state)
{
    int mark;
    begin(SLOT_HOOK_END);
    run(exit_with_it, NULL, false); /* loads what it needs */
    unsigned before = count_mappings();
    for (int i = 0; i < 20; ++i) {
        assert_ptr_equal(run(return_it, &mark, false), &mark);
        assert_ptr_equal(run(exit_with_it, &mark, false), &mark);
        assert_in_range(found, HANDLER_BYTES, SIZE_MAX);
        assert_ptr_equal(run(wait_for_cancellation, NULL, true), PTHREAD_CANCELED);
    }
    assert_int_equal(count_mappings(), before);
}

static pthread_key_t key;

static void look_at_the_end(void *data)
{
    *(size_t *)data = find_stack();
}

static void *leave_a_destructor(void *argument)
{
    pthread_setspecific(key, argument);
    return NULL;
}

static void destructors_have_it_still(void **state)
{
    size_t at_end = 0;
    begin(SLOT_HOOK_END);
    assert_int_equal(pthread_key_create(&key, look_at_the_end), 0);
    run(leave_a_destructor, &at_end, false);
    pthread_key_delete(key);
    assert_in_range(at_end, HANDLER_BYTES, SIZE_MAX);
}

static void *tell_stack_bytes(void *argument)
{
    pthread_attr_t attributes;
    assert_int_equal(pthread_getattr_np(pthread_self(), &attributes), 0);
    pthread_attr_getstacksize(&attributes, argument);
    pthread_attr_destroy(&attributes);
    return NULL;
}

static void what_their_makers_want_they_are(void **state)
{
    pthread_attr_t attributes;
    pthread_t thread;
    size_t wanted = (size_t)PTHREAD_STACK_MIN * 4, stack_bytes = 0;
    begin(SLOT_HOOK_END);
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, wanted);
    assert_int_equal(pthread_create(&thread, &attributes, tell_stack_bytes, &stack_bytes), 0);
    pthread_join(thread, NULL);
    assert_int_equal(stack_bytes, wanted);
    pthread_attr_setstacksize(&attributes, SIZE_MAX / 4 * 3 & ~(size_t)0xffff);
    assert_int_equal(pthread_create(&thread, &attributes, tell_stack_bytes, &stack_bytes), EAGAIN);
    pthread_attr_setstacksize(&attributes, PTHREAD_STACK_MIN);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    int problem = pthread_create(&thread, &attributes, return_it, NULL);
    pthread_attr_destroy(&attributes);
    assert_int_equal(problem, 0);
}

static int open_handlers(void **state)
{
    static struct crash_record crash, capture;
    crash_handler_open(&(struct crash_handler){.crash = &crash, .capture = &capture, .call = &call});
    thread_guard_open();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_of_libraries_have_a_stack_for_handlers),
        cmocka_unit_test(others_have_none),
        cmocka_unit_test(nothing_is_left_however_they_end),
        cmocka_unit_test(destructors_have_it_still),
        cmocka_unit_test(what_their_makers_want_they_are),
    };
    return cmocka_run_group_tests(tests, open_handlers, NULL);
}
