#include "fake.h"

/* Both halves of an exchange at once: request bodies that stream through their hooks while the response comes back,
 * pauses in either half, and what ends one of them early. */

static struct world *make_world(void)
{
    struct world *world = world_create();
    world->request_pieces[0] = "one ";
    world->request_pieces[1] = "two ";
    world->request_pieces[2] = "three";
    world->request_piece_count = 3;
    world->pieces[0] = "he";
    world->pieces[1] = "llo";
    world->piece_count = 2;
    world->is_silent = world->is_asynchronous = true;
    return world;
}

static void begin(struct world *world)
{
    open_exchange(world, "POST");
    stream_request(world, 13);
    exchange_start(world->exchange, &world->chain);
    run_world(world);
}

static void pull_request_piece(struct world *world)
{
    exchange_pull_request(world->exchange);
    run_world(world);
}

/* Lets the response come to its end, as far as it can. */
static void let_respond(struct world *world)
{
    world->is_silent = false;
    run_world(world);
}

static void the_response_comes_back_while_the_request_still_goes(void **state)
{
    struct world *world = make_world();
    struct script a = {.acts = {[HOOK_REQUEST_BODY] = act_pass, [HOOK_RESPONSE_BODY] = act_pass}};
    add_filter(world, &a, "a");
    begin(world);
    pull_request_piece(world);
    deliver_head(world);
    deliver_piece(world);
    run_world(world);
    expect_trace(world, "a.request forward ask a.request_body upload a.response head pull flush a.response_body body "
                        "flush pull ");
    pull_request_piece(world);
    pull_request_piece(world);
    expect_trace(world, "ask a.request_body upload ask a.request_end upload_end ");
    let_respond(world);
    expect_trace(world, "a.response_end last a.end finished ");
    assert_string_equal(world->upload.data, "one two three");
    assert_string_equal(world->body.data, "hello");
    world_destroy(world);
}

static void a_response_that_ends_first_ends_the_request_half(void **state)
{
    struct world *world = make_world();
    struct script a = {.acts = {[HOOK_REQUEST_BODY] = act_pass}};
    add_filter(world, &a, "a");
    begin(world);
    pull_request_piece(world);
    world->is_stuck = true;
    deliver_head(world);
    deliver_piece(world);
    world->is_stuck = false;
    run_world(world);
    text_clear(&world->trace);
    world->is_stuck = true;
    deliver_piece(world);
    assert_false(exchange_may_pull_request(world->exchange));
    exchange_pull_request(world->exchange);
    expect_trace(world, "last ");
    world->is_stuck = false;
    run_world(world);
    expect_trace(world, "a.end finished ");
    assert_string_equal(world->upload.data, "one ");
    world_destroy(world);
}

static flexilib_answer pause_at_first(struct call *call)
{
    call->core->pass(call->exchange);
    return call->script->text[0]++ == 0 ? act_pause(call) : FLEXILIB_CONTINUE;
}

static void each_half_pauses_by_itself(void **state)
{
    struct world *world = make_world();
    struct script a = {.acts = {[HOOK_REQUEST_BODY] = pause_at_first}};
    struct script b = {.acts = {[HOOK_RESPONSE_BODY] = pause_at_first}};
    add_filter(world, &a, "a");
    add_filter(world, &b, "b");
    begin(world);
    pull_request_piece(world);
    deliver_head(world);
    deliver_piece(world);
    run_world(world);
    expect_trace(world, "a.request b.request forward ask a.request_body paused b.response a.response head pull flush "
                        "b.response_body ");
    /* the request's pause began first, so its end starts the other one's time */
    resume(&a);
    run_world(world);
    expect_trace(world, "unpaused paused a.resume upload ");
    resume(&b);
    run_world(world);
    expect_trace(world, "unpaused b.resume body flush pull ");
    pull_request_piece(world);
    let_respond(world);
    assert_string_equal(world->body.data, "hello");
    assert_int_equal(world->drops, 0);
    world_destroy(world);
}

