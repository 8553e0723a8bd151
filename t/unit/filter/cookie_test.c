#include "filter/cookie.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void expect(const char *first, const char *second, const char *value)
{
    struct header items[] = {
        {SLICE("Accept"), SLICE("sid=no")},
        {SLICE("Cookie"), slice_from_text(first)},
        {SLICE("cookie"), slice_from_text(second)},
    };
    struct headers headers = {.items = items, .count = 3};
    struct slice found = cookie_find(&headers, SLICE("sid"));
    if (!slice_equals(found, slice_from_text(value)))
        fail_msg("'%s' and '%s' give '%.*s', not '%s'", first, second, SLICE_ARG(found), value);
}

static void finds_a_cookie_by_its_name(void **state)
{
    static const char *const cases[][3] = {
        {"sid=1", "", "1"},
        {"a=b; sid=1; c=d", "", "1"},
        {"a=b;sid=1;c=d", "", "1"},
        {"a=b ;\t sid = 1 ; c=d", "", "1"},
        {"a=b", "sid=2", "2"},
        {"sid=1", "sid=2", "1"},
        {"sid=1; sid=2", "", "1"},
        {"sid=; sid=2", "", "2"},
        {"sid=", "sid=2", "2"},
        {"sid=\"1\"", "", "1"},
        {"sid=\"\"; sid=3", "", "3"},
        {"sid=\"1", "", "\"1"},
        {"sid=\"", "", "\""},
        {"sid=a=b==", "", "a=b=="},
        {";;; sid=1 ;;", "", "1"},
        {"SID=1", "", ""},
        {"xsid=1; sidx=2; x=sid=3", "", ""},
        {"sid; =1; =", "", ""},
        {"", "", ""},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); ++i)
        expect(cases[i][0], cases[i][1], cases[i][2]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_a_cookie_by_its_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
