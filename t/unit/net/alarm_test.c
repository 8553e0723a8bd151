#include "net/alarm.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* The loop's timers as filters know them. */

struct fixture {
    struct loop *loop;
    unsigned count;
};

static void on_time(void *data)
{
    struct fixture *fixture = data;
    ++fixture->count;
}

static void on_last_time(void *data)
{
    struct fixture *fixture = data;
    ++fixture->count;
    loop_stop(fixture->loop);
}

static void comes_unless_it_is_stopped(void **state)
{
    struct fixture fixture = {.loop = loop_create()};
    alarm_services.start(fixture.loop, 0, on_time, &fixture);
    struct alarm *stopped = alarm_services.start(fixture.loop, 1, on_time, &fixture);
    alarm_services.start(fixture.loop, 5, on_last_time, &fixture);
    assert_int_equal(fixture.count, 0);
    alarm_services.stop(stopped);
    loop_run(fixture.loop);
    assert_int_equal(fixture.count, 2);
    loop_destroy(fixture.loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comes_unless_it_is_stopped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
