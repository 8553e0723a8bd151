#include "fake.h"

/* Filters that do anything at any time, while the client, the upstream and the clock do as they like: whatever happens,
 * an exchange finishes once, every filter that was called hears of the end once, and every result is taken or dropped.
 * FLEXILIB_TEST_SEED repeats a run that failed. */

enum {
    ROUNDS = 30000,
    MOST_EVENTS = 60,
};

static uint64_t random_state;
static uint64_t running_round; /* 0 when all are through */
static unsigned resumes_sent;
static unsigned resumes_taken;

static unsigned roll(unsigned sides)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (unsigned)(random_state >> 33) % sides;
}

static void send_resume(struct script *script)
{
    if (script->ticket == 0)
        return;
    ++resumes_sent;
    resume(script);
}

static void touch_everything(struct call *call)
{
    const struct flexilib_core *core = call->core;
    struct flexilib_exchange *exchange = call->exchange;
    flexilib_half half = (flexilib_half)roll(2);
    switch (roll(10)) {
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
    case 5:
        core->reply(exchange, 200 + (int32_t)roll(5), "", 0, "reply", roll(6));
        break;
    case 6:
        core->write(exchange, "written", roll(8));
        break;
    case 7:
        call->script->ticket = core->ticket(exchange);
        break;
    case 8:
        send_resume(call->script);
        break;
    default:
        core->set_path(exchange, FLEXILIB_ARG("/changed"));
        break;
    }
}

static flexilib_answer act_at_random(struct call *call)
{
    for (unsigned i = roll(4); i > 0; --i)
        touch_everything(call);
    if (roll(2) == 0)
        call->core->pass(call->exchange);
    switch (roll(14)) {
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

static flexilib_answer resume_at_random(struct call *call)
{
    ++resumes_taken;
    return act_at_random(call);
}

static void make_event(struct world *world, struct script *scripts, size_t count)
{
    struct exchange *exchange = world->exchange;
    switch (roll(14)) {
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
        exchange_pull_request(exchange);
        break;
    default:
        if (world->is_sending) {
            world->is_sending = false;
            exchange_sent(exchange);
        }
        runtime_run_mailbox(world->runtime);
        break;
    }
}

static void set_up_filters(struct world *world, struct script *scripts, size_t count)
{
    static const char *const names[] = {"a", "b", "c", "d"};
    for (size_t i = 0; i < count; ++i) {
        scripts[i] = (struct script){0};
        for (enum hook hook = HOOK_REQUEST_HEAD; hook < HOOK_RESUME; ++hook)
            scripts[i].acts[hook] = roll(3) == 0 ? NULL : act_at_random;
        scripts[i].acts[HOOK_RESUME] = resume_at_random;
        if (roll(2))
            add_filter(world, &scripts[i], names[i]);
        else
            add_open_filter(world, &scripts[i], names[i]);
        if (roll(5) == 0)
            scripts[i].filter.on_resume = NULL;
    }
    world->chain.ends_in_handler = count != 0 && roll(3) == 0;
}

static void stream_at_random(struct world *world)
{
    static const char *const texts[] = {"", "a", "bcd", "efghijk"};
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

/* What the upstream got is how the body begins, and all of it where it was told so. */
static void check_upload(struct world *world)
{
    struct slice upload = text_slice(&world->upload);
    for (size_t i = 0; i < world->request_piece_count && upload.length != 0; ++i) {
        struct slice piece = slice_from_text(world->request_pieces[i]);
        assert_true(slice_starts_with(upload, piece));
        upload = slice_skip(upload, piece.length);
    }
    assert_int_equal(upload.length, 0);
    if (world->is_request_ended)
        assert_int_equal(world->next_request_piece, world->request_piece_count);
}

static void run_round(void)
{
    struct world *world = world_create();
    struct script scripts[4];
    size_t count = roll(5);
    resumes_sent = resumes_taken = 0;
    set_up_filters(world, scripts, count);
    world->is_silent = roll(2);
    world->is_asynchronous = roll(2);
    world->status = roll(5) == 0 ? 304 : 200;
    world->piece_count = 1 + roll(MOST_PIECES);
    for (size_t i = 0; i < world->piece_count; ++i)
        world->pieces[i] = roll(4) == 0 ? "" : "piece";
    world->body_length = roll(2) ? -1 : (int64_t)roll(40);
    open_exchange(world, roll(3) == 0 ? "HEAD" : "POST");
    if (roll(2))
        stream_at_random(world);
    exchange_start(world->exchange, &world->chain);
    for (unsigned i = 0; i < MOST_EVENTS && world->exchange != NULL; ++i)
        make_event(world, scripts, count);
    if (world->exchange != NULL)
        exchange_gone(world->exchange);
    assert_null(world->exchange);
    assert_int_equal(world->finishes, 1);
    assert_false(world->is_paused);
    runtime_run_mailbox(world->runtime);
    assert_int_equal(resumes_sent, resumes_taken + world->drops);
    check_upload(world);
    for (size_t i = 0; i < count; ++i) {
        char called[8];
        snprintf(called, sizeof(called), "%s.re", scripts[i].name);
        assert_int_equal(scripts[i].ends, world->trace.data != NULL && strstr(world->trace.data, called) != NULL);
    }
    world_destroy(world);
}

static void anything_goes_and_everything_ends(void **state)
{
    const char *seed = getenv("FLEXILIB_TEST_SEED");
    /* the log of thirty thousand misbehaving filters is of no use to anybody */
    int saved = dup(STDERR_FILENO);
    FILE *nowhere = fopen("/dev/null", "w");
    if (seed == NULL)
        dup2(fileno(nowhere), STDERR_FILENO);
    for (uint64_t round = 1; round <= ROUNDS; ++round) {
        random_state = (seed != NULL ? strtoull(seed, NULL, 10) : round) * UINT64_C(0x9e3779b97f4a7c15);
        running_round = round;
        run_round();
        if (seed != NULL)
            break;
    }
    running_round = 0;
    dup2(saved, STDERR_FILENO);
    close(saved);
    fclose(nowhere);
}

static int tell_round(void **state)
{
    if (running_round != 0)
        print_message("it failed with FLEXILIB_TEST_SEED=%llu\n", (unsigned long long)running_round);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(anything_goes_and_everything_ends, tell_round),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
