#include "fake_clock.h"

#include "filter/fetch_services.h"
#include "flexilib/ext/fetch.h"

/* What filters may ask of upstreams, what they hear of it, and that they hear the end exactly once. The upstreams are
 * the test. */

enum {
    MOST_AT_ONCE = 1000,
};

struct fetch_call {
    struct fixture *fixture;
    const struct fetch_call_events *events;
    void *data;
};

struct fixture {
    struct fake_clock clock;
    struct world *world;
    struct script a;
    const struct flexilib_fetch *fetches;
    struct settings settings;
    struct upstream_settings shop;
    struct arena arena;
    struct fetch_call *call; /* the last one that was started */
    size_t call_count;       /* those under way */
    char order[256], complaint[256];
    uint64_t number;
    bool takes_writes, wants_no_more;
    void (*in_event)(struct fixture *fixture);
};

static void note_order(struct fixture *fixture, const struct fetch_order *order)
{
    int length = snprintf(fixture->order, sizeof(fixture->order), "%.*s %.*s %.*s %s%.*s %s \"%.*s\" %zu%s %.*s",
                          SLICE_ARG(order->upstream->name), SLICE_ARG(order->method), SLICE_ARG(order->path),
                          order->has_query ? "?" : "", SLICE_ARG(order->query), order->exchange == NULL ? "own" : "its",
                          SLICE_ARG(order->body), order->field_count, order->streams_body ? " streams" : "",
                          SLICE_ARG(order->filter));
    assert_true(length > 0 && (size_t)length < sizeof(fixture->order));
}

static struct fetch_call *start_call(void *context, const struct fetch_order *order,
                                     const struct fetch_call_events *events, void *data)
{
    struct fixture *fixture = context;
    struct fetch_call *call = malloc(sizeof(*call));
    *call = (struct fetch_call){fixture, events, data};
    note_order(fixture, order);
    fixture->call = call;
    ++fixture->call_count;
    return call;
}

static bool write_call(struct fetch_call *call, struct slice data)
{
    text_print(&call->fixture->world->trace, "write(%.*s) ", SLICE_ARG(data));
    return call->fixture->takes_writes;
}

static void finish_call(struct fetch_call *call)
{
    trace(call->fixture->world, "finish");
}

static void more_call(struct fetch_call *call)
{
    trace(call->fixture->world, "more");
}

static void free_call(struct fetch_call *call)
{
    --call->fixture->call_count;
    if (call->fixture->call == call)
        call->fixture->call = NULL;
    free(call);
}

static void cancel_call(struct fetch_call *call, const char *complaint)
{
    trace(call->fixture->world, "cancelled");
    snprintf(call->fixture->complaint, sizeof(call->fixture->complaint), "%s", complaint == NULL ? "" : complaint);
    free_call(call);
}

static const struct fetch_services services = {start_call, write_call, finish_call, more_call, cancel_call};

/* As upstreams do: the call is gone when the end is told. */
static void tell_over(struct fixture *fixture, int failure)
{
    const struct fetch_call call = *fixture->call;
    free_call(fixture->call);
    call.events->on_over(call.data, failure);
}

static void expect_slot(const struct fixture *fixture, const char *hook, const char *request)
{
    const struct slot_call *call = &fixture->world->slot.call;
    assert_string_equal(slot_hook_name(call->hook), hook);
    assert_string_equal(call->request.id, request);
}

static void act_in_event(struct fixture *fixture)
{
    void (*what)(struct fixture * fixture) = fixture->in_event;
    fixture->in_event = NULL;
    if (what != NULL)
        what(fixture);
}

static void on_fetch_head(void *data, int32_t status, const struct flexilib_pair *fields, size_t count)
{
    struct fixture *fixture = data;
    assert_string_equal(slot_hook_name(fixture->world->slot.call.hook), "on_head");
    text_print(&fixture->world->trace, "head(%d", (int)status);
    for (size_t i = 0; i < count; ++i)
        text_print(&fixture->world->trace, " %.*s=%.*s", (int)fields[i].name.length, fields[i].name.data,
                   (int)fields[i].value.length, fields[i].value.data);
    text_print(&fixture->world->trace, ") ");
    act_in_event(fixture);
}

static bool on_fetch_body(void *data, const char *piece, size_t length)
{
    struct fixture *fixture = data;
    text_print(&fixture->world->trace, "body(%.*s) ", (int)length, piece);
    act_in_event(fixture);
    return !fixture->wants_no_more;
}

