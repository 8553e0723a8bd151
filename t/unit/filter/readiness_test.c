#include "fake.h"

/* Which filters are waited for, which one is to blame, and who is told. */

struct fixture {
    struct world *world;
    struct script a, b, c;
};

static bool defer(const struct flexilib_core *core, const struct flexilib_value *values, void **filter)
{
    core->defer_ready(core);
    core->defer_ready(core);
    return on_create(core, values, filter);
}

static const struct source_text file = {.path = "x.yaml", .content = {"a\nb\nc\n", 6}};

/* With a place of its own, so that one can tell whom an error is about. */
static void add(struct fixture *fixture, struct script *script, const char *name,
                bool (*create)(const struct flexilib_core *core, const struct flexilib_value *values, void **filter))
{
    struct step_settings step = {.name = slice_from_text(name), .place = {&file, 1 + (unsigned)(name[0] - 'a'), 1}};
    struct error error = ERROR_INIT;
    script->world = fixture->world;
    script->name = name;
    script->filter.name = name;
    script->filter.create = create;
    struct use *use = use_create(fixture->world->runtime, NULL, &script->filter, &step, NULL, &error);
    assert_non_null(use);
    fixture->world->uses[fixture->world->chain.count++] = use;
}

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    fixture->world = world_create();
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    world_destroy(fixture->world);
    free(fixture);
    return 0;
}

static void expect_readiness(const struct fixture *fixture, enum runtime_readiness expected)
{
    struct error error = ERROR_INIT;
    assert_int_equal(runtime_ready(fixture->world->runtime, &error), expected);
    assert_int_equal(error.is_set, expected == RUNTIME_FAILED);
}

static void set_ready(const struct script *script, const char *sentence)
{
    script->core->set_ready(script->core, sentence, sentence == NULL ? 0 : strlen(sentence));
}

static void nobody_is_waited_for_who_did_not_ask(void **state)
{
    struct fixture *fixture = *state;
    expect_readiness(fixture, RUNTIME_READY);
    add(fixture, &fixture->a, "a", on_create);
    expect_readiness(fixture, RUNTIME_READY);
    set_ready(&fixture->a, "nobody has asked");
    expect_readiness(fixture, RUNTIME_READY);
    assert_int_equal(fixture->world->wakes, 0);
}

static void all_are_waited_for(void **state)
{
    struct fixture *fixture = *state;
    add(fixture, &fixture->a, "a", defer);
    add(fixture, &fixture->b, "b", on_create);
    add(fixture, &fixture->c, "c", defer);
    expect_readiness(fixture, RUNTIME_WAITING);
    set_ready(&fixture->c, NULL);
    assert_int_equal(fixture->world->wakes, 1);
    expect_readiness(fixture, RUNTIME_WAITING);
    set_ready(&fixture->c, "too late");
    assert_int_equal(fixture->world->wakes, 1);
    set_ready(&fixture->a, "");
    assert_int_equal(fixture->world->wakes, 2);
    expect_readiness(fixture, RUNTIME_READY);
}

static void one_that_fails_ends_the_wait(void **state)
{
    struct fixture *fixture = *state;
    struct error error = ERROR_INIT;
    add(fixture, &fixture->a, "a", defer);
    add(fixture, &fixture->b, "b", defer);
    set_ready(&fixture->b, "no\nluck");
    assert_int_equal(runtime_ready(fixture->world->runtime, &error), RUNTIME_FAILED);
    assert_string_equal(error.message, "filter 'b': no?luck");
    assert_int_equal(error.line, 2);
}

static void the_first_that_is_late_is_blamed(void **state)
{
    struct fixture *fixture = *state;
    struct error error = ERROR_INIT;
    add(fixture, &fixture->a, "a", defer);
    add(fixture, &fixture->b, "b", defer);
    add(fixture, &fixture->c, "c", defer);
    set_ready(&fixture->a, NULL);
    runtime_blame_waiting(fixture->world->runtime, 250, &error);
    assert_string_equal(error.message, "filter 'b' is not ready after 250 ms (create_timeout)");
    assert_int_equal(error.line, 2);
}

static bool defer_and_refuse(const struct flexilib_core *core, const struct flexilib_value *values, void **filter)
{
    core->defer_ready(core);
    core->set_ready(core, FLEXILIB_ARG("not that it mattered"));
    core->refuse(core, -1, FLEXILIB_ARG("not today"));
    return false;
}

static void one_that_is_not_created_is_forgotten(void **state)
{
    struct fixture *fixture = *state;
    const struct flexilib_filter filter = {.name = "d", .create = defer_and_refuse};
    struct step_settings step = {.name = SLICE("d")};
    struct error error = ERROR_INIT;
    add(fixture, &fixture->a, "a", defer);
    assert_null(use_create(fixture->world->runtime, NULL, &filter, &step, NULL, &error));
    expect_readiness(fixture, RUNTIME_WAITING);
    set_ready(&fixture->a, NULL);
    expect_readiness(fixture, RUNTIME_READY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nobody_is_waited_for_who_did_not_ask, set_up, tear_down),
        cmocka_unit_test_setup_teardown(all_are_waited_for, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_that_fails_ends_the_wait, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_first_that_is_late_is_blamed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_that_is_not_created_is_forgotten, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
