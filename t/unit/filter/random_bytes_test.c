#include "dice.h"
#include "fake_coding.h"

#include "filter/exchange_state.h"

/* Filters that let every byte go on sooner or later, but pause, keep pieces back, collect, hold heads, skip bodies and
 * fail open as chance has it: however pieces are cut and whoever is slow, both bodies arrive as they were sent, or
 * plain where somebody has them decoded, and with the length that was announced. */

enum {
    ROUNDS = 200000,
    MOST_STEPS = 4,
    MOST_KEPT = 256,
    MOST_BODY = 128,
    MOST_EVENTS = 20000,
};

/* What a filter has kept back in one half. */
struct kept {
    char data[MOST_KEPT];
    size_t length;
};

struct honest {
    struct script script;
    struct kept kept[2];
    uint64_t tickets[2];
    bool is_paused[2];
    bool may_fail;
    /* Of a body that has come in part the filter has made it its own: it does not fail open then. */
    bool is_in_midst[2];
    bool is_last[2]; /* the piece that it pauses with */
};

static struct honest honests[MOST_STEPS];
static size_t honest_count;

/* What is sent in each half, and what has to arrive if somebody has it decoded. */
struct sent {
    char pieces[MOST_PIECES][MOST_BODY + 1];
    char body[MOST_BODY + 1];
    char plain[9 * MOST_BODY + 1];
    size_t length;
    bool is_coded, is_decoded;
};

static struct sent sent[2];

static flexilib_half half_of(const struct call *call)
{
    return ((const struct exchange *)(const void *)call->exchange)->state->running->which;
}

static flexilib_answer pause_half(struct honest *honest, struct call *call, flexilib_half half)
{
    honest->tickets[half] = call->core->ticket(call->exchange);
    honest->is_paused[half] = true;
    return FLEXILIB_PAUSE;
}

static bool fails_now(const struct honest *honest, unsigned sides)
{
    return honest->may_fail && !honest->is_in_midst[0] && !honest->is_in_midst[1] && roll(sides) == 0;
}

static void maybe_ask(struct call *call, flexilib_half half)
{
    const struct flexilib_core *core = call->core;
    switch (roll(8)) {
    case 0:
        core->collect(call->exchange, half, UINT64_MAX);
        break;
    case 1:
        core->hold_head(call->exchange, half);
        break;
    case 2:
        core->skip_body(call->exchange, half);
        break;
    case 3:
        /* where that is too little, it fails open; the request's body may be on its way when the response's comes */
        if (((struct honest *)call->script)->may_fail && half == FLEXILIB_REQUEST)
            core->collect(call->exchange, half, roll(MOST_BODY));
        break;
    case 4:
        sent[half].is_decoded = core->decode(call->exchange, half) || sent[half].is_decoded;
        break;
    default:
        break;
    }
}

static flexilib_answer finish_head(struct honest *honest, struct call *call, flexilib_half half)
{
    maybe_ask(call, half);
    return fails_now(honest, 20) ? FLEXILIB_FAIL : FLEXILIB_CONTINUE;
}

static flexilib_answer act_head(struct call *call)
{
    struct honest *honest = (struct honest *)call->script;
    flexilib_half half = half_of(call);
    honest->kept[half].length = 0;
    if (roll(4) == 0)
        return pause_half(honest, call, half);
    return finish_head(honest, call, half);
}

static void send_kept(struct call *call, struct kept *kept)
{
    call->core->write(call->exchange, kept->data, kept->length);
    kept->length = 0;
}

static bool keep(struct kept *kept, const char *data, size_t length)
{
    if (kept->length + length > MOST_KEPT)
        return false;
    memcpy(kept->data + kept->length, data, length);
    kept->length += length;
    return true;
}

static flexilib_answer go_on(struct honest *honest, flexilib_half half)
{
    honest->is_in_midst[half] = honest->is_in_midst[half] && !honest->is_last[half];
    return FLEXILIB_CONTINUE;
}

