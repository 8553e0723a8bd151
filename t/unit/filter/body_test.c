#include "fake.h"

/* What body hooks make of bodies, and that neither many filters nor many pieces cost stack or memory. */

static flexilib_answer double_it(struct call *call)
{
    assert_true(call->core->pass(call->exchange));
    assert_true(call->core->pass(call->exchange));
    return FLEXILIB_CONTINUE;
}

static flexilib_answer bracket(struct call *call)
{
    assert_true(call->core->write(call->exchange, FLEXILIB_ARG("(")));
    assert_true(call->core->pass(call->exchange));
    assert_true(call->core->write(call->exchange, FLEXILIB_ARG(")")));
    return FLEXILIB_CONTINUE;
}

static flexilib_answer pass_then_write(struct call *call)
{
    assert_true(call->core->pass(call->exchange));
    assert_true(call->core->write(call->exchange, FLEXILIB_ARG("!")));
    return FLEXILIB_CONTINUE;
}

static flexilib_answer shrink(struct call *call)
{
    assert_true(call->core->write(call->exchange, call->data, call->length > 1 ? 1 : call->length));
    return FLEXILIB_CONTINUE;
}

/* Keeps everything and sends it at the end, turned round. */
static flexilib_answer hold_back(struct call *call)
{
    struct script *script = call->script;
    size_t held = strlen(script->text);
    memcpy(script->text + held, call->data, call->length);
    held += call->length;
    script->text[held] = '\0';
    for (size_t i = held; call->last && i > 0; --i)
        assert_true(call->core->write(call->exchange, &script->text[i - 1], 1));
    return FLEXILIB_CONTINUE;
}

struct rewriting {
    act first; /* nearest to the client */
    act second;
    const char *request;
    const char *streamed; /* of "he", "llo" */
    const char *whole;    /* of the reply "hello" */
};

static const struct rewriting rewritings[] = {
    {act_pass, act_pass, "question", "hello", "hello"},
    {double_it, act_pass, "questionquestion", "hehellollo", "hellohello"},
    {bracket, act_pass, "(question)", "(he)(llo)", "(hello)"},
    {bracket, bracket, "((question))", "((he))((llo))", "((hello))"},
    {act_pass, pass_then_write, "question!", "he!llo!", "hello!"},
    {pass_then_write, bracket, "(question!)", "(he)!(llo)!", "(hello)!"},
    {shrink, act_pass, "q", "hl", "h"},
    {act_drop, act_pass, "", "", ""},
    {act_pass, act_drop, "", "", ""},
    {bracket, act_drop, "", "()", "()"},
    {hold_back, act_pass, "noitseuq", "olleh", "olleh"},
    {act_pass, hold_back, "noitseuq", "olleh", "olleh"},
};

static flexilib_answer reply_hello(struct call *call)
{
    call->core->reply(call->exchange, 200, "", 0, FLEXILIB_ARG("hello"));
    return FLEXILIB_REPLY;
}

static void request_bodies_are_rewritten(void **state)
{
    for (size_t i = 0; i < sizeof(rewritings) / sizeof(rewritings[0]); ++i) {
        struct world *world = world_create();
        struct script a = {.acts = {[HOOK_REQUEST_BODY] = rewritings[i].first}};
        struct script b = {.acts = {[HOOK_REQUEST_BODY] = rewritings[i].second}};
        add_filter(world, &a, "a");
        add_filter(world, &b, "b");
        start(world, "POST");
        const char *body = strstr(world->final_request, "\n\n") + 2;
        assert_string_equal(body, rewritings[i].request);
        assert_string_equal(world->body.data, "hello");
        world_destroy(world);
    }
}

