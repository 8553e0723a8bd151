#include "process/address.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

static void check_address(const char *canonical, const char *nicely)
{
    struct address address;
    struct text text = TEXT_INIT;
    assert_true(address_parse(slice_from_text(canonical), &address));
    address_print(&address, &text);
    assert_string_equal(text.data, canonical);
    text_clear(&text);
    address_print_nicely(&address, &text);
    assert_string_equal(text.data, nicely);
    text_finish(&text);
}

static void test_addresses_are_read_and_written(void **state)
{
    check_address("tcp 0.0.0.0 8069", "0.0.0.0:8069");
    check_address("tcp 127.0.0.1 0", "127.0.0.1:0");
    check_address("tcp ::1 65535", "[::1]:65535");
    check_address("unix /run/a b.sock", "unix:/run/a b.sock");
}

static void test_different_spellings_are_one_address(void **state)
{
    struct address address;
    struct text text = TEXT_INIT;
    assert_true(address_parse(SLICE("tcp 0:0:0:0:0:0:0:1 080"), &address));
    address_print(&address, &text);
    assert_string_equal(text.data, "tcp ::1 80");
    text_finish(&text);
}

static void test_wrong_addresses_are_refused(void **state)
{
    static const char *const wrong[] = {
        "",
        "tcp",
        "tcp ",
        "tcp 127.0.0.1",
        "tcp 127.0.0.1 ",
        "tcp 127.0.0.1 65536",
        "tcp 127.0.0.1 -1",
        "tcp 127.0.0.1 80 ",
        "tcp 127.0.0.256 80",
        "tcp localhost 80",
        "tcp [::1] 80",
        "tcp 1111:2222:3333:4444:5555:6666:7777:8888:9999:1111:2222:3333 80",
        "udp 127.0.0.1 80",
        "unix ",
        "unix relative",
    };
    struct address address;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); ++i) {
        if (address_parse(slice_from_text(wrong[i]), &address))
            fail_msg("'%s' was taken for an address", wrong[i]);
    }
    assert_false(address_parse(SLICE("unix /a\0b"), &address));
    char longest[] = "unix /"
                     "0123456789"
                     "0123456789"
                     "0123456789"
                     "0123456789"
                     "0123456789"
                     "0123456789"
                     "0123456789"
                     "0123456789"
                     "0123456789"
                     "0123456789"
                     "0123456";
    assert_false(address_parse(slice_from_text(longest), &address));
    longest[sizeof(longest) - 2] = '\0';
    assert_true(address_parse(slice_from_text(longest), &address));
}

static void test_a_socket_tells_its_address(void **state)
{
    struct address wanted, found;
    assert_true(address_parse(SLICE("tcp 127.0.0.1 0"), &wanted));
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&wanted.storage, wanted.length), 0);
    assert_true(address_of_socket(fd, &found));
    assert_false(address_is_unix(&found));
    assert_true(address_port(&found) != 0);
    close(fd);
    assert_false(address_of_socket(fd, &found));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses_are_read_and_written),
        cmocka_unit_test(test_different_spellings_are_one_address),
        cmocka_unit_test(test_wrong_addresses_are_refused),
        cmocka_unit_test(test_a_socket_tells_its_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
