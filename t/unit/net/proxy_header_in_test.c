#include "net/proxy_header_in.h"

#include "filter/exchange.h"
#include "net/proxy_header.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define ENDS_4    "\xc0\x00\x02\x07\xcb\x00\x71\x01\xc7\x38\x01\xbb"
#define TEXT(x)   slice_of((x), sizeof(x) - 1)

/* Every beginning is good so far, and the header is whole at its own end, whatever follows. */
static struct proxy_header_in read_good(struct slice bytes)
{
    static const char follows[] = "GET / HTTP/1.1\r\n\r\n";
    struct proxy_header_in header;
    const char *reason = "";
    for (size_t length = 0; length < bytes.length; ++length) {
        char *copy = malloc(length + 1);
        memcpy(copy, bytes.data, length);
        assert_int_equal(proxy_header_read(slice_of(copy, length), &header, &reason), PROXY_HEADER_MORE);
        free(copy);
    }
    char *copy = malloc(bytes.length + sizeof(follows));
    memcpy(copy, bytes.data, bytes.length);
    memcpy(copy + bytes.length, follows, sizeof(follows));
    assert_int_equal(proxy_header_read(slice_of(copy, bytes.length + sizeof(follows)), &header, &reason),
                     PROXY_HEADER_WHOLE);
    free(copy);
    assert_int_equal(header.length, bytes.length);
    return header;
}

static void expect_ends(struct slice bytes, const char *from, uint16_t from_port, const char *to, uint16_t to_port)
{
    struct proxy_header_in header = read_good(bytes);
    assert_true(header.has_ends);
    assert_string_equal(header.source.address, from);
    assert_int_equal(header.source.port, from_port);
    assert_string_equal(header.target.address, to);
    assert_int_equal(header.target.port, to_port);
}

static void expect_no_ends(struct slice bytes)
{
    assert_false(read_good(bytes).has_ends);
}

static void expect_bad(struct slice bytes, const char *expected)
{
    struct proxy_header_in header;
    const char *reason = "";
    char *copy = malloc(bytes.length);
    memcpy(copy, bytes.data, bytes.length);
    assert_int_equal(proxy_header_read(slice_of(copy, bytes.length), &header, &reason), PROXY_HEADER_BAD);
    assert_string_equal(reason, expected);
    free(copy);
}

static void test_version_1(void **state)
{
    expect_ends(TEXT("PROXY TCP4 192.0.2.7 203.0.113.1 51000 443\r\n"), "192.0.2.7", 51000, "203.0.113.1", 443);
    expect_ends(TEXT("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n"), "255.255.255.255", 65535,
                "255.255.255.255", 65535);
    expect_ends(TEXT("PROXY TCP6 2001:db8::7 ::1 0 1\r\n"), "2001:db8::7", 0, "::1", 1);
    expect_ends(TEXT("PROXY TCP6 ::ffff:192.0.2.7 ::1 1 2\r\n"), "192.0.2.7", 1, "::1", 2);
    expect_no_ends(TEXT("PROXY UNKNOWN\r\n"));
    expect_no_ends(TEXT("PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
                        "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n"));
}

