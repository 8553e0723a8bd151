#include "net/proxy_header.h"

#include "filter/exchange.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define MAPPED    "\0\0\0\0\0\0\0\0\0\0\xff\xff"

static struct exchange exchange_between(const char *peer, uint16_t peer_port, const char *local, uint16_t local_port)
{
    return (struct exchange){
        .peer_address = slice_from_text(peer),
        .peer_port = peer_port,
        .local_address = slice_from_text(local),
        .local_port = local_port,
    };
}

static void expect_header(enum proxy_protocol protocol, const struct exchange *exchange, const char *bytes,
                          size_t length)
{
    struct proxy_header header;
    proxy_header_build(protocol, exchange, &header);
    assert_int_equal(header.length, length);
    assert_memory_equal(header.bytes, bytes, length);
}

#define EXPECT_HEADER(protocol, exchange, bytes) expect_header(protocol, exchange, bytes, sizeof(bytes) - 1)

static void test_ipv4(void **state)
{
    struct exchange exchange = exchange_between("192.0.2.7", 51000, "203.0.113.1", 443);
    EXPECT_HEADER(PROXY_PROTOCOL_V1, &exchange, "PROXY TCP4 192.0.2.7 203.0.113.1 51000 443\r\n");
    EXPECT_HEADER(PROXY_PROTOCOL_V2, &exchange,
                  SIGNATURE "\x21\x11\x00\x0c\xc0\x00\x02\x07\xcb\x00\x71\x01\xc7\x38\x01\xbb");
    EXPECT_HEADER(PROXY_PROTOCOL_NONE, &exchange, "");
}

static void test_ipv6(void **state)
{
    struct exchange exchange = exchange_between("2001:db8::7", 51000, "::1", 80);
    EXPECT_HEADER(PROXY_PROTOCOL_V1, &exchange, "PROXY TCP6 2001:db8::7 ::1 51000 80\r\n");
    EXPECT_HEADER(PROXY_PROTOCOL_V2, &exchange,
                  SIGNATURE "\x21\x21\x00\x24\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07"
                            "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\xc7\x38\x00\x50");
}

/* A client that a trusted proxy tells of may be of another family than the connection. */
static void test_ends_of_two_families(void **state)
{
    struct exchange exchange = exchange_between("2001:db8::7", 1, "203.0.113.1", 2);
    EXPECT_HEADER(PROXY_PROTOCOL_V1, &exchange, "PROXY TCP6 2001:db8::7 ::ffff:203.0.113.1 1 2\r\n");
    exchange = exchange_between("192.0.2.7", 0, "2001:db8::7", 2);
    EXPECT_HEADER(PROXY_PROTOCOL_V1, &exchange, "PROXY TCP6 ::ffff:192.0.2.7 2001:db8::7 0 2\r\n");
    EXPECT_HEADER(PROXY_PROTOCOL_V2, &exchange,
                  SIGNATURE "\x21\x21\x00\x24" MAPPED "\xc0\x00\x02\x07"
                            "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07\x00\x00\x00\x02");
}

static void test_the_longest_fits(void **state)
{
    const char *longest = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
    struct exchange exchange = exchange_between(longest, 65535, longest, 65535);
    EXPECT_HEADER(PROXY_PROTOCOL_V1, &exchange,
                  "PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
                  "65535 65535\r\n");
}

static void test_clients_without_an_address(void **state)
{
    const struct exchange exchanges[] = {
        exchange_between("unix:", 0, "unix:", 0),
        exchange_between("unix:", 0, "127.0.0.1", 80),
        exchange_between("127.0.0.1", 80, "unix:", 0),
        exchange_between("127.0.0.1", 80, "", 0),
        exchange_between("a text that is far too long to be the address of anybody", 80, "127.0.0.1", 0),
    };
    for (size_t i = 0; i < sizeof(exchanges) / sizeof(exchanges[0]); ++i) {
        EXPECT_HEADER(PROXY_PROTOCOL_V1, &exchanges[i], "PROXY UNKNOWN\r\n");
        EXPECT_HEADER(PROXY_PROTOCOL_V2, &exchanges[i], SIGNATURE "\x20\x00\x00\x00");
    }
    EXPECT_HEADER(PROXY_PROTOCOL_V1, NULL, "PROXY UNKNOWN\r\n");
    EXPECT_HEADER(PROXY_PROTOCOL_V2, NULL, SIGNATURE "\x20\x00\x00\x00");
}

static void test_equal_ones_are_of_the_same_client(void **state)
{
    struct exchange first = exchange_between("192.0.2.7", 51000, "203.0.113.1", 443);
    struct exchange second = exchange_between("192.0.2.7", 51001, "203.0.113.1", 443);
    struct proxy_header a, b;
    proxy_header_build(PROXY_PROTOCOL_V2, &first, &a);
    proxy_header_build(PROXY_PROTOCOL_V2, &first, &b);
    assert_true(proxy_header_equals(&a, &b));
    proxy_header_build(PROXY_PROTOCOL_V2, &second, &b);
    assert_false(proxy_header_equals(&a, &b));
    proxy_header_build(PROXY_PROTOCOL_V2, NULL, &b);
    assert_false(proxy_header_equals(&a, &b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ipv4),
        cmocka_unit_test(test_ipv6),
        cmocka_unit_test(test_ends_of_two_families),
        cmocka_unit_test(test_the_longest_fits),
        cmocka_unit_test(test_clients_without_an_address),
        cmocka_unit_test(test_equal_ones_are_of_the_same_client),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
