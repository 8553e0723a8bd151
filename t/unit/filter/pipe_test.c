#include "fake.h"

/* Pieces of a body that are in a pipe: when a source may bring them, and that they reach the front as such. The pipe
 * itself is nothing to the exchange. */

static struct body_pipe *const a_pipe = (struct body_pipe *)"a pipe";

static void begin(struct world *world, const char *method)
{
    world->is_asynchronous = world->is_silent = true;
    open_exchange(world, method);
    world->exchange->takes_pipes = true;
    exchange_start(world->exchange, &world->chain);
    run_world(world);
}

static void give_up(struct world *world)
{
    exchange_gone(world->exchange);
    run_world(world);
    world_destroy(world);
}

static void test_takes(bool is_taken, bool front_takes, int64_t length, const char *method, struct script *script)
{
    struct world *world = world_create();
    world->body_length = length;
    if (script != NULL)
        add_filter(world, script, "a");
    begin(world, method);
    world->exchange->takes_pipes = front_takes;
    bool guess = exchange_takes_pipe(world->exchange);
    deliver_head(world);
    bool is_asked = world->is_pulled && exchange_takes_pipe(world->exchange);
    assert_int_equal(is_asked, is_taken);
    assert_true(guess || !is_taken);
    give_up(world);
}

static void pipes_are_taken_where_nobody_reads(void **state)
{
    struct script of_heads = {0}, of_bodies = {.acts = {[HOOK_RESPONSE_BODY] = act_pass}};
    struct script of_requests = {.acts = {[HOOK_REQUEST_BODY] = act_pass}};
    test_takes(true, true, 5, "GET", NULL);
    test_takes(true, true, 5, "GET", &of_heads);
    test_takes(true, true, 5, "GET", &of_requests);
    test_takes(false, true, 5, "GET", &of_bodies);
    test_takes(false, false, 5, "GET", NULL);
    test_takes(false, true, -1, "GET", NULL);
    test_takes(false, true, 5, "HEAD", NULL);
}

static void the_front_is_told_of_the_pipe(void **state)
{
    struct world *world = world_create();
    begin(world, "GET");
    world->is_stuck = true;
    deliver_head(world);
    world->is_pulled = false;
    exchange_response_pipe(world->exchange, a_pipe, 3);
    expect_trace(world, "forward head pull flush body flush ");
    assert_ptr_equal(world->exchange->pipe, a_pipe);
    assert_int_equal(world->exchange->response_bytes, 3);
    world->is_sending = false;
    exchange_sent(world->exchange);
    assert_null(world->exchange->pipe);
    world->is_pulled = false;
    exchange_response_body(world->exchange, SLICE("lo"), true);
    assert_null(world->exchange->pipe);
    world->is_stuck = false;
    run_world(world);
    expect_trace(world, "pull last finished ");
    assert_false(world->is_aborted);
    world_destroy(world);
}

static void a_pipe_with_more_than_was_announced_aborts(void **state)
{
    struct world *world = world_create();
    begin(world, "GET");
    deliver_head(world);
    world->is_pulled = false;
    exchange_response_pipe(world->exchange, a_pipe, 6);
    run_world(world);
    assert_true(world->is_aborted);
    assert_int_equal(world->finishes, 1);
    world_destroy(world);
}

static void a_pipe_that_nobody_asked_for_is_ignored(void **state)
{
    struct world *world = world_create();
    begin(world, "GET");
    exchange_response_pipe(world->exchange, a_pipe, 3);
    assert_null(world->exchange->pipe);
    give_up(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pipes_are_taken_where_nobody_reads),
        cmocka_unit_test(the_front_is_told_of_the_pipe),
        cmocka_unit_test(a_pipe_with_more_than_was_announced_aborts),
        cmocka_unit_test(a_pipe_that_nobody_asked_for_is_ignored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
