#include "config/upstream_number.h"

#include "settings_files.h"

static int64_t number_of(struct files *files, const char *upstream)
{
    char text[512];
    snprintf(text, sizeof(text), "upstreams: { login: %s }\nroutes: [{ proxy: login }]\n", upstream);
    struct settings *settings = settings_of(files, "x.yaml", text);
    int64_t number = upstream_number(settings->upstreams[0]);
    settings_destroy(settings);
    return number;
}

static void it_stays_where_servers_do(void **state)
{
    int64_t number = number_of(*state, "http://a");
    assert_true(number >= 0);
    assert_int_equal(number_of(*state, "{ servers: http://a, connect_timeout: 1s, retry: no }"), number);
    assert_int_equal(number_of(*state, "{ servers: [{ url: \"http://a:80\", weight: 7 }] }"), number);
}

static void it_is_another_for_other_servers(void **state)
{
    static const char *const others[] = {
        "http://b",
        "http://a:81",
        "https://a",
        "{ servers: [http://a, http://b] }",
        "{ servers: [http://b, http://a] }",
        "http+unix:a",
        "{ servers: https://a, tls: { server_name: b } }",
        "{ servers: https://a, tls: { insecure: yes } }",
    };
    enum { COUNT = sizeof(others) / sizeof(others[0]) };
    int64_t numbers[COUNT];
    for (size_t i = 0; i < COUNT; ++i) {
        numbers[i] = number_of(*state, others[i]);
        for (size_t j = 0; j < i; ++j)
            assert_int_not_equal(numbers[i], numbers[j]);
    }
}

static int open_clean(void **state)
{
    return settings_clear_environment(state) + files_open(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_stays_where_servers_do, open_clean, files_close),
        cmocka_unit_test_setup_teardown(it_is_another_for_other_servers, open_clean, files_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
