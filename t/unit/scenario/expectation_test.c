#include "scenario/expectation.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* When what somebody sees is what was expected, when it may still become that, and when it cannot. */

struct sight {
    struct event event;
    struct message seen;
    struct arena arena;
    struct slice piece;
    struct content values[4];
    struct slice value_texts[4];
    struct field_rule rule;
};

static int open_sight(void **state)
{
    static struct sight sight;
    sight = (struct sight){0};
    arena_init(&sight.arena, 0);
    sight.event = (struct event){.kind = EVENT_SEE, .is_client = true, .status = 200};
    sight.seen.has_head = true;
    sight.seen.start = SLICE("200");
    *state = &sight;
    return 0;
}

static int close_sight(void **state)
{
    struct sight *sight = *state;
    message_finish(&sight->seen);
    arena_finish(&sight->arena);
    return 0;
}

static void expect_body(struct sight *sight, const char *body)
{
    sight->piece = slice_from_text(body);
    sight->event.body =
        (struct content){.is_written = true, .pieces = &sight->piece, .count = 1, .length = strlen(body)};
}

static void see_body(struct sight *sight, const char *body)
{
    text_clear(&sight->seen.body);
    text_add(&sight->seen.body, slice_from_text(body));
}

/* Values separated by commas, none at all for an empty text. */
static void expect_field(struct sight *sight, const char *name, const char *values)
{
    struct slice rest = slice_from_text(values);
    sight->rule = (struct field_rule){.name = slice_from_text(name), .values = sight->values};
    while (rest.length != 0) {
        size_t i = sight->rule.value_count++;
        sight->value_texts[i] = slice_next_item(&rest, ',');
        sight->values[i] = (struct content){
            .is_written = true, .pieces = &sight->value_texts[i], .count = 1, .length = sight->value_texts[i].length};
    }
    sight->event.fields = &sight->rule;
    sight->event.field_count = 1;
}

static void see_field(struct sight *sight, const char *name, const char *value)
{
    headers_add(&sight->seen.headers, &sight->arena, slice_from_text(name), slice_from_text(value));
}

static enum expectation_result check(const struct sight *sight)
{
    return expectation_check(&sight->event, &sight->seen);
}

static void a_status_is_the_same_or_not(void **state)
{
    struct sight *sight = *state;
    assert_int_equal(check(sight), EXPECTATION_HOLDS);
    sight->event.status = 404;
    assert_int_equal(check(sight), EXPECTATION_FAILS);
}

static void a_head_may_still_come(void **state)
{
    struct sight *sight = *state;
    sight->seen.has_head = false;
    assert_int_equal(check(sight), EXPECTATION_WAITS);
    sight->seen.is_broken = true;
    assert_int_equal(check(sight), EXPECTATION_FAILS);
}

static void nothing_is_no_head(void **state)
{
    struct sight *sight = *state;
    sight->event.sees_nothing = true;
    assert_int_equal(check(sight), EXPECTATION_FAILS);
    sight->seen.has_head = false;
    assert_int_equal(check(sight), EXPECTATION_HOLDS);
    sight->event.is_broken = true;
    assert_int_equal(check(sight), EXPECTATION_WAITS);
    sight->seen.is_broken = true;
    assert_int_equal(check(sight), EXPECTATION_HOLDS);
}

static void a_request_is_its_method_and_target(void **state)
{
    struct sight *sight = *state;
    sight->event = (struct event){.kind = EVENT_SEE, .method = SLICE("GET"), .target = SLICE("/a?b")};
    sight->seen.start = SLICE("GET /a?b");
    assert_int_equal(check(sight), EXPECTATION_HOLDS);
    sight->seen.start = SLICE("GET /a");
    assert_int_equal(check(sight), EXPECTATION_FAILS);
    sight->seen.start = SLICE("POST /a?b");
    assert_int_equal(check(sight), EXPECTATION_FAILS);
}

static void fields_are_all_of_that_name_in_order(void **state)
{
    struct sight *sight = *state;
    expect_field(sight, "x-a", "1,2");
    see_field(sight, "X-A", "1");
    assert_int_equal(check(sight), EXPECTATION_FAILS);
    see_field(sight, "x-b", "other");
    see_field(sight, "x-a", "2");
    assert_int_equal(check(sight), EXPECTATION_HOLDS);
    see_field(sight, "x-a", "3");
    assert_int_equal(check(sight), EXPECTATION_FAILS);
    expect_field(sight, "x-a", "2,1,3");
    assert_int_equal(check(sight), EXPECTATION_FAILS);
}

