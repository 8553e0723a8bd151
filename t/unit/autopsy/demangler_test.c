#include "autopsy/demangler.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct demangler demangler;

static int load(void **state)
{
    demangler_load(&demangler);
    return 0;
}

static void check(const char *symbol, const char *expected)
{
    struct text text = TEXT_INIT;
    demangler_print(&demangler, symbol, &text);
    assert_string_equal(text.data, expected);
    text_finish(&text);
}

static void test_other_names_stay_as_they_are(void **state)
{
    check("on_request_head", "on_request_head");
    check("main.(*trouble).OnRequestHead", "main.(*trouble).OnRequestHead");
    check("_Z", "_Z");
    check("_ZN5", "_ZN5");
    check("_RNvCs1234_7mycrate3foo", "_RNvCs1234_7mycrate3foo");
}

static void test_names_of_cpp_are_shown_as_they_are_written(void **state)
{
    if (demangler.demangle == NULL)
        skip();
    check("_ZN7trouble13write_nowhereEv", "trouble::write_nowhere()");
    check("_ZNSt6vectorIiSaIiEE9push_backEOi", "std::vector<int, std::allocator<int> >::push_back(int&&)");
}

static void test_names_of_rust_are_shown_without_their_hash(void **state)
{
    if (demangler.demangle == NULL)
        skip();
    check("_ZN3die13write_nowhere17hc8593d61b3b18304E", "die::write_nowhere");
    check("_ZN53_$LT$die..Die$u20$as$u20$flexilib..filter..Filter$GT$15on_request_head17h6919b0ce707635e5E",
          "<die::Die as flexilib::filter::Filter>::on_request_head");
    check("_ZN8flexilib5table3run28_$u7b$$u7b$closure$u7d$$u7d$17he10d5e6f49e2faffE",
          "flexilib::table::run::{{closure}}");
}

static void test_long_names_are_cut(void **state)
{
    char symbol[1000], expected[200];
    memset(symbol, 'x', sizeof(symbol) - 1);
    symbol[sizeof(symbol) - 1] = '\0';
    memset(expected, 'x', 160);
    strcpy(expected + 160, "...");
    check(symbol, expected);
}

static void test_without_the_library_all_stay(void **state)
{
    const struct demangler none = {.demangle = NULL};
    struct text text = TEXT_INIT;
    demangler_print(&none, "_ZN7trouble13write_nowhereEv", &text);
    assert_string_equal(text.data, "_ZN7trouble13write_nowhereEv");
    text_finish(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_other_names_stay_as_they_are),
        cmocka_unit_test(test_names_of_cpp_are_shown_as_they_are_written),
        cmocka_unit_test(test_names_of_rust_are_shown_without_their_hash),
        cmocka_unit_test(test_long_names_are_cut),
        cmocka_unit_test(test_without_the_library_all_stay),
    };
    return cmocka_run_group_tests(tests, load, NULL);
}