static void on_fetch_over(void *data, int32_t failure)
{
    struct fixture *fixture = data;
    assert_string_equal(slot_hook_name(fixture->world->slot.call.hook), "on_over");
    text_print(&fixture->world->trace, "over(%d) ", (int)failure);
    assert_false(fixture->fetches->cancel(fixture->a.core, fixture->number));
    act_in_event(fixture);
}

static void on_fetch_room(void *data)
{
    trace(((struct fixture *)data)->world, "room");
}

static const struct flexilib_fetch_events events = {sizeof(events), on_fetch_head, on_fetch_body, on_fetch_over,
                                                    on_fetch_room};

static const struct flexilib_fetch_request simple = {
    .size = sizeof(simple), .upstream = {"shop", 4}, .path = {"/a?b", 4}, .timeout_ms = 100};

static uint64_t start_fetch(struct fixture *fixture, struct exchange *exchange,
                            const struct flexilib_fetch_request *request)
{
    return fixture->number = fixture->fetches->start(fixture->a.core, (struct flexilib_exchange *)exchange, request,
                                                     &events, fixture);
}

static void on_fetch_destroy(void *filter)
{
    trace(((struct script *)filter)->world, "destroy");
}

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    fixture->world = world_create();
    fixture->shop.name = SLICE("shop");
    arena_init(&fixture->arena, 0);
    name_index_add(&fixture->settings.upstream_names, &fixture->arena, fixture->shop.name, &fixture->shop);
    fixture->world->runtime->services.settings = &fixture->settings;
    runtime_use_timers(fixture->world->runtime, &fake_alarms, &fixture->clock);
    runtime_use_fetches(fixture->world->runtime, &services, fixture);
    fixture->a.filter.destroy = on_fetch_destroy;
    add_filter(fixture->world, &fixture->a, "a");
    fixture->fetches = fixture->a.core->extension(fixture->a.core, FLEXILIB_FETCH);
    assert_int_equal(fixture->fetches->size, sizeof(*fixture->fetches));
    *state = fixture;
    return 0;
}

/* Ends the world, and gives what was traced meanwhile. */
static void end_world(struct fixture *fixture, const char *expected)
{
    struct world *world = fixture->world;
    use_destroy(world->uses[0]);
    world->chain.count = 0;
    expect_trace(world, expected);
    world_destroy(world);
    fixture->world = NULL;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    if (fixture->world != NULL)
        end_world(fixture, "destroy ");
    assert_int_equal(fixture->call_count, 0);
    assert_int_equal(count_alarms(&fixture->clock), 0);
    arena_finish(&fixture->arena);
    free(fixture);
    return 0;
}

static void tell_head(struct fixture *fixture)
{
    struct header field = {SLICE("x"), SLICE("y")};
    const struct headers fields = {.items = &field, .count = 1};
    fixture->call->events->on_head(fixture->call->data, 200, &fields);
}

static void hears_what_comes(void **state)
{
    struct fixture *fixture = *state;
    assert_int_not_equal(start_fetch(fixture, NULL, &simple), 0);
    assert_string_equal(fixture->order, "shop GET /a ?b own \"\" 0 a");
    expect_trace(fixture->world, "");
    tell_head(fixture);
    assert_true(fixture->call->events->on_body(fixture->call->data, SLICE("abc")));
    fixture->wants_no_more = true;
    assert_false(fixture->call->events->on_body(fixture->call->data, SLICE("d")));
    fixture->fetches->more(fixture->a.core, fixture->number);
    tell_over(fixture, 0);
    expect_trace(fixture->world, "head(200 x=y) body(abc) body(d) more over(0) ");
    expect_slot(fixture, "", "");
}

static void sends_what_is_asked_for(void **state)
{
    struct fixture *fixture = *state;
    struct flexilib_pair field = {{"n", 1}, {"v", 1}};
    const struct flexilib_fetch_request request = {.size = sizeof(request),
                                                   .upstream = {"shop", 4},
                                                   .method = {"PUT", 3},
                                                   .path = {"/", 1},
                                                   .fields = &field,
                                                   .field_count = 1,
                                                   .body = {"so", 2},
                                                   .streams_body = true};
    uint64_t number = start_fetch(fixture, NULL, &request);
    assert_string_equal(fixture->order, "shop PUT /  own \"so\" 1 streams a");
    assert_false(fixture->fetches->write(fixture->a.core, number, "no", 2));
    fixture->takes_writes = true;
    fixture->call->events->on_room(fixture->call->data);
    assert_true(fixture->fetches->write(fixture->a.core, number, "more", 4));
    fixture->fetches->finish(fixture->a.core, number);
    tell_over(fixture, 502);
    assert_false(fixture->fetches->write(fixture->a.core, number, "late", 4));
    fixture->fetches->finish(fixture->a.core, number);
    fixture->fetches->more(fixture->a.core, number);
    expect_trace(fixture->world, "write(no) room write(more) finish over(502) ");
}