static void test_bad_lines(void **state)
{
    static const char malformed[] = "its line is malformed", line_end[] = "its line does not end in CR LF";
    static const char none[] = "it does not begin with one";
    expect_bad(TEXT("GET / HTTP/1.1\r\n\r\n"), none);
    expect_bad(TEXT("proxy "), none);
    expect_bad(TEXT("PROXX"), none);
    expect_bad(TEXT("\x16\x03\x01"), none);
    expect_bad(TEXT("PROXY TCP4 192.0.2.7 203.0.113.1 51000 443\n"), line_end);
    expect_bad(TEXT("PROXY \n"), line_end);
    expect_bad(TEXT("PROXY TCP4 192.0.2.7 203.0.113.1 51000\r\n"), malformed);
    expect_bad(TEXT("PROXY TCP4 192.0.2.7 203.0.113.1 51000 443 \r\n"), malformed);
    expect_bad(TEXT("PROXY TCP4 192.0.2.7 203.0.113.1 51000 443\r\r\n"), malformed);
    expect_bad(TEXT("PROXY TCP4  192.0.2.7 203.0.113.1 51000 443\r\n"), malformed);
    expect_bad(TEXT("PROXY  TCP4 192.0.2.7 203.0.113.1 51000 443\r\n"), malformed);
    expect_bad(TEXT("PROXY TCP4 192.0.2.7 203.0.113.1 65536 443\r\n"), malformed);
    expect_bad(TEXT("PROXY TCP4 192.0.2.7 203.0.113.1 051 443\r\n"), malformed);
    expect_bad(TEXT("PROXY TCP4 192.0.2.7 203.0.113.1 51 0443\r\n"), malformed);
    expect_bad(TEXT("PROXY TCP4 192.0.2.7 203.0.113.1 -1 443\r\n"), malformed);
    expect_bad(TEXT("PROXY TCP4 192.0.2.7 203.0.113.1 51 \r\n"), malformed);
    expect_bad(TEXT("PROXY TCP4 192.0.2.07 203.0.113.1 51 443\r\n"), malformed);
    expect_bad(TEXT("PROXY TCP4 192.0.2 203.0.113.1 51 443\r\n"), malformed);
    expect_bad(TEXT("PROXY TCP4 ::1 ::1 51 443\r\n"), malformed);
    expect_bad(TEXT("PROXY TCP6 192.0.2.7 203.0.113.1 51 443\r\n"), malformed);
    expect_bad(TEXT("PROXY TCP6 fe80::1%eth0 ::1 51 443\r\n"), malformed);
    expect_bad(TEXT("PROXY TCP4 192.0.2.7\0 203.0.113.1 51 443\r\n"), malformed);
    expect_bad(TEXT("PROXY UDP4 192.0.2.7 203.0.113.1 51 443\r\n"), malformed);
    expect_bad(TEXT("PROXY UNKNOWNS\r\n"), malformed);
    expect_bad(TEXT("PROXY \r\n"), malformed);
}

static void test_line_of_107_bytes(void **state)
{
    char line[120];
    memset(line, 'x', sizeof(line));
    memcpy(line, "PROXY UNKNOWN ", 14);
    memcpy(line + 105, "\r\n", 2);
    expect_no_ends(slice_of(line, 107));
    memcpy(line + 105, "x\r\n", 3);
    expect_bad(slice_of(line, 107), "its line is too long");
    expect_bad(slice_of(line, 108), "its line is too long");
}

static void test_version_2(void **state)
{
    expect_ends(TEXT(SIGNATURE "\x21\x11\x00\x0c" ENDS_4), "192.0.2.7", 51000, "203.0.113.1", 443);
    expect_ends(TEXT(SIGNATURE "\x21\x21\x00\x24\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07"
                               "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\xc7\x38\x00\x50"),
                "2001:db8::7", 51000, "::1", 80);
    expect_no_ends(TEXT(SIGNATURE "\x20\x00\x00\x00"));
    expect_no_ends(TEXT(SIGNATURE "\x20\x11\x00\x0c" ENDS_4));
    expect_no_ends(TEXT(SIGNATURE "\x20\xff\x00\x01x"));
    expect_no_ends(TEXT(SIGNATURE "\x21\x00\x00\x00"));
    expect_no_ends(TEXT(SIGNATURE "\x21\x00\x00\x03xyz"));
}

static void test_unix_addresses(void **state)
{
    char bytes[16 + 216] = SIGNATURE "\x21\x31\x00\xd8/run/a.sock";
    expect_ends(slice_of(bytes, sizeof(bytes)), "unix:", 0, "unix:", 0);
}

static void test_values(void **state)
{
    expect_ends(TEXT(SIGNATURE "\x21\x11\x00\x16" ENDS_4 "\x04\x00\x00\xea\x00\x04"
                               "abcd"),
                "192.0.2.7", 51000, "203.0.113.1", 443);
    expect_bad(TEXT(SIGNATURE "\x21\x11\x00\x0d" ENDS_4 "\x04"), "one of its values is longer than the header");
    expect_bad(TEXT(SIGNATURE "\x21\x11\x00\x0e" ENDS_4 "\x04\x00"), "one of its values is longer than the header");
    expect_bad(TEXT(SIGNATURE "\x21\x11\x00\x10" ENDS_4 "\x04\x00\x02x"),
               "one of its values is longer than the header");
    expect_bad(TEXT(SIGNATURE "\x21\x11\x00\x10" ENDS_4 "\x04\xff\xffx"),
               "one of its values is longer than the header");
}

