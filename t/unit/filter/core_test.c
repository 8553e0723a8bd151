#include "fake.h"

#include "base/poison.h"

/* What a filter can read, change and not change; what it cannot smuggle in; and what the slot says meanwhile. */

static bool equals(struct flexilib_text text, const char *expected)
{
    return text.length == strlen(expected) && memcmp(text.data, expected, text.length) == 0;
}

static flexilib_answer read_everything(struct call *call)
{
    const struct flexilib_core *core = call->core;
    struct flexilib_exchange *exchange = call->exchange;
    struct flexilib_pair field;
    struct flexilib_text value;
    assert_int_equal(core->size, sizeof(*core));
    assert_true(equals(core->method(exchange), "GET"));
    assert_true(equals(core->scheme(exchange), "http"));
    assert_true(equals(core->authority(exchange), "example.com"));
    assert_true(equals(core->path(exchange), "/path"));
    assert_true(equals(core->query(exchange), "q=1"));
    assert_true(equals(core->peer_address(exchange), "192.0.2.7"));
    assert_int_equal(core->peer_port(exchange), 1234);
    assert_true(equals(core->route(exchange), "main"));
    assert_true(equals(core->request_id(exchange), "00c0ffee"));
    assert_int_equal(core->status(exchange), 0);
    assert_int_equal(core->header_count(exchange, FLEXILIB_REQUEST), 1);
    assert_int_equal(core->header_count(exchange, FLEXILIB_RESPONSE), 0);
    assert_int_equal(core->header_count(exchange, 7), 0);
    assert_true(core->header_at(exchange, FLEXILIB_REQUEST, 0, &field));
    assert_true(equals(field.name, "Accept") && equals(field.value, "*/*"));
    assert_false(core->header_at(exchange, FLEXILIB_REQUEST, 1, &field));
    assert_true(core->header(exchange, FLEXILIB_REQUEST, FLEXILIB_ARG("accept"), &value));
    assert_true(equals(value, "*/*"));
    assert_false(core->header(exchange, FLEXILIB_REQUEST, FLEXILIB_ARG("x"), &value));
    assert_false(core->header(exchange, -1, FLEXILIB_ARG("x"), &value));
    assert_null(core->extension(core, "flexilib.none/1"));
    return FLEXILIB_CONTINUE;
}

static void reads_the_request(void **state)
{
    struct world *world = world_create();
    struct script a = {.acts = {read_everything}};
    add_filter(world, &a, "a");
    start(world, "GET");
    expect_trace(world, "a.request forward a.response head pull last a.end finished ");
    world_destroy(world);
}

static flexilib_answer change_everything(struct call *call)
{
    const struct flexilib_core *core = call->core;
    struct flexilib_exchange *exchange = call->exchange;
    char path[] = "/new%20path";
    assert_true(core->set_method(exchange, FLEXILIB_ARG("PATCH")));
    assert_true(core->set_path(exchange, path, strlen(path)));
    memset(path, 'x', sizeof(path));
    assert_true(core->set_query(exchange, FLEXILIB_ARG("a=/?b")));
    assert_true(core->set_authority(exchange, FLEXILIB_ARG("[::1]:8080")));
    assert_true(core->set_header(exchange, FLEXILIB_REQUEST, FLEXILIB_ARG("ACCEPT"), FLEXILIB_ARG("text/html")));
    assert_true(core->add_header(exchange, FLEXILIB_REQUEST, FLEXILIB_ARG("x-a"), FLEXILIB_ARG("1")));
    assert_true(core->add_header(exchange, FLEXILIB_REQUEST, FLEXILIB_ARG("X-A"), FLEXILIB_ARG("2")));
    assert_true(core->add_header(exchange, FLEXILIB_REQUEST, FLEXILIB_ARG("x-b"), FLEXILIB_ARG("")));
    assert_int_equal(core->remove_header(exchange, FLEXILIB_REQUEST, FLEXILIB_ARG("x-A")), 2);
    assert_int_equal(core->remove_header(exchange, FLEXILIB_REQUEST, FLEXILIB_ARG("x-A")), 0);
    assert_int_equal(core->remove_header(exchange, 9, FLEXILIB_ARG("x-A")), 0);
    return FLEXILIB_CONTINUE;
}

