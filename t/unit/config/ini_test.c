#include "settings_files.h"

static void reads_rules_in_the_order_of_the_file(void **state)
{
    struct files *files = *state;
    struct settings *settings = settings_of(files, "proxy.ini",
                                            "# path prefix = library\n"
                                            "   \n"
                                            "Host: iam / = lib/libiam.so\n"
                                            "\t/c =   lib/libc.so # what is this?\r\n"
                                            "/a:b=/opt/b.so\n"
                                            "foo = hello\n"
                                            "/ = lib/libroot.so");
    assert_int_equal(settings->style, SETTINGS_INI);
    assert_string_equal(settings->folder, files->folder);
    assert_int_equal(settings->route_count, 5);
    const struct route_settings *routes = settings->routes;
    assert_int_equal(routes[0].match.header_count, 1);
    assert_slice(routes[0].match.headers[0].name, "Host");
    assert_pattern(&routes[0].match.headers[0].values.items[0], PATTERN_PREFIX, "iam");
    assert_pattern(&routes[0].match.paths.items[0], PATTERN_PREFIX, "/");
    assert_slice(routes[0].name, "proxy.ini:3");
    assert_pattern(&routes[1].match.paths.items[0], PATTERN_PREFIX, "/c");
    assert_int_equal(routes[1].match.header_count, 0);
    assert_int_equal(routes[1].place.column, 2);
    assert_int_equal(routes[1].handler.place.column, 9);
    assert_pattern(&routes[2].match.paths.items[0], PATTERN_PREFIX, "/a:b");
    assert_slice(routes[2].handler.library, "/opt/b.so");
    assert_pattern(&routes[3].match.paths.items[0], PATTERN_PREFIX, "foo");
    assert_slice(routes[3].handler.library, "hello");
    assert_false(routes[3].handler.library_is_path);
    char *path = file_absolute(files->folder, "lib/libc.so");
    assert_slice(routes[1].handler.library, path);
    assert_true(routes[1].handler.library_is_path);
    assert_slice(routes[1].handler.name, "lib/libc.so");
    free(path);
    for (size_t i = 0; i < 5; ++i) {
        assert_true(routes[i].match.is_raw_target);
        assert_int_equal(routes[i].target, TARGET_HANDLER);
    }
    settings_destroy(settings);
}

static void a_byte_order_mark_is_no_part_of_a_rule(void **state)
{
    struct settings *settings = settings_of(*state, "proxy.ini", "\xef\xbb\xbf/a = x.so\r\n/b = y.so\r\n");
    assert_int_equal(settings->route_count, 2);
    assert_pattern(&settings->routes[0].match.paths.items[0], PATTERN_PREFIX, "/a");
    assert_int_equal(settings->routes[0].place.column, 1);
    settings_destroy(settings);
}

static void libraries_are_relative_to_the_start_folder(void **state)
{
    struct files *files = *state;
    struct settings *settings = settings_of(files, "d/proxy.ini", "/ = x.so\n");
    char *path = file_absolute(files->folder, "x.so");
    assert_slice(settings->routes[0].handler.library, path);
    assert_string_equal(settings->folder, files->folder);
    free(path);
    settings_destroy(settings);
}

static void the_rest_comes_from_the_environment(void **state)
{
    setenv("PORT", "81", 1);
    setenv("ADDRESS", "127.0.0.1", 1);
    setenv("SERVER_THREAD_COUNT", "2", 1);
    setenv("RESPONSE_PREALLOCATION_KB", "1", 1);
    struct settings *settings = settings_of(*state, "proxy.ini", "");
    assert_int_equal(settings->route_count, 0);
    assert_slice(settings->listeners[0].host, "127.0.0.1");
    assert_int_equal(settings->listeners[0].port, 81);
    assert_int_equal(settings->workers, 2);
    assert_int_equal(settings->arena_bytes, 1024);
    assert_int_equal(settings->body_limit_bytes, 16 << 20);
    settings_destroy(settings);
    setenv("PORT", "x", 1);
    assert_null(settings_try(*state, "proxy.ini", ""));
    settings_clear_environment(NULL);
}

static void refuses_bytes_that_mean_nothing(void **state)
{
    struct files *files = *state;
    struct error error = ERROR_INIT;
    char *path = file_absolute(files->folder, "x.ini");
    assert_true(file_write(path, slice_of("/ = a\0b.so\n", 11), 0600));
    free(path);
    assert_null(settings_load(files->source, "x.ini", &error));
    assert_error(&error, "x.ini:1:5: a library's path cannot hold a NUL character");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILES_TEST(reads_rules_in_the_order_of_the_file),
        FILES_TEST(a_byte_order_mark_is_no_part_of_a_rule),
        FILES_TEST(libraries_are_relative_to_the_start_folder),
        FILES_TEST(the_rest_comes_from_the_environment),
        FILES_TEST(refuses_bytes_that_mean_nothing),
    };
    return cmocka_run_group_tests(tests, settings_clear_environment, NULL);
}
