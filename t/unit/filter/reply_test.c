#include "fake.h"

/* Replies whose body comes by and by, as the client takes it; and those whose body is lent, which is given back once,
 * in every way in which an exchange can end. */

static flexilib_answer stream(struct call *call)
{
    assert_true(call->core->reply_stream(call->exchange, 200, FLEXILIB_ARG("text/plain")));
    return FLEXILIB_REPLY;
}

/* Three pieces, the last one empty. */
static flexilib_answer give_pieces(struct call *call)
{
    static const char *const pieces[] = {"one ", "two ", ""};
    const char *piece = pieces[(int)call->script->text[0]++];
    assert_true(call->core->write(call->exchange, piece, strlen(piece)));
    if (piece[0] == '\0')
        assert_true(call->core->end_reply(call->exchange));
    return FLEXILIB_CONTINUE;
}

static void a_reply_is_streamed_as_the_client_takes_it(void **state)
{
    struct world *world = world_create();
    struct script a = {.acts = {[HOOK_RESPONSE_BODY] = act_pass}};
    struct script b = {.acts = {stream, [HOOK_REPLY_BODY] = give_pieces}}, c = {0};
    add_filter(world, &a, "a");
    add_filter(world, &b, "b");
    add_filter(world, &c, "c");
    world->is_stuck = true;
    start(world, "GET");
    expect_trace(world, "a.request b.request a.response head b.reply a.response_body body flush ");
    assert_int_equal(world->final_length, -1);
    assert_string_equal(world->final_headers, "content-type: text/plain\n");
    world->is_stuck = false;
    run_world(world);
    expect_trace(world, "b.reply a.response_body body flush b.reply a.response_end last b.end a.end finished ");
    assert_string_equal(world->body.data, "one two ");
    world_destroy(world);
}

static flexilib_answer give_all(struct call *call)
{
    assert_true(call->core->write(call->exchange, FLEXILIB_ARG("all")));
    assert_true(call->core->end_reply(call->exchange));
    assert_false(call->core->write(call->exchange, FLEXILIB_ARG("more")));
    assert_false(call->core->pass(call->exchange));
    return FLEXILIB_CONTINUE;
}

static void in_any_hook_it_may_begin(void **state)
{
    for (enum hook hook = HOOK_REQUEST_HEAD; hook <= HOOK_RESPONSE_HEAD; ++hook) {
        struct world *world = world_create();
        struct script a = {0}, b = {.acts = {[HOOK_REPLY_BODY] = give_all}};
        b.acts[hook] = stream;
        add_filter(world, &a, "a");
        add_filter(world, &b, "b");
        start(world, "GET");
        assert_string_equal(world->body.data, "all");
        assert_int_equal(world->finishes, 1);
        assert_non_null(strstr(world->trace.data, "a.response head b.reply last b.end a.end finished "));
        world_destroy(world);
    }
}

static flexilib_answer pause_then_give(struct call *call)
{
    int turn = call->script->text[0]++;
    if (turn % 2 == 0)
        return act_pause(call);
    assert_true(call->core->write(call->exchange, FLEXILIB_ARG("piece ")));
    if (turn == 3)
        assert_true(call->core->end_reply(call->exchange));
    return FLEXILIB_CONTINUE;
}

static void it_pauses_until_there_is_more(void **state)
{
    /* without on_resume, on_reply_body is called again */
    for (int has_resume = 0; has_resume < 2; ++has_resume) {
        struct world *world = world_create();
        struct script a = {.acts = {stream, [HOOK_RESUME] = pause_then_give, [HOOK_REPLY_BODY] = pause_then_give}};
        add_filter(world, &a, "a");
        if (!has_resume)
            a.filter.on_resume = NULL;
        start(world, "GET");
        expect_trace(world, "a.request head a.reply paused flush ");
        resume(&a);
        run_world(world);
        expect_trace(world, has_resume ? "unpaused a.resume body flush a.reply paused "
                                       : "unpaused a.reply body flush a.reply paused ");
        resume(&a);
        run_world(world);
        expect_trace(world,
                     has_resume ? "unpaused a.resume last a.end finished " : "unpaused a.reply last a.end finished ");
        assert_string_equal(world->body.data, "piece piece ");
        assert_int_equal(world->drops, has_resume ? 0 : 2);
        world_destroy(world);
    }
}

static flexilib_answer write_and_pause(struct call *call)
{
    assert_true(call->core->write(call->exchange, FLEXILIB_ARG("before, ")));
    return act_pause(call);
}

static void what_was_written_before_a_pause_goes_with_what_comes_after(void **state)
{
    struct world *world = world_create();
    struct script a = {.acts = {stream, [HOOK_RESUME] = give_all, [HOOK_REPLY_BODY] = write_and_pause}};
    add_filter(world, &a, "a");
    start(world, "GET");
    resume(&a);
    run_world(world);
    assert_string_equal(world->body.data, "before, all");
    world_destroy(world);
}

