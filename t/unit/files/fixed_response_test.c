#include "files/fixed_response.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static const struct redirect_part everything[] = {
    {REDIRECT_PART_SCHEME, {0}}, {REDIRECT_PART_TEXT, {"://", 3}}, {REDIRECT_PART_HOST, {0}},
    {REDIRECT_PART_PATH, {0}},   {REDIRECT_PART_QUERY, {0}},
};

static void expect(struct request_head request, const char *wanted)
{
    struct redirect_settings redirect = {302, everything, sizeof(everything) / sizeof(everything[0])};
    struct arena arena;
    arena_init(&arena, 0);
    struct slice location = redirect_location(&redirect, &request, &arena);
    assert_true(slice_equals(location, slice_from_text(wanted)));
    arena_finish(&arena);
}

static struct request_head ask(struct slice authority, struct slice path, struct slice query)
{
    return (struct request_head){.scheme = SLICE("https"),
                                 .authority = authority,
                                 .path = path,
                                 .query = query,
                                 .has_query = query.data != NULL};
}

static void test_parts_are_filled_in(void **state)
{
    expect(ask(SLICE("a.example"), SLICE("/x"), SLICE_NONE), "https://a.example/x");
    expect(ask(SLICE("a.example:81"), SLICE("/x"), SLICE("")), "https://a.example/x?");
    expect(ask(SLICE("[::1]:81"), SLICE("/x"), SLICE("a=b?c")), "https://[::1]/x?a=b?c");
    expect(ask(SLICE("[::1]"), SLICE("/"), SLICE_NONE), "https://[::1]/");
    expect(ask(SLICE("a.example:"), SLICE("/"), SLICE_NONE), "https://a.example/");
}

static void test_a_missing_host_is_told(void **state)
{
    expect(ask(SLICE_NONE, SLICE("/x"), SLICE_NONE), "");
}

/* What a filter may have put there. */
static void test_nothing_ends_the_header(void **state)
{
    for (unsigned c = 0; c < 256; ++c) {
        char byte = (char)c;
        struct request_head request = ask(SLICE("a"), slice_of(&byte, 1), slice_of(&byte, 1));
        struct redirect_settings redirect = {302, everything, sizeof(everything) / sizeof(everything[0])};
        struct arena arena;
        arena_init(&arena, 0);
        struct slice location = redirect_location(&redirect, &request, &arena);
        for (size_t i = 0; i < location.length; ++i)
            assert_true(location.data[i] > ' ' && location.data[i] < 0x7f);
        arena_finish(&arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts_are_filled_in),
        cmocka_unit_test(test_a_missing_host_is_told),
        cmocka_unit_test(test_nothing_ends_the_header),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
