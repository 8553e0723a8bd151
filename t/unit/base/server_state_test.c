#include "base/server_state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void expect_words(const struct server_state *state, uint64_t now_ms, const char *expected)
{
    char text[SERVER_STATE_TEXT_BYTES];
    server_state_describe(state, now_ms, text);
    assert_string_equal(text, expected);
}

static void says_how_a_server_stands(void **state)
{
    expect_words(&(struct server_state){0}, 0, "ready");
    expect_words(&(struct server_state){.check = SERVER_CHECK_GOOD}, 5000, "ready");
    expect_words(&(struct server_state){.check = SERVER_CHECK_BAD}, 5000, "unhealthy");
    expect_words(&(struct server_state){.check = SERVER_CHECK_BAD, .is_drained = 1}, 5000, "draining");
    expect_words(&(struct server_state){.check = 77, .ejections = 4}, 5000, "ready");
}

static void says_for_how_long_it_is_out(void **state)
{
    struct server_state server = {.ejected_until_ms = 13000};
    expect_words(&server, 5000, "ejected (8 s left)");
    expect_words(&server, 5001, "ejected (8 s left)");
    expect_words(&server, 12999, "ejected (1 s left)");
    expect_words(&server, 13000, "ready");
    server.ejected_until_ms = UINT64_MAX;
    expect_words(&server, 0, "ejected (18446744073709552 s left)");
}

static void starts_slowly_after_it_was_drained(void **state)
{
    struct server_state server = {.slow_start_ms = 1000};
    server_state_make_ready(&server, 5000);
    assert_int_equal(server.recovered_ms, 0);
    server_state_drain(&server);
    expect_words(&server, 5000, "draining");
    server_state_make_ready(&server, 6000);
    assert_int_equal(server.is_drained, 0);
    expect_words(&server, 6000, "starting");
    expect_words(&server, 6999, "starting");
    expect_words(&server, 7000, "ready");
    expect_words(&server, 5999, "ready");
    server.slow_start_ms = 0;
    expect_words(&server, 6000, "ready");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_how_a_server_stands),
        cmocka_unit_test(says_for_how_long_it_is_out),
        cmocka_unit_test(starts_slowly_after_it_was_drained),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
