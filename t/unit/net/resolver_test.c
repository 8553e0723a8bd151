#include "net/resolver.h"

#include "config/settings.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

enum {
    MANY = 100,
};

/* A name server on the same loop. It knows names by their first letter: a has one address, s several of both kinds, q
 * is not answered, and others do not exist. */
struct name_server {
    int fd;
    struct loop_watch *watch;
    int questions; /* for IPv4 addresses */
};

struct fixture {
    struct loop *loop;
    struct resolver *resolver;
    struct name_server server;
    int awaited; /* answers until the loop stops */
};

struct answer {
    struct fixture *fixture;
    struct resolver_query *query;
    int times;
    size_t count;
    struct resolver_address addresses[RESOLVER_ADDRESSES];
    bool has_failed;
    struct answer *cancels;
};

enum {
    TYPE_A = 1,
    TYPE_AAAA = 28,
    HEAD_BYTES = 12,
};

static size_t add_address(unsigned char *packet, size_t length, unsigned char type, const char *text)
{
    unsigned char size = type == TYPE_A ? 4 : 16;
    const unsigned char record[] = {0xc0, HEAD_BYTES, 0, type, 0, 1, 0, 0, 0, 60, 0, size};
    memcpy(packet + length, record, sizeof(record));
    assert_int_equal(inet_pton(type == TYPE_A ? AF_INET : AF_INET6, text, packet + length + sizeof(record)), 1);
    ++packet[7];
    return length + sizeof(record) + size;
}

static size_t add_answer(unsigned char *packet, size_t length, unsigned char type)
{
    switch (packet[HEAD_BYTES + 1]) {
    case 'a':
        return type == TYPE_A ? add_address(packet, length, type, "192.0.2.1") : length;
    case 's':
        if (type == TYPE_AAAA)
            return add_address(packet, length, type, "2001:db8::1");
        length = add_address(packet, length, type, "192.0.2.1");
        length = add_address(packet, length, type, "192.0.2.1");
        return add_address(packet, length, type, "192.0.2.2");
    default:
        packet[3] |= 3;
        return length;
    }
}

static void on_question(void *data)
{
    struct name_server *server = data;
    unsigned char packet[512];
    struct sockaddr_in peer;
    socklen_t peer_length = sizeof(peer);
    ssize_t length = recvfrom(server->fd, packet, 256, 0, (struct sockaddr *)&peer, &peer_length);
    assert_true(length > HEAD_BYTES + 6);
    unsigned char type = packet[length - 3];
    server->questions += type == TYPE_A;
    if (packet[HEAD_BYTES + 1] == 'q')
        return;
    packet[2] |= 0x80;
    packet[3] = 0x80;
    size_t answer_length = add_answer(packet, (size_t)length, type);
    assert_int_equal(sendto(server->fd, packet, answer_length, 0, (struct sockaddr *)&peer, peer_length),
                     answer_length);
}

static void open_name_server(struct fixture *fixture, int64_t timeout_ms)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    char servers[32];
    fixture->server.fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fixture->server.fd, (struct sockaddr *)&address, length), 0);
    assert_int_equal(getsockname(fixture->server.fd, (struct sockaddr *)&address, &length), 0);
    fixture->server.watch = loop_watch_readable(fixture->loop, fixture->server.fd, on_question, &fixture->server);
    snprintf(servers, sizeof(servers), "127.0.0.1:%u", (unsigned)ntohs(address.sin_port));
    struct resolver_settings settings = {.servers = slice_from_text(servers), .timeout_ms = timeout_ms};
    fixture->resolver = resolver_create(fixture->loop, &settings);
}

static int set_up_with(void **state, int64_t timeout_ms)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    fixture->loop = loop_create();
    open_name_server(fixture, timeout_ms);
    *state = fixture;
    return 0;
}

static int set_up(void **state)
{
    return set_up_with(state, 20000);
}

static int set_up_without_patience(void **state)
{
    return set_up_with(state, 10);
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    resolver_destroy(fixture->resolver);
    loop_watch_close(fixture->server.watch);
    close(fixture->server.fd);
    loop_destroy(fixture->loop);
    free(fixture);
    return 0;
}

