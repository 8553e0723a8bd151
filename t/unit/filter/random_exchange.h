#ifndef T_UNIT_FILTER_RANDOM_EXCHANGE_H
#define T_UNIT_FILTER_RANDOM_EXCHANGE_H

/* Filters that do anything at any time, while the client, the upstream and the clock do as they like: whatever happens,
 * an exchange finishes once, every filter that was called hears of the end once, every result is taken or dropped, and
 * every body that was lent is given back once. */

#include "dice.h"
#include "fake_coding.h"

enum {
    MOST_EVENTS = 80,
};

static unsigned resumes_sent;
static unsigned resumes_taken;
static unsigned lent;
static unsigned calmness; /* the more, the fewer filters give bad answers */
static unsigned given_back;

static inline void send_resume(struct script *script)
{
    if (script->ticket == 0)
        return;
    ++resumes_sent;
    resume(script);
}

static inline void give_back(void *data)
{
    ++given_back;
    free(data);
}

static inline void lend_reply(struct call *call)
{
    size_t length = roll(6);
    char *body = malloc(length + 1);
    memset(body, 'l', length + 1);
    ++lent;
    call->core->reply_lent(call->exchange, 190 + (int32_t)roll(200), "", 0, body, length, give_back, body);
}

static inline void touch_head(struct call *call)
{
    const struct flexilib_core *core = call->core;
    struct flexilib_exchange *exchange = call->exchange;
    flexilib_half half = (flexilib_half)roll(2);
    switch (roll(6)) {
    case 0:
        core->set_header(exchange, half, FLEXILIB_ARG("x-a"), FLEXILIB_ARG("1"));
        break;
    case 1:
        core->add_header(exchange, half, FLEXILIB_ARG("X-A"), FLEXILIB_ARG("2"));
        break;
    case 2:
        core->remove_header(exchange, half, FLEXILIB_ARG("x-a"));
        break;
    case 3:
        core->set_status(exchange, roll(2) ? 204 : 200);
        break;
    case 4:
        core->set_method(exchange, roll(2) ? "GET" : "HEAD", roll(2) ? 3 : 4);
        break;
    default:
        core->set_path(exchange, FLEXILIB_ARG("/changed"));
        break;
    }
}

static inline void touch_everything(struct call *call)
{
    const struct flexilib_core *core = call->core;
    struct flexilib_exchange *exchange = call->exchange;
    switch (roll(15)) {
    case 0:
        core->reply(exchange, 200 + (int32_t)roll(5), "", 0, "reply", roll(6));
        break;
    case 1:
        lend_reply(call);
        break;
    case 2:
        core->reply_stream(exchange, 200, "", 0);
        break;
    case 3:
        core->end_reply(exchange);
        break;
    case 4:
    case 5:
        core->write(exchange, "written", roll(8));
        break;
    case 6:
        call->script->ticket = core->ticket(exchange);
        break;
    case 7:
        send_resume(call->script);
        break;
    case 8:
        core->collect(exchange, (flexilib_half)roll(2), roll(4) == 0 ? roll(20) : UINT64_MAX);
        break;
    case 9:
        core->hold_head(exchange, (flexilib_half)roll(2));
        break;
    case 10:
        core->skip_body(exchange, (flexilib_half)roll(2));
        break;
    case 11:
        core->decode(exchange, (flexilib_half)roll(2));
        break;
    default:
        touch_head(call);
        break;
    }
}

static inline flexilib_answer act_at_random(struct call *call)
{
    for (unsigned i = roll(4); i > 0; --i)
        touch_everything(call);
    if (roll(2) == 0)
        call->core->pass(call->exchange);
    switch (roll(14 + calmness)) {
    case 0:
        return FLEXILIB_FAIL;
    case 1:
        return FLEXILIB_REPLY;
    case 2:
        return 42;
    case 3:
        return FLEXILIB_PAUSE;
    case 4:
    case 5:
    case 6:
        return act_pause(call);
    default:
        return FLEXILIB_CONTINUE;
    }
}

static inline flexilib_answer resume_at_random(struct call *call)
{
    ++resumes_taken;
    return act_at_random(call);
}

