#include "process/listeners.h"

#include "base/file.h"
#include "process/inherited.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static const struct listen_options usual = LISTEN_OPTIONS_NONE;

static void test_starters_variable_is_read(void **state)
{
    struct slice rest = SLICE("127.0.0.1:80=3; [::1]:80 =4;8080=5;/run/a=b.sock=6;;x=2;y=;=7;z=99999999999;last=8x");
    static const struct {
        const char *name;
        int fd;
    } expected[] = {
        {"127.0.0.1:80", 3}, {"[::1]:80 ", 4}, {"8080", 5}, {"/run/a=b.sock", 6},  {"", -1},
        {"x=2", -1},         {"y=", -1},       {"=7", -1},  {"z=99999999999", -1}, {"last=8x", -1},
    };
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); ++i) {
        struct slice name;
        assert_true(rest.length != 0);
        assert_int_equal(inherited_next(&rest, &name), expected[i].fd);
        assert_true(slice_equals(name, slice_from_text(expected[i].name)));
    }
    assert_int_equal(rest.length, 0);
}

static void test_one_address_is_one_socket(void **state)
{
    struct listeners listeners = {0};
    struct listener *first = listeners_take(&listeners, SLICE("tcp 127.0.0.1 0"), 0, &usual);
    assert_non_null(first);
    assert_true(address_port(&first->address) != 0);
    assert_ptr_equal(listeners_take(&listeners, SLICE("tcp 127.0.0.1 0"), 0, &usual), first);
    struct listener *second = listeners_take(&listeners, SLICE("tcp 127.0.0.1 0"), 1, &usual);
    assert_non_null(second);
    assert_ptr_not_equal(second, first);
    assert_int_equal(first->users, 2);
    listeners_release(&listeners, second);
    listeners_release(&listeners, first);
    assert_int_equal(first->users, 1);
    listeners_release(&listeners, first);
    assert_null(listeners.first);
}

static void test_what_cannot_be_opened_says_why(void **state)
{
    struct listeners listeners = {0};
    struct text taken = TEXT_INIT;
    assert_null(listeners_take(&listeners, SLICE("tcp somewhere 80"), 0, &usual));
    assert_int_equal(errno, EINVAL);
    struct listener *first = listeners_take(&listeners, SLICE("tcp 127.0.0.1 0"), 0, &usual);
    assert_non_null(first);
    text_print(&taken, "tcp 127.0.0.1 %u", address_port(&first->address));
    assert_null(listeners_take(&listeners, text_slice(&taken), 1, &usual));
    assert_int_equal(errno, EADDRINUSE);
    text_finish(&taken);
    listeners_close(&listeners);
    assert_null(listeners.first);
}

static char *socket_address(const char *folder)
{
    struct text text = TEXT_INIT;
    text_print(&text, "unix %s/s", folder);
    return text.data;
}

static void test_a_stale_socket_file_is_replaced_a_live_one_is_not(void **state)
{
    char folder[] = "/tmp/flexilib-unit-XXXXXX";
    assert_non_null(mkdtemp(folder));
    char *address = socket_address(folder);
    const char *path = address + strlen("unix ");
    struct stat status;
    struct listeners first = {0}, second = {0};
    struct listener *stale = listeners_take(&first, slice_from_text(address), 0, &usual);
    assert_non_null(stale);
    assert_null(listeners_take(&second, slice_from_text(address), 0, &usual));
    assert_int_equal(errno, EADDRINUSE);
    close(stale->fd);
    stale->fd = open("/dev/null", O_RDONLY);
    /* What follows is faster than the clock of file systems. */
    --stale->made.tv_sec;
    struct listener *fresh = listeners_take(&second, slice_from_text(address), 0, &usual);
    assert_non_null(fresh);
    /* The file belongs to the second one now. */
    listeners_close(&first);
    assert_int_equal(stat(path, &status), 0);
    listeners_close(&second);
    assert_int_equal(stat(path, &status), -1);
    assert_true(file_write(path, SLICE("precious"), 0600));
    assert_null(listeners_take(&first, slice_from_text(address), 0, &usual));
    assert_int_equal(errno, EADDRINUSE);
    assert_int_equal(stat(path, &status), 0);
    assert_true(file_remove_tree(folder));
    free(address);
}

static void test_a_removed_socket_file_is_made_anew(void **state)
{
    char folder[] = "/tmp/flexilib-unit-XXXXXX";
    assert_non_null(mkdtemp(folder));
    char *address = socket_address(folder);
    const char *path = address + strlen("unix ");
    struct stat status;
    struct listeners listeners = {0};
    struct listener *first = listeners_take(&listeners, slice_from_text(address), 0, &usual);
    assert_non_null(first);
    assert_ptr_equal(listeners_take(&listeners, slice_from_text(address), 0, &usual), first);
    assert_int_equal(unlink(path), 0);
    struct listener *second = listeners_take(&listeners, slice_from_text(address), 0, &usual);
    assert_non_null(second);
    assert_ptr_not_equal(second, first);
    assert_ptr_equal(listeners_take(&listeners, slice_from_text(address), 0, &usual), second);
    /* The older one is no longer the file's owner. */
    --first->made.tv_sec;
    listeners_release(&listeners, first);
    listeners_release(&listeners, first);
    assert_int_equal(stat(path, &status), 0);
    listeners_close(&listeners);
    assert_int_equal(stat(path, &status), -1);
    assert_true(file_remove_tree(folder));
    free(address);
}

static void test_inherited_sockets_are_used_and_kept(void **state)
{
    struct listeners opener = {0}, listeners = {0};
    struct listener *opened = listeners_take(&opener, SLICE("tcp 127.0.0.1 0"), 0, &usual);
    struct text value = TEXT_INIT;
    int fd = dup(opened->fd);
    text_print(&value, "%u=%d", address_port(&opened->address), fd);
    setenv("SERVER_STARTER_PORT", value.data, 1);
    listeners_inherit(&listeners);
    assert_null(getenv("SERVER_STARTER_PORT"));
    text_clear(&value);
    text_print(&value, "tcp 127.0.0.1 %u", address_port(&opened->address));
    struct listener *taken = listeners_take(&listeners, text_slice(&value), 0, &usual);
    assert_non_null(taken);
    assert_int_equal(taken->fd, fd);
    listeners_release(&listeners, taken);
    assert_ptr_equal(listeners_take(&listeners, text_slice(&value), 0, &usual), taken);
    text_finish(&value);
    listeners_close(&listeners);
    listeners_close(&opener);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_starters_variable_is_read),
        cmocka_unit_test(test_one_address_is_one_socket),
        cmocka_unit_test(test_what_cannot_be_opened_says_why),
        cmocka_unit_test(test_a_stale_socket_file_is_replaced_a_live_one_is_not),
        cmocka_unit_test(test_a_removed_socket_file_is_made_anew),
        cmocka_unit_test(test_inherited_sockets_are_used_and_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
