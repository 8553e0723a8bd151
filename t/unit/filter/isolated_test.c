#include "isolated.h"

#include "filter/core_calls.h"
#include "filter/isolated_guest.h"
#include "filter/isolated_library.h"

/* Filters in another process: what travels, what nonsense does, and what is lost with the process. */

static void descriptions_are_whole_or_refused(void **state)
{
    struct text description = TEXT_INIT;
    struct library_entry entry;
    struct arena arena;
    bool is_original;
    describe_far(&description);
    for (size_t length = 0; length <= description.length; ++length) {
        struct error error = ERROR_INIT;
        arena_init(&arena, 0);
        bool is_read =
            isolated_library_read(slice_of(description.data, length), "/far.so", &arena, &entry, &is_original, &error);
        assert_int_equal(is_read, length == description.length);
        assert_int_equal(error.is_set, !is_read);
        arena_finish(&arena);
    }
    text_finish(&description);
}

static void calls_are_whole_or_refused(void **state)
{
    struct world *world = world_create();
    struct station station = {0};
    add_far(world, &station);
    start(world, "GET");
    assert_int_equal(station.calls, 1);
    assert_int_equal(isolated_call_step(text_slice(&station.message)), 7);
    for (size_t length = 0; length <= station.message.length; ++length) {
        struct isolated_call call;
        struct exchange *exchange = exchange_create(world->runtime, &fake_owner, world);
        bool is_read = isolated_call_read(slice_of(station.message.data, length), exchange, &call);
        assert_int_equal(is_read, length == station.message.length);
        if (is_read) {
            assert_int_equal(call.hook, SLOT_HOOK_REQUEST_HEAD);
            assert_true(slice_equals(exchange->request.path, SLICE("/path")));
            assert_true(slice_equals(exchange->peer_address, SLICE("192.0.2.7")));
            assert_int_equal(exchange->request.headers.count, 1);
        }
        exchange_destroy(exchange);
    }
    isolated_visit_lose(station.visit, station.which, 502);
    run_world(world);
    world_destroy(world);
    station_finish(&station);
}

static void answers_are_whole_or_failures(void **state)
{
    struct header field = {SLICE("x-a"), SLICE("1")};
    const struct isolated_answer answer = {
        .has_request = true,
        .method = SLICE("PUT"),
        .request_headers = {&field, 1, 1},
        .has_attributes = true,
        .attributes = {&field, 1, 1},
        .is_reply = true,
        .reply_status = 200,
        .reply_body = SLICE("body"),
        .output = SLICE("output"),
    };
    struct text message = TEXT_INIT;
    struct arena arena;
    isolated_answer_print(&answer, &message);
    for (size_t length = 0; length <= message.length; ++length) {
        struct isolated_answer read;
        arena_init(&arena, 0);
        assert_int_equal(isolated_answer_read(slice_of(message.data, length), &arena, &read), length == message.length);
        arena_finish(&arena);
    }
    text_finish(&message);
}

static void what_is_no_answer_fails_the_filter(void **state)
{
    struct world *world = world_create();
    struct station station = {0};
    add_far(world, &station);
    start(world, "GET");
    struct isolated_visit *visit = station.visit;
    isolated_visit_answer(visit, station.which, SLICE("what?"));
    run_world(world);
    assert_int_equal(world->final_status, 503);
    assert_int_equal(station.ends, 1);
    world_destroy(world);
    station_finish(&station);
}

/* Every part of the request is nonsense, or what no filter may say. */
static void answers_are_applied_by_the_rules_of_filters(void **state)
{
    struct world *world = world_create();
    struct station station = {0};
    struct header fields[] = {
        {SLICE("x-good"), SLICE("1")},        {SLICE("x bad"), SLICE("1")},
        {SLICE("x-bad"), SLICE("1\r\nx: 2")}, {SLICE("content-length"), SLICE("7")},
        {SLICE("host"), SLICE("other")},      {SLICE("transfer-encoding"), SLICE("chunked")},
    };
    add_far(world, &station);
    start(world, "GET");
    station_answer(&station, &(struct isolated_answer){
                                 .has_request = true,
                                 .method = SLICE("CONNECT"),
                                 .scheme = SLICE("gopher"),
                                 .authority = SLICE("a b"),
                                 .path = SLICE("no/path"),
                                 .query = SLICE("a b"),
                                 .upstream = 77,
                                 .request_headers = {fields, 6, 6},
                                 .trace = SLICE("\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n"),
                                 .has_attributes = true,
                                 .attributes = {fields, 6, 6},
                             });
    run_world(world);
    assert_int_equal(station.calls, 2);
    assert_int_equal(world->exchange->state->request.hook, SLOT_HOOK_REQUEST_BODY);
    assert_int_equal(world->exchange->trace_digits[0], '\0');
    assert_int_equal(world->exchange->attributes.count, 0);
    station_answer(&station, &(struct isolated_answer){.is_passed = true});
    run_world(world);
    assert_string_equal(world->final_request, "GET /path?q=1\nx-good: 1\n\nquestion");
    assert_int_equal(station.calls, 3);
    station_answer(&station, &(struct isolated_answer){.has_response = true, .response_status = 42});
    run_world(world);
    station_answer(&station, &(struct isolated_answer){.output = SLICE("other")});
    run_world(world);
    assert_int_equal(world->final_status, 200);
    assert_string_equal(world->body.data, "other");
    world_destroy(world);
    station_finish(&station);
}

