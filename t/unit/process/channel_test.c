#include "process/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static struct message received;

static void check_round_trip(struct message message)
{
    size_t length = message_encode(&message, received.packet);
    assert_true(length != 0);
    assert_true(message_parse(&received, length));
    assert_int_equal(received.kind, message.kind);
    assert_memory_equal(received.numbers, message.numbers, sizeof(message.numbers));
    assert_true(slice_equals(received.text, message.text));
}

static void test_every_kind_survives_the_wire(void **state)
{
    check_round_trip((struct message){.kind = MESSAGE_HELLO, .numbers = {CHANNEL_VERSION}});
    check_round_trip((struct message){.kind = MESSAGE_USER, .numbers = {33, 44}, .text = SLICE("www-data")});
    check_round_trip((struct message){.kind = MESSAGE_OPEN, .text = SLICE("/var/log/a b.log")});
    check_round_trip((struct message){.kind = MESSAGE_LOADING});
    check_round_trip((struct message){.kind = MESSAGE_WAITING, .numbers = {10000}});
    check_round_trip((struct message){.kind = MESSAGE_WATCH, .text = SLICE("/srv/x.so")});
    check_round_trip(
        (struct message){.kind = MESSAGE_LISTEN, .numbers = {2, 1}, .text = SLICE("0 -1 -1 -1 atcp 0.0.0.0 80")});
    check_round_trip((struct message){.kind = MESSAGE_READY, .numbers = {4, 60000, 30000}});
    check_round_trip((struct message){.kind = MESSAGE_FAILED, .text = SLICE("a.yaml:1:2: no\n    x\n    ^")});
    check_round_trip((struct message){.kind = MESSAGE_FAILED, .text = SLICE("")});
    check_round_trip((struct message){.kind = MESSAGE_STOPPED});
    check_round_trip((struct message){.kind = MESSAGE_OPENED, .numbers = {7, EACCES}});
    check_round_trip((struct message){.kind = MESSAGE_REOPEN, .numbers = {INT64_MAX}});
    check_round_trip((struct message){.kind = MESSAGE_REOPEN, .numbers = {-1}});
    check_round_trip((struct message){.kind = MESSAGE_GO});
    check_round_trip((struct message){.kind = MESSAGE_DRAIN, .numbers = {1000, 1}});
    check_round_trip((struct message){.kind = MESSAGE_SERVERS, .numbers = {0, 1}, .text = SLICE("1 8 ahttp://b")});
    check_round_trip((struct message){.kind = MESSAGE_NUMBERED, .numbers = {3}, .text = SLICE("7 - 8 ")});
    check_round_trip((struct message){.kind = MESSAGE_CUT});
    check_round_trip((struct message){.kind = MESSAGE_TROUBLE});
}

static void test_wrong_packets_are_refused(void **state)
{
    static const struct slice wrong[] = {
        {"", 0},
        SLICE("NOTHING"),
        SLICE("GO now"),
        SLICE("go"),
        SLICE("HELLO"),
        SLICE("HELLO one"),
        SLICE("HELLO 1 2"),
        SLICE("HELLO -"),
        SLICE("HELLO --1"),
        SLICE("HELLO 9223372036854775808"),
        SLICE("HELLO 99999999999999999999999"),
        SLICE("READY 1 2"),
        SLICE("OPEN x /path"),
        SLICE("FAILED a\0b"),
        SLICE(" GO"),
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); ++i) {
        memcpy(received.packet, wrong[i].data, wrong[i].length);
        if (message_parse(&received, wrong[i].length))
            fail_msg("'%.*s' was taken for a message", SLICE_ARG(wrong[i]));
    }
}

static void test_a_text_beyond_the_limit_is_not_sent(void **state)
{
    char *long_text = calloc(1, CHANNEL_TEXT_BYTES + 1);
    memset(long_text, 'x', CHANNEL_TEXT_BYTES + 1);
    struct message message = {.kind = MESSAGE_FAILED, .text = slice_of(long_text, CHANNEL_TEXT_BYTES + 1)};
    assert_int_equal(message_encode(&message, received.packet), 0);
    message.text.length = CHANNEL_TEXT_BYTES;
    check_round_trip(message);
    free(long_text);
}

static void test_servers_follow_each_other(void **state)
{
    struct text text = TEXT_INIT;
    struct slice upstream, url;
    assert_true(channel_add_server(&text, SLICE("a shop"), SLICE("http://a")));
    assert_true(channel_add_server(&text, SLICE("2 3 4"), SLICE("5 6")));
    struct slice rest = text_slice(&text);
    assert_true(channel_take_server(&rest, &upstream, &url));
    assert_true(slice_equals(upstream, SLICE("a shop")) && slice_equals(url, SLICE("http://a")));
    assert_true(channel_take_server(&rest, &upstream, &url));
    assert_true(slice_equals(upstream, SLICE("2 3 4")) && slice_equals(url, SLICE("5 6")));
    assert_false(channel_take_server(&rest, &upstream, &url));
    size_t count = 2;
    while (channel_add_server(&text, SLICE("shop"), SLICE("http://127.0.0.1")))
        ++count;
    assert_true(text.length <= CHANNEL_TEXT_BYTES);
    rest = text_slice(&text);
    while (channel_take_server(&rest, &upstream, &url))
        --count;
    assert_int_equal(count, 0);
    assert_int_equal(rest.length, 0);
    text_finish(&text);
}

