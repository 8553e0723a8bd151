#include "fake.h"

/* How long a response says it is, and that its body is that long: HEAD, statuses without a body, bodies that are too
 * short or too long. */

static void head_requests_get_no_body(void **state)
{
    struct world *world = world_create();
    struct script a = {.acts = {[HOOK_RESPONSE_BODY] = act_pass}};
    add_filter(world, &a, "a");
    world->pieces[0] = "";
    start(world, "HEAD");
    expect_trace(world, "a.request forward a.response head pull last a.end finished ");
    assert_int_equal(world->final_length, -1);
    assert_int_equal(world->body.length, 0);
    world_destroy(world);
}

static void head_requests_keep_the_length_without_body_hooks(void **state)
{
    struct world *world = world_create();
    struct script a = {0}, b = {.acts = {act_reply}};
    add_filter(world, &a, "a");
    start(world, "HEAD");
    assert_int_equal(world->final_length, 5);
    assert_int_equal(world->body.length, 0);
    add_filter(world, &b, "b");
    start(world, "HEAD");
    assert_int_equal(world->final_length, 4);
    assert_int_equal(world->body.length, 0);
    world_destroy(world);
}

static void head_requests_promise_no_length_that_a_body_hook_would_change(void **state)
{
    struct world *world = world_create();
    struct script a = {.acts = {[HOOK_RESPONSE_BODY] = act_pass}}, b = {.acts = {act_reply}};
    add_filter(world, &a, "a");
    add_filter(world, &b, "b");
    start(world, "HEAD");
    expect_trace(world, "a.request b.request a.response head last b.end a.end finished ");
    assert_int_equal(world->final_length, -1);
    world_destroy(world);
}

static flexilib_answer set_204(struct call *call)
{
    assert_true(call->core->set_status(call->exchange, 204));
    return FLEXILIB_CONTINUE;
}

static void status_without_body_cancels_the_source(void **state)
{
    struct world *world = world_create();
    struct script a = {.acts = {[HOOK_RESPONSE_HEAD] = set_204, [HOOK_RESPONSE_BODY] = act_pass}};
    add_filter(world, &a, "a");
    start(world, "GET");
    expect_trace(world, "a.request forward a.response cancel head last a.end finished ");
    assert_int_equal(world->final_length, 0);
    assert_int_equal(world->body.length, 0);
    world_destroy(world);
}

static flexilib_answer set_200(struct call *call)
{
    assert_true(call->core->set_status(call->exchange, 200));
    return FLEXILIB_CONTINUE;
}

static void status_with_body_gets_an_empty_one(void **state)
{
    struct world *world = world_create();
    struct script a = {.acts = {[HOOK_RESPONSE_HEAD] = set_200}};
    add_filter(world, &a, "a");
    world->status = 304;
    world->pieces[0] = "";
    start(world, "GET");
    expect_trace(world, "a.request forward a.response head pull last a.end finished ");
    assert_int_equal(world->final_length, 0);
    world_destroy(world);
}

static flexilib_answer ask_with_head(struct call *call)
{
    assert_true(call->core->set_method(call->exchange, FLEXILIB_ARG("HEAD")));
    return FLEXILIB_CONTINUE;
}

static void method_changed_to_head_gives_an_empty_body(void **state)
{
    struct world *world = world_create();
    struct script a = {.acts = {ask_with_head}};
    add_filter(world, &a, "a");
    world->pieces[0] = "";
    start(world, "GET");
    assert_int_equal(world->final_length, 0);
    assert_false(world->is_aborted);
    world_destroy(world);
}

static void short_body_aborts(void **state)
{
    struct world *world = world_create();
    world->body_length = 7;
    start(world, "GET");
    expect_trace(world, "forward head pull abort finished ");
    world_destroy(world);
}

static void surplus_body_is_cut(void **state)
{
    struct world *world = world_create();
    world->body_length = 7;
    world->pieces[1] = "world";
    world->pieces[2] = "!";
    world->piece_count = 3;
    start(world, "GET");
    expect_trace(world, "forward head pull body flush pull cancel last finished ");
    assert_string_equal(world->body.data, "hellowo");
    world_destroy(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(head_requests_get_no_body),
        cmocka_unit_test(head_requests_keep_the_length_without_body_hooks),
        cmocka_unit_test(head_requests_promise_no_length_that_a_body_hook_would_change),
        cmocka_unit_test(status_without_body_cancels_the_source),
        cmocka_unit_test(status_with_body_gets_an_empty_one),
        cmocka_unit_test(method_changed_to_head_gives_an_empty_body),
        cmocka_unit_test(short_body_aborts),
        cmocka_unit_test(surplus_body_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
