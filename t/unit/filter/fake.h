#ifndef T_UNIT_FILTER_FAKE_H
#define T_UNIT_FILTER_FAKE_H

/* Filters that do what a test tells them, and a world around an exchange that writes down what is asked of it. No
 * socket, no HTTP: everything happens when the test says so. One trace collects what filters and world see, in order,
 * as words with a blank behind each. */

#include "base/text.h"
#include "filter/chain.h"
#include "filter/exchange.h"
#include "filter/runtime_state.h"
#include "filter/use.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum hook {
    HOOK_REQUEST_HEAD = 0,
    HOOK_REQUEST_BODY,
    HOOK_RESPONSE_HEAD,
    HOOK_RESPONSE_BODY,
    HOOK_RESUME,
    HOOK_REPLY_BODY,
    HOOK_COUNT,
};

enum {
    MOST_PIECES = 8,
    MOST_FILTERS = 8,
};

struct world;
struct script;

/* What a hook is called with; for on_resume data is its result. */
struct call {
    struct script *script;
    const struct flexilib_core *core;
    struct flexilib_exchange *exchange;
    const char *data;
    size_t length;
    bool last;
};

/* What a filter does in a hook, instead of letting things pass. */
typedef flexilib_answer (*act)(struct call *call);

/* A filter and what it is to do. */
struct script {
    struct flexilib_filter filter; /* at the front: create finds the script by it */
    struct world *world;
    const struct flexilib_core *core;
    const char *name;
    act acts[HOOK_COUNT];
    uint64_t ticket;
    unsigned ends;
    _Alignas(void *) char text[64]; /* of the test's own */
};

struct world {
    struct runtime *runtime;
    struct slot slot;
    struct exchange *exchange;
    struct chain chain;
    struct use *uses[MOST_FILTERS];
    struct text trace;
    pthread_mutex_t trace_mutex; /* filters that block write from other threads */
    bool traces_no_timing;       /* when such a hook pauses the exchange, and what is flushed meanwhile */
    struct text body;            /* what the front was given */
    struct slice sending;        /* the last piece of it, which stays as it is until the front is done with it */
    unsigned heads;
    bool is_body_ended;
    unsigned wakes;
    unsigned drops;

    /* What the upstream answers, and when. */
    int status;
    int64_t body_length;
    const char *pieces[MOST_PIECES];
    size_t piece_count;
    size_t next_piece;
    bool is_silent;       /* nothing comes before the test says so */
    bool is_asynchronous; /* pieces come when the test runs the world, not from within pull */
    bool is_pulled;
    char *lent; /* the piece, until the next one is asked for */

    /* The request's body, where it streams: what the front has, and what the upstream got of it. */
    const char *request_pieces[MOST_PIECES];
    size_t request_piece_count;
    size_t next_request_piece;
    bool is_request_late;   /* pieces come when the test runs the world, not from within pull_request */
    bool is_request_pulled; /* by the exchange */
    bool is_request_ended;  /* as the upstream sees it */
    struct text upload;
    char *lent_request; /* as lent */

    bool is_sending;
    bool is_stuck; /* the front is never done with what it was given */
    bool is_paused;
    bool is_aborted;
    unsigned finishes;
    bool keeps_exchange; /* do not destroy it in finished */
    int final_status;
    int64_t final_length;
    char final_headers[512];
    char final_request[512];
};

static inline void trace(struct world *world, const char *word)
{
    pthread_mutex_lock(&world->trace_mutex);
    text_print(&world->trace, "%s ", word);
    pthread_mutex_unlock(&world->trace_mutex);
}

static inline void trace_hook(struct world *world, const char *name, const char *word)
{
    char both[64];
    snprintf(both, sizeof(both), "%s.%s", name, word);
    trace(world, both);
}

static inline void expect_trace(struct world *world, const char *expected)
{
    assert_string_equal(world->trace.data == NULL ? "" : world->trace.data, expected);
    text_clear(&world->trace);
}

static inline void deliver_piece(struct world *world)
{
    world->is_pulled = false;
    size_t number = world->next_piece++;
    free(world->lent);
    world->lent = strdup(number < world->piece_count ? world->pieces[number] : "");
    exchange_response_body(world->exchange, slice_from_text(world->lent), number + 1 >= world->piece_count);
}

static inline void deliver_head(struct world *world)
{
    struct exchange *exchange = world->exchange;
    exchange->response.status = world->status;
    exchange->response.body_length = world->body_length;
    headers_add(&exchange->response.headers, &exchange->arena, SLICE("from"), SLICE("upstream"));
    exchange_response_head(exchange);
}