static void giving_nothing_is_a_failure(void **state)
{
    static const act acts[] = {act_drop, act_fail, act_nonsense};
    for (int i = 0; i < 3; ++i) {
        struct world *world = world_create();
        struct script a = {0}, b = {.acts = {stream, [HOOK_REPLY_BODY] = acts[i]}};
        add_filter(world, &a, "a");
        add_open_filter(world, &b, "b");
        start(world, "GET");
        expect_trace(world, "a.request b.request a.response head b.reply abort b.end a.end finished ");
        world_destroy(world);
    }
}

static void with_the_head_held_it_is_answered(void **state)
{
    struct world *world = world_create();
    struct script a = {.acts = {[HOOK_RESPONSE_HEAD] = act_collect_response, [HOOK_RESPONSE_BODY] = act_pass}};
    struct script b = {.acts = {stream, [HOOK_REPLY_BODY] = act_drop}};
    add_filter(world, &a, "a");
    add_filter(world, &b, "b");
    start(world, "GET");
    expect_trace(world, "a.request b.request a.response b.reply a.response a.response_end head last b.end a.end "
                        "finished ");
    assert_int_equal(world->final_status, 503);
    world_destroy(world);
}

static void a_collected_stream_has_a_length(void **state)
{
    struct world *world = world_create();
    struct script a = {.acts = {[HOOK_RESPONSE_HEAD] = act_collect_response, [HOOK_RESPONSE_BODY] = act_pass}};
    struct script b = {.acts = {stream, [HOOK_REPLY_BODY] = give_pieces}};
    add_filter(world, &a, "a");
    add_filter(world, &b, "b");
    start(world, "GET");
    expect_trace(world, "a.request b.request a.response b.reply b.reply b.reply a.response_end head last b.end a.end "
                        "finished ");
    assert_int_equal(world->final_length, 8);
    assert_string_equal(world->body.data, "one two ");
    world_destroy(world);
}

static void without_a_body_it_is_not_asked_for(void **state)
{
    struct world *world = world_create();
    struct script a = {.acts = {stream, [HOOK_REPLY_BODY] = give_all}};
    add_filter(world, &a, "a");
    start(world, "HEAD");
    expect_trace(world, "a.request head last a.end finished ");
    world_destroy(world);
}

static void a_client_that_leaves_ends_it(void **state)
{
    for (int is_paused = 0; is_paused < 2; ++is_paused) {
        struct world *world = world_create();
        struct script a = {.acts = {stream, [HOOK_REPLY_BODY] = is_paused ? act_pause : give_pieces}};
        add_filter(world, &a, "a");
        world->is_stuck = true;
        start(world, "GET");
        text_clear(&world->trace);
        exchange_gone(world->exchange);
        expect_trace(world, is_paused ? "unpaused a.end finished " : "a.end finished ");
        if (is_paused)
            resume(&a);
        run_world(world);
        assert_int_equal(world->drops, is_paused);
        world_destroy(world);
    }
}

static void it_gives_way_to_another_reply(void **state)
{
    struct world *world = world_create();
    struct script a = {.acts = {[HOOK_RESPONSE_HEAD] = act_reply}};
    struct script b = {.acts = {stream, [HOOK_REPLY_BODY] = give_all}};
    add_filter(world, &a, "a");
    add_filter(world, &b, "b");
    start(world, "GET");
    expect_trace(world, "a.request b.request a.response head last b.end a.end finished ");
    assert_string_equal(world->body.data, "<no>");
    world_destroy(world);
}

static flexilib_answer stream_in_vain(struct call *call)
{
    assert_false(call->core->reply_stream(call->exchange, 200, "", 0));
    assert_false(call->core->end_reply(call->exchange));
    return FLEXILIB_CONTINUE;
}

static void without_the_hook_there_is_no_stream(void **state)
{
    struct world *world = world_create();
    struct script a = {.acts = {stream_in_vain}};
    add_filter(world, &a, "a");
    start(world, "GET");
    assert_string_equal(world->body.data, "hello");
    world_destroy(world);
}

static unsigned releases;

static void count_release(void *data)
{
    assert_ptr_equal(data, &releases);
    ++releases;
}

static const char lent_body[] = "lent";

static flexilib_answer reply_lent(struct call *call)
{
    assert_true(call->core->reply_lent(call->exchange, 200, FLEXILIB_ARG("text/plain"), lent_body, 4, count_release,
                                       &releases));
    return FLEXILIB_REPLY;
}

static const char *sent_data;

static void note_data(struct exchange *exchange, struct slice data, bool last)
{
    sent_data = data.data;
    on_send_body(exchange, data, last);
}

static void a_lent_body_is_not_copied(void **state)
{
    struct exchange_owner owner = fake_owner;
    owner.send_body = note_data;
    for (int passes_filter = 0; passes_filter < 2; ++passes_filter) {
        struct world *world = world_create();
        struct script a = {.acts = {[HOOK_RESPONSE_BODY] = act_pass}}, b = {.acts = {reply_lent}};
        if (passes_filter)
            add_filter(world, &a, "a");
        add_filter(world, &b, "b");
        releases = 0;
        open_exchange(world, "GET");
        world->exchange->owner = &owner;
        exchange_start(world->exchange, &world->chain);
        assert_ptr_equal(sent_data, lent_body);
        assert_int_equal(world->final_length, 4);
        assert_int_equal(releases, 0);
        run_world(world);
        assert_int_equal(releases, 1);
        world_destroy(world);
    }
}