static flexilib_answer change_too_late(struct call *call)
{
    const struct flexilib_core *core = call->core;
    assert_false(core->set_method(call->exchange, FLEXILIB_ARG("GET")));
    assert_false(core->set_path(call->exchange, FLEXILIB_ARG("/")));
    assert_false(core->set_query(call->exchange, FLEXILIB_ARG("")));
    assert_false(core->set_authority(call->exchange, FLEXILIB_ARG("a")));
    assert_false(core->set_header(call->exchange, FLEXILIB_REQUEST, FLEXILIB_ARG("a"), FLEXILIB_ARG("b")));
    assert_int_equal(core->remove_header(call->exchange, FLEXILIB_REQUEST, FLEXILIB_ARG("accept")), 0);
    assert_int_equal(core->status(call->exchange), 200);
    assert_false(core->set_status(call->exchange, 199));
    assert_false(core->set_status(call->exchange, 600));
    assert_true(core->set_status(call->exchange, 299));
    assert_int_equal(core->remove_header(call->exchange, FLEXILIB_RESPONSE, FLEXILIB_ARG("from")), 1);
    assert_true(core->set_header(call->exchange, FLEXILIB_RESPONSE, FLEXILIB_ARG("to"), FLEXILIB_ARG("client")));
    return FLEXILIB_CONTINUE;
}

static void changes_the_request_and_the_response(void **state)
{
    struct world *world = world_create();
    struct script a = {.acts = {[HOOK_REQUEST_HEAD] = change_everything, [HOOK_RESPONSE_HEAD] = change_too_late}};
    add_filter(world, &a, "a");
    start(world, "GET");
    assert_string_equal(world->final_request, "PATCH /new%20path?a=/?b\nACCEPT: text/html\nx-b: \n\nquestion");
    assert_int_equal(world->final_status, 299);
    assert_string_equal(world->final_headers, "to: client\n");
    world_destroy(world);
}

static flexilib_answer remove_query(struct call *call)
{
    assert_true(call->core->set_query(call->exchange, "", 0));
    return FLEXILIB_CONTINUE;
}

static void empty_query_takes_the_mark_away(void **state)
{
    struct world *world = world_create();
    struct script a = {.acts = {remove_query}};
    add_filter(world, &a, "a");
    start(world, "GET");
    assert_true(strncmp(world->final_request, "GET /path\n", 10) == 0);
    world_destroy(world);
}

static flexilib_answer try_bad_texts(struct call *call)
{
    static const char *const methods[] = {"", "G T", "GET\r\n", "G\xc3\xa9T", "CONNECT", "TRACE", "a(b"};
    static const char *const paths[] = {"",      "a",     "/a b", "/a?b", "/a#b",  "/\r\n",
                                        "/\x7f", "/\xff", "/a%",  "/a%2", "/a%zz", "/a%00"};
    static const char *const queries[] = {"a b", "a#b", "a\nb", "\x80"};
    static const char *const hosts[] = {"", "a b", "a/b", "u@h", "a\r\nb", "a?b", "a#b", "\xc3\xa9"};
    const struct flexilib_core *core = call->core;
    struct flexilib_exchange *exchange = call->exchange;
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); ++i)
        assert_false(core->set_method(exchange, methods[i], strlen(methods[i])));
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); ++i)
        assert_false(core->set_path(exchange, paths[i], strlen(paths[i])));
    for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); ++i)
        assert_false(core->set_query(exchange, queries[i], strlen(queries[i])));
    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); ++i)
        assert_false(core->set_authority(exchange, hosts[i], strlen(hosts[i])));
    assert_false(core->set_path(exchange, "/a\0b", 4));
    assert_false(core->set_query(exchange, "a\0b", 3));
    assert_false(core->set_authority(exchange, "a\0b", 3));
    assert_false(core->set_method(exchange, "A\0B", 3));
    assert_false(core->set_status(exchange, 200));
    return FLEXILIB_CONTINUE;
}

static bool refuses_field(struct call *call, const char *name, const char *value, size_t length)
{
    flexilib_half halves[] = {FLEXILIB_REQUEST, FLEXILIB_RESPONSE};
    for (int i = 0; i < 2; ++i) {
        if (call->core->set_header(call->exchange, halves[i], name, strlen(name), value, length) ||
            call->core->add_header(call->exchange, halves[i], name, strlen(name), value, length))
            return false;
    }
    return true;
}

static flexilib_answer try_bad_fields(struct call *call)
{
    static const char *const names[] = {"",   "a b",       "a:", "a\r\nb", "content-length", "Transfer-Encoding",
                                        "TE", "connection"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); ++i)
        assert_true(refuses_field(call, names[i], "1", 1));
    assert_true(refuses_field(call, "x", "a\r\nb: c", 7));
    assert_true(refuses_field(call, "x", "a\nb", 3));
    assert_true(refuses_field(call, "x", "a\0b", 3));
    assert_true(refuses_field(call, "x", " a", 2));
    assert_false(call->core->set_header(call->exchange, FLEXILIB_REQUEST, FLEXILIB_ARG("Host"), FLEXILIB_ARG("a")));
    assert_false(call->core->set_header(call->exchange, 5, FLEXILIB_ARG("x"), FLEXILIB_ARG("a")));
    assert_false(call->core->reply(call->exchange, 199, "", 0, "", 0));
    assert_false(call->core->reply(call->exchange, 600, "", 0, "", 0));
    assert_false(call->core->reply(call->exchange, 200, "a\r\nb", 4, "", 0));
    assert_false(call->core->pass(call->exchange));
    assert_false(call->core->write(call->exchange, "a", 1));
    return FLEXILIB_CONTINUE;
}

