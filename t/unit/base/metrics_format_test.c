#include "base/metrics_format.h"

#include "base/file.h"

#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static char folder[] = "/tmp/flexilib-unit-XXXXXX";

static int make_folder(void **state)
{
    return mkdtemp(folder) == NULL;
}

static int remove_folder(void **state)
{
    setlocale(LC_ALL, "C");
    return !file_remove_tree(folder);
}

static void expect(double number, const char *wanted)
{
    struct text out = TEXT_INIT;
    metrics_format_number(number, &out);
    text_add_char(&out, '\0');
    assert_string_equal(out.data, wanted);
    text_finish(&out);
}

static void expect_numbers(void)
{
    expect(0, "0");
    expect(-4711, "-4711");
    expect(0.0025, "0.0025");
    expect(0.1 + 0.2, "0.30000000000000004");
    expect(1796051430.446, "1796051430.446");
    expect(1e300, "1e+300");
    expect(INFINITY, "+Inf");
    expect(-INFINITY, "-Inf");
    expect(NAN, "NaN");
}

static void test_numbers_are_short_and_exact(void **state)
{
    expect_numbers();
}

/* As libraries do that want to be polite: setlocale(LC_ALL, ""). */
static void test_a_locale_changes_nothing(void **state)
{
    struct text command = TEXT_INIT;
    char number[20];
    text_print(&command, "localedef -i de_DE -f UTF-8 %s/de_DE.UTF-8 2>/dev/null", folder);
    int status = system(command.data);
    text_finish(&command);
    if (status != 0)
        skip();
    setenv("LOCPATH", folder, 1);
    assert_non_null(setlocale(LC_ALL, "de_DE.UTF-8"));
    snprintf(number, sizeof(number), "%.1f", 0.5);
    assert_string_equal(number, "0,5");
    expect_numbers();
    snprintf(number, sizeof(number), "%.1f", 0.5);
    assert_string_equal(number, "0,5");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_are_short_and_exact),
        cmocka_unit_test(test_a_locale_changes_nothing),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
