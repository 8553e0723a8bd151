#include "random_exchange.h"

enum {
    ROUNDS = 300000,
};

static void run_round(void)
{
    struct world *world = world_create();
    use_fake_coding(world);
    struct script scripts[4];
    size_t count = roll(5);
    calmness = 20 * roll(4);
    resumes_sent = resumes_taken = lent = given_back = 0;
    set_up_filters(world, scripts, count, add_filter);
    set_up_world(world);
    exchange_start(world->exchange, &world->chain);
    for (unsigned i = 0; i < MOST_EVENTS && world->exchange != NULL; ++i)
        make_event(world, scripts, count);
    if (world->exchange != NULL)
        exchange_gone(world->exchange);
    check_end(world, scripts, count);
    world_destroy(world);
    assert_int_equal(fake_codings.open, 0);
}

static void anything_goes_and_everything_ends(void **state)
{
    run_rounds(ROUNDS, run_round);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(anything_goes_and_everything_ends, tell_round),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
