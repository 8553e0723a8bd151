#include "loopback.h"
#include "random_exchange.h"

/* As random_test.c, with some of the filters in another process, which dies now and then. */

enum {
    ROUNDS = 50000,
};

static void add_somewhere(struct world *world, struct script *script, const char *name)
{
    if (roll(3) == 0)
        add_filter(world, script, name);
    else
        add_loopback_filter(world, script, name);
}

static void move_something(void)
{
    if (loopback_count == 0)
        return;
    struct loopback *loopback = &loopbacks[roll((unsigned)loopback_count)];
    if (roll(400) == 0)
        loopback_die(loopback);
    else if (roll(2) && loopback->there.count != 0)
        loopback_move_there(loopback);
    else if (loopback->back.count != 0)
        loopback_move_back(loopback);
}

static void run_round(void)
{
    struct world *world = world_create();
    use_fake_coding(world);
    struct script scripts[4];
    size_t count = 1 + roll(4);
    calmness = 20 * roll(4);
    resumes_sent = resumes_taken = lent = given_back = 0;
    set_up_filters(world, scripts, count, add_somewhere);
    set_up_world(world);
    exchange_start(world->exchange, &world->chain);
    for (unsigned i = 0; i < 3 * MOST_EVENTS && world->exchange != NULL; ++i) {
        if (roll(3) != 0)
            move_something();
        else
            make_event(world, scripts, count);
    }
    if (world->exchange != NULL)
        exchange_gone(world->exchange);
    loopbacks_finish();
    check_end(world, scripts, count);
    world_destroy(world);
    loopbacks_forget();
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
