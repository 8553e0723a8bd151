#include "worker/patience.h"

#include <linux/sched/types.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static uint64_t slice_ns(void)
{
    struct sched_attr attributes = {.size = sizeof(attributes)};
    assert_int_equal(syscall(SYS_sched_getattr, 0, &attributes, sizeof(attributes), 0), 0);
    return attributes.sched_runtime;
}

/* Older kernels know of no slices, and say 0. */
static void patience_is_a_long_slice_and_ends(void **state)
{
    uint64_t usual_ns = slice_ns();
    patience_set(true);
    uint64_t patient_ns = slice_ns();
    assert_true(usual_ns == 0 ? patient_ns == 0 : patient_ns > usual_ns);
    patience_set(false);
    assert_int_equal(slice_ns(), usual_ns);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patience_is_a_long_slice_and_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
