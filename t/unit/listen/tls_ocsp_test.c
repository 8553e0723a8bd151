/* When an authority is asked again. */

#include "listen/tls_ocsp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void answers_are_renewed_at_half_of_their_life(void **state)
{
    assert_int_equal(tls_ocsp_next_ms(1000, 1000 + 7 * 86400), (int64_t)7 * 86400 * 500);
    assert_int_equal(tls_ocsp_next_ms(1000, 1000 + 3600), 1800 * 1000);
    assert_int_equal(tls_ocsp_next_ms(1000, 1001), 60 * 1000);
    assert_int_equal(tls_ocsp_next_ms(1000, 0), 60 * 1000);
}

static void pauses_grow_to_an_hour(void **state)
{
    assert_int_equal(tls_ocsp_retry_ms(0), 1000);
    assert_int_equal(tls_ocsp_retry_ms(1), 2000);
    assert_int_equal(tls_ocsp_retry_ms(5), 32000);
    assert_int_equal(tls_ocsp_retry_ms(12), 3600 * 1000);
    assert_int_equal(tls_ocsp_retry_ms(4000000000u), 3600 * 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_are_renewed_at_half_of_their_life),
        cmocka_unit_test(pauses_grow_to_an_hour),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