static inline void describe_headers(const struct headers *headers, char *text, size_t capacity)
{
    size_t length = 0;
    text[0] = '\0';
    for (size_t i = 0; i < headers->count; ++i)
        length += (size_t)snprintf(text + length, capacity - length, "%.*s: %.*s\n", SLICE_ARG(headers->items[i].name),
                                   SLICE_ARG(headers->items[i].value));
}

static inline void on_forward(struct exchange *exchange)
{
    struct world *world = exchange->owner_data;
    trace(world, "forward");
    char fields[256];
    describe_headers(&exchange->request.headers, fields, sizeof(fields));
    snprintf(world->final_request, sizeof(world->final_request), "%.*s %.*s%s%.*s\n%s\n%.*s",
             SLICE_ARG(exchange->request.method), SLICE_ARG(exchange->request.path),
             exchange->request.has_query ? "?" : "", SLICE_ARG(exchange->request.query), fields,
             SLICE_ARG(exchange->request_body));
    if (!world->is_silent)
        deliver_head(world);
}

static inline void on_send_head(struct exchange *exchange)
{
    struct world *world = exchange->owner_data;
    trace(world, "head");
    assert_int_equal(++world->heads, 1);
    world->final_status = exchange->response.status;
    world->final_length = exchange->response.body_length;
    describe_headers(&exchange->response.headers, world->final_headers, sizeof(world->final_headers));
}

static inline void on_send_body(struct exchange *exchange, struct slice data, bool last)
{
    struct world *world = exchange->owner_data;
    assert_false(world->is_sending);
    assert_int_equal(world->heads, 1);
    assert_false(world->is_body_ended);
    trace(world, last ? "last" : "body");
    world->sending = exchange->pipe == NULL ? data : SLICE_NONE;
    text_add(&world->body, world->sending);
    world->is_sending = true;
    world->is_body_ended = last;
}

static inline void on_pull(struct exchange *exchange)
{
    struct world *world = exchange->owner_data;
    assert_false(world->is_sending);
    assert_false(world->is_pulled);
    trace(world, "pull");
    free(world->lent);
    world->lent = NULL;
    world->is_pulled = true;
    if (!world->is_asynchronous)
        deliver_piece(world);
}

static inline void deliver_request_piece(struct world *world)
{
    world->is_request_pulled = false;
    size_t number = world->next_request_piece++;
    free(world->lent_request);
    world->lent_request = strdup(world->request_pieces[number]);
    exchange_request_body(world->exchange, slice_from_text(world->lent_request),
                          number + 1 == world->request_piece_count);
}

static inline void on_pull_request(struct exchange *exchange)
{
    struct world *world = exchange->owner_data;
    assert_false(world->is_request_pulled);
    assert_true(world->next_request_piece < world->request_piece_count);
    trace(world, "ask");
    free(world->lent_request);
    world->lent_request = NULL;
    world->is_request_pulled = true;
    if (!world->is_request_late)
        deliver_request_piece(world);
}

static inline void on_send_request(struct exchange *exchange, struct slice data, bool last)
{
    struct world *world = exchange->owner_data;
    assert_false(world->is_request_ended);
    trace(world, last ? "upload_end" : "upload");
    text_add(&world->upload, data);
    world->is_request_ended = last;
}

static inline void on_flush(struct exchange *exchange)
{
    struct world *world = exchange->owner_data;
    if (!world->traces_no_timing)
        trace(world, "flush");
}

static inline void on_cancel(struct exchange *exchange)
{
    struct world *world = exchange->owner_data;
    trace(world, "cancel");
    world->is_pulled = false;
    free(world->lent);
    world->lent = NULL;
}

static inline void on_abort(struct exchange *exchange)
{
    struct world *world = exchange->owner_data;
    trace(world, "abort");
    world->is_aborted = true;
}

static inline void on_paused(struct exchange *exchange, bool is_paused)
{
    struct world *world = exchange->owner_data;
    assert_int_not_equal(world->is_paused, is_paused);
    if (!world->traces_no_timing)
        trace(world, is_paused ? "paused" : "unpaused");
    world->is_paused = is_paused;
}

static inline void on_replaced(struct exchange *exchange, struct exchange *fresh)
{
    struct world *world = fresh->owner_data;
    assert_ptr_equal(world->exchange, exchange);
    trace(world, "replaced");
    world->exchange = fresh;
}

static inline void on_finished(struct exchange *exchange)
{
    struct world *world = exchange->owner_data;
    trace(world, "finished");
    ++world->finishes;
    if (world->keeps_exchange)
        return;
    world->exchange = NULL;
    exchange_destroy(exchange);
}