static void one_filter_may_pause_in_both_halves(void **state)
{
    struct world *world = make_world();
    struct script a = {.acts = {[HOOK_REQUEST_BODY] = act_pass_and_pause, [HOOK_RESPONSE_HEAD] = act_pause}};
    add_filter(world, &a, "a");
    begin(world);
    pull_request_piece(world);
    uint64_t ticket = a.ticket;
    deliver_head(world);
    run_world(world);
    expect_trace(world, "a.request forward ask a.request_body paused a.response ");
    resume(&a);
    run_world(world);
    expect_trace(world, "a.resume head pull flush ");
    a.ticket = ticket;
    resume(&a);
    run_world(world);
    expect_trace(world, "unpaused a.resume upload ");
    let_respond(world);
    assert_int_equal(world->finishes, 1);
    world_destroy(world);
}

static void a_pause_of_a_request_that_nobody_wants_any_more_is_dropped(void **state)
{
    struct world *world = make_world();
    struct script a = {.acts = {[HOOK_REQUEST_BODY] = act_pass_and_pause}};
    add_filter(world, &a, "a");
    begin(world);
    pull_request_piece(world);
    text_clear(&world->trace);
    deliver_head(world);
    world->is_stuck = true;
    let_respond(world);
    expect_trace(world, "a.response head pull flush body flush ");
    world->is_stuck = false;
    run_world(world);
    expect_trace(world, "pull unpaused last a.end finished ");
    resume(&a);
    run_world(world);
    assert_int_equal(world->drops, 1);
    world_destroy(world);
}

static void the_deadline_blames_who_paused_first(void **state)
{
    struct world *world = make_world();
    struct script a = {.acts = {[HOOK_RESPONSE_HEAD] = act_pause}}, b = {.acts = {NULL, act_pass_and_pause}};
    add_filter(world, &a, "a");
    add_filter(world, &b, "b");
    begin(world);
    pull_request_piece(world);
    deliver_head(world);
    run_world(world);
    expect_trace(world, "a.request b.request forward ask b.request_body paused b.response a.response ");
    exchange_deadline(world->exchange);
    run_world(world);
    /* of two pauses, the other one is over as well: another response has taken the place of the one it was for */
    expect_trace(world, "unpaused paused cancel unpaused a.response paused ");
    assert_int_equal(world->exchange->response.status, 504);
    exchange_gone(world->exchange);
    resume(&a);
    resume(&b);
    run_world(world);
    assert_int_equal(world->drops, 2);
    world_destroy(world);
}

static void a_failure_of_the_upstream_ends_a_pause_of_the_request(void **state)
{
    struct world *world = make_world();
    struct script a = {.acts = {NULL, act_pass_and_pause}};
    add_filter(world, &a, "a");
    begin(world);
    pull_request_piece(world);
    exchange_fail(world->exchange, 502);
    run_world(world);
    expect_trace(world, "a.request forward ask a.request_body paused unpaused a.response head last a.end finished ");
    assert_int_equal(world->final_status, 502);
    resume(&a);
    run_world(world);
    assert_int_equal(world->drops, 1);
    world_destroy(world);
}

static flexilib_answer reply_at_second(struct call *call)
{
    call->core->pass(call->exchange);
    return call->script->text[0]++ == 0 ? FLEXILIB_CONTINUE : act_reply(call);
}

static flexilib_answer fail_at_second(struct call *call)
{
    call->core->pass(call->exchange);
    return call->script->text[0]++ == 0 ? FLEXILIB_CONTINUE : FLEXILIB_FAIL;
}

