#include "net/queue_mark.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* The queues of three workers. */
static uint64_t shared;
static struct queue_mark a, b, c;

static int begin(void **state)
{
    shared = 0;
    a = b = c = (struct queue_mark){.shared = &shared};
    return 0;
}

static void tells_who_has_waited_longest(void **state)
{
    queue_mark_show(&a, 2000, 2000);
    queue_mark_show(&b, 1900, 2000);
    queue_mark_show(&c, 1950, 2000);
    assert_true(queue_mark_is_first(&b, 2000));
    assert_false(queue_mark_is_first(&a, 2000));
    assert_false(queue_mark_is_first(&c, 2000));
    queue_mark_clear(&a);
    assert_true(queue_mark_is_first(&b, 2000));
    queue_mark_clear(&b);
    assert_false(queue_mark_is_first(&b, 2000));
    assert_false(queue_mark_is_set(&shared, 2000));
    queue_mark_show(&c, 1950, 2010);
    assert_true(queue_mark_is_first(&c, 2010));
}

static void passes_on_when_its_first_request_has_gone(void **state)
{
    queue_mark_show(&a, 1000, 2000);
    queue_mark_show(&a, 1990, 2001);
    queue_mark_show(&b, 1500, 2002);
    assert_true(queue_mark_is_first(&b, 2002));
}

static void leaves_places_to_who_has_waited_for_much_longer(void **state)
{
    queue_mark_show(&a, 1000, 2000);
    assert_false(queue_mark_leaves(&a, 1000, 2000));
    assert_false(queue_mark_leaves(&b, 1050, 2000));
    assert_true(queue_mark_leaves(&b, 1500, 2000));
    assert_true(queue_mark_leaves(&c, 2000, 2000));
}

static void leaves_them_for_a_while_only(void **state)
{
    for (uint64_t now = 2000; now <= 2600; ++now)
        queue_mark_show(&a, 1000, now);
    assert_true(queue_mark_leaves(&b, 1500, 2600));
    queue_mark_show(&a, 1000, 2660);
    assert_false(queue_mark_leaves(&b, 1500, 2660));
    queue_mark_show(&a, 1000, 3050);
    assert_false(queue_mark_leaves(&b, 1500, 3050));
    queue_mark_show(&a, 1000, 3200);
    assert_true(queue_mark_leaves(&b, 1500, 3200));
    queue_mark_show(&a, 1200, 3260);
    assert_true(queue_mark_leaves(&b, 1500, 3260));
}

static void forgets_a_worker_that_hangs(void **state)
{
    queue_mark_show(&a, 1000, 2000);
    assert_false(queue_mark_leaves(&b, 2300, 2300));
    queue_mark_show(&b, 2300, 2300);
    assert_true(queue_mark_is_first(&b, 2300));
    queue_mark_show(&a, 1000, 2310);
    assert_true(queue_mark_is_first(&a, 2310));
}

static void stands_wrapped_times_and_nonsense(void **state)
{
    uint64_t turn = (uint64_t)1 << 32;
    queue_mark_show(&a, turn - 150, turn + 10);
    assert_true(queue_mark_leaves(&b, turn + 10, turn + 10));
    assert_false(queue_mark_leaves(&b, turn - 100, turn + 10));
    shared = UINT64_MAX;
    assert_false(queue_mark_leaves(&c, 3000000, 3000000));
    queue_mark_show(&c, 3000000, 3000000);
    assert_true(queue_mark_is_first(&c, 3000000));
}

static void is_of_no_account_alone(void **state)
{
    struct queue_mark alone = {0};
    queue_mark_show(&alone, 1000, 2000);
    assert_false(queue_mark_is_first(&alone, 2000));
    assert_false(queue_mark_leaves(&alone, 2000, 2000));
    queue_mark_clear(&alone);
    assert_false(queue_mark_is_set(NULL, 2000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(tells_who_has_waited_longest, begin),
        cmocka_unit_test_setup(passes_on_when_its_first_request_has_gone, begin),
        cmocka_unit_test_setup(leaves_places_to_who_has_waited_for_much_longer, begin),
        cmocka_unit_test_setup(leaves_them_for_a_while_only, begin),
        cmocka_unit_test_setup(forgets_a_worker_that_hangs, begin),
        cmocka_unit_test_setup(stands_wrapped_times_and_nonsense, begin),
        cmocka_unit_test_setup(is_of_no_account_alone, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