static const struct exchange_owner fake_owner = {
    .forward = on_forward,
    .send_head = on_send_head,
    .send_body = on_send_body,
    .pull = on_pull,
    .pull_request = on_pull_request,
    .send_request = on_send_request,
    .flush = on_flush,
    .cancel = on_cancel,
    .abort = on_abort,
    .paused = on_paused,
    .replaced = on_replaced,
    .finished = on_finished,
};

static inline flexilib_answer run_act(struct script *script, enum hook hook, const char *word,
                                      struct flexilib_exchange *exchange, const char *data, size_t length, bool last)
{
    trace_hook(script->world, script->name, word);
    if (script->acts[hook] == NULL)
        return FLEXILIB_CONTINUE;
    struct call call = {script, script->core, exchange, data, length, last};
    return script->acts[hook](&call);
}

static inline flexilib_answer on_request_head(void *filter, struct flexilib_exchange *exchange)
{
    return run_act(filter, HOOK_REQUEST_HEAD, "request", exchange, NULL, 0, false);
}

static inline flexilib_answer on_request_body(void *filter, struct flexilib_exchange *exchange, const char *data,
                                              size_t length, bool last)
{
    return run_act(filter, HOOK_REQUEST_BODY, last ? "request_end" : "request_body", exchange, data, length, last);
}

static inline flexilib_answer on_response_head(void *filter, struct flexilib_exchange *exchange)
{
    return run_act(filter, HOOK_RESPONSE_HEAD, "response", exchange, NULL, 0, false);
}

static inline flexilib_answer on_response_body(void *filter, struct flexilib_exchange *exchange, const char *data,
                                               size_t length, bool last)
{
    return run_act(filter, HOOK_RESPONSE_BODY, last ? "response_end" : "response_body", exchange, data, length, last);
}

static inline flexilib_answer on_resume(void *filter, struct flexilib_exchange *exchange, void *result)
{
    return run_act(filter, HOOK_RESUME, "resume", exchange, result, 0, false);
}

static inline flexilib_answer on_reply_body(void *filter, struct flexilib_exchange *exchange)
{
    return run_act(filter, HOOK_REPLY_BODY, "reply", exchange, NULL, 0, false);
}

static inline void on_end(void *filter, struct flexilib_exchange *exchange)
{
    struct script *script = filter;
    __atomic_add_fetch(&script->ends, 1, __ATOMIC_SEQ_CST);
    trace_hook(script->world, script->name, "end");
}

static inline bool on_create(const struct flexilib_core *core, const struct flexilib_value *values, void **filter)
{
    struct script *script = (struct script *)(uintptr_t)use_of_core(core)->filter;
    script->core = core;
    *filter = script;
    return true;
}

static inline void on_wake(void *context)
{
    __atomic_add_fetch(&((struct world *)context)->wakes, 1, __ATOMIC_SEQ_CST);
}

static inline struct world *world_create(void)
{
    struct world *world = calloc(1, sizeof(*world));
    pthread_mutex_init(&world->trace_mutex, NULL);
    world->runtime = runtime_create(&(struct runtime_services){.wake = on_wake, .context = world}, &world->slot, 1024);
    world->chain.uses = world->uses;
    world->status = 200;
    world->body_length = 5;
    world->pieces[0] = "hello";
    world->piece_count = 1;
    return world;
}

/* All hooks there are; the body hooks let everything pass unless told otherwise. */
static inline void add_filter(struct world *world, struct script *script, const char *name)
{
    script->world = world;
    script->name = name;
    script->filter.name = name;
    script->filter.create = on_create;
    script->filter.on_request_head = on_request_head;
    script->filter.on_response_head = on_response_head;
    script->filter.on_resume = on_resume;
    script->filter.on_end = on_end;
    if (script->acts[HOOK_REQUEST_BODY] != NULL)
        script->filter.on_request_body = on_request_body;
    if (script->acts[HOOK_RESPONSE_BODY] != NULL)
        script->filter.on_response_body = on_response_body;
    if (script->acts[HOOK_REPLY_BODY] != NULL)
        script->filter.on_reply_body = on_reply_body;
    struct step_settings step = {.name = slice_from_text(name)};
    struct error error = ERROR_INIT;
    struct use *use = use_create(world->runtime, NULL, &script->filter, &step, NULL, &error);
    assert_string_equal(error.message, "");
    assert_non_null(use);
    world->uses[world->chain.count++] = use;
}

static inline void add_open_filter(struct world *world, struct script *script, const char *name)
{
    add_filter(world, script, name);
    world->uses[world->chain.count - 1]->on_error = ERROR_POLICY_OPEN;
}

