#include "base/log.h"
#include "filter/decoding_services.h"
#include "filter/exchange_state.h"

bool exchange_begin_decoding(struct exchange *exchange, struct half *half, struct slice coding)
{
    struct runtime *runtime = exchange->runtime;
    size_t *shared = exchange->room == NULL ? NULL : &exchange->room->decoding_bytes;
    half->decoding = runtime->decoding_services->open(runtime->decoding_context, coding, shared);
    half->decoded_at = half->heads;
    half->is_changed = true;
    return half->decoding != NULL;
}

void exchange_end_decoding(struct exchange *exchange, struct half *half)
{
    if (half->decoding == NULL)
        return;
    exchange->runtime->decoding_services->close(half->decoding);
    half->decoding = NULL;
    half->coded = SLICE_NONE;
    text_finish(&half->coded_buffer);
    half->is_coded_last = half->is_decoding = half->is_decoded = half->is_coding_open = false;
    half->decoded_bytes = 0;
}

static void blame_source(const struct exchange *exchange, const char *what)
{
    const struct exchange_forwarding *forwarding = &exchange->forwarding;
    if (forwarding->upstream.length == 0)
        log_line(LOG_LEVEL_ERROR, "the response's body %s (request %.*s)", what, SLICE_ARG(exchange->id));
    else
        log_line(LOG_LEVEL_ERROR, "upstream '%.*s': server %.*s sent a body that %s (request %.*s)",
                 SLICE_ARG(forwarding->upstream), SLICE_ARG(forwarding->server), what, SLICE_ARG(exchange->id));
}

static void fail(struct exchange *exchange, struct half *half, bool is_broken)
{
    static const char what[] = "is not what its Content-Encoding says";
    size_t depth = exchange_unseen_depth(exchange);
    if (!is_broken) {
        log_line(LOG_LEVEL_ERROR, "no room is left to decode another body (request %.*s)", SLICE_ARG(exchange->id));
        exchange_start_answer(exchange, 503, SLICE("no room is left to decode the body"), depth);
    } else if (half->which == FLEXILIB_RESPONSE) {
        blame_source(exchange, what);
        exchange_start_answer(exchange, 502, SLICE_NONE, depth);
    } else {
        log_line(LOG_LEVEL_INFO, "refused a request from %.*s with 400: its body %s (request %.*s)",
                 SLICE_ARG(exchange->peer_address), what, SLICE_ARG(exchange->id));
        exchange->state->is_request_over = exchange->is_request_refused = true;
        exchange_start_answer(exchange, 400, SLICE("400 Bad Request: the body is not what Content-Encoding says"),
                              depth);
    }
}

/* What comes of the coded bytes at hand: something, or nothing before there are more of them. */
static enum decoding_state run(struct exchange *exchange, struct half *half, struct slice *output)
{
    const struct decoding_services *services = exchange->runtime->decoding_services;
    enum decoding_state state = half->is_coding_open ? DECODING_HUNGRY : DECODING_ENDED;
    *output = SLICE_NONE;
    while (output->length == 0 && (half->coded.length != 0 || half->is_decoding)) {
        half->is_decoding = false;
        state = services->work(half->decoding, &half->coded, output);
        if (state == DECODING_BROKEN || state == DECODING_NO_ROOM)
            break;
    }
    half->is_coding_open = state == DECODING_HUNGRY || state == DECODING_BUSY;
    half->is_decoding = state == DECODING_BUSY || half->coded.length != 0;
    return state;
}

/* Bodies may unfold to many times their size: what comes out counts as what came in does. */
static bool is_too_large(const struct exchange *exchange, const struct half *half)
{
    return half->which == FLEXILIB_REQUEST && half->decoded_bytes > exchange->body_limit_bytes;
}

static bool make_piece(struct exchange *exchange, struct half *half)
{
    enum decoding_state state = run(exchange, half, &half->piece);
    bool is_last = half->is_coded_last && !half->is_decoding;
    if (state == DECODING_BROKEN || state == DECODING_NO_ROOM || (is_last && half->is_coding_open)) {
        fail(exchange, half, state != DECODING_NO_ROOM);
        return false;
    }
    half->decoded_bytes += half->piece.length;
    if (is_too_large(exchange, half)) {
        exchange_refuse_body(exchange);
        return false;
    }
    if (is_last)
        exchange->runtime->decoding_services->settle(half->decoding);
    half->is_piece_lent = true;
    half->is_last = is_last;
    half->is_decoded = true;
    half->passed = half->decoded_at;
    half->has_piece = half->piece.length != 0 || is_last;
    return half->has_piece;
}

/* Filters further on write to the buffers, or collect, while there is still something to be taken out of the piece. */
static void keep_coded(struct exchange *exchange, struct half *half)
{
    struct exchange_state *state = exchange->state;
    struct text *const buffers[] = {&state->buffers[half->which][0], &state->buffers[half->which][1],
                                    &state->lease.copies[half->which]};
    if (half->piece.length == 0)
        return;
    if (half->piece.data == half->lent.data) {
        half->coded_store = half->lent;
        half->lent = (struct body_store){0};
        return;
    }
    for (size_t i = 0; i < sizeof(buffers) / sizeof(buffers[0]); ++i) {
        if (half->piece.data != buffers[i]->data)
            continue;
        struct text spare = half->coded_buffer;
        half->coded_buffer = *buffers[i];
        *buffers[i] = spare;
        return;
    }
}

bool exchange_decode_piece(struct exchange *exchange, struct half *half)
{
    keep_coded(exchange, half);
    half->coded = half->piece;
    half->is_coded_last = half->is_last;
    return make_piece(exchange, half);
}

bool exchange_decode_more(struct exchange *exchange, struct half *half)
{
    if (!half->is_decoding)
        return false;
    make_piece(exchange, half);
    return true;
}