static void bad_replies_fail_the_filter(void **state)
{
    struct world *world = world_create();
    struct station station = {0};
    add_far(world, &station);
    start(world, "GET");
    station_answer(&station,
                   &(struct isolated_answer){.answer = FLEXILIB_REPLY, .is_reply = true, .reply_status = 1000});
    run_world(world);
    assert_int_equal(world->final_status, 503);
    world_destroy(world);
    station_finish(&station);
}

static void pauses_are_not_for_the_worker(void **state)
{
    struct world *world = world_create();
    struct station station = {0};
    add_far(world, &station);
    start(world, "GET");
    station_answer(&station, &(struct isolated_answer){.answer = FLEXILIB_PAUSE});
    run_world(world);
    assert_int_equal(world->final_status, 503);
    world_destroy(world);
    station_finish(&station);
}

static void loss_is_told_by_status(void **state)
{
    const int statuses[] = {502, 504};
    for (int i = 0; i < 2; ++i) {
        struct world *world = world_create();
        struct station station = {0};
        add_far(world, &station);
        start(world, "GET");
        assert_true(isolated_visit_may_repeat(station.visit, station.which));
        isolated_visit_lose(station.visit, station.which, statuses[i]);
        run_world(world);
        assert_int_equal(world->final_status, statuses[i]);
        assert_int_equal(station.ends, 1);
        world_destroy(world);
        station_finish(&station);
    }
}

static void what_was_known_there_is_lost_for_later_hooks(void **state)
{
    struct world *world = world_create();
    struct station station = {0};
    add_far(world, &station);
    start(world, "GET");
    struct isolated_visit *visit = station.visit;
    station_answer(&station, &(struct isolated_answer){.skips_request = true});
    run_world(world);
    assert_int_equal(world->exchange->phase, EXCHANGE_RESPONSE_HEAD);
    isolated_visit_lose(visit, FLEXILIB_RESPONSE, 502);
    run_world(world);
    assert_int_equal(world->final_status, 502);
    world_destroy(world);
    station_finish(&station);
}

static void the_client_may_leave_meanwhile(void **state)
{
    struct world *world = world_create();
    struct station station = {0};
    add_far(world, &station);
    start(world, "GET");
    struct isolated_visit *visit = station.visit;
    assert_true(isolated_visit_may_repeat(visit, station.which));
    exchange_gone(world->exchange);
    run_world(world);
    assert_int_equal(world->finishes, 1);
    assert_int_equal(station.ends, 1);
    world_destroy(world);
    station_finish(&station);
}

/* What a guest has told. */
struct told {
    uint64_t call;
    struct text message;
    bool is_last;
    unsigned pauses, finishes;
};

static void on_told(void *data, uint64_t call, struct slice message, bool is_last)
{
    struct told *told = data;
    told->call = call;
    told->is_last = is_last;
    text_clear(&told->message);
    text_add(&told->message, message);
}

static void on_told_pause(void *data, uint64_t call)
{
    ++((struct told *)data)->pauses;
}

static void on_told_end(void *data)
{
    ++((struct told *)data)->finishes;
}

static const struct guest_owner told_owner = {on_told, on_told_pause, on_told_end};

static flexilib_answer act_change(struct call *call)
{
    call->core->set_header(call->exchange, FLEXILIB_REQUEST, FLEXILIB_ARG("x-far"), FLEXILIB_ARG("yes"));
    call->core->set_query(call->exchange, FLEXILIB_ARG(""));
    return FLEXILIB_CONTINUE;
}

/* The guest's filter is asked for the hook at hand in the near world, and its answer is taken there. */
static void ask_guest(struct isolated_guest *guest, struct station *station, struct told *told, uint64_t call)
{
    struct isolated_visit *visit = station->visit;
    assert_true(isolated_guest_call(guest, call, text_slice(&station->message)));
    assert_int_equal(told->call, call);
    station->visit = NULL;
    isolated_visit_answer(visit, station->which, text_slice(&told->message));
}