static void refuses_what_could_be_misread(void **state)
{
    struct fixture *fixture = *state;
    static const struct flexilib_pair fields[] = {
        {{"a\r\nb", 4}, {"c", 1}}, {{"a", 1}, {"b\r\nc", 4}},          {{"a", 1}, {"b\0", 2}},
        {{"", 0}, {"c", 1}},       {{"Content-Length", 14}, {"0", 1}}, {{"transfer-encoding", 17}, {"chunked", 7}},
        {{"Host", 4}, {"a", 1}},   {{"connection", 10}, {"close", 5}},
    };
    static const struct flexilib_text paths[] = {{"", 0},    {"a", 1},    {"/\r\n", 3},
                                                 {"/ b", 3}, {"/a\0", 3}, {"/?a b", 5}};
    static const struct flexilib_text methods[] = {{"GET /", 5}, {"G\r\n", 3}, {"CONNECT", 7}, {"TRACE", 5}};
    static const struct flexilib_text names[] = {{"shopp", 5}, {"", 0}, {"sho", 3}};
    struct flexilib_fetch_request request = simple;
    request.field_count = 1;
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); ++i) {
        request.fields = &fields[i];
        assert_int_equal(start_fetch(fixture, NULL, &request), 0);
    }
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); ++i) {
        request = simple;
        request.path = paths[i];
        assert_int_equal(start_fetch(fixture, NULL, &request), 0);
    }
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); ++i) {
        request = simple;
        request.method = methods[i];
        assert_int_equal(start_fetch(fixture, NULL, &request), 0);
    }
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); ++i) {
        request = simple;
        request.upstream = names[i];
        assert_int_equal(start_fetch(fixture, NULL, &request), 0);
    }
    request = simple;
    request.authority = (struct flexilib_text){"a\r\nb", 4};
    assert_int_equal(start_fetch(fixture, NULL, &request), 0);
    assert_int_equal(fixture->call_count, 0);
    expect_trace(fixture->world, "");
}

static void cancel_now(struct fixture *fixture)
{
    uint64_t number = fixture->number;
    assert_true(fixture->fetches->cancel(fixture->a.core, number));
    assert_false(fixture->fetches->cancel(fixture->a.core, number));
}

static void may_be_cancelled_at_any_time(void **state)
{
    struct fixture *fixture = *state;
    start_fetch(fixture, NULL, &simple);
    cancel_now(fixture);
    expect_trace(fixture->world, "cancelled over(-1) ");
    start_fetch(fixture, NULL, &simple);
    fixture->in_event = cancel_now;
    tell_head(fixture);
    expect_trace(fixture->world, "head(200 x=y) cancelled over(-1) ");
    start_fetch(fixture, NULL, &simple);
    fixture->in_event = cancel_now;
    fixture->call->events->on_body(fixture->call->data, SLICE("abc"));
    expect_trace(fixture->world, "body(abc) cancelled over(-1) ");
    assert_string_equal(fixture->complaint, "");
}

static void numbers_are_ones_own(void **state)
{
    struct fixture *fixture = *state;
    struct script b = {0};
    add_filter(fixture->world, &b, "b");
    uint64_t number = start_fetch(fixture, NULL, &simple);
    assert_false(fixture->fetches->cancel(b.core, number));
    assert_false(fixture->fetches->write(b.core, number, "x", 1));
    assert_false(fixture->fetches->cancel(fixture->a.core, 0));
    tell_over(fixture, 0);
    assert_int_not_equal(start_fetch(fixture, NULL, &simple), number);
    assert_false(fixture->fetches->cancel(fixture->a.core, number));
    tell_over(fixture, 0);
    expect_trace(fixture->world, "over(0) over(0) ");
    use_destroy(fixture->world->uses[1]);
    fixture->world->chain.count = 1;
}

static void takes_no_longer_than_it_may(void **state)
{
    struct fixture *fixture = *state;
    struct flexilib_fetch_request request = simple;
    start_fetch(fixture, NULL, &request);
    pass_time(&fixture->clock, 99);
    expect_trace(fixture->world, "");
    pass_time(&fixture->clock, 1);
    expect_trace(fixture->world, "cancelled over(504) ");
    assert_string_equal(fixture->complaint, "filter 'a' has given a fetch 100 ms, which are over");
    request.timeout_ms = 0;
    start_fetch(fixture, NULL, &request);
    pass_time(&fixture->clock, 29999);
    expect_trace(fixture->world, "");
    pass_time(&fixture->clock, 1);
    expect_trace(fixture->world, "cancelled over(504) ");
    request.timeout_ms = UINT64_MAX;
    start_fetch(fixture, NULL, &request);
    pass_time(&fixture->clock, UINT64_C(1) << 40);
    tell_over(fixture, 0);
    expect_trace(fixture->world, "over(0) ");
}

