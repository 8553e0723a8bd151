#include "fake.h"

/* What does no harm, and still is nothing that a filter should do: it is named in the log. */

static FILE *log_file;
static int saved_stderr;

static void begin_log(void)
{
    log_file = tmpfile();
    saved_stderr = dup(STDERR_FILENO);
    assert_true(dup2(fileno(log_file), STDERR_FILENO) >= 0);
}

static void expect_log(const char *expected)
{
    char text[4096];
    dup2(saved_stderr, STDERR_FILENO);
    close(saved_stderr);
    rewind(log_file);
    text[fread(text, 1, sizeof(text) - 1, log_file)] = '\0';
    fclose(log_file);
    assert_string_equal(text, expected);
}

static struct world *start_paused(struct script *a)
{
    struct world *world = world_create();
    world->is_silent = true;
    add_filter(world, a, "a");
    start(world, "GET");
    assert_true(world->is_paused);
    return world;
}

static void end_world(struct world *world)
{
    exchange_gone(world->exchange);
    run_world(world);
    world_destroy(world);
}

static void ending_a_pause_twice_is_told(void **state)
{
    struct script a = {.acts = {act_pause}};
    struct world *world = start_paused(&a);
    begin_log();
    resume(&a);
    resume(&a);
    run_world(world);
    expect_log("error: filter 'a': has ended one pause twice: the second time does nothing (request 00c0ffee)\n");
    assert_int_equal(world->drops, 1);
    end_world(world);
}

static void whatever_comes_first_may_end_it(void **state)
{
    for (int is_late = 0; is_late < 2; ++is_late) {
        struct script a = {.acts = {act_pause}};
        struct world *world = start_paused(&a);
        struct letter other = {.ticket = a.ticket}, own = {.ticket = a.ticket, .sender = world->uses[0]};
        begin_log();
        runtime_post(world->runtime, is_late ? &own : &other);
        runtime_post(world->runtime, is_late ? &other : &own);
        run_world(world);
        expect_log("");
        end_world(world);
    }
}

static void no_library_ends_pauses_of_another(void **state)
{
    static const char library[1]; /* only looked at by its address */
    struct script a = {.acts = {act_pause}}, b = {0};
    struct world *world = world_create();
    world->is_silent = true;
    add_filter(world, &a, "a");
    add_filter(world, &b, "b");
    world->uses[1]->library = (const void *)library;
    start(world, "GET");
    begin_log();
    b.ticket = a.ticket;
    resume(&b);
    run_world(world);
    expect_log("error: filter 'b': has ended a pause of filter 'a' of another library: that does nothing (request "
               "00c0ffee)\n");
    assert_int_equal(world->drops, 1);
    assert_true(world->is_paused);
    resume(&a);
    run_world(world);
    assert_false(world->is_paused);
    end_world(world);
}

static struct flexilib_exchange *kept;

static flexilib_answer use_kept(struct call *call)
{
    const struct flexilib_core *core = call->core;
    assert_false(core->set_path(kept, FLEXILIB_ARG("/x")));
    assert_false(core->reply(kept, 200, "", 0, "", 0));
    assert_false(core->write(kept, "x", 1));
    assert_false(core->collect(kept, FLEXILIB_REQUEST, 1));
    assert_int_equal(core->ticket(kept), 0);
    return FLEXILIB_CONTINUE;
}

static void an_exchange_that_is_over_is_left_alone(void **state)
{
    struct world *world = world_create();
    struct script a = {0};
    add_filter(world, &a, "a");
    world->keeps_exchange = true;
    start(world, "GET");
    struct exchange *over = world->exchange;
    kept = (struct flexilib_exchange *)over;
    world->keeps_exchange = false;
    world->next_piece = 0;
    a.acts[HOOK_REQUEST_HEAD] = use_kept;
    begin_log();
    start(world, "GET");
    expect_log("error: filter 'a': set_path in on_request_head was refused: no hook of that exchange is running\n"
               "error: filter 'a': reply in on_request_head was refused: no hook of that exchange is running\n"
               "error: filter 'a': write in on_request_head was refused: no hook of that exchange is running\n"
               "error: filter 'a': collect in on_request_head was refused: no hook of that exchange is running\n");
    exchange_destroy(over);
    world_destroy(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ending_a_pause_twice_is_told),
        cmocka_unit_test(whatever_comes_first_may_end_it),
        cmocka_unit_test(no_library_ends_pauses_of_another),
        cmocka_unit_test(an_exchange_that_is_over_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
