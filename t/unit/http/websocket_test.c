#include "http/websocket.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void accepts_what_the_standard_shows(void **state)
{
    const struct slice key = SLICE("dGhlIHNhbXBsZSBub25jZQ=="), accept = SLICE("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    assert_true(websocket_is_accepted(key, accept));
    assert_false(websocket_is_accepted(SLICE("dGhlIHNhbXBsZSBub25jZQ=A"), accept));
    assert_false(websocket_is_accepted(SLICE("dGhlIHNhbXBsZSBub25jZQ="), accept));
    assert_false(websocket_is_accepted(key, SLICE("s3pPLMBiTxaQ9kYGzzhZRbK+xOo")));
    assert_false(websocket_is_accepted(key, SLICE("S3pPLMBiTxaQ9kYGzzhZRbK+xOo=")));
    assert_false(websocket_is_accepted(SLICE_NONE, SLICE_NONE));
}

static void makes_keys_of_which_no_two_are_alike(void **state)
{
    struct arena arena;
    arena_init(&arena, 0);
    struct slice one = websocket_make_key(&arena), other = websocket_make_key(&arena);
    assert_int_equal(one.length, 24);
    assert_int_equal(other.length, 24);
    assert_false(slice_equals(one, other));
    assert_memory_equal(one.data + 22, "==", 2);
    arena_finish(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts_what_the_standard_shows),
        cmocka_unit_test(makes_keys_of_which_no_two_are_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