static void on_resolved(void *data, const struct resolver_address *addresses, size_t count, const char *failure)
{
    struct answer *answer = data;
    ++answer->times;
    answer->count = count;
    answer->has_failed = failure != NULL;
    assert_true(count <= RESOLVER_ADDRESSES && (count == 0) == (failure != NULL));
    memcpy(answer->addresses, addresses, count * sizeof(*addresses));
    if (answer->cancels != NULL)
        resolver_cancel(answer->cancels->query);
    if (--answer->fixture->awaited == 0)
        loop_stop(answer->fixture->loop);
}

static void ask(struct answer *answer, const char *host, uint16_t port)
{
    struct fixture *fixture = answer->fixture;
    ++fixture->awaited;
    answer->query = resolver_start(fixture->resolver, slice_from_text(host), port, on_resolved, answer);
    assert_int_equal(answer->times, 0);
}

static void assert_address(const struct resolver_address *address, const char *text, uint16_t port)
{
    char shown[INET6_ADDRSTRLEN];
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)&address->storage;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&address->storage;
    bool is_v6 = address->storage.ss_family == AF_INET6;
    assert_non_null(inet_ntop(address->storage.ss_family, is_v6 ? (void *)&v6->sin6_addr : (void *)&v4->sin_addr, shown,
                              sizeof(shown)));
    assert_string_equal(shown, text);
    assert_int_equal(ntohs(is_v6 ? v6->sin6_port : v4->sin_port), port);
    assert_int_equal(address->length, is_v6 ? sizeof(*v6) : sizeof(*v4));
}

static void numeric_hosts_need_no_asking(void **state)
{
    static const char *const names[] = {"",          "localhost", "127.0.0.1.",
                                        "127.0.0",   "127.1",     "0x7f.0.0.1",
                                        "1.2.3.400", "[::1]",     "::1%lo",
                                        "1.2.3.4 ",  "::1::",     "1234567890123456789012345678901234567890123456789"};
    struct resolver_address address;
    assert_true(resolver_parse(SLICE("127.0.0.1"), 80, &address));
    assert_address(&address, "127.0.0.1", 80);
    assert_true(resolver_parse(SLICE("::1"), 65535, &address));
    assert_address(&address, "::1", 65535);
    assert_true(resolver_parse(SLICE("2001:DB8::1.2.3.4"), 1, &address));
    assert_address(&address, "2001:db8::102:304", 1);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); ++i) {
        if (resolver_parse(slice_from_text(names[i]), 80, &address))
            fail_msg("'%s' is taken for an address", names[i]);
    }
    assert_false(resolver_parse(slice_of("127.0.0.1\0x", 11), 80, &address));
}

static void localhost_is_known(void **state)
{
    static const char *const names[] = {"localhost", "LOCALHOST", "localhost.", "shop.localhost", "shop.LocalHost."};
    struct fixture *fixture = *state;
    for (size_t i = 0; i < 2 * sizeof(names) / sizeof(names[0]); ++i) {
        struct answer answer = {.fixture = fixture};
        ask(&answer, names[i / 2], (uint16_t)i);
        loop_run(fixture->loop);
        assert_int_equal(answer.count, 2);
        assert_address(&answer.addresses[0], "127.0.0.1", (uint16_t)i);
        assert_address(&answer.addresses[1], "::1", (uint16_t)i);
    }
    assert_int_equal(fixture->server.questions, 0);
}

