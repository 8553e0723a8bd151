#include "front/http2_guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void resets_count_unless_more_ends_well(void **state)
{
    struct http2_guard guard = {0};
    for (int i = 0; i < HTTP2_GUARD_RESETS - 1; ++i)
        http2_guard_note_reset(&guard, 1);
    assert_null(http2_guard_complaint(&guard));
    assert_int_equal(http2_guard_patience(&guard), 1);
    http2_guard_note_reset(&guard, 1);
    assert_int_equal(http2_guard_patience(&guard), 0);
    assert_non_null(http2_guard_complaint(&guard));
    http2_guard_note_good(&guard, 1);
    assert_non_null(http2_guard_complaint(&guard));
    http2_guard_note_good(&guard, 1);
    assert_null(http2_guard_complaint(&guard));
    for (int i = 0; i < 2 * HTTP2_GUARD_RESETS; ++i)
        http2_guard_note_good(&guard, 1);
    assert_int_equal(http2_guard_patience(&guard), HTTP2_GUARD_RESETS);
}

static void what_is_long_ago_is_forgotten(void **state)
{
    struct http2_guard guard = {0};
    for (int i = 0; i < HTTP2_GUARD_RESETS; ++i)
        http2_guard_note_reset(&guard, 1);
    assert_non_null(http2_guard_complaint(&guard));
    http2_guard_note_reset(&guard, HTTP2_GUARD_WINDOW_MS + 1);
    assert_null(http2_guard_complaint(&guard));
}

static void note_many(struct http2_guard *guard, void (*note)(struct http2_guard *guard, uint64_t now_ms), int count,
                      uint64_t now_ms)
{
    for (int i = 0; i < count; ++i)
        note(guard, now_ms);
}

static void browsers_may_cancel_what_they_do_not_need_any_more(void **state)
{
    struct http2_guard guard = {0};
    uint64_t now_ms = 1;
    for (int i = 0; i < 1000; ++i, now_ms += HTTP2_GUARD_WINDOW_MS / 10) {
        note_many(&guard, http2_guard_note_good, 10, now_ms);
        note_many(&guard, http2_guard_note_reset, i % 2, now_ms);
    }
    for (int i = 0; i < 3; ++i, now_ms += HTTP2_GUARD_WINDOW_MS) {
        note_many(&guard, http2_guard_note_reset, i == 0 ? 200 : 50, now_ms);
        assert_true(http2_guard_patience(&guard) >= 50);
    }
    note_many(&guard, http2_guard_note_reset, HTTP2_GUARD_RESETS, now_ms);
    assert_non_null(http2_guard_complaint(&guard));
}

static void responses_that_are_not_taken_count_for_long(void **state)
{
    struct http2_guard guard = {0};
    for (int i = 0; i <= HTTP2_GUARD_STALLS; ++i)
        http2_guard_note_stall(&guard);
    http2_guard_note_idle(&guard, HTTP2_GUARD_WINDOW_MS + 1);
    assert_non_null(http2_guard_complaint(&guard));
    for (int i = 0; i < HTTP2_GUARD_PARDON; ++i)
        http2_guard_note_good(&guard, HTTP2_GUARD_WINDOW_MS + 1);
    assert_null(http2_guard_complaint(&guard));
}

static void frames_of_use_pay_for_others(void **state)
{
    struct http2_guard guard = {0};
    for (int i = 0; i < HTTP2_GUARD_FRAMES; ++i)
        http2_guard_note_idle(&guard, 1);
    assert_null(http2_guard_complaint(&guard));
    http2_guard_note_idle(&guard, 1);
    assert_non_null(http2_guard_complaint(&guard));
    http2_guard_note_useful(&guard, 1);
    assert_null(http2_guard_complaint(&guard));
}

static void frames_are_found_however_they_are_cut(void **state)
{
    static const char bytes[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
                                "\0\0\0\4\0\0\0\0\0"                  /* SETTINGS */
                                "\0\0\3\0\0\0\0\0\1\6\6\6"            /* DATA */
                                "\0\0\10\6\0\0\0\0\0\0\0\0\4\0\0\0\0" /* PING, whose content looks like a frame */
                                "\0\0\1\1\0\0\0\0\1\4"                /* HEADERS */
                                "\0\0\0\166\0\0\0\0\0";               /* of an unknown type */
    for (size_t step = 1; step < sizeof(bytes); ++step) {
        struct http2_guard guard = {0};
        for (size_t i = 0; i < sizeof(bytes) - 1; i += step) {
            size_t left = sizeof(bytes) - 1 - i;
            http2_guard_watch(&guard, slice_of(bytes + i, left < step ? left : step), 1);
        }
        assert_int_equal(guard.idle, 3);
        assert_int_equal(guard.unjudged, 2);
        http2_guard_settle(&guard, 1);
        assert_int_equal(guard.idle, 5);
        assert_int_equal(guard.unjudged, 0);
        assert_int_equal(guard.head_bytes, 0);
        assert_int_equal(guard.skipped_bytes, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resets_count_unless_more_ends_well),
        cmocka_unit_test(browsers_may_cancel_what_they_do_not_need_any_more),
        cmocka_unit_test(responses_that_are_not_taken_count_for_long),
        cmocka_unit_test(what_is_long_ago_is_forgotten),
        cmocka_unit_test(frames_of_use_pay_for_others),
        cmocka_unit_test(frames_are_found_however_they_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