static void test_wrong_servers_are_refused(void **state)
{
    static const char *const wrong[] = {"",      "1",      "1 ",      "1 1",     "1 1 ",
                                        "1 1 a", "x 1 ab", "1 -1 ab", " 1 1 ab", "18446744073709551615 2 abc"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); ++i) {
        struct slice rest = slice_from_text(wrong[i]);
        struct slice upstream, url;
        if (channel_take_server(&rest, &upstream, &url))
            fail_msg("'%s' was taken for a server", wrong[i]);
    }
}

static void test_random_bytes_never_break_the_parser(void **state)
{
    static const char *const starts[] = {"", "HELLO ", "LISTEN 1 ", "READY ", "FAILED ", "OPENED 1 ", "USER 1 "};
    unsigned seed = 1;
    for (int round = 0; round < 200000; ++round) {
        const char *start = starts[round % (sizeof(starts) / sizeof(starts[0]))];
        size_t length = strlen(start);
        memcpy(received.packet, start, length);
        for (size_t more = (size_t)rand_r(&seed) % 40; more != 0; --more)
            received.packet[length++] =
                (char)(rand_r(&seed) % (round % 2 == 0 ? 256 : 16) + (round % 2 == 0 ? 0 : ' '));
        if (!message_parse(&received, length))
            continue;
        assert_true(received.kind >= MESSAGE_HELLO && received.kind <= MESSAGE_CUT);
        assert_true(received.text.length <= length);
    }
}

static void test_a_descriptor_crosses_with_its_message(void **state)
{
    int ends[2];
    int pipe_ends[2];
    char byte = 0;
    assert_true(channel_open(ends));
    assert_int_equal(pipe(pipe_ends), 0);
    assert_true(channel_send(ends[0], &(struct message){.kind = MESSAGE_OPENED, .numbers = {3}, .fd = pipe_ends[1]}));
    assert_int_equal(channel_receive(ends[1], &received, true, true), CHANNEL_MESSAGE);
    assert_int_equal(received.kind, MESSAGE_OPENED);
    assert_true(received.fd > 2);
    assert_int_equal(fcntl(received.fd, F_GETFD), FD_CLOEXEC);
    assert_int_equal(write(received.fd, "x", 1), 1);
    assert_int_equal(read(pipe_ends[0], &byte, 1), 1);
    close(received.fd);
    close(pipe_ends[0]);
    close(pipe_ends[1]);
    close(ends[0]);
    close(ends[1]);
}

static void test_a_descriptor_that_is_not_wanted_stays_out(void **state)
{
    int ends[2];
    assert_true(channel_open(ends));
    int next = dup(ends[0]);
    close(next);
    assert_true(channel_send(ends[0], &(struct message){.kind = MESSAGE_GO, .fd = ends[0]}));
    assert_int_equal(channel_receive(ends[1], &received, true, false), CHANNEL_MESSAGE);
    assert_int_equal(received.fd, -1);
    assert_int_equal(fcntl(next, F_GETFD), -1);
    close(ends[0]);
    close(ends[1]);
}

static void test_what_is_there_is_told_apart(void **state)
{
    int ends[2];
    assert_true(channel_open(ends));
    assert_int_equal(channel_receive(ends[1], &received, false, true), CHANNEL_EMPTY);
    assert_int_equal(send(ends[0], "nonsense", 8, 0), 8);
    assert_int_equal(channel_receive(ends[1], &received, false, true), CHANNEL_BROKEN);
    char *huge = calloc(1, 2 * CHANNEL_PACKET_BYTES);
    memset(huge, 'x', 2 * CHANNEL_PACKET_BYTES);
    memcpy(huge, "FAILED ", 7);
    assert_int_equal(send(ends[0], huge, 2 * CHANNEL_PACKET_BYTES, 0), 2 * CHANNEL_PACKET_BYTES);
    free(huge);
    assert_int_equal(channel_receive(ends[1], &received, false, true), CHANNEL_BROKEN);
    close(ends[0]);
    assert_int_equal(channel_receive(ends[1], &received, false, true), CHANNEL_ENDED);
    assert_false(channel_send(ends[1], &(struct message){.kind = MESSAGE_GO, .fd = -1}));
    close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_kind_survives_the_wire),
        cmocka_unit_test(test_wrong_packets_are_refused),
        cmocka_unit_test(test_a_text_beyond_the_limit_is_not_sent),
        cmocka_unit_test(test_servers_follow_each_other),
        cmocka_unit_test(test_wrong_servers_are_refused),
        cmocka_unit_test(test_random_bytes_never_break_the_parser),
        cmocka_unit_test(test_a_descriptor_crosses_with_its_message),
        cmocka_unit_test(test_a_descriptor_that_is_not_wanted_stays_out),
        cmocka_unit_test(test_what_is_there_is_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
