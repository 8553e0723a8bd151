#include "fake.h"

/* What an owner that compresses needs of an exchange: to take more before anything is sent, to be told when it should
 * give out what it holds back, and to say that it cannot go on. */

static void begin(struct world *world)
{
    world->is_asynchronous = world->is_silent = world->is_stuck = true;
    world->pieces[0] = "he";
    world->pieces[1] = "llo";
    world->piece_count = 2;
    open_exchange(world, "GET");
    exchange_start(world->exchange, &world->chain);
    run_world(world);
    deliver_head(world);
    deliver_piece(world);
}

static void what_is_held_back_is_flushed(void **state)
{
    struct world *world = world_create();
    begin(world);
    expect_trace(world, "forward head pull flush body flush ");
    world->is_sending = false;
    exchange_taken(world->exchange);
    expect_trace(world, "pull flush ");
    exchange_gone(world->exchange);
    world_destroy(world);
}

static void an_owner_may_give_up(void **state)
{
    struct world *world = world_create();
    begin(world);
    exchange_break(world->exchange);
    expect_trace(world, "forward head pull flush body flush cancel abort finished ");
    world_destroy(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_held_back_is_flushed),
        cmocka_unit_test(an_owner_may_give_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