static void nothing_is_smuggled_in(void **state)
{
    struct world *world = world_create();
    struct script a = {.acts = {try_bad_texts}}, b = {.acts = {try_bad_fields}};
    add_filter(world, &a, "a");
    add_filter(world, &b, "b");
    start(world, "GET");
    assert_string_equal(world->final_request, "GET /path?q=1\nAccept: */*\n\nquestion");
    assert_string_equal(world->final_headers, "from: upstream\n");
    world_destroy(world);
}

static struct flexilib_exchange *kept_exchange;

static void use_core_at_end(void *filter, struct flexilib_exchange *exchange)
{
    const struct flexilib_core *core = ((struct script *)filter)->core;
    kept_exchange = exchange;
    assert_true(equals(core->path(exchange), "/path"));
    assert_ptr_equal(core->state(exchange), filter);
    assert_int_equal(core->ticket(exchange), 0);
    assert_false(core->set_path(exchange, FLEXILIB_ARG("/")));
    assert_false(core->set_header(exchange, FLEXILIB_RESPONSE, FLEXILIB_ARG("a"), FLEXILIB_ARG("b")));
    assert_false(core->reply(exchange, 200, "", 0, "", 0));
    assert_false(core->write(exchange, "a", 1));
    assert_false(core->pass(exchange));
    memset(core->allocate(exchange, 100), 0, 100);
    ++((struct script *)filter)->ends;
}

static flexilib_answer keep_state(struct call *call)
{
    assert_null(call->core->state(call->exchange));
    call->core->set_state(call->exchange, call->script);
    return FLEXILIB_CONTINUE;
}

static flexilib_answer check_state(struct call *call)
{
    assert_ptr_equal(call->core->state(call->exchange), call->script);
    return FLEXILIB_CONTINUE;
}

static void nothing_changes_in_on_end_and_after_it(void **state)
{
    struct world *world = world_create();
    struct script a = {.acts = {[HOOK_REQUEST_HEAD] = keep_state, [HOOK_RESPONSE_HEAD] = check_state}};
    struct script b = {.acts = {[HOOK_REQUEST_HEAD] = keep_state, [HOOK_RESPONSE_HEAD] = check_state}};
    add_filter(world, &a, "a");
    add_filter(world, &b, "b");
    a.filter.on_end = use_core_at_end;
    world->keeps_exchange = true;
    start(world, "GET");
    assert_int_equal(a.ends, 1);
    const struct flexilib_core *core = a.core;
    assert_int_equal(core->ticket(kept_exchange), 0);
    assert_null(core->state(kept_exchange));
    core->set_state(kept_exchange, world);
    assert_false(core->set_query(kept_exchange, "", 0));
    assert_false(core->write(kept_exchange, "a", 1));
    assert_false(core->reply(kept_exchange, 200, "", 0, "", 0));
    exchange_destroy(world->exchange);
    world_destroy(world);
}

static flexilib_answer check_slot(struct call *call)
{
    const struct slot *slot = &call->script->world->slot;
    assert_string_equal(slot->call.filter, call->script->name);
    assert_string_equal(slot->call.request.id, "00c0ffee");
    text_print(&call->script->world->trace, "<%s> ", slot_hook_name(slot->call.hook));
    return FLEXILIB_CONTINUE;
}

static flexilib_answer check_slot_and_pass(struct call *call)
{
    call->core->pass(call->exchange);
    return check_slot(call);
}

static flexilib_answer check_slot_and_pause(struct call *call)
{
    check_slot(call);
    return act_pause(call);
}

static void slot_names_the_running_hook(void **state)
{
    struct world *world = world_create();
    struct script a = {
        .acts = {check_slot_and_pause, check_slot_and_pass, check_slot, check_slot_and_pass, check_slot}};
    add_filter(world, &a, "a-filter-with-a-name");
    assert_int_equal(world->slot.call.hook, SLOT_HOOK_NONE);
    assert_string_equal(world->slot.call.filter, "a-filter-with-a-name");
    start(world, "GET");
    assert_int_equal(world->slot.call.hook, SLOT_HOOK_NONE);
    resume(&a);
    run_world(world);
    assert_non_null(strstr(world->trace.data, "<on_request_head> paused unpaused a-filter-with-a-name.resume "
                                              "<on_resume> a-filter-with-a-name.request_end <on_request_body> "));
    assert_non_null(strstr(world->trace.data, "<on_response_head> "));
    assert_non_null(strstr(world->trace.data, "<on_response_body> "));
    assert_int_equal(world->slot.call.hook, SLOT_HOOK_NONE);
    world_destroy(world);
}