static void answers_are_kept(void **state)
{
    struct fixture *fixture = *state;
    struct answer answers[4] = {{.fixture = fixture}, {.fixture = fixture}, {.fixture = fixture}, {.fixture = fixture}};
    resolver_prepare(fixture->resolver, SLICE("a.test"));
    ask(&answers[0], "a.test", 1);
    ask(&answers[1], "A.Test", 2);
    loop_run(fixture->loop);
    ask(&answers[2], "a.test", 3);
    resolver_prepare(fixture->resolver, SLICE("a.test"));
    loop_run(fixture->loop);
    ask(&answers[3], "a.test", 4);
    loop_run(fixture->loop);
    for (int i = 0; i < 4; ++i) {
        assert_int_equal(answers[i].times, 1);
        assert_int_equal(answers[i].count, 1);
        assert_address(&answers[i].addresses[0], "192.0.2.1", (uint16_t)(i + 1));
    }
    assert_int_equal(fixture->server.questions, 1);
}

static struct answer ask_and_wait(struct fixture *fixture, const char *name)
{
    struct answer answer = {.fixture = fixture};
    ask(&answer, name, 80);
    loop_run(fixture->loop);
    assert_int_equal(answer.times, 1);
    return answer;
}

/* Each of the three comes first once, and none of them twice in an answer. */
static void addresses_take_turns(void **state)
{
    struct answer answers[4];
    for (int i = 0; i < 4; ++i) {
        answers[i] = ask_and_wait(*state, "several.test");
        assert_int_equal(answers[i].count, 3);
    }
    for (size_t i = 0; i < 3; ++i) {
        for (size_t j = 0; j < 3; ++j)
            assert_true(resolver_address_equals(&answers[i].addresses[j], &answers[0].addresses[(i + j) % 3]));
        assert_true(i == 0 || !resolver_address_equals(&answers[i].addresses[0], &answers[0].addresses[0]));
    }
    assert_true(resolver_address_equals(&answers[3].addresses[0], &answers[0].addresses[0]));
}

static void addresses_that_fail_come_last(void **state)
{
    struct fixture *fixture = *state;
    struct resolver_address bad = ask_and_wait(fixture, "several.test").addresses[0];
    struct resolver_address other;
    assert_true(resolver_parse(SLICE("192.0.2.99"), 80, &other));
    resolver_avoid(fixture->resolver, SLICE("Several.test"), &bad);
    resolver_avoid(fixture->resolver, SLICE("several.test"), &other);
    resolver_avoid(fixture->resolver, SLICE("unheard-of.test"), &bad);
    for (int i = 0; i < 6; ++i) {
        struct answer answer = ask_and_wait(fixture, "several.test");
        assert_int_equal(answer.count, 3);
        assert_true(resolver_address_equals(&answer.addresses[2], &bad));
    }
}

static void names_that_do_not_exist_fail(void **state)
{
    struct fixture *fixture = *state;
    assert_true(ask_and_wait(fixture, "no-such.test.").has_failed);
    int questions = fixture->server.questions;
    assert_true(questions > 0);
    assert_true(ask_and_wait(fixture, "no-such.test.").has_failed);
    assert_int_equal(fixture->server.questions, questions);
}

static void servers_that_are_silent_are_asked_again(void **state)
{
    struct fixture *fixture = *state;
    assert_true(ask_and_wait(fixture, "quiet.test.").has_failed);
    assert_int_equal(fixture->server.questions, 2);
}