static flexilib_answer act_body(struct call *call)
{
    struct honest *honest = (struct honest *)call->script;
    flexilib_half half = half_of(call);
    struct kept *kept = &honest->kept[half];
    assert_true(call->length != 0 || call->last);
    if (honest->script.filter.flags == FLEXILIB_OBSERVES)
        return roll(4) == 0 ? pause_half(honest, call, half) : FLEXILIB_CONTINUE;
    if (fails_now(honest, 8))
        return FLEXILIB_FAIL;
    honest->is_in_midst[half] = true;
    honest->is_last[half] = call->last;
    if (!call->last && roll(4) == 0 && keep(kept, call->data, call->length))
        return go_on(honest, half);
    if (call->last || roll(2)) {
        send_kept(call, kept);
        call->core->pass(call->exchange);
    } else if (keep(kept, call->data, call->length)) {
        send_kept(call, kept);
    } else {
        send_kept(call, kept);
        call->core->write(call->exchange, call->data, call->length);
    }
    return roll(4) == 0 ? pause_half(honest, call, half) : go_on(honest, half);
}

static flexilib_answer act_resume(struct call *call)
{
    struct honest *honest = (struct honest *)call->script;
    flexilib_half half = half_of(call);
    honest->is_paused[half] = false;
    enum slot_hook hook = ((const struct exchange *)(const void *)call->exchange)->state->running->hook;
    if (roll(4) == 0)
        return pause_half(honest, call, half);
    bool is_head = hook == SLOT_HOOK_REQUEST_HEAD || hook == SLOT_HOOK_RESPONSE_HEAD;
    return is_head ? finish_head(honest, call, half) : go_on(honest, half);
}

static void set_up_filters(struct world *world)
{
    static const char *const names[] = {"a", "b", "c", "d"};
    honest_count = roll(MOST_STEPS + 1);
    for (size_t i = 0; i < honest_count; ++i) {
        struct honest *honest = &honests[i];
        *honest = (struct honest){.may_fail = roll(3) == 0};
        struct script *script = &honest->script;
        script->acts[HOOK_REQUEST_HEAD] = act_head;
        script->acts[HOOK_RESPONSE_HEAD] = act_head;
        script->acts[HOOK_REQUEST_BODY] = roll(4) == 0 ? NULL : act_body;
        script->acts[HOOK_RESPONSE_BODY] = roll(4) == 0 ? NULL : act_body;
        script->acts[HOOK_RESUME] = act_resume;
        if (roll(6) == 0)
            script->filter.flags = FLEXILIB_OBSERVES;
        if (honest->may_fail)
            add_open_filter(world, script, names[i]);
        else
            add_filter(world, script, names[i]);
        world->uses[i]->wants_whole_requests = roll(8) == 0;
    }
}

/* Bytes that the coding of fake_coding.h makes of others, or any. */
static void make_bytes(struct sent *half)
{
    size_t plain = 0;
    half->length = roll(4) == 0 ? 0 : roll(MOST_BODY);
    if (half->is_coded)
        half->length &= ~(size_t)1;
    for (size_t i = 0; i < half->length; ++i) {
        half->body[i] = (char)('A' + i % 58);
        if (half->is_coded && i % 2 == 1)
            half->body[i] = (char)('1' + roll(9));
        for (int j = half->body[i] - '0'; half->is_coded && i % 2 == 1 && j > 0; --j)
            half->plain[plain++] = half->body[i - 1];
    }
    half->body[half->length] = half->plain[plain] = '\0';
}

/* Cuts them into pieces. */
static void make_pieces(struct sent *half, const char **pieces, size_t *count)
{
    size_t begin = 0;
    *count = 1 + roll(MOST_PIECES);
    for (size_t i = 0; i < *count; ++i) {
        size_t left = half->length - begin;
        size_t length = i + 1 == *count ? left : roll(3) == 0 ? 0 : roll((unsigned)left + 1);
        memcpy(half->pieces[i], half->body + begin, length);
        half->pieces[i][length] = '\0';
        pieces[i] = half->pieces[i];
        begin += length;
    }
}

