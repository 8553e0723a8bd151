#include "front/http2_guard.h"

enum {
    PREFACE_BYTES = 24,
    FRAME_DATA = 0,
    FRAME_HEADERS = 1,
    FRAME_CONTINUATION = 9,
};

/* Browsers cancel by the hundred what a page that is left, or a map that is moved, does not need any more. */
static uint32_t choose_memory(const struct http2_guard *guard)
{
    uint64_t used = 2 * (uint64_t)guard->resets;
    if (guard->good <= used)
        return 0;
    uint64_t left = guard->good - used;
    return left < HTTP2_GUARD_MEMORY ? (uint32_t)left : HTTP2_GUARD_MEMORY;
}

static struct http2_guard *enter_window(struct http2_guard *guard, uint64_t now_ms)
{
    if (now_ms >= guard->window_end_ms) {
        guard->window_end_ms = now_ms + HTTP2_GUARD_WINDOW_MS;
        guard->good = choose_memory(guard);
        guard->resets = guard->useful = guard->idle = 0;
    }
    return guard;
}

static void take_frame(struct http2_guard *guard, uint64_t now_ms)
{
    const unsigned char *head = guard->head;
    const unsigned char type = head[3];
    guard->head_bytes = 0;
    guard->skipped_bytes = (uint32_t)head[0] << 16 | (uint32_t)head[1] << 8 | head[2];
    if (type == FRAME_DATA || type == FRAME_HEADERS || type == FRAME_CONTINUATION)
        ++guard->unjudged;
    else
        http2_guard_note_idle(guard, now_ms);
}

void http2_guard_watch(struct http2_guard *guard, struct slice data, uint64_t now_ms)
{
    if (!guard->is_past_preface) {
        guard->is_past_preface = true;
        guard->skipped_bytes = PREFACE_BYTES;
    }
    while (data.length != 0) {
        size_t skipped = guard->skipped_bytes < data.length ? guard->skipped_bytes : data.length;
        guard->skipped_bytes -= (uint32_t)skipped;
        data = slice_skip(data, skipped);
        size_t part = sizeof(guard->head) - guard->head_bytes;
        if (part > data.length)
            part = data.length;
        if (part != 0)
            memcpy(guard->head + guard->head_bytes, data.data, part);
        guard->head_bytes += (uint32_t)part;
        data = slice_skip(data, part);
        if (guard->head_bytes == sizeof(guard->head))
            take_frame(guard, now_ms);
    }
}

void http2_guard_settle(struct http2_guard *guard, uint64_t now_ms)
{
    enter_window(guard, now_ms)->idle += guard->unjudged;
    guard->unjudged = 0;
}

void http2_guard_note_good(struct http2_guard *guard, uint64_t now_ms)
{
    if (++enter_window(guard, now_ms)->good % HTTP2_GUARD_PARDON == 0 && guard->stalls != 0)
        --guard->stalls;
}

void http2_guard_note_stall(struct http2_guard *guard)
{
    ++guard->stalls;
}

void http2_guard_note_reset(struct http2_guard *guard, uint64_t now_ms)
{
    ++enter_window(guard, now_ms)->resets;
}

void http2_guard_note_useful(struct http2_guard *guard, uint64_t now_ms)
{
    ++enter_window(guard, now_ms)->useful;
}

void http2_guard_note_idle(struct http2_guard *guard, uint64_t now_ms)
{
    ++enter_window(guard, now_ms)->idle;
}

uint32_t http2_guard_patience(const struct http2_guard *guard)
{
    uint32_t forgiven = guard->good / 2;
    uint32_t resets = guard->resets > forgiven ? guard->resets - forgiven : 0;
    return resets < HTTP2_GUARD_RESETS ? HTTP2_GUARD_RESETS - resets : 0;
}

const char *http2_guard_complaint(const struct http2_guard *guard)
{
    if (http2_guard_patience(guard) == 0)
        return "too many of its requests are broken off";
    if (guard->stalls > HTTP2_GUARD_STALLS)
        return "too many of its responses are not taken";
    if (guard->idle > HTTP2_GUARD_FRAMES + (uint64_t)guard->useful * HTTP2_GUARD_SPARE)
        return "too many of its frames lead to nothing";
    return NULL;
}