/* A label of more than 63 bytes is refused before anybody is asked. */
static void impossible_names_fail(void **state)
{
    char name[200];
    memset(name, 'a', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    struct answer first = {.fixture = *state}, again = {.fixture = *state};
    ask(&first, name, 80);
    loop_run(first.fixture->loop);
    ask(&again, name, 80);
    loop_run(first.fixture->loop);
    assert_true(first.has_failed && again.has_failed);
}

static void more_names_than_are_kept_are_answered(void **state)
{
    struct fixture *fixture = *state;
    struct answer *answers = calloc(2 * MANY, sizeof(*answers));
    for (int round = 0; round < 2; ++round) {
        for (int i = 0; i < MANY; ++i) {
            char host[32];
            struct answer *answer = &answers[round * MANY + i];
            answer->fixture = fixture;
            snprintf(host, sizeof(host), "127.0.1.%d", i);
            ask(answer, host, (uint16_t)(1000 + i));
        }
        loop_run(fixture->loop);
    }
    for (int i = 0; i < 2 * MANY; ++i) {
        char host[32];
        snprintf(host, sizeof(host), "127.0.1.%d", i % MANY);
        assert_int_equal(answers[i].times, 1);
        assert_int_equal(answers[i].count, 1);
        assert_address(&answers[i].addresses[0], host, (uint16_t)(1000 + i % MANY));
    }
    free(answers);
}

static void cancelled_queries_stay_silent(void **state)
{
    struct fixture *fixture = *state;
    struct answer answers[4];
    for (int i = 0; i < 4; ++i)
        answers[i] = (struct answer){.fixture = fixture};
    ask(&answers[0], "localhost", 1);
    resolver_cancel(answers[0].query);
    ask(&answers[1], "localhost", 1);
    ask(&answers[2], "localhost", 2);
    ask(&answers[3], "localhost", 3);
    resolver_cancel(answers[2].query);
    fixture->awaited -= 2;
    loop_run(fixture->loop);
    assert_int_equal(answers[0].times + answers[2].times, 0);
    assert_int_equal(answers[1].times, 1);
    assert_int_equal(answers[3].times, 1);
    answers[0].times = 0;
    ask(&answers[0], "localhost", 1);
    resolver_cancel(answers[0].query);
    ask(&answers[2], "localhost", 1);
    --fixture->awaited;
    loop_run(fixture->loop);
    assert_int_equal(answers[0].times, 0);
    assert_int_equal(answers[2].times, 1);
}

static void an_answer_cancels_another_query(void **state)
{
    struct fixture *fixture = *state;
    struct answer answers[2] = {{.fixture = fixture}, {.fixture = fixture}};
    answers[0].cancels = &answers[1];
    answers[1].cancels = &answers[0];
    ask(&answers[0], "127.0.0.1", 1);
    ask(&answers[1], "127.0.0.1", 2);
    --fixture->awaited;
    loop_run(fixture->loop);
    assert_int_equal(answers[0].times + answers[1].times, 1);
}

static void a_resolver_goes_in_the_middle_of_a_lookup(void **state)
{
    struct fixture *fixture = *state;
    struct answer answer = {.fixture = fixture};
    ask(&answer, "quiet.test", 1);
    ask(&answer, "a.test", 1);
    resolver_destroy(fixture->resolver);
    fixture->resolver = NULL;
    loop_stop(fixture->loop);
    loop_run(fixture->loop);
    assert_int_equal(answer.times, 0);
    resolver_destroy(NULL);
}

static void bad_servers_fail_every_lookup(void **state)
{
    struct fixture *fixture = *state;
    resolver_destroy(fixture->resolver);
    fixture->resolver =
        resolver_create(fixture->loop, &(struct resolver_settings){.servers = SLICE("nobody"), .timeout_ms = 10});
    assert_true(ask_and_wait(fixture, "a.test").has_failed);
    assert_false(ask_and_wait(fixture, "localhost").has_failed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numeric_hosts_need_no_asking),
        cmocka_unit_test_setup_teardown(localhost_is_known, set_up, tear_down),
        cmocka_unit_test_setup_teardown(impossible_names_fail, set_up, tear_down),
        cmocka_unit_test_setup_teardown(more_names_than_are_kept_are_answered, set_up, tear_down),
        cmocka_unit_test_setup_teardown(cancelled_queries_stay_silent, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_answer_cancels_another_query, set_up, tear_down),
        cmocka_unit_test_setup_teardown(answers_are_kept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(addresses_take_turns, set_up, tear_down),
        cmocka_unit_test_setup_teardown(addresses_that_fail_come_last, set_up, tear_down),
        cmocka_unit_test_setup_teardown(names_that_do_not_exist_fail, set_up, tear_down),
        cmocka_unit_test_setup_teardown(servers_that_are_silent_are_asked_again, set_up_without_patience, tear_down),
        cmocka_unit_test_setup_teardown(a_resolver_goes_in_the_middle_of_a_lookup, set_up, tear_down),
        cmocka_unit_test_setup_teardown(bad_servers_fail_every_lookup, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
