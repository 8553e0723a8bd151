#include "http/websocket_frames.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const char frames_of_all_lengths[] = "\x81\x03"
                                            "abc" /* text, not masked */
                                            "\x01\x83"
                                            "mask"
                                            "abc"               /* a masked fragment */
                                            "\x89\x00"          /* ping without content */
                                            "\x82\x7e\x00\x80"; /* 128 bytes follow */

static bool can_follow(const struct websocket_frames *frames)
{
    char room[8];
    return websocket_frames_say_going_away(frames, false, room).length != 0;
}

/* However the bytes are split. */
static void knows_where_frames_end(void **state)
{
    const size_t ends[] = {0, 5, 14, 16};
    for (size_t step = 1; step < 20; ++step) {
        struct websocket_frames frames = {0};
        size_t next_end = 0;
        for (size_t at = 0; at < sizeof(frames_of_all_lengths) - 1; at += step) {
            while (next_end < 4 && ends[next_end] < at)
                ++next_end;
            assert_int_equal(can_follow(&frames), next_end < 4 && ends[next_end] == at);
            size_t left = sizeof(frames_of_all_lengths) - 1 - at;
            websocket_frames_pass(&frames, slice_of(frames_of_all_lengths + at, left < step ? left : step));
        }
        char content[128] = {0};
        assert_false(can_follow(&frames));
        websocket_frames_pass(&frames, slice_of(content, 127));
        assert_false(can_follow(&frames));
        websocket_frames_pass(&frames, slice_of(content, 1));
        assert_true(can_follow(&frames));
    }
}

static void knows_the_longest_frames(void **state)
{
    struct websocket_frames frames = {0};
    char content[4096] = {0};
    websocket_frames_pass(&frames, slice_of("\x82\x7f\x00\x00\x00\x00\x00\x00\x20\x00", 10));
    websocket_frames_pass(&frames, slice_of(content, sizeof(content)));
    assert_false(can_follow(&frames));
    websocket_frames_pass(&frames, slice_of(content, sizeof(content)));
    assert_true(can_follow(&frames));
}

static void says_nothing_behind_a_close(void **state)
{
    struct websocket_frames frames = {0};
    websocket_frames_pass(&frames, slice_of("\x88\x00\x81\x00", 4));
    assert_false(can_follow(&frames));
}

static void masks_what_servers_get(void **state)
{
    struct websocket_frames frames = {0};
    char room[8];
    struct slice farewell = websocket_frames_say_going_away(&frames, false, room);
    assert_int_equal(farewell.length, 4);
    assert_memory_equal(farewell.data, "\x88\x02\x03\xe9", 4);
    farewell = websocket_frames_say_going_away(&frames, true, room);
    assert_int_equal(farewell.length, 8);
    assert_memory_equal(farewell.data, "\x88\x82\0\0\0\0\x03\xe9", 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(knows_where_frames_end),
        cmocka_unit_test(knows_the_longest_frames),
        cmocka_unit_test(says_nothing_behind_a_close),
        cmocka_unit_test(masks_what_servers_get),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