static inline void open_exchange(struct world *world, const char *method)
{
    struct exchange *exchange = exchange_create(world->runtime, &fake_owner, world);
    world->exchange = exchange;
    world->heads = 0;
    world->is_body_ended = world->is_sending = false;
    exchange->id = SLICE("00c0ffee");
    exchange->request.method = slice_from_text(method);
    exchange->request.scheme = SLICE("http");
    exchange->request.authority = SLICE("example.com");
    exchange->request.path = SLICE("/path");
    exchange->request.query = SLICE("q=1");
    exchange->request.has_query = true;
    exchange->request_body = SLICE("question");
    exchange->peer_address = SLICE("192.0.2.7");
    exchange->peer_port = 1234;
    exchange->route_name = SLICE("main");
    headers_add(&exchange->request.headers, &exchange->arena, SLICE("Accept"), SLICE("*/*"));
}

/* Has the request's body come by demand. */
static inline void stream_request(struct world *world, int64_t length)
{
    world->exchange->request_body = SLICE_NONE;
    world->exchange->streams_request = true;
    world->exchange->request_length = length;
}

/* The front is done with what it was given. */
static inline void finish_sending(struct world *world)
{
    struct slice body = text_slice(&world->body);
    assert_true(slice_equals(world->sending, slice_skip(body, body.length - world->sending.length)));
    world->is_sending = false;
    exchange_sent(world->exchange);
}

/* Everything that can happen by itself: the front sends, the upstream delivers, the mailbox is read. */
static inline void run_world(struct world *world)
{
    for (;;) {
        if (__atomic_exchange_n(&world->wakes, 0, __ATOMIC_SEQ_CST) != 0) {
            runtime_run_mailbox(world->runtime);
        } else if (world->exchange != NULL && world->is_sending && !world->is_stuck) {
            finish_sending(world);
        } else if (world->exchange != NULL && world->is_pulled && world->is_asynchronous && !world->is_silent) {
            deliver_piece(world);
        } else if (world->exchange != NULL && world->is_request_pulled) {
            deliver_request_piece(world);
        } else {
            return;
        }
    }
}

static inline void start(struct world *world, const char *method)
{
    open_exchange(world, method);
    exchange_start(world->exchange, &world->chain);
    run_world(world);
}

static inline void world_destroy(struct world *world)
{
    assert_int_equal(runtime_exchange_count(world->runtime), 0);
    for (size_t i = 0; i < world->chain.count; ++i)
        use_destroy(world->uses[i]);
    runtime_destroy(world->runtime);
    text_finish(&world->trace);
    text_finish(&world->body);
    text_finish(&world->upload);
    free(world->lent);
    free(world->lent_request);
    free(world);
}

static inline flexilib_answer act_pass(struct call *call)
{
    assert_true(call->core->pass(call->exchange));
    return FLEXILIB_CONTINUE;
}

static inline flexilib_answer act_drop(struct call *call)
{
    return FLEXILIB_CONTINUE;
}

static inline flexilib_answer act_fail(struct call *call)
{
    return FLEXILIB_FAIL;
}

static inline flexilib_answer act_nonsense(struct call *call)
{
    return 42;
}

static inline flexilib_answer act_pause(struct call *call)
{
    call->script->ticket = call->core->ticket(call->exchange);
    assert_int_not_equal(call->script->ticket, 0);
    return FLEXILIB_PAUSE;
}

static inline flexilib_answer act_pass_and_pause(struct call *call)
{
    call->core->pass(call->exchange);
    return act_pause(call);
}

static inline flexilib_answer act_collect(struct call *call)
{
    assert_true(call->core->collect(call->exchange, FLEXILIB_REQUEST, UINT64_MAX));
    return FLEXILIB_CONTINUE;
}

static inline flexilib_answer act_collect_response(struct call *call)
{
    assert_true(call->core->collect(call->exchange, FLEXILIB_RESPONSE, UINT64_MAX));
    return FLEXILIB_CONTINUE;
}

static inline flexilib_answer act_hold(struct call *call)
{
    assert_true(call->core->hold_head(call->exchange, FLEXILIB_REQUEST));
    return FLEXILIB_CONTINUE;
}

static inline flexilib_answer act_hold_response(struct call *call)
{
    assert_true(call->core->hold_head(call->exchange, FLEXILIB_RESPONSE));
    return FLEXILIB_CONTINUE;
}

static inline flexilib_answer act_reply(struct call *call)
{
    assert_true(call->core->reply(call->exchange, 403, FLEXILIB_ARG("text/html"), FLEXILIB_ARG("<no>")));
    return FLEXILIB_REPLY;
}

static inline void drop_result(void *result)
{
    ++((struct world *)result)->drops;
}

/* The result is the world itself, so that drop_result can count. */
static inline void resume(struct script *script)
{
    script->core->resume(script->core, script->ticket, script->world, drop_result);
}

#endif