static void a_reply_in_the_midst_of_the_request_cuts_it(void **state)
{
    static const act acts[] = {reply_at_second, fail_at_second};
    for (int i = 0; i < 2; ++i) {
        struct world *world = make_world();
        struct script a = {0}, b = {.acts = {[HOOK_REQUEST_BODY] = acts[i]}}, c = {0};
        add_filter(world, &a, "a");
        add_filter(world, &b, "b");
        add_filter(world, &c, "c");
        begin(world);
        pull_request_piece(world);
        text_clear(&world->trace);
        pull_request_piece(world);
        expect_trace(world, "ask b.request_body cancel a.response head last c.end b.end a.end finished ");
        assert_int_equal(world->final_status, i == 0 ? 403 : 503);
        assert_string_equal(world->upload.data, "one ");
        assert_false(world->is_request_ended);
        world_destroy(world);
    }
}

static void it_takes_the_place_of_a_response_whose_head_is_on_its_way(void **state)
{
    struct world *world = make_world();
    struct script a = {.acts = {[HOOK_RESPONSE_HEAD] = act_pause}}, b = {.acts = {[HOOK_REQUEST_BODY] = act_reply}};
    add_filter(world, &a, "a");
    add_filter(world, &b, "b");
    begin(world);
    deliver_head(world);
    a.acts[HOOK_RESPONSE_HEAD] = NULL;
    pull_request_piece(world);
    expect_trace(world, "a.request b.request forward b.response a.response paused ask b.request_body cancel unpaused "
                        "a.response head last b.end a.end finished ");
    assert_int_equal(world->final_status, 403);
    assert_string_equal(world->body.data, "<no>");
    world_destroy(world);
}

static flexilib_answer reply_late(struct call *call)
{
    assert_false(call->core->reply(call->exchange, 403, "", 0, "", 0));
    return FLEXILIB_REPLY;
}

static void after_the_head_it_cuts_the_response(void **state)
{
    static const act acts[] = {reply_late, act_fail};
    for (int i = 0; i < 2; ++i) {
        struct world *world = make_world();
        struct script a = {.acts = {[HOOK_REQUEST_BODY] = acts[i]}};
        add_filter(world, &a, "a");
        begin(world);
        deliver_head(world);
        pull_request_piece(world);
        expect_trace(world, "a.request forward a.response head pull flush ask a.request_body cancel abort a.end "
                            "finished ");
        world_destroy(world);
    }
}

static void a_filter_that_fails_open_leaves_the_rest_of_the_body_alone(void **state)
{
    struct world *world = make_world();
    struct script a = {.acts = {[HOOK_REQUEST_BODY] = act_fail}}, b = {.acts = {[HOOK_REQUEST_BODY] = act_pass}};
    add_open_filter(world, &a, "a");
    add_filter(world, &b, "b");
    begin(world);
    for (int i = 0; i < 3; ++i)
        pull_request_piece(world);
    expect_trace(world,
                 "a.request b.request forward ask a.request_body b.request_body upload ask b.request_body upload "
                 "ask b.request_end upload_end ");
    assert_string_equal(world->upload.data, "one two three");
    deliver_head(world);
    let_respond(world);
    expect_trace(world, "b.response head pull flush body flush pull last b.end a.end finished ");
    world_destroy(world);
}

static flexilib_answer fail_then(struct call *call)
{
    return call->script->text[0] == 0 ? FLEXILIB_CONTINUE : FLEXILIB_FAIL;
}

static flexilib_answer shorten(struct call *call)
{
    ++call->script->text[0];
    call->core->write(call->exchange, call->data, 1);
    return FLEXILIB_CONTINUE;
}

static void one_that_has_decided_about_a_part_does_not_fail_open(void **state)
{
    struct world *world = make_world();
    struct script a = {.acts = {[HOOK_REQUEST_BODY] = shorten, [HOOK_RESPONSE_HEAD] = fail_then}};
    add_open_filter(world, &a, "a");
    begin(world);
    pull_request_piece(world);
    deliver_head(world);
    run_world(world);
    expect_trace(world, "a.request forward ask a.request_body upload a.response cancel head last a.end finished ");
    assert_int_equal(world->final_status, 503);

    world->is_silent = true;
    world->next_request_piece = 0;
    begin(world);
    for (int i = 0; i < 3; ++i)
        pull_request_piece(world);
    deliver_head(world);
    let_respond(world);
    assert_int_equal(world->final_status, 200);
    world_destroy(world);
}

