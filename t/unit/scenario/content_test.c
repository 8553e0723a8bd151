#include "scenario/content.h"

#include "base/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* What bytes are, and are not, as a scenario tells them. */

static struct content make(const struct slice *pieces, size_t count, bool is_like)
{
    struct content content = {.is_written = true, .is_like = is_like, .pieces = pieces, .count = count};
    for (size_t i = 0; i < count; ++i)
        content.length += pieces[i].length;
    return content;
}

static bool is_like(const char *pattern, const char *seen)
{
    const struct slice piece = slice_from_text(pattern);
    const struct content content = make(&piece, 1, true);
    return content_matches(&content, slice_from_text(seen));
}

static void a_star_stands_for_anything(void **state)
{
    assert_true(is_like("*", ""));
    assert_true(is_like("*", "abc"));
    assert_true(is_like("a*", "a"));
    assert_true(is_like("a*", "abc"));
    assert_true(is_like("*c", "abc"));
    assert_true(is_like("a*c", "ac"));
    assert_true(is_like("a*c", "abcbc"));
    assert_true(is_like("a**c", "abc"));
    assert_true(is_like("*b*", "abc"));
    assert_true(is_like("a*b*c*d", "a1b2b3c4d"));
    assert_true(is_like("*ab", "aab"));
    assert_true(is_like("abc", "abc"));
    assert_true(is_like("", ""));
}

static void what_stands_between_stars_has_to_be_there(void **state)
{
    assert_false(is_like("", "a"));
    assert_false(is_like("a", "b"));
    assert_false(is_like("a*", "ba"));
    assert_false(is_like("*a", "ab"));
    assert_false(is_like("a*a", "a"));
    assert_false(is_like("ab*bc", "abc"));
    assert_false(is_like("*b*", "ac"));
    assert_false(is_like("a*b*c", "acb"));
    assert_false(is_like("a*c*c", "abc"));
}

static void pieces_are_compared_as_one(void **state)
{
    const struct slice pieces[] = {SLICE("one"), SLICE(""), SLICE("two")};
    const struct content content = make(pieces, 3, false);
    struct arena arena;
    arena_init(&arena, 0);
    assert_true(content_matches(&content, SLICE("onetwo")));
    assert_false(content_matches(&content, SLICE("onetw")));
    assert_false(content_matches(&content, SLICE("onetwo ")));
    assert_false(content_matches(&content, SLICE("oneTwo")));
    assert_true(slice_equals(content_join(&content, &arena), SLICE("onetwo")));
    arena_finish(&arena);
}

static void a_beginning_may_still_become_all(void **state)
{
    const struct slice pieces[] = {SLICE("one"), SLICE("two")};
    const struct content content = make(pieces, 2, false), nothing = make(pieces, 0, false);
    assert_true(content_may_match(&content, SLICE("")));
    assert_true(content_may_match(&content, SLICE("on")));
    assert_true(content_may_match(&content, SLICE("onet")));
    assert_true(content_may_match(&content, SLICE("onetwo")));
    assert_false(content_may_match(&content, SLICE("ont")));
    assert_false(content_may_match(&content, SLICE("onetwothree")));
    assert_true(content_may_match(&nothing, SLICE_NONE));
    assert_true(content_matches(&nothing, SLICE_NONE));
    assert_false(content_may_match(&nothing, SLICE("a")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_star_stands_for_anything),
        cmocka_unit_test(what_stands_between_stars_has_to_be_there),
        cmocka_unit_test(pieces_are_compared_as_one),
        cmocka_unit_test(a_beginning_may_still_become_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
