#include "upstream/retry_budget.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void earn(struct retry_budget *budget, unsigned count, uint64_t now_ms)
{
    for (unsigned i = 0; i < count; ++i)
        retry_budget_earn(budget, now_ms);
}

/* How many retries there may be until the next one is refused. */
static unsigned spend_all(struct retry_budget *budget, uint32_t percent, uint64_t now_ms)
{
    unsigned count = 0;
    while (count < 100000 && retry_budget_spend(budget, percent, now_ms))
        ++count;
    return count;
}

static void a_share_of_the_requests_may_be_retried(void **state)
{
    struct retry_budget budget = {0};
    earn(&budget, 1000, 5000);
    assert_int_equal(spend_all(&budget, 20, 5000), 200);
    earn(&budget, 5, 5100);
    assert_int_equal(spend_all(&budget, 20, 5100), 1);
    assert_int_equal(spend_all(&budget, 21, 5100), 10);
}

static void a_few_are_free(void **state)
{
    struct retry_budget budget = {0};
    for (uint64_t ms = 999; ms < 50000; ms += RETRY_BUDGET_SECONDS * 1000)
        assert_int_equal(spend_all(&budget, 20, ms), RETRY_BUDGET_FREE);
    assert_true(retry_budget_spend(&budget, 20, 50999));
    assert_int_equal(spend_all(&budget, 20, 52000), RETRY_BUDGET_FREE - 1);
}

static void no_share_is_none_at_all(void **state)
{
    struct retry_budget budget = {0};
    earn(&budget, 1000, 0);
    assert_int_equal(spend_all(&budget, 0, 0), 0);
}

static void what_is_older_than_ten_seconds_is_forgotten(void **state)
{
    struct retry_budget budget = {0};
    earn(&budget, 1000, 1000);
    earn(&budget, 500, 4000);
    assert_int_equal(spend_all(&budget, 20, 4000), 300);
    assert_int_equal(spend_all(&budget, 20, 10999), 0);
    /* only the later requests count now, but still all of the retries */
    assert_int_equal(spend_all(&budget, 20, 11000), 0);
    assert_int_equal(spend_all(&budget, 20, 13999), 0);
    assert_int_equal(spend_all(&budget, 20, 14000), RETRY_BUDGET_FREE);
    earn(&budget, 1000, 40000);
    assert_int_equal(spend_all(&budget, 20, 40000), 200);
}

static void a_clock_that_stands_or_was_far_away_does_no_harm(void **state)
{
    struct retry_budget budget = {0};
    earn(&budget, 1000, UINT64_MAX / 2);
    assert_int_equal(spend_all(&budget, 20, UINT64_MAX / 2), 200);
    assert_int_equal(spend_all(&budget, 20, 0), 0);
    assert_int_equal(spend_all(&budget, 20, UINT64_MAX), RETRY_BUDGET_FREE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_share_of_the_requests_may_be_retried),
        cmocka_unit_test(a_few_are_free),
        cmocka_unit_test(no_share_is_none_at_all),
        cmocka_unit_test(what_is_older_than_ten_seconds_is_forgotten),
        cmocka_unit_test(a_clock_that_stands_or_was_far_away_does_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