static inline void make_event(struct world *world, struct script *scripts, size_t count)
{
    struct exchange *exchange = world->exchange;
    switch (roll(16)) {
    case 0:
        exchange_deadline(exchange);
        break;
    case 1:
        if (roll(3) == 0)
            exchange_gone(exchange);
        break;
    case 2:
        if (roll(3) == 0)
            exchange_fail(exchange, 502);
        break;
    case 3:
        if (roll(6) == 0)
            exchange_answer(exchange, 500, "an answer");
        break;
    case 4:
        if (exchange->phase == EXCHANGE_FORWARDED)
            deliver_head(world);
        break;
    case 5:
    case 6:
        if (count != 0)
            send_resume(&scripts[roll((unsigned)count)]);
        break;
    case 7:
        if (world->is_pulled)
            deliver_piece(world);
        break;
    case 8:
        if (world->is_request_pulled)
            deliver_request_piece(world);
        if (world->exchange != NULL && roll(8) == 0)
            exchange_request_fail(world->exchange, 400, SLICE("bad"));
        break;
    case 9:
    case 10:
        exchange_pull_request(exchange);
        break;
    case 11:
        if (roll(20) == 0)
            exchange_break(exchange);
        break;
    default:
        if (world->is_sending)
            finish_sending(world);
        runtime_run_mailbox(world->runtime);
        break;
    }
}

static inline void set_up_filters(struct world *world, struct script *scripts, size_t count,
                                  void (*add)(struct world *world, struct script *script, const char *name))
{
    static const char *const names[] = {"a", "b", "c", "d"};
    for (size_t i = 0; i < count; ++i) {
        scripts[i] = (struct script){0};
        for (enum hook hook = HOOK_REQUEST_HEAD; hook < HOOK_COUNT; ++hook)
            scripts[i].acts[hook] = roll(3) == 0 ? NULL : act_at_random;
        scripts[i].acts[HOOK_RESUME] = resume_at_random;
        if (roll(8) == 0)
            scripts[i].filter.flags = FLEXILIB_OBSERVES;
        add(world, &scripts[i], names[i]);
        world->uses[i]->on_error = roll(2) ? ERROR_POLICY_CLOSED : ERROR_POLICY_OPEN;
        if (roll(5) == 0)
            scripts[i].filter.on_resume = NULL;
        world->uses[i]->wants_whole_requests = roll(8) == 0;
    }
    world->chain.ends_in_handler = count != 0 && roll(3) == 0;
}

static inline void stream_at_random(struct world *world)
{
    static const char *const texts[] = {"", "a", "b1d", "e5g9j9k3"};
    int64_t length = 0;
    world->request_piece_count = 1 + roll(MOST_PIECES);
    for (size_t i = 0; i < world->request_piece_count; ++i) {
        world->request_pieces[i] = texts[roll(4)];
        length += (int64_t)strlen(world->request_pieces[i]);
    }
    world->is_request_late = roll(2);
    stream_request(world, roll(2) ? length : -1);
    if (roll(6) == 0)
        world->exchange->body_limit_bytes = roll(20);
}

static inline void set_up_world(struct world *world)
{
    world->is_silent = roll(2);
    world->is_asynchronous = roll(2);
    world->status = roll(5) == 0 ? 304 : 200;
    world->piece_count = 1 + roll(MOST_PIECES);
    for (size_t i = 0; i < world->piece_count; ++i)
        world->pieces[i] = roll(4) == 0 ? "" : roll(3) ? "piece" : "p9i9";
    world->body_length = roll(2) ? -1 : (int64_t)roll(40);
    open_exchange(world, roll(3) == 0 ? "HEAD" : "POST");
    struct exchange *exchange = world->exchange;
    if (roll(2))
        headers_add(&exchange->request.headers, &exchange->arena, SLICE("content-encoding"), SLICE("run"));
    if (roll(2))
        headers_add(&exchange->response.headers, &exchange->arena, SLICE("content-encoding"), SLICE("run"));
    if (roll(2))
        stream_at_random(world);
}

static inline void check_end(struct world *world, const struct script *scripts, size_t count)
{
    tell_trace(world);
    assert_null(world->exchange);
    assert_int_equal(world->finishes, 1);
    assert_false(world->is_paused);
    runtime_run_mailbox(world->runtime);
    assert_int_equal(resumes_sent, resumes_taken + world->drops);
    assert_int_equal(lent, given_back);
    if (world->is_body_ended && !world->is_aborted && world->final_length >= 0 && world->body.length != 0)
        assert_int_equal(world->body.length, world->final_length);
    for (size_t i = 0; i < count; ++i) {
        char called[8];
        snprintf(called, sizeof(called), "%s.re", scripts[i].name);
        assert_int_equal(scripts[i].ends, world->trace.data != NULL && strstr(world->trace.data, called) != NULL);
    }
}

#endif