static void streamed_bodies_are_rewritten(void **state)
{
    for (int is_asynchronous = 0; is_asynchronous < 2; ++is_asynchronous) {
        for (size_t i = 0; i < sizeof(rewritings) / sizeof(rewritings[0]); ++i) {
            struct world *world = world_create();
            struct script a = {.acts = {[HOOK_RESPONSE_BODY] = rewritings[i].first}};
            struct script b = {.acts = {[HOOK_RESPONSE_BODY] = rewritings[i].second}};
            add_filter(world, &a, "a");
            add_filter(world, &b, "b");
            world->is_asynchronous = is_asynchronous;
            world->pieces[0] = "he";
            world->pieces[1] = "llo";
            world->piece_count = 2;
            start(world, "GET");
            assert_string_equal(world->body.data, rewritings[i].streamed);
            assert_int_equal(world->final_length, -1);
            assert_int_equal(world->finishes, 1);
            assert_false(world->is_aborted);
            world_destroy(world);
        }
    }
}

static void whole_bodies_are_rewritten_with_their_exact_length(void **state)
{
    for (size_t i = 0; i < sizeof(rewritings) / sizeof(rewritings[0]); ++i) {
        struct world *world = world_create();
        struct script a = {.acts = {[HOOK_RESPONSE_BODY] = rewritings[i].first}};
        struct script b = {.acts = {[HOOK_RESPONSE_BODY] = rewritings[i].second}};
        struct script c = {.acts = {reply_hello}};
        add_filter(world, &a, "a");
        add_filter(world, &b, "b");
        add_filter(world, &c, "c");
        start(world, "GET");
        assert_string_equal(world->body.data, rewritings[i].whole);
        assert_int_equal(world->final_length, strlen(rewritings[i].whole));
        world_destroy(world);
    }
}

static void swallowed_pieces_are_not_shown_to_filters_in_front(void **state)
{
    struct world *world = world_create();
    struct script a = {.acts = {[HOOK_RESPONSE_BODY] = act_pass}}, b = {.acts = {[HOOK_RESPONSE_BODY] = hold_back}};
    add_filter(world, &a, "a");
    add_filter(world, &b, "b");
    world->is_asynchronous = true;
    world->pieces[1] = "more";
    world->piece_count = 2;
    start(world, "GET");
    expect_trace(world, "a.request b.request forward b.response a.response head pull flush b.response_body pull "
                        "b.response_end a.response_end last b.end a.end finished ");
    assert_string_equal(world->body.data, "eromolleh");
    world_destroy(world);
}

static void empty_requests_have_an_empty_body_hook(void **state)
{
    struct world *world = world_create();
    struct script a = {.acts = {[HOOK_REQUEST_BODY] = bracket}};
    add_filter(world, &a, "a");
    open_exchange(world, "GET");
    world->exchange->request_body = SLICE_NONE;
    exchange_start(world->exchange, &world->chain);
    run_world(world);
    assert_non_null(strstr(world->final_request, "\n\n()"));
    world_destroy(world);
}

static void large_rewritten_request_survives_the_response(void **state)
{
    struct world *world = world_create();
    struct script a = {.acts = {[HOOK_REQUEST_BODY] = double_it, [HOOK_RESPONSE_BODY] = double_it}};
    add_filter(world, &a, "a");
    world->keeps_exchange = true;
    start(world, "POST");
    assert_true(slice_equals(world->exchange->request_body, SLICE("questionquestion")));
    exchange_destroy(world->exchange);
    world_destroy(world);
}

enum {
    LONG_CHAIN = 1000,
    MANY_PIECES = 1000,
    VERY_MANY_PIECES = 100000,
    SMALL_STACK_BYTES = 128 * 1024,
};

static struct world *long_world;
static size_t sent_bytes;
static size_t delivered;
static size_t piece_goal;

static flexilib_answer count_hook(void *filter, struct flexilib_exchange *exchange)
{
    ++*(size_t *)filter;
    return FLEXILIB_CONTINUE;
}

static flexilib_answer pass_piece(void *filter, struct flexilib_exchange *exchange, const char *data, size_t length,
                                  bool last)
{
    ++*(size_t *)filter;
    return long_world->uses[0]->core.pass(exchange) ? FLEXILIB_CONTINUE : FLEXILIB_FAIL;
}

static void deliver_many(struct exchange *exchange)
{
    ++delivered;
    exchange_response_body(exchange, SLICE("x"), delivered == piece_goal);
}

