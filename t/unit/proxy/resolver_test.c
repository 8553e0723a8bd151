#include "proxy/resolver.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum {
    MANY = 100,
};

struct fixture {
    struct loop *loop;
    struct resolver *resolver;
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

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    fixture->loop = loop_create();
    fixture->resolver = resolver_create(fixture->loop);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    resolver_destroy(fixture->resolver);
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
    struct answer first = {.fixture = *state}, second = {.fixture = *state}, third = {.fixture = *state};
    ask(&first, "localhost", 80);
    ask(&second, "LOCALHOST", 81);
    loop_run(first.fixture->loop);
    ask(&third, "localhost", 82);
    loop_run(first.fixture->loop);
    assert_int_equal(first.times + second.times + third.times, 3);
    assert_false(first.has_failed);
    for (size_t i = 0; i < first.count; ++i) {
        bool is_v6 = first.addresses[i].storage.ss_family == AF_INET6;
        assert_address(&first.addresses[i], is_v6 ? "::1" : "127.0.0.1", 80);
        assert_address(&second.addresses[i], is_v6 ? "::1" : "127.0.0.1", 81);
        assert_address(&third.addresses[i], is_v6 ? "::1" : "127.0.0.1", 82);
    }
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

static void stop_loop(void *data)
{
    loop_stop(data);
}

static void a_lookup_outlives_its_resolver(void **state)
{
    struct fixture *fixture = *state;
    struct answer answer = {.fixture = fixture};
    ask(&answer, "localhost", 1);
    resolver_destroy(fixture->resolver);
    fixture->resolver = NULL;
    /* the loop sleeps until the lookup has ended, and what it held is freed in the same turn */
    loop_set_turn(fixture->loop, stop_loop, fixture->loop);
    loop_run(fixture->loop);
    assert_int_equal(answer.times, 0);
    resolver_destroy(NULL);
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
        cmocka_unit_test_setup_teardown(a_lookup_outlives_its_resolver, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
