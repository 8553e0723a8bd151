#include "process/listen_options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include <stdio.h>

static void check_round_trip(struct listen_options options)
{
    struct text text = TEXT_INIT;
    struct listen_options taken;
    listen_options_print(&options, &text);
    text_print(&text, "rest 1");
    struct slice rest = text_slice(&text);
    assert_true(listen_options_take(&rest, &taken));
    assert_true(slice_equals(rest, SLICE("rest 1")));
    assert_int_equal(taken.backlog, options.backlog);
    assert_int_equal(taken.mode, options.mode);
    assert_int_equal(taken.owner, options.owner);
    assert_int_equal(taken.group, options.group);
    text_finish(&text);
}

static void test_what_is_printed_is_taken(void **state)
{
    check_round_trip(LISTEN_OPTIONS_NONE);
    check_round_trip((struct listen_options){.backlog = 1});
    check_round_trip(
        (struct listen_options){.backlog = INT32_MAX, .mode = 0777, .owner = UINT32_MAX - 1, .group = UINT32_MAX - 1});
}

static void test_nonsense_is_refused(void **state)
{
    static const char *const words[] = {
        "",           "1 2 3 4",      "1 2 3 ",       "-1 -1 -1 -1 ",        "0 512 0 0 ",
        "0 -2 -1 1 ", "0 0x1 -1 -1 ", "0  -1 -1 -1 ", "0 -1 4294967295 -1 ", "99999999999 -1 -1 -1 ",
    };
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); ++i) {
        struct slice rest = slice_from_text(words[i]);
        struct listen_options options;
        assert_false(listen_options_take(&rest, &options));
    }
}

static void bind_socket(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    strcpy(address.sun_path, path);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    close(fd);
}

static void test_only_sockets_are_settled(void **state)
{
    char folder[] = "/tmp/flexilib-unit-XXXXXX", path[64], link[64];
    struct stat status;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/socket", folder);
    snprintf(link, sizeof(link), "%s/link", folder);
    bind_socket(path);
    assert_int_equal(symlink(path, link), 0);
    struct listen_options options = {.mode = 0604, .owner = geteuid(), .group = getegid()};
    assert_true(listen_options_settle_file(&options, path));
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0604);
    options.mode = 0600;
    assert_false(listen_options_settle_file(&options, link));
    assert_false(listen_options_settle_file(&options, folder));
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0604);
    assert_int_equal(unlink(link) | unlink(path) | rmdir(folder), 0);
}

static void test_what_is_wanted_no_more_is_undone(void **state)
{
    struct listen_options old = {.backlog = 5, .mode = 0600, .owner = 4711, .group = 4712}, none = LISTEN_OPTIONS_NONE;
    mode_t mask = umask(027);
    struct listen_options change = listen_options_change(&old, &none);
    umask(mask);
    assert_int_equal(change.mode, 0750);
    assert_int_equal(change.owner, geteuid());
    assert_int_equal(change.group, getegid());
    change = listen_options_change(&none, &none);
    assert_int_equal(change.mode, -1);
    assert_int_equal(change.owner, -1);
    change = listen_options_change(&old, &old);
    assert_int_equal(change.mode, 0600);
    assert_int_equal(change.group, 4712);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_printed_is_taken),
        cmocka_unit_test(test_nonsense_is_refused),
        cmocka_unit_test(test_only_sockets_are_settled),
        cmocka_unit_test(test_what_is_wanted_no_more_is_undone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
