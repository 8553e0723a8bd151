#include "fake.h"

/* When a filter may set what is known of an exchange beside its heads, and what that changes. */

static const struct upstream_settings first = {.name = {"first", 5}}, second = {.name = {"second", 6}};

struct scene {
    struct world *world;
    struct arena arena;
    struct settings settings;
};

static struct scene *open_scene(void)
{
    struct scene *scene = calloc(1, sizeof(*scene));
    arena_init(&scene->arena, 0);
    name_index_add(&scene->settings.upstream_names, &scene->arena, first.name, &first);
    name_index_add(&scene->settings.upstream_names, &scene->arena, second.name, &second);
    scene->world = world_create();
    scene->world->runtime->services.settings = &scene->settings;
    return scene;
}

static void begin(struct scene *scene, const struct upstream_settings *upstream)
{
    open_exchange(scene->world, "POST");
    scene->world->exchange->upstream = upstream;
}

static void go_on(struct scene *scene)
{
    exchange_start(scene->world->exchange, &scene->world->chain);
    run_world(scene->world);
    assert_int_equal(scene->world->final_status, 200);
}

static void close_scene(struct scene *scene)
{
    world_destroy(scene->world);
    arena_finish(&scene->arena);
    free(scene);
}

static const struct upstream_settings *upstream_of(const struct call *call)
{
    return ((struct exchange *)call->exchange)->upstream;
}

static flexilib_answer choose(struct call *call)
{
    const struct flexilib_core *core = call->core;
    assert_false(core->set_upstream(call->exchange, FLEXILIB_ARG("third")));
    assert_false(core->set_upstream(call->exchange, FLEXILIB_ARG("")));
    assert_false(core->set_upstream(call->exchange, FLEXILIB_ARG("second\0")));
    assert_ptr_equal(upstream_of(call), &first);
    assert_true(core->set_upstream(call->exchange, FLEXILIB_ARG("second")));
    assert_ptr_equal(upstream_of(call), &second);
    return FLEXILIB_CONTINUE;
}

static flexilib_answer choose_too_late(struct call *call)
{
    assert_false(call->core->set_upstream(call->exchange, FLEXILIB_ARG("first")));
    assert_false(call->core->set_scheme(call->exchange, FLEXILIB_ARG("https")));
    assert_ptr_equal(upstream_of(call), &second);
    ++call->script->ticket; /* counts the calls */
    return call->data == NULL ? FLEXILIB_CONTINUE : act_pass(call);
}

static void an_upstream_is_chosen_by_name_in_time(void **state)
{
    struct scene *scene = open_scene();
    struct script a = {.acts = {choose, choose_too_late, choose_too_late, choose_too_late}};
    add_filter(scene->world, &a, "a");
    begin(scene, &first);
    go_on(scene);
    assert_int_equal(a.ticket, 3);
    close_scene(scene);
}

static flexilib_answer hold(struct call *call)
{
    assert_true(call->core->hold_head(call->exchange, FLEXILIB_REQUEST));
    return FLEXILIB_CONTINUE;
}

/* With the first piece the head is still at hand, with the second one it has gone on. */
static flexilib_answer choose_by_body(struct call *call)
{
    if (call->length == 4)
        return choose(call) == FLEXILIB_CONTINUE ? act_pass(call) : FLEXILIB_FAIL;
    return choose_too_late(call);
}

static void a_held_request_can_still_be_led_elsewhere(void **state)
{
    struct scene *scene = open_scene();
    struct script a = {.acts = {hold, choose_by_body}};
    add_filter(scene->world, &a, "a");
    scene->world->request_pieces[0] = "abcd";
    scene->world->request_pieces[1] = "efghi";
    scene->world->request_piece_count = 2;
    scene->world->is_silent = true;
    begin(scene, &first);
    stream_request(scene->world, 9);
    exchange_start(scene->world->exchange, &scene->world->chain);
    while (!scene->world->is_request_ended) {
        exchange_pull_request(scene->world->exchange);
        run_world(scene->world);
    }
    assert_int_equal(a.ticket, 1);
    scene->world->is_silent = false;
    deliver_head(scene->world);
    run_world(scene->world);
    close_scene(scene);
}