static void make_body(struct sent *half, const char **pieces, size_t *count)
{
    *half = (struct sent){.is_coded = roll(3) == 0};
    make_bytes(half);
    make_pieces(half, pieces, count);
}

static struct slice find_expected(const struct sent *half)
{
    return slice_from_text(half->is_coded && half->is_decoded ? half->plain : half->body);
}

static void announce_coding(struct world *world, struct headers *headers, const struct sent *half)
{
    if (half->is_coded)
        headers_add(headers, &world->exchange->arena, SLICE("content-encoding"), SLICE("run"));
}

static void resume_half(struct honest *honest)
{
    flexilib_half half = (flexilib_half)roll(2);
    if (!honest->is_paused[half])
        return;
    honest->script.ticket = honest->tickets[half];
    resume(&honest->script);
    runtime_run_mailbox(honest->script.world->runtime);
}

static void make_event(struct world *world)
{
    switch (roll(6)) {
    case 0:
        if (honest_count != 0)
            resume_half(&honests[roll((unsigned)honest_count)]);
        break;
    case 1:
        exchange_pull_request(world->exchange);
        break;
    case 2:
        if (world->is_request_pulled)
            deliver_request_piece(world);
        break;
    case 3:
        if (world->exchange->phase == EXCHANGE_FORWARDED && roll(8) == 0)
            deliver_head(world);
        break;
    case 4:
        /* the last piece ends the request, so it waits */
        if (world->is_pulled && (world->next_piece + 1 < world->piece_count || !world->exchange->streams_request ||
                                 world->is_request_ended))
            deliver_piece(world);
        break;
    default:
        if (world->is_sending)
            finish_sending(world);
        break;
    }
}

static void check_request(const struct world *world)
{
    const char *whole = strstr(world->final_request, "\n\n") + 2;
    struct slice upload = text_slice(&world->upload);
    if (upload.length == 0)
        upload = slice_from_text(whole);
    assert_true(slice_equals(upload, find_expected(&sent[FLEXILIB_REQUEST])));
}

static void open_round(struct world *world)
{
    struct sent *request = &sent[FLEXILIB_REQUEST], *response = &sent[FLEXILIB_RESPONSE];
    open_exchange(world, "POST");
    make_body(request, world->request_pieces, &world->request_piece_count);
    make_body(response, world->pieces, &world->piece_count);
    world->body_length = roll(2) ? -1 : (int64_t)response->length;
    announce_coding(world, &world->exchange->request.headers, request);
    announce_coding(world, &world->exchange->response.headers, response);
    if (roll(4) != 0)
        stream_request(world, roll(2) ? -1 : (int64_t)request->length);
    else
        world->exchange->request_body = slice_from_text(request->body);
}

static void run_round(void)
{
    struct world *world = world_create();
    use_fake_coding(world);
    set_up_filters(world);
    world->is_silent = world->is_asynchronous = world->is_request_late = true;
    open_round(world);
    exchange_start(world->exchange, &world->chain);
    for (unsigned i = 0; i < MOST_EVENTS && world->exchange != NULL; ++i)
        make_event(world);
    tell_trace(world);
    assert_null(world->exchange);
    assert_false(world->is_aborted);
    assert_int_equal(world->final_status, 200);
    assert_true(slice_equals(text_slice(&world->body), find_expected(&sent[FLEXILIB_RESPONSE])));
    if (world->final_length >= 0)
        assert_int_equal(world->final_length, world->body.length);
    check_request(world);
    world_destroy(world);
    assert_int_equal(fake_codings.open, 0);
}

static void no_byte_is_lost(void **state)
{
    run_rounds(ROUNDS, run_round);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(no_byte_is_lost, tell_round),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
