#include "filter/trace.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define TRACE  "4bf92f3577b34da6a3ce929d0e0e4736"
#define PARENT "00f067aa0ba902b7"

/* The id of a request with these traceparent fields. */
static void ask(const char *first, const char *second, char id[EXCHANGE_TRACE_DIGITS + 1])
{
    struct exchange exchange = {0};
    arena_init(&exchange.arena, 0);
    if (first != NULL)
        headers_add(&exchange.request.headers, &exchange.arena, SLICE("TraceParent"), slice_from_text(first));
    if (second != NULL)
        headers_add(&exchange.request.headers, &exchange.arena, SLICE("traceparent"), slice_from_text(second));
    struct slice asked = trace_id(&exchange);
    headers_remove(&exchange.request.headers, SLICE("traceparent"));
    assert_true(slice_equals(trace_id(&exchange), asked));
    assert_int_equal(asked.length, EXCHANGE_TRACE_DIGITS);
    memcpy(id, asked.data, EXCHANGE_TRACE_DIGITS);
    id[EXCHANGE_TRACE_DIGITS] = '\0';
    assert_int_equal(strspn(id, "0123456789abcdef"), EXCHANGE_TRACE_DIGITS);
    assert_string_not_equal(id, "00000000000000000000000000000000");
    arena_finish(&exchange.arena);
}

static void is_what_the_client_says(void **state)
{
    static const char *const good[] = {
        "00-" TRACE "-" PARENT "-01",
        "00-" TRACE "-" PARENT "-ff",
        "01-" TRACE "-" PARENT "-00",
        "fe-" TRACE "-" PARENT "-00-and more",
    };
    char id[EXCHANGE_TRACE_DIGITS + 1];
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); ++i) {
        ask(good[i], NULL, id);
        assert_string_equal(id, TRACE);
    }
}

static void is_made_where_that_makes_no_sense(void **state)
{
    static const char *const bad[] = {
        "",
        TRACE,
        "00-" TRACE "-" PARENT "-0",
        "00-" TRACE "-" PARENT "-01-",
        "00-" TRACE "-" PARENT "-01 ",
        "01-" TRACE "-" PARENT "-01x",
        "ff-" TRACE "-" PARENT "-01",
        "0g-" TRACE "-" PARENT "-01",
        "00_" TRACE "-" PARENT "-01",
        "00-" TRACE "_" PARENT "-01",
        "00-" TRACE "-" PARENT "_01",
        "00-" TRACE "-" PARENT "-0G",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-" PARENT "-01",
        "00-00000000000000000000000000000000-" PARENT "-01",
        "00-" TRACE "-0000000000000000-01",
        "00-" TRACE "-00F067AA0BA902B7-01",
    };
    char id[EXCHANGE_TRACE_DIGITS + 1], other[EXCHANGE_TRACE_DIGITS + 1];
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); ++i) {
        ask(bad[i], NULL, id);
        assert_string_not_equal(id, TRACE);
    }
    ask("00-" TRACE "-" PARENT "-01", "00-" TRACE "-" PARENT "-01", id);
    assert_string_not_equal(id, TRACE);
    ask(NULL, NULL, id);
    ask(NULL, NULL, other);
    assert_string_not_equal(id, other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_what_the_client_says),
        cmocka_unit_test(is_made_where_that_makes_no_sense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