static flexilib_answer allocate_much(struct call *call)
{
    for (size_t size = 0; size < 5000; size += 7) {
        char *memory = call->core->allocate(call->exchange, size);
        assert_int_equal((uintptr_t)memory % _Alignof(max_align_t), 0);
        memset(memory, 'x', size);
    }
    return FLEXILIB_CONTINUE;
}

static void memory_of_the_exchange_is_aligned(void **state)
{
    struct world *world = world_create();
    struct script a = {.acts = {allocate_much}};
    add_filter(world, &a, "a");
    start(world, "GET");
    world_destroy(world);
}

/* Runs the act with standard error going to a file, and gives what was written. */
static void capture_log(act logged, char *text, size_t capacity)
{
    FILE *file = tmpfile();
    int saved = dup(STDERR_FILENO);
    assert_true(dup2(fileno(file), STDERR_FILENO) >= 0);
    struct world *world = world_create();
    struct script a = {.acts = {logged}};
    add_filter(world, &a, "a");
    start(world, "GET");
    world_destroy(world);
    dup2(saved, STDERR_FILENO);
    close(saved);
    rewind(file);
    text[fread(text, 1, capacity - 1, file)] = '\0';
    fclose(file);
}

static flexilib_answer log_lines(struct call *call)
{
    call->core->log(call->core, call->exchange, FLEXILIB_WARNING, FLEXILIB_ARG("with\nexchange"));
    call->core->log(call->core, NULL, FLEXILIB_INFO, FLEXILIB_ARG("without"));
    call->core->log(call->core, NULL, 77, FLEXILIB_ARG("of no level"));
    return FLEXILIB_CONTINUE;
}

static void log_lines_name_filter_and_request(void **state)
{
    char text[4096];
    capture_log(log_lines, text, sizeof(text));
    assert_string_equal(text, "warning: filter 'a': with?exchange (request 00c0ffee)\n"
                              "info: filter 'a': without\n"
                              "error: filter 'a': of no level\n");
}

static flexilib_answer set_bad_header(struct call *call)
{
    call->core->set_header(call->exchange, FLEXILIB_REQUEST, FLEXILIB_ARG("x"), FLEXILIB_ARG("a\nb"));
    return FLEXILIB_CONTINUE;
}

static flexilib_answer write_too_early(struct call *call)
{
    assert_false(call->core->write(call->exchange, FLEXILIB_ARG("body")));
    return FLEXILIB_CONTINUE;
}

static void refusals_blame_the_filter(void **state)
{
    char text[4096];
    capture_log(set_bad_header, text, sizeof(text));
    assert_string_equal(text, "error: filter 'a': set_header in on_request_head was refused: the field's value holds a "
                              "control character, or a blank at an end (request 00c0ffee)\n");
    capture_log(write_too_early, text, sizeof(text));
    assert_string_equal(text, "error: filter 'a': write in on_request_head was refused: only a body hook decides about "
                              "bytes (request 00c0ffee)\n");
    capture_log(act_nonsense, text, sizeof(text));
    assert_string_equal(text, "error: filter 'a': answered 42 in on_request_head, which is no answer "
                              "(request 00c0ffee)\n");
}

static void a_kept_exchange_is_found_out(void **state)
{
    struct runtime_services services = {.wake = NULL};
    struct exchange_owner owner = {.finished = NULL};
    struct runtime *runtime = runtime_create(&services, NULL, 1024);
    struct exchange *exchange = exchange_create(runtime, &owner, NULL);
    assert_false(is_poisoned(&exchange->request));
    exchange_destroy(exchange);
#if defined(__SANITIZE_ADDRESS__)
    assert_true(is_poisoned(&exchange->request) && is_poisoned(&exchange->id));
#endif
    struct exchange *again = exchange_create(runtime, &owner, NULL);
    assert_ptr_equal(again, exchange);
    assert_false(is_poisoned(&exchange->request) || is_poisoned(&exchange->id));
    exchange_destroy(again);
    runtime_destroy(runtime);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_the_request),
        cmocka_unit_test(changes_the_request_and_the_response),
        cmocka_unit_test(empty_query_takes_the_mark_away),
        cmocka_unit_test(nothing_is_smuggled_in),
        cmocka_unit_test(nothing_changes_in_on_end_and_after_it),
        cmocka_unit_test(slot_names_the_running_hook),
        cmocka_unit_test(memory_of_the_exchange_is_aligned),
        cmocka_unit_test(log_lines_name_filter_and_request),
        cmocka_unit_test(refusals_blame_the_filter),
        cmocka_unit_test(a_kept_exchange_is_found_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