static struct fixture *asking;

static flexilib_answer ask_and_pause(struct call *call)
{
    act_pause(call);
    assert_int_not_equal(start_fetch(asking, (struct exchange *)call->exchange, &simple), 0);
    return FLEXILIB_PAUSE;
}

static void resume_waiter(struct fixture *fixture)
{
    resume(&fixture->a);
}

static void ends_the_pause_of_its_exchange(void **state)
{
    struct fixture *fixture = asking = *state;
    fixture->a.acts[HOOK_REQUEST_HEAD] = ask_and_pause;
    start(fixture->world, "GET");
    assert_string_equal(fixture->order, "shop GET /a ?b its \"\" 0 a");
    fixture->in_event = resume_waiter;
    tell_over(fixture, 0);
    run_world(fixture->world);
    expect_trace(fixture->world,
                 "a.request paused over(0) unpaused a.resume forward a.response head pull last a.end finished ");
}

static void start_another(struct fixture *fixture)
{
    assert_int_equal(start_fetch(fixture, fixture->world->exchange, &simple), 0);
}

static void ends_before_its_exchange(void **state)
{
    struct fixture *fixture = asking = *state;
    fixture->a.acts[HOOK_REQUEST_HEAD] = ask_and_pause;
    start(fixture->world, "GET");
    fixture->in_event = start_another;
    exchange_gone(fixture->world->exchange);
    expect_trace(fixture->world, "a.request paused unpaused cancelled over(-1) a.end finished ");
}

static flexilib_answer ask_and_cancel(struct call *call)
{
    assert_int_not_equal(start_fetch(asking, (struct exchange *)call->exchange, &simple), 0);
    expect_slot(asking, "on_request_head", "00c0ffee");
    cancel_now(asking);
    expect_slot(asking, "on_request_head", "00c0ffee");
    return FLEXILIB_CONTINUE;
}

static void leaves_the_slot_to_the_hook_that_cancels(void **state)
{
    struct fixture *fixture = asking = *state;
    fixture->a.acts[HOOK_REQUEST_HEAD] = ask_and_cancel;
    start(fixture->world, "GET");
    expect_trace(fixture->world, "a.request cancelled over(-1) forward a.response head pull last a.end finished ");
}

static void start_own(struct fixture *fixture)
{
    assert_int_equal(start_fetch(fixture, NULL, &simple), 0);
}

static void ends_before_its_filter(void **state)
{
    struct fixture *fixture = *state;
    start_fetch(fixture, NULL, &simple);
    end_world(fixture, "cancelled over(-1) destroy ");
}

static void ends_before_its_upstreams(void **state)
{
    struct fixture *fixture = *state;
    start_fetch(fixture, NULL, &simple);
    start_fetch(fixture, NULL, &simple);
    fixture->in_event = start_own;
    runtime_end_fetches(fixture->world->runtime);
    expect_trace(fixture->world, "cancelled over(-1) cancelled over(-1) ");
    runtime_use_fetches(fixture->world->runtime, NULL, NULL);
    start_own(fixture);
}

static void none_begins_when_the_worker_is_about_to_end(void **state)
{
    struct fixture *fixture = *state;
    start_fetch(fixture, NULL, &simple);
    runtime_close_fetches(fixture->world->runtime);
    assert_int_equal(fixture->fetches->start(fixture->a.core, NULL, &simple, &events, fixture), 0);
    tell_over(fixture, 0);
    expect_trace(fixture->world, "over(0) ");
}

static void is_never_sent_where_nobody_sends(void **state)
{
    struct fixture *fixture = *state;
    struct flexilib_fetch_request request = simple;
    runtime_use_fetches(fixture->world->runtime, NULL, NULL);
    uint64_t number = start_fetch(fixture, NULL, &request);
    assert_int_not_equal(number, 0);
    assert_false(fixture->fetches->write(fixture->a.core, number, "x", 1));
    fixture->fetches->more(fixture->a.core, number);
    request.upstream = (struct flexilib_text){"shopp", 5};
    assert_int_equal(fixture->fetches->start(fixture->a.core, NULL, &request, &events, fixture), 0);
    assert_int_equal(fixture->call_count, 0);
    end_world(fixture, "over(-1) destroy ");
}

