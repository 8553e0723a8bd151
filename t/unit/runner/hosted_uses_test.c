/* When a use that is missing is tried again. */

#include "runner/hosted_uses.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void stop_loop(struct timer *timer)
{
    loop_stop(timer->data);
}

/* The loop's own time is that of the turn's begin: a filter may take long to refuse, and others have to get theirs. */
static void the_next_try_waits_from_the_end_of_the_last(void **state)
{
    struct settings settings = {0};
    struct hosted_uses uses = {0};
    struct error error = ERROR_INIT;
    const struct runner_host_parts parts = {.settings = &settings, .loop = loop_create()};
    struct timer timer = {.on_timeout = stop_loop, .data = parts.loop};
    timer_start(parts.loop, &timer, 0);
    loop_run(parts.loop);
    while (clock_monotonic_us() / 1000 == loop_now_ms(parts.loop))
        ;
    uint64_t now_ms = clock_monotonic_us() / 1000;
    assert_null(hosted_uses_make(&uses, &parts, NULL, 1, &error));
    assert_true(error.is_set);
    assert_true(uses.again_ms >= now_ms + 1000);
    hosted_uses_finish(&uses);
    loop_destroy(parts.loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_next_try_waits_from_the_end_of_the_last),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
