#include "listen/client_limits.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum {
    WORKERS = 2,
    PLACES = 3,
    RACES = 2000,
};

struct fixture {
    struct listener_settings listeners[2];
    struct settings settings;
    struct client_counts *counts;
    struct client_limits *workers[WORKERS];
};

static void on_closed(void *data)
{
}

static void set_up(struct fixture *fixture, int64_t most, int64_t most_of_first)
{
    *fixture = (struct fixture){
        .listeners = {{.host = SLICE("127.0.0.1"), .port = 80, .max_connections = most_of_first},
                      {.host = SLICE("127.0.0.1"), .port = 81}},
        .settings = {.listeners = fixture->listeners, .listener_count = 2, .max_connections = most},
        .counts = calloc(1, sizeof(*fixture->counts)),
    };
    fixture->counts->rows_used = WORKERS;
    for (uint32_t i = 0; i < WORKERS; ++i) {
        fixture->workers[i] = client_limits_create(&fixture->settings, NULL, on_closed, NULL);
        client_limits_share(fixture->workers[i], fixture->counts, i);
    }
}

static void tear_down(struct fixture *fixture)
{
    for (int i = 0; i < WORKERS; ++i)
        client_limits_destroy(fixture->workers[i]);
    free(fixture->counts);
}

static void test_a_place_is_taken_from_when_it_is_reserved(void **state)
{
    struct fixture fixture;
    set_up(&fixture, 2, 1);
    struct client_limits *one = fixture.workers[0], *other = fixture.workers[1];
    const struct listener_settings *first = &fixture.listeners[0], *second = &fixture.listeners[1];
    assert_int_equal(client_limits_reserve(one, first), CLIENT_LIMIT_NONE);
    assert_int_equal(client_limits_reserve(other, first), CLIENT_LIMIT_LISTENER);
    assert_int_equal(client_limits_look(other, first), CLIENT_LIMIT_LISTENER);
    assert_int_equal(client_limits_reserve(other, second), CLIENT_LIMIT_NONE);
    client_limits_release(other);
    client_limits_release(other); /* there is none */
    client_limits_release(one);
    assert_int_equal(client_counts_total(fixture.counts), 0);
    assert_int_equal(client_limits_look(other, first), CLIENT_LIMIT_NONE);
    tear_down(&fixture);
}

struct racer {
    struct client_limits *limits;
    const struct listener_settings *listener;
    pthread_barrier_t *line;
    bool has_won[RACES];
};

static void *race(void *data)
{
    struct racer *racer = data;
    for (int i = 0; i < RACES; ++i) {
        pthread_barrier_wait(racer->line);
        racer->has_won[i] = client_limits_reserve(racer->limits, racer->listener) == CLIENT_LIMIT_NONE;
        pthread_barrier_wait(racer->line);
        client_limits_release(racer->limits);
    }
    return NULL;
}

static void one_wins(int64_t most, int64_t most_of_first)
{
    struct fixture fixture;
    set_up(&fixture, most, most_of_first);
    for (int i = 1; i < PLACES; ++i)
        client_counts_add(&fixture.counts->rows[i % WORKERS], 0, (slice_hash(SLICE("127.0.0.1")) ^ 80), 1);
    pthread_barrier_t line;
    struct racer racers[WORKERS] = {
        {.limits = fixture.workers[0], .listener = &fixture.listeners[0], .line = &line},
        {.limits = fixture.workers[1], .listener = &fixture.listeners[0], .line = &line},
    };
    pthread_t other;
    pthread_barrier_init(&line, NULL, WORKERS);
    assert_int_equal(pthread_create(&other, NULL, race, &racers[1]), 0);
    race(&racers[0]);
    pthread_join(other, NULL);
    pthread_barrier_destroy(&line);
    for (int i = 0; i < RACES; ++i)
        assert_int_equal(racers[0].has_won[i] + racers[1].has_won[i], 1);
    assert_int_equal(client_counts_total(fixture.counts), PLACES - 1);
    tear_down(&fixture);
}

static void test_one_of_two_gets_the_last_place(void **state)
{
    one_wins(PLACES, 0);
    one_wins(0, PLACES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_place_is_taken_from_when_it_is_reserved),
        cmocka_unit_test(test_one_of_two_gets_the_last_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
