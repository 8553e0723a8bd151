#include "base/log.h"
#include "filter/exchange_state.h"

#include <inttypes.h>

/* Clients of HTTP/2 may have many bodies collected at once. */
static bool add_piece(struct exchange *exchange, struct half *half)
{
    struct body_store *collected = &half->collected;
    struct exchange_room *room = exchange->room;
    if (room == NULL)
        return body_store_add(collected, half->piece, BODY_STORE_MEMORY_BYTES);
    size_t others = room->collected_bytes - collected->capacity;
    size_t kept = room->kept_bytes + others;
    size_t left = kept < room->most_kept_bytes ? room->most_kept_bytes - kept : 0;
    bool is_added = body_store_add(collected, half->piece, left);
    room->collected_bytes = others + collected->capacity;
    return is_added;
}

static void forget(struct exchange *exchange, struct body_store *store)
{
    if (!body_store_is_used(store))
        return;
    if (exchange->room != NULL)
        exchange->room->collected_bytes -= store->capacity;
    body_store_finish(store);
}

void exchange_forget_lent(struct exchange *exchange, struct half *half)
{
    forget(exchange, &half->lent);
    forget(exchange, &half->coded_store);
}

void exchange_forget_collected(struct exchange *exchange, struct half *half)
{
    forget(exchange, &half->lent);
    forget(exchange, &half->coded_store);
    forget(exchange, &half->collected);
}

/* Makes all that was collected the piece. */
static bool lend(struct exchange *exchange, struct half *half)
{
    if (!body_store_read(&half->collected, &half->piece))
        return false;
    half->is_piece_lent = false;
    forget(exchange, &half->lent);
    half->lent = half->collected;
    half->collected = (struct body_store){0};
    return true;
}

static bool fail_for_room(struct exchange *exchange, const struct half *half)
{
    const char *whose = half->which == FLEXILIB_REQUEST ? "request" : "response";
    exchange_start_answer(exchange, 503, arena_print(&exchange->arena, "no room is left for the %s's body", whose),
                          exchange_unseen_depth(exchange));
    return false;
}

/* What the head says, where no other filter gets the body first and may change that. 0: it says nothing. */
static uint64_t find_announced(const struct exchange *exchange, const struct half *half)
{
    bool is_request = half->which == FLEXILIB_REQUEST;
    int64_t length = half->decoding != NULL ? -1
                     : is_request           ? exchange->request_length
                                            : exchange->response.body_length;
    for (size_t place = 0; place + 1 < half->heads; ++place) {
        size_t step = exchange_step_at(half, place);
        if (exchange_has_body_hook(exchange, half, step) && !use_observes(exchange->chain->uses[step]))
            return 0;
    }
    return length > 0 ? (uint64_t)length : 0;
}

static bool is_too_large(const struct exchange *exchange, const struct half *half)
{
    uint64_t so_far = half->collected.length + half->piece.length;
    return so_far > half->most_bytes || (!half->is_last && find_announced(exchange, half) > half->most_bytes);
}

static void refuse(struct exchange *exchange, const struct half *half, size_t step)
{
    bool is_request = half->which == FLEXILIB_REQUEST;
    log_line(is_request ? LOG_LEVEL_INFO : LOG_LEVEL_ERROR,
             "filter '%.*s': the %s's body has more than the %" PRIu64 " bytes that it takes (request %.*s)",
             SLICE_ARG(exchange->chain->uses[step]->name), is_request ? "request" : "response", half->most_bytes,
             SLICE_ARG(exchange->id));
    if (is_request)
        exchange->state->is_request_over = exchange->is_request_refused = true;
    exchange_start_answer(exchange, is_request ? 413 : 502,
                          is_request ? SLICE("413 Content Too Large: the body is too large") : SLICE_NONE, step);
}

/* The piece stands at a step that does not take it. What was collected goes on in front of it. */
static bool go_on_without(struct exchange *exchange, struct half *half)
{
    if (!body_store_is_empty(&half->collected)) {
        if (!add_piece(exchange, half) || !lend(exchange, half))
            return fail_for_room(exchange, half);
    }
    half->is_held = half->is_collecting = false;
    ++half->passed;
    return false;
}

bool exchange_keep_piece(struct exchange *exchange, struct half *half)
{
    if (half->is_last && body_store_is_empty(&half->collected))
        return true;
    if (!add_piece(exchange, half) || (half->is_last && !lend(exchange, half)))
        return fail_for_room(exchange, half);
    half->has_piece = half->is_last;
    return true;
}

bool exchange_collect(struct exchange *exchange, struct half *half, size_t step)
{
    if (!exchange_is_active(exchange, step))
        return go_on_without(exchange, half);
    if (is_too_large(exchange, half)) {
        if (exchange_try_skip(exchange, step, half->which))
            return go_on_without(exchange, half);
        refuse(exchange, half, step);
        return false;
    }
    return exchange_keep_piece(exchange, half) && half->is_last;
}