static void count_bytes(struct exchange *exchange, struct slice data, bool last)
{
    sent_bytes += data.length;
    ((struct world *)exchange->owner_data)->is_sending = true;
}

static void *run_long_chain(void *argument)
{
    run_world(long_world);
    return NULL;
}

/* On a stack that a thousand nested calls would overrun. */
static void run_on_small_stack(void *(*function)(void *))
{
    pthread_attr_t attributes;
    pthread_t thread;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, SMALL_STACK_BYTES);
    assert_int_equal(pthread_create(&thread, &attributes, function, NULL), 0);
    pthread_join(thread, NULL);
    pthread_attr_destroy(&attributes);
}

static void *start_long_chain(void *argument)
{
    exchange_start(long_world->exchange, &long_world->chain);
    return run_long_chain(argument);
}

static void long_chains_and_many_pieces_stay_flat(void **state)
{
    struct exchange_owner owner = fake_owner;
    owner.pull = deliver_many;
    owner.send_body = count_bytes;
    struct flexilib_filter filter = {.name = "counter",
                                     .on_request_head = count_hook,
                                     .on_response_head = count_hook,
                                     .on_response_body = pass_piece};
    struct step_settings step = {.name = SLICE("counter")};
    struct error error = ERROR_INIT;
    long_world = world_create();
    size_t calls = 0;
    struct use *use = use_create(long_world->runtime, NULL, &filter, &step, NULL, &error);
    use->data = &calls;
    struct use **uses = calloc(LONG_CHAIN, sizeof(*uses));
    for (size_t i = 0; i < LONG_CHAIN; ++i)
        uses[i] = use;
    long_world->uses[0] = use;
    long_world->chain = (struct chain){.uses = uses, .count = LONG_CHAIN};
    sent_bytes = delivered = 0;
    piece_goal = MANY_PIECES;
    long_world->body_length = MANY_PIECES;
    open_exchange(long_world, "GET");
    long_world->exchange->owner = &owner;
    long_world->keeps_exchange = true;
    run_on_small_stack(start_long_chain);
    assert_int_equal(long_world->finishes, 1);
    assert_int_equal(sent_bytes, MANY_PIECES);
    assert_int_equal(calls, 2 * LONG_CHAIN + LONG_CHAIN * MANY_PIECES);
    assert_true(long_world->exchange->arena.taken_bytes < 64 * LONG_CHAIN);
    exchange_destroy(long_world->exchange);
    use_destroy(use);
    long_world->chain.count = 0;
    free(uses);
    world_destroy(long_world);
}

/* Pieces that a filter swallows come one after the other without anything being sent in between. */
static void swallowing_everything_stays_flat(void **state)
{
    struct exchange_owner owner = fake_owner;
    owner.pull = deliver_many;
    owner.send_body = count_bytes;
    struct script a = {.acts = {[HOOK_RESPONSE_BODY] = act_drop}};
    long_world = world_create();
    add_filter(long_world, &a, "a");
    sent_bytes = delivered = 0;
    piece_goal = VERY_MANY_PIECES;
    open_exchange(long_world, "GET");
    long_world->exchange->owner = &owner;
    run_on_small_stack(start_long_chain);
    assert_int_equal(delivered, VERY_MANY_PIECES);
    assert_int_equal(sent_bytes, 0);
    assert_int_equal(long_world->finishes, 1);
    world_destroy(long_world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(request_bodies_are_rewritten),
        cmocka_unit_test(streamed_bodies_are_rewritten),
        cmocka_unit_test(whole_bodies_are_rewritten_with_their_exact_length),
        cmocka_unit_test(swallowed_pieces_are_not_shown_to_filters_in_front),
        cmocka_unit_test(empty_requests_have_an_empty_body_hook),
        cmocka_unit_test(large_rewritten_request_survives_the_response),
        cmocka_unit_test(long_chains_and_many_pieces_stay_flat),
        cmocka_unit_test(swallowing_everything_stays_flat),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