static void guests_do_what_their_worker_asks(void **state)
{
    struct world *near = world_create(), *far = world_create();
    struct station station = {0};
    struct script script = {.acts = {act_change, act_pass, NULL, act_pass}};
    struct told told = {0};
    add_far(near, &station);
    add_filter(far, &script, "far");
    struct isolated_guest *guest = isolated_guest_create(far->runtime, &far->chain, &told_owner, &told);
    start(near, "GET");
    for (uint64_t call = 1; call <= 4; ++call) {
        ask_guest(guest, &station, &told, call);
        run_world(near);
        assert_false(told.is_last);
    }
    assert_string_equal(near->final_request, "GET /path\nAccept: */*\nx-far: yes\n\nquestion");
    assert_string_equal(near->body.data, "hello");
    expect_trace(far, "far.request far.request_end far.response far.response_end ");
    assert_int_equal(station.ends, 1);
    isolated_guest_end(guest, text_slice(&station.message));
    expect_trace(far, "far.end ");
    assert_int_equal(told.finishes, 1);
    world_destroy(near);
    world_destroy(far);
    station_finish(&station);
    text_finish(&told.message);
}

static size_t taken_bytes;

static flexilib_answer act_look(struct call *call)
{
    taken_bytes = exchange_of(call->exchange)->arena.taken_bytes;
    call->core->pass(call->exchange);
    return FLEXILIB_CONTINUE;
}

/* A body may have as many pieces as there are: a stream of events goes on for days. */
static void pieces_leave_nothing_behind(void **state)
{
    struct world *near = world_create(), *far = world_create();
    struct station station = {0};
    struct script script = {.acts = {act_change, act_pass, NULL, act_look}};
    struct told told = {0};
    add_far(near, &station);
    add_filter(far, &script, "far");
    struct isolated_guest *guest = isolated_guest_create(far->runtime, &far->chain, &told_owner, &told);
    start(near, "GET");
    for (uint64_t call = 1; call <= 3; ++call) {
        ask_guest(guest, &station, &told, call);
        run_world(near);
    }
    assert_true(isolated_guest_call(guest, 4, text_slice(&station.message)));
    size_t before = taken_bytes;
    assert_int_not_equal(before, 0);
    for (uint64_t call = 5; call <= 100; ++call)
        assert_true(isolated_guest_call(guest, call, text_slice(&station.message)));
    assert_int_equal(told.call, 100);
    assert_int_equal(taken_bytes, before);
    isolated_guest_end(guest, SLICE_NONE);
    isolated_visit_lose(station.visit, station.which, 502);
    run_world(near);
    world_destroy(near);
    world_destroy(far);
    station_finish(&station);
    text_finish(&told.message);
}

static void calls_out_of_order_are_refused(void **state)
{
    struct world *near = world_create(), *far = world_create();
    struct station station = {0};
    struct script script = {.acts = {act_pause}};
    struct told told = {0};
    add_far(near, &station);
    add_filter(far, &script, "far");
    start(near, "GET");
    struct isolated_guest *guest = isolated_guest_create(far->runtime, &far->chain, &told_owner, &told);
    assert_false(isolated_guest_call(guest, 1, SLICE("what?")));
    assert_true(isolated_guest_call(guest, 2, text_slice(&station.message)));
    assert_int_equal(told.pauses, 1);
    assert_false(isolated_guest_call(guest, 3, text_slice(&station.message)));
    resume(&script);
    run_world(far);
    assert_int_equal(told.call, 2);
    isolated_guest_end(guest, SLICE("nothing that makes sense"));
    assert_int_equal(told.finishes, 1);
    assert_int_equal(script.ends, 1);
    isolated_visit_lose(station.visit, station.which, 502);
    run_world(near);
    world_destroy(near);
    world_destroy(far);
    station_finish(&station);
    text_finish(&told.message);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(descriptions_are_whole_or_refused),
        cmocka_unit_test(calls_are_whole_or_refused),
        cmocka_unit_test(answers_are_whole_or_failures),
        cmocka_unit_test(what_is_no_answer_fails_the_filter),
        cmocka_unit_test(answers_are_applied_by_the_rules_of_filters),
        cmocka_unit_test(bad_replies_fail_the_filter),
        cmocka_unit_test(pauses_are_not_for_the_worker),
        cmocka_unit_test(loss_is_told_by_status),
        cmocka_unit_test(what_was_known_there_is_lost_for_later_hooks),
        cmocka_unit_test(the_client_may_leave_meanwhile),
        cmocka_unit_test(guests_do_what_their_worker_asks),
        cmocka_unit_test(pieces_leave_nothing_behind),
        cmocka_unit_test(calls_out_of_order_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