static flexilib_answer lend_twice(struct call *call)
{
    reply_lent(call);
    return reply_lent(call);
}

static flexilib_answer lend_and_continue(struct call *call)
{
    reply_lent(call);
    return FLEXILIB_CONTINUE;
}

static flexilib_answer lend_and_fail(struct call *call)
{
    reply_lent(call);
    return FLEXILIB_FAIL;
}

static flexilib_answer lend_and_pause(struct call *call)
{
    reply_lent(call);
    return act_pause(call);
}

static flexilib_answer lend_and_reply_otherwise(struct call *call)
{
    reply_lent(call);
    return act_reply(call);
}

static flexilib_answer lend_badly(struct call *call)
{
    assert_false(call->core->reply_lent(call->exchange, 199, "", 0, lent_body, 4, count_release, &releases));
    assert_false(call->core->reply_lent(call->exchange, 199, "", 0, lent_body, 4, NULL, NULL));
    return FLEXILIB_CONTINUE;
}

static void it_is_given_back_once_whatever_the_hook_does(void **state)
{
    static const struct {
        act act;
        unsigned releases;
    } rows[] = {
        {reply_lent, 1},     {lend_twice, 2}, {lend_and_continue, 1},        {lend_and_fail, 1},
        {lend_and_pause, 1}, {lend_badly, 1}, {lend_and_reply_otherwise, 1},
    };
    for (enum hook hook = HOOK_REQUEST_HEAD; hook <= HOOK_RESPONSE_HEAD; ++hook) {
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); ++i) {
            struct world *world = world_create();
            struct script a = {0};
            a.acts[hook] = rows[i].act;
            releases = 0;
            if (i % 2)
                add_open_filter(world, &a, "a");
            else
                add_filter(world, &a, "a");
            start(world, i % 3 ? "GET" : "HEAD");
            if (world->is_paused) {
                assert_int_equal(releases, 0);
                exchange_gone(world->exchange);
            }
            assert_int_equal(world->finishes, 1);
            assert_int_equal(releases, rows[i].releases);
            world_destroy(world);
        }
    }
}

static void nor_does_it_matter_what_becomes_of_the_response(void **state)
{
    for (int i = 0; i < 6; ++i) {
        struct world *world = world_create();
        struct script a = {0}, b = {.acts = {reply_lent}};
        world->is_stuck = i == 0;
        if (i == 1)
            a.acts[HOOK_RESPONSE_HEAD] = act_reply;
        if (i == 2)
            a.acts[HOOK_RESPONSE_BODY] = act_fail;
        if (i == 3)
            a.acts[HOOK_RESPONSE_BODY] = act_drop;
        if (i == 4)
            a.acts[HOOK_RESPONSE_HEAD] = act_pause;
        if (i == 5)
            a.acts[HOOK_RESPONSE_HEAD] = lend_and_pause;
        releases = 0;
        add_filter(world, &a, "a");
        add_filter(world, &b, "b");
        start(world, "GET");
        if (i == 4 || i == 5)
            exchange_deadline(world->exchange);
        if (i == 0)
            exchange_gone(world->exchange);
        run_world(world);
        assert_int_equal(world->finishes, 1);
        assert_int_equal(releases, i == 5 ? 2 : 1);
        world_destroy(world);
    }
}

static void after_the_head_it_is_given_back_at_once(void **state)
{
    struct world *world = world_create();
    struct script a = {.acts = {[HOOK_RESPONSE_BODY] = lend_badly}};
    add_filter(world, &a, "a");
    releases = 0;
    start(world, "GET");
    assert_int_equal(releases, 1);
    world_destroy(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reply_is_streamed_as_the_client_takes_it),
        cmocka_unit_test(in_any_hook_it_may_begin),
        cmocka_unit_test(it_pauses_until_there_is_more),
        cmocka_unit_test(what_was_written_before_a_pause_goes_with_what_comes_after),
        cmocka_unit_test(giving_nothing_is_a_failure),
        cmocka_unit_test(with_the_head_held_it_is_answered),
        cmocka_unit_test(a_collected_stream_has_a_length),
        cmocka_unit_test(without_a_body_it_is_not_asked_for),
        cmocka_unit_test(a_client_that_leaves_ends_it),
        cmocka_unit_test(it_gives_way_to_another_reply),
        cmocka_unit_test(without_the_hook_there_is_no_stream),
        cmocka_unit_test(a_lent_body_is_not_copied),
        cmocka_unit_test(it_is_given_back_once_whatever_the_hook_does),
        cmocka_unit_test(nor_does_it_matter_what_becomes_of_the_response),
        cmocka_unit_test(after_the_head_it_is_given_back_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
