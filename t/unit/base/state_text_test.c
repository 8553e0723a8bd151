#include "base/state_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void expect_line(const struct text *text, const char *line)
{
    const char *found = strstr(text->data, line);
    if (found == NULL || (found != text->data && found[-1] != '\n'))
        fail_msg("'%s' is missing in:\n%s", line, text->data);
}

static void the_program_is_told(void **state)
{
    struct supervision supervision = {0};
    struct text text = TEXT_INIT;
    supervision_init(&supervision, "1.2", 1500);
    state_text_add_supervision(&supervision, &text);
    expect_line(&text, "flexilib_build_info{version=\"1.2\"} 1\n");
    expect_line(&text, "flexilib_start_time_seconds 1.5\n");
    expect_line(&text, "flexilib_generation 0\n");
    assert_null(strstr(text.data, "last_reload"));
    supervision_count_reload(&supervision, SUPERVISION_RELOAD_FAILED, 2500);
    supervision_count_blocked(&supervision, 250000);
    supervision_count_crash(&supervision, SUPERVISION_CRASH_EXIT);
    text_clear(&text);
    state_text_add_supervision(&supervision, &text);
    expect_line(&text, "flexilib_reloads_total{result=\"failed\"} 1\n");
    expect_line(&text, "flexilib_last_reload_success 0\n");
    expect_line(&text, "flexilib_last_reload_timestamp_seconds 2.5\n");
    expect_line(&text, "flexilib_crashes_total{kind=\"exit\"} 1\n");
    expect_line(&text, "flexilib_blocked_turns_total 1\n");
    expect_line(&text, "flexilib_blocked_seconds_total 0.25\n");
    memset(supervision.program_version, 'x', sizeof(supervision.program_version));
    text_clear(&text);
    state_text_add_supervision(&supervision, &text);
    expect_line(&text, "flexilib_build_info{version=\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"} 1\n");
    text_finish(&text);
}

static void servers_are_up_or_not(void **state)
{
    struct server_state ready = {0}, starting = {.recovered_ms = 900, .slow_start_ms = 500};
    struct server_state ejected = {.ejected_until_ms = 2000}, unhealthy = {.check = SERVER_CHECK_BAD};
    struct server_state drained = {.is_drained = 1};
    const struct state_server servers[] = {
        {SLICE("a\\\"b"), SLICE("http://1"), &ready}, {SLICE("a"), SLICE("http://2"), &starting},
        {SLICE("a"), SLICE("http://3"), &ejected},    {SLICE("a"), SLICE("http://4"), &unhealthy},
        {SLICE("a"), SLICE("http://5"), &drained},
    };
    struct text text = TEXT_INIT;
    state_text_add_servers(servers, 0, 1000, &text);
    assert_int_equal(text.length, 0);
    state_text_add_servers(servers, sizeof(servers) / sizeof(servers[0]), 1000, &text);
    expect_line(&text, "flexilib_upstream_server_up{upstream=\"a\\\\\\\"b\",server=\"http://1\"} 1\n");
    expect_line(&text, "flexilib_upstream_server_up{upstream=\"a\",server=\"http://2\"} 1\n");
    expect_line(&text, "flexilib_upstream_server_up{upstream=\"a\",server=\"http://3\"} 0\n");
    expect_line(&text, "flexilib_upstream_server_up{upstream=\"a\",server=\"http://4\"} 0\n");
    expect_line(&text, "flexilib_upstream_server_up{upstream=\"a\",server=\"http://5\"} 0\n");
    text_finish(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_program_is_told),
        cmocka_unit_test(servers_are_up_or_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