static flexilib_answer pass_all_but_first(struct call *call)
{
    if (call->script->text[0]++ != 0)
        call->core->pass(call->exchange);
    return FLEXILIB_CONTINUE;
}

static void what_a_filter_keeps_is_followed_by_the_next_piece(void **state)
{
    for (int is_late = 0; is_late < 2; ++is_late) {
        struct world *world = make_world();
        struct script a = {.acts = {[HOOK_REQUEST_BODY] = pass_all_but_first}};
        struct script b = {.acts = {[HOOK_REQUEST_BODY] = act_pass}};
        add_filter(world, &a, "a");
        add_filter(world, &b, "b");
        world->is_request_late = is_late;
        begin(world);
        pull_request_piece(world);
        expect_trace(world, "a.request b.request forward ask a.request_body ask a.request_body b.request_body upload ");
        pull_request_piece(world);
        assert_string_equal(world->upload.data, "two three");
        exchange_gone(world->exchange);
        world_destroy(world);
    }
}

static void trailers_of_a_changed_request_are_dropped(void **state)
{
    for (int is_changed = 0; is_changed < 2; ++is_changed) {
        struct world *world = make_world();
        struct script a = {.acts = {[HOOK_REQUEST_BODY] = is_changed ? pass_all_but_first : act_pass}};
        add_filter(world, &a, "a");
        begin(world);
        pull_request_piece(world);
        if (!is_changed)
            pull_request_piece(world);
        struct exchange *exchange = world->exchange;
        headers_add(&exchange->request_trailers, &exchange->arena, SLICE("digest"), SLICE("x"));
        pull_request_piece(world);
        assert_true(world->is_request_ended);
        assert_int_equal(exchange->request_trailers.count, is_changed ? 0 : 1);
        exchange_gone(world->exchange);
        world_destroy(world);
    }
}

static flexilib_answer change_request_too_late(struct call *call)
{
    assert_false(call->core->set_path(call->exchange, FLEXILIB_ARG("/late")));
    assert_false(call->core->set_header(call->exchange, FLEXILIB_REQUEST, FLEXILIB_ARG("a"), FLEXILIB_ARG("b")));
    assert_false(call->core->set_status(call->exchange, 201));
    assert_false(call->core->collect(call->exchange, FLEXILIB_REQUEST, 10));
    assert_false(call->core->hold_head(call->exchange, FLEXILIB_REQUEST));
    assert_false(call->core->skip_body(call->exchange, FLEXILIB_REQUEST));
    return act_pass(call);
}

static void the_request_cannot_be_changed_in_its_body(void **state)
{
    struct world *world = make_world();
    struct script a = {.acts = {[HOOK_REQUEST_BODY] = change_request_too_late}};
    add_filter(world, &a, "a");
    begin(world);
    deliver_head(world);
    pull_request_piece(world);
    expect_trace(world, "a.request forward a.response head pull flush ask a.request_body upload ");
    exchange_gone(world->exchange);
    start(world, "POST");
    exchange_gone(world->exchange);
    world_destroy(world);
}

static flexilib_answer touch_response_fields(struct call *call)
{
    const struct flexilib_core *core = call->core;
    struct flexilib_text value;
    assert_true(core->set_header(call->exchange, FLEXILIB_RESPONSE, FLEXILIB_ARG("x"), FLEXILIB_ARG("y")));
    assert_false(core->header(call->exchange, FLEXILIB_RESPONSE, FLEXILIB_ARG("x"), &value));
    assert_true(core->header(call->exchange, FLEXILIB_RESPONSE, FLEXILIB_ARG("from"), &value));
    return act_pass(call);
}