static flexilib_answer choose_in_vain(struct call *call)
{
    assert_false(call->core->set_upstream(call->exchange, FLEXILIB_ARG("first")));
    assert_null(upstream_of(call));
    return FLEXILIB_CONTINUE;
}

static void a_route_without_upstream_gets_none(void **state)
{
    struct scene *scene = open_scene();
    struct script a = {.acts = {choose_in_vain}};
    add_filter(scene->world, &a, "a");
    begin(scene, NULL);
    go_on(scene);
    scene->world->runtime->services.settings = NULL;
    scene->world->next_piece = 0;
    begin(scene, NULL);
    go_on(scene);
    close_scene(scene);
}

static flexilib_answer set_schemes(struct call *call)
{
    const struct flexilib_core *core = call->core;
    struct flexilib_text told;
    assert_false(core->set_scheme(call->exchange, FLEXILIB_ARG("HTTPS")));
    assert_false(core->set_scheme(call->exchange, FLEXILIB_ARG("")));
    assert_true(core->set_scheme(call->exchange, FLEXILIB_ARG("https")));
    assert_int_equal(core->scheme(call->exchange).length, 5);
    assert_false(core->header(call->exchange, FLEXILIB_REQUEST, FLEXILIB_ARG("x-forwarded-proto"), &told));
    core->add_header(call->exchange, FLEXILIB_REQUEST, FLEXILIB_ARG("x-forwarded-PROTO"), FLEXILIB_ARG("https"));
    assert_true(core->set_scheme(call->exchange, FLEXILIB_ARG("http")));
    assert_true(core->header(call->exchange, FLEXILIB_REQUEST, FLEXILIB_ARG("x-forwarded-proto"), &told));
    assert_int_equal(told.length, 4);
    return FLEXILIB_CONTINUE;
}

static void a_scheme_takes_the_place_of_what_was_told(void **state)
{
    struct scene *scene = open_scene();
    struct script a = {.acts = {set_schemes}};
    add_filter(scene->world, &a, "a");
    begin(scene, NULL);
    go_on(scene);
    assert_non_null(strstr(scene->world->final_request, "X-Forwarded-Proto: http\n"));
    close_scene(scene);
}

static flexilib_answer note(struct call *call)
{
    assert_true(call->core->set_attribute(call->exchange, FLEXILIB_ARG("a.b"), FLEXILIB_ARG("1")));
    assert_false(call->core->set_attribute(call->exchange, FLEXILIB_ARG("a"), FLEXILIB_ARG("2")));
    assert_false(call->core->set_attribute(call->exchange, FLEXILIB_ARG("a.b"), FLEXILIB_ARG("2\n")));
    return call->data == NULL ? FLEXILIB_CONTINUE : act_pass(call);
}

static flexilib_answer read_note(struct call *call)
{
    struct flexilib_text value;
    assert_true(call->core->attribute(call->exchange, FLEXILIB_ARG("a.b"), &value));
    assert_true(value.length == 1 && value.data[0] == '1');
    assert_false(call->core->attribute(call->exchange, FLEXILIB_ARG("a.c"), &value));
    return call->data == NULL ? FLEXILIB_CONTINUE : act_pass(call);
}

static void attributes_are_set_in_any_hook(void **state)
{
    for (int hook = HOOK_REQUEST_HEAD; hook <= HOOK_RESPONSE_BODY; ++hook) {
        struct scene *scene = open_scene();
        struct script a = {.acts = {NULL, act_pass, NULL, act_pass}}, b = a;
        bool is_request = hook == HOOK_REQUEST_HEAD || hook == HOOK_REQUEST_BODY;
        (is_request ? &a : &b)->acts[hook] = note;
        (is_request ? &b : &a)->acts[hook] = read_note;
        add_filter(scene->world, &a, "a");
        add_filter(scene->world, &b, "b");
        begin(scene, NULL);
        go_on(scene);
        close_scene(scene);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_upstream_is_chosen_by_name_in_time),
        cmocka_unit_test(a_held_request_can_still_be_led_elsewhere),
        cmocka_unit_test(a_route_without_upstream_gets_none),
        cmocka_unit_test(a_scheme_takes_the_place_of_what_was_told),
        cmocka_unit_test(attributes_are_set_in_any_hook),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