static void a_field_without_values_is_not_there(void **state)
{
    struct sight *sight = *state;
    expect_field(sight, "x-a", "");
    see_field(sight, "x-b", "1");
    assert_int_equal(check(sight), EXPECTATION_HOLDS);
    see_field(sight, "X-a", "");
    assert_int_equal(check(sight), EXPECTATION_FAILS);
}

static void all_fields_are_no_others(void **state)
{
    struct sight *sight = *state;
    expect_field(sight, "x-a", "1");
    sight->event.has_all_fields = true;
    see_field(sight, "x-a", "1");
    see_field(sight, "content-length", "3");
    see_field(sight, "Host", "example.com");
    assert_int_equal(check(sight), EXPECTATION_HOLDS);
    see_field(sight, "x-b", "1");
    assert_int_equal(check(sight), EXPECTATION_FAILS);
}

static void a_body_that_nobody_tells_of_may_be_any(void **state)
{
    struct sight *sight = *state;
    see_body(sight, "any");
    assert_int_equal(check(sight), EXPECTATION_HOLDS);
    sight->seen.is_ended = true;
    assert_int_equal(check(sight), EXPECTATION_HOLDS);
}

static void a_whole_body_waits_for_its_end(void **state)
{
    struct sight *sight = *state;
    expect_body(sight, "hello");
    see_body(sight, "hel");
    assert_int_equal(check(sight), EXPECTATION_WAITS);
    see_body(sight, "hello");
    assert_int_equal(check(sight), EXPECTATION_WAITS);
    sight->seen.is_ended = true;
    assert_int_equal(check(sight), EXPECTATION_HOLDS);
    see_body(sight, "hello!");
    assert_int_equal(check(sight), EXPECTATION_FAILS);
    see_body(sight, "hell");
    assert_int_equal(check(sight), EXPECTATION_FAILS);
}

static void a_whole_body_is_not_cut(void **state)
{
    struct sight *sight = *state;
    expect_body(sight, "hello");
    see_body(sight, "hello");
    sight->seen.is_broken = true;
    assert_int_equal(check(sight), EXPECTATION_FAILS);
    sight->event.is_broken = true;
    assert_int_equal(check(sight), EXPECTATION_HOLDS);
    see_body(sight, "hell");
    assert_int_equal(check(sight), EXPECTATION_FAILS);
}

static void an_unfinished_body_has_no_end(void **state)
{
    struct sight *sight = *state;
    sight->event.is_unfinished = true;
    expect_body(sight, "hello");
    see_body(sight, "hell");
    assert_int_equal(check(sight), EXPECTATION_WAITS);
    see_body(sight, "hello");
    assert_int_equal(check(sight), EXPECTATION_HOLDS);
    sight->seen.is_ended = true;
    assert_int_equal(check(sight), EXPECTATION_FAILS);
}

static void a_body_goes_on_behind_what_was_told(void **state)
{
    struct sight *sight = *state;
    sight->event.is_unfinished = true;
    expect_body(sight, "hello");
    see_body(sight, "hello");
    expectation_notice(&sight->event, &sight->seen);
    sight->event = (struct event){.kind = EVENT_SEE_MORE, .is_client = true};
    expect_body(sight, " world");
    assert_int_equal(check(sight), EXPECTATION_WAITS);
    see_body(sight, "hello world");
    sight->seen.is_ended = true;
    assert_int_equal(check(sight), EXPECTATION_HOLDS);
}

static void a_cut_is_noticed_by_who_tells_of_it(void **state)
{
    struct sight *sight = *state;
    sight->seen.is_broken = true;
    expectation_notice(&sight->event, &sight->seen);
    assert_false(sight->seen.is_broken_noticed);
    sight->event.is_broken = true;
    expectation_notice(&sight->event, &sight->seen);
    assert_true(sight->seen.is_broken_noticed);
}

#define SIGHT(test) cmocka_unit_test_setup_teardown(test, open_sight, close_sight)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SIGHT(a_status_is_the_same_or_not),
        SIGHT(a_head_may_still_come),
        SIGHT(nothing_is_no_head),
        SIGHT(a_request_is_its_method_and_target),
        SIGHT(fields_are_all_of_that_name_in_order),
        SIGHT(a_field_without_values_is_not_there),
        SIGHT(all_fields_are_no_others),
        SIGHT(a_body_that_nobody_tells_of_may_be_any),
        SIGHT(a_whole_body_waits_for_its_end),
        SIGHT(a_whole_body_is_not_cut),
        SIGHT(an_unfinished_body_has_no_end),
        SIGHT(a_body_goes_on_behind_what_was_told),
        SIGHT(a_cut_is_noticed_by_who_tells_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