static void fields_for_a_reply_leave_the_response_at_hand_alone(void **state)
{
    struct world *world = make_world();
    struct script a = {.acts = {NULL, touch_response_fields, act_pause}};
    add_filter(world, &a, "a");
    begin(world);
    deliver_head(world);
    pull_request_piece(world);
    resume(&a);
    let_respond(world);
    assert_string_equal(world->final_headers, "from: upstream\n");
    world_destroy(world);
}

static void a_handler_is_asked_for_the_whole_body(void **state)
{
    for (int is_late = 0; is_late < 2; ++is_late) {
        struct world *world = make_world();
        struct script a = {0}, b = {.acts = {[HOOK_REQUEST_BODY] = act_drop}};
        add_filter(world, &a, "a");
        add_filter(world, &b, "b");
        world->chain.ends_in_handler = true;
        world->is_request_late = is_late;
        begin(world);
        expect_trace(world, "a.request b.request ask b.request_body ask b.request_body ask b.request_end a.response "
                            "head last b.end a.end finished ");
        assert_int_equal(world->final_status, 500);
        world_destroy(world);
    }
}

static void a_handler_that_replies_early_is_asked_no_further(void **state)
{
    struct world *world = make_world();
    struct script a = {.acts = {[HOOK_REQUEST_BODY] = reply_at_second}};
    add_filter(world, &a, "a");
    world->chain.ends_in_handler = true;
    begin(world);
    expect_trace(world, "a.request ask a.request_body ask a.request_body head last a.end finished ");
    assert_int_equal(world->final_status, 403);
    world_destroy(world);
}

static void a_client_that_leaves_ends_both_pauses(void **state)
{
    struct world *world = make_world();
    struct script a = {.acts = {[HOOK_RESPONSE_HEAD] = act_pause}}, b = {.acts = {NULL, act_pass_and_pause}};
    add_filter(world, &a, "a");
    add_filter(world, &b, "b");
    begin(world);
    pull_request_piece(world);
    deliver_head(world);
    run_world(world);
    text_clear(&world->trace);
    exchange_gone(world->exchange);
    expect_trace(world, "unpaused paused unpaused cancel b.end a.end finished ");
    resume(&a);
    resume(&b);
    run_world(world);
    assert_int_equal(world->drops, 2);
    world_destroy(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_response_comes_back_while_the_request_still_goes),
        cmocka_unit_test(a_response_that_ends_first_ends_the_request_half),
        cmocka_unit_test(each_half_pauses_by_itself),
        cmocka_unit_test(one_filter_may_pause_in_both_halves),
        cmocka_unit_test(a_pause_of_a_request_that_nobody_wants_any_more_is_dropped),
        cmocka_unit_test(the_deadline_blames_who_paused_first),
        cmocka_unit_test(a_failure_of_the_upstream_ends_a_pause_of_the_request),
        cmocka_unit_test(a_reply_in_the_midst_of_the_request_cuts_it),
        cmocka_unit_test(it_takes_the_place_of_a_response_whose_head_is_on_its_way),
        cmocka_unit_test(after_the_head_it_cuts_the_response),
        cmocka_unit_test(a_filter_that_fails_open_leaves_the_rest_of_the_body_alone),
        cmocka_unit_test(one_that_has_decided_about_a_part_does_not_fail_open),
        cmocka_unit_test(what_a_filter_keeps_is_followed_by_the_next_piece),
        cmocka_unit_test(trailers_of_a_changed_request_are_dropped),
        cmocka_unit_test(the_request_cannot_be_changed_in_its_body),
        cmocka_unit_test(fields_for_a_reply_leave_the_response_at_hand_alone),
        cmocka_unit_test(a_handler_is_asked_for_the_whole_body),
        cmocka_unit_test(a_handler_that_replies_early_is_asked_no_further),
        cmocka_unit_test(a_client_that_leaves_ends_both_pauses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