static void test_checksums(void **state)
{
    /* computed apart, with zeros in the checksum's place */
    char good[] = SIGNATURE "\x21\x11\x00\x13" ENDS_4 "\x03\x00\x04\xdb\x3c\x30\xdc";
    expect_ends(slice_of(good, sizeof(good) - 1), "192.0.2.7", 51000, "203.0.113.1", 443);
    for (size_t i = 16; i < sizeof(good) - 1; ++i) {
        bool is_length = i >= 28 && i < 31;
        good[i] ^= 1;
        if (!is_length)
            expect_bad(slice_of(good, sizeof(good) - 1), "its checksum is wrong");
        good[i] ^= 1;
    }
    expect_bad(TEXT(SIGNATURE "\x21\x11\x00\x12" ENDS_4 "\x03\x00\x03xyz"), "its checksum is wrong");
}

static void test_bad_blocks(void **state)
{
    expect_bad(TEXT(SIGNATURE "\x11"), "its version or command is unknown");
    expect_bad(TEXT(SIGNATURE "\x22"), "its version or command is unknown");
    expect_bad(TEXT(SIGNATURE "\x31\x11\x00\x0c" ENDS_4), "its version or command is unknown");
    expect_bad(TEXT(SIGNATURE "\x21\x12\x00\x0c" ENDS_4), "it is for no stream of TCP or a unix socket");
    expect_bad(TEXT(SIGNATURE "\x21\x10\x00\x0c" ENDS_4), "it is for no stream of TCP or a unix socket");
    expect_bad(TEXT(SIGNATURE "\x21\x01\x00\x0c" ENDS_4), "it is for no stream of TCP or a unix socket");
    expect_bad(TEXT(SIGNATURE "\x21\x41\x00\x0c" ENDS_4), "it is for no stream of TCP or a unix socket");
    expect_bad(TEXT(SIGNATURE "\x21\x11\x00\x0b" ENDS_4), "it is too short for its addresses");
    expect_bad(TEXT(SIGNATURE "\x21\x21\x00\x0c" ENDS_4), "it is too short for its addresses");
    expect_bad(TEXT(SIGNATURE "\x21\x31\x00\x0c" ENDS_4), "it is too short for its addresses");
    expect_bad(TEXT(SIGNATURE "\x21\x11\xff\xff"), "it is too long");
    expect_bad(TEXT(SIGNATURE "\x20\x00\x0f\xf1"), "it is too long");
    expect_bad(TEXT("\r\n\r\n\r\n"), "it does not begin with one");
}

/* What FlexiLib itself sends is what it reads. */
static void test_own_headers(void **state)
{
    static const char *const addresses[][2] = {{"192.0.2.7", "203.0.113.1"}, {"2001:db8::7", "::1"}};
    for (int i = 0; i < 2; ++i) {
        struct exchange exchange = {
            .peer_address = slice_from_text(addresses[i][0]),
            .peer_port = 51000,
            .local_address = slice_from_text(addresses[i][1]),
            .local_port = 443,
        };
        for (int protocol = PROXY_PROTOCOL_V1; protocol <= PROXY_PROTOCOL_V2; ++protocol) {
            struct proxy_header header;
            proxy_header_build((enum proxy_protocol)protocol, &exchange, &header);
            expect_ends(slice_of(header.bytes, header.length), addresses[i][0], 51000, addresses[i][1], 443);
            proxy_header_build((enum proxy_protocol)protocol, NULL, &header);
            expect_no_ends(slice_of(header.bytes, header.length));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_version_1),         cmocka_unit_test(test_bad_lines),
        cmocka_unit_test(test_line_of_107_bytes), cmocka_unit_test(test_version_2),
        cmocka_unit_test(test_unix_addresses),    cmocka_unit_test(test_values),
        cmocka_unit_test(test_checksums),         cmocka_unit_test(test_bad_blocks),
        cmocka_unit_test(test_own_headers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
