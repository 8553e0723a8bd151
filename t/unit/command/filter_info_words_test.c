#include "command/filter_info_words.h"

#include "filter/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* A type that libraries may use and that has no words would end `flexilib filter info`. */
static void every_type_has_words(void **state)
{
    unsigned count = 0;
    for (flexilib_option_type type = -1; type < 1000; ++type) {
        if (!options_know_type(type))
            continue;
        ++count;
        assert_non_null(filter_info_type_name(type));
        assert_non_null(filter_info_type_phrase(type));
    }
    assert_true(count >= FLEXILIB_OPTION_ANY);
}

static void every_flag_has_a_word(void **state)
{
    uint32_t told = 0;
    for (unsigned bit = 0; bit < 32; ++bit) {
        const struct flexilib_filter filter = {.flags = UINT32_C(1) << bit};
        for (int i = 0; i < FILTER_INFO_FLAGS; ++i)
            told |= filter_info_flag(&filter, i) != NULL ? filter.flags : 0;
    }
    assert_int_equal(told, FLEXILIB_BLOCKING | FLEXILIB_CONCURRENT | FLEXILIB_EXCLUSIVE | FLEXILIB_OBSERVES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_has_words),
        cmocka_unit_test(every_flag_has_a_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