static void any_upstream_may_be_there_without_a_configuration(void **state)
{
    struct fixture *fixture = *state;
    fixture->world->runtime->services.settings = NULL;
    assert_int_not_equal(start_fetch(fixture, NULL, &simple), 0);
    assert_int_equal(fixture->call_count, 0);
    end_world(fixture, "over(-1) destroy ");
}

static bool ask_and_refuse(const struct flexilib_core *core, const struct flexilib_value *values, void **filter)
{
    const struct flexilib_fetch *fetches = core->extension(core, FLEXILIB_FETCH);
    /* the data is gone when create has returned */
    assert_int_not_equal(fetches->start(core, NULL, &simple, &events, NULL), 0);
    core->refuse(core, -1, FLEXILIB_ARG("not today"));
    return false;
}

static void a_filter_that_is_not_created_hears_nothing(void **state)
{
    struct fixture *fixture = *state;
    const struct flexilib_filter filter = {.name = "b", .create = ask_and_refuse};
    struct step_settings step = {.name = SLICE("b")};
    struct error error = ERROR_INIT;
    assert_null(use_create(fixture->world->runtime, NULL, &filter, &step, NULL, &error));
    expect_trace(fixture->world, "cancelled ");
}

static void so_many_are_enough(void **state)
{
    struct fixture *fixture = *state;
    struct fetch_call *calls[MOST_AT_ONCE];
    for (size_t i = 0; i < MOST_AT_ONCE; ++i) {
        assert_int_not_equal(start_fetch(fixture, NULL, &simple), 0);
        calls[i] = fixture->call;
    }
    assert_int_equal(start_fetch(fixture, NULL, &simple), 0);
    assert_int_equal(start_fetch(fixture, NULL, &simple), 0);
    fixture->call = calls[0];
    tell_over(fixture, 0);
    assert_int_not_equal(start_fetch(fixture, NULL, &simple), 0);
    runtime_end_fetches(fixture->world->runtime);
    text_clear(&fixture->world->trace);
}

/* As a library that knows no more. */
static void older_structs_are_read_as_far_as_they_go(void **state)
{
    struct fixture *fixture = *state;
    struct flexilib_fetch_request request = simple;
    struct flexilib_fetch_events older = events;
    request.size = offsetof(struct flexilib_fetch_request, timeout_ms);
    older.size = offsetof(struct flexilib_fetch_events, on_room);
    fixture->fetches->start(fixture->a.core, NULL, &request, &older, fixture);
    fixture->call->events->on_room(fixture->call->data);
    pass_time(&fixture->clock, 29999);
    expect_trace(fixture->world, "");
    tell_over(fixture, 0);
    expect_trace(fixture->world, "over(0) ");
}

static void events_may_be_left_out(void **state)
{
    struct fixture *fixture = *state;
    const struct flexilib_fetch_events none = {.size = sizeof(none)};
    fixture->fetches->start(fixture->a.core, NULL, &simple, &none, NULL);
    tell_head(fixture);
    assert_true(fixture->call->events->on_body(fixture->call->data, SLICE("abc")));
    tell_over(fixture, 0);
    expect_trace(fixture->world, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(hears_what_comes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(sends_what_is_asked_for, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refuses_what_could_be_misread, set_up, tear_down),
        cmocka_unit_test_setup_teardown(may_be_cancelled_at_any_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(numbers_are_ones_own, set_up, tear_down),
        cmocka_unit_test_setup_teardown(takes_no_longer_than_it_may, set_up, tear_down),
        cmocka_unit_test_setup_teardown(ends_the_pause_of_its_exchange, set_up, tear_down),
        cmocka_unit_test_setup_teardown(ends_before_its_exchange, set_up, tear_down),
        cmocka_unit_test_setup_teardown(leaves_the_slot_to_the_hook_that_cancels, set_up, tear_down),
        cmocka_unit_test_setup_teardown(ends_before_its_filter, set_up, tear_down),
        cmocka_unit_test_setup_teardown(ends_before_its_upstreams, set_up, tear_down),
        cmocka_unit_test_setup_teardown(none_begins_when_the_worker_is_about_to_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(is_never_sent_where_nobody_sends, set_up, tear_down),
        cmocka_unit_test_setup_teardown(any_upstream_may_be_there_without_a_configuration, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_filter_that_is_not_created_hears_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(so_many_are_enough, set_up, tear_down),
        cmocka_unit_test_setup_teardown(older_structs_are_read_as_far_as_they_go, set_up, tear_down),
        cmocka_unit_test_setup_teardown(events_may_be_left_out, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
