#include "proxy/compressed_body.h"

#include "base/alloc.h"
#include "base/log.h"
#include "proxy/coder.h"
#include "proxy/dispatch.h"
#include "proxy/response_compression.h"

#include <inttypes.h>
#include <stdlib.h>

enum {
    OUTPUT_BYTES = 32 * 1024,
    /* What a turn of the loop compresses of one body: some 2 ms of work, at usual levels. */
    TURN_BYTES = 128 * 1024,
    /* A flush costs bytes. So the next piece is waited for a little, unless somebody waits for this one. */
    FLUSH_DELAY_MS = 3,
    /* While so much comes in that time, it is not waited for. */
    BUSY_BYTES = 16 * 1024,
    MOST_MEMORY_BYTES = 64 * 1024 * 1024,
    TELL_AGAIN_MS = 60 * 1000,
};

struct compressed_body {
    struct compressed_bodies *bodies;
    struct dispatch_entry *entry;
    const struct coder_calls *calls;
    struct coder *coder; /* NULL when its work is done */
    size_t coder_bytes;  /* what it took when that was last asked */
    struct timer timer;  /* of work for the next turn */
    struct timer flush_timer;
    uint64_t turn;           /* the last one in which something was compressed, */
    size_t turn_bytes;       /* and how much that was */
    struct slice piece;      /* what is left of what the exchange has handed over */
    bool has_piece, is_last; /* the exchange waits until it is taken */
    bool is_event_stream;
    bool owes_flush;  /* the coder may hold bytes back */
    bool is_flushing; /* it is to give them out */
    bool is_sending;  /* the front has the output */
    bool is_over;     /* and it is all of it */
    uint64_t taken_bytes, sent_bytes;
    uint64_t flush_taken_bytes; /* had been taken when the flush was put off */
    struct coder_room room;
    char output[OUTPUT_BYTES];
};

static const struct coder_calls *const coders[CODING_COUNT] = {
    [CODING_GZIP] = &coder_gzip,
    [CODING_BROTLI] = &coder_brotli,
    [CODING_ZSTD] = &coder_zstd,
};

static void note_memory(struct compressed_body *body, size_t coder_bytes)
{
    body->bodies->memory_bytes += coder_bytes - body->coder_bytes;
    body->coder_bytes = coder_bytes;
}

static void drop_coder(struct compressed_body *body)
{
    if (body->coder == NULL)
        return;
    body->calls->destroy(body->coder);
    body->coder = NULL;
    note_memory(body, 0);
}

static void on_turn(struct timer *timer);
static void on_flush_due(struct timer *timer);

static struct compressed_body *create(struct compressed_bodies *bodies, struct dispatch_entry *entry,
                                      enum coding coding, int level)
{
    struct compressed_body *body = mem_try_realloc(NULL, sizeof(*body));
    if (body == NULL)
        return NULL;
    memset(body, 0, offsetof(struct compressed_body, output));
    body->bodies = bodies;
    body->entry = entry;
    body->calls = coders[coding];
    body->room = (struct coder_room){.data = body->output, .length = OUTPUT_BYTES};
    body->timer = (struct timer){.on_timeout = on_turn, .data = body};
    body->flush_timer = (struct timer){.on_timeout = on_flush_due, .data = body};
    body->is_event_stream = response_compression_is_event_stream(entry->exchange);
    body->coder = body->calls->create(level, entry->exchange->response.body_length);
    if (body->coder == NULL) {
        free(body);
        return NULL;
    }
    bodies->memory_bytes += sizeof(*body);
    note_memory(body, body->calls->memory_bytes(body->coder));
    return body;
}

static void tell_full(struct compressed_bodies *bodies)
{
    uint64_t now_ms = loop_now_ms(bodies->loop);
    if (bodies->told_ms != 0 && now_ms - bodies->told_ms < TELL_AGAIN_MS)
        return;
    bodies->told_ms = now_ms;
    log_line(LOG_LEVEL_WARNING,
             "the responses that are being compressed take %d MB by now: others are sent as they are",
             MOST_MEMORY_BYTES / (1024 * 1024));
}

struct compressed_body *compressed_body_start(struct compressed_bodies *bodies, struct dispatch_entry *entry,
                                              const struct compression_settings *settings)
{
    struct exchange *exchange = entry->exchange;
    struct compressed_body *body = NULL;
    enum coding coding;
    if (!response_compression_choose(settings, exchange, &coding))
        return NULL;
    if (exchange_has_body(exchange)) {
        if (bodies->memory_bytes < MOST_MEMORY_BYTES)
            body = create(bodies, entry, coding, settings->levels[coding]);
        if (body == NULL) {
            tell_full(bodies);
            return NULL;
        }
    }
    response_compression_announce(exchange, coding);
    return body;
}

static void send_output(struct compressed_body *body, bool last)
{
    struct slice output = slice_of(body->output, body->room.used);
    body->room.used = 0;
    body->is_sending = true;
    body->is_over = last;
    body->sent_bytes += output.length;
    body->entry->exchange->response_bytes = body->sent_bytes;
    body->entry->front->send_body(body->entry, output, last);
}

/* The part of the piece that may be worked on in this turn; all of it where there is nothing left of it. */
static struct slice choose_part(struct compressed_body *body)
{
    uint64_t turn = loop_turn(body->bodies->loop);
    if (body->turn != turn) {
        body->turn = turn;
        body->turn_bytes = 0;
    }
    size_t left = TURN_BYTES - body->turn_bytes;
    return slice_of(body->piece.data, body->piece.length < left ? body->piece.length : left);
}

static enum coder_result work_on_piece(struct compressed_body *body, struct slice part)
{
    bool is_rest = part.length == body->piece.length;
    struct slice rest = part;
    enum coder_result result =
        body->calls->work(body->coder, is_rest && body->is_last ? CODER_FINISH : CODER_GO_ON, &rest, &body->room);
    size_t taken = part.length - rest.length;
    body->turn_bytes += taken;
    body->taken_bytes += taken;
    body->piece = slice_skip(body->piece, taken);
    body->owes_flush = true;
    return result;
}

static enum coder_result work_on_flush(struct compressed_body *body)
{
    struct slice nothing = SLICE_NONE;
    enum coder_result result = body->calls->work(body->coder, CODER_FLUSH, &nothing, &body->room);
    if (result == CODER_DONE)
        body->is_flushing = body->owes_flush = false;
    return result;
}

static void fail(struct compressed_body *body)
{
    struct exchange *exchange = body->entry->exchange;
    log_line(LOG_LEVEL_ERROR, "a response could not be compressed to its end (request %.*s)", SLICE_ARG(exchange->id));
    compressed_body_stop(body);
    exchange_break(exchange);
}

/* Everything that was at hand is done. The exchange may be gone on return. */
static void finish_task(struct compressed_body *body, bool was_flush)
{
    if (was_flush) {
        if (body->room.used != 0)
            send_output(body, false);
    } else if (body->is_last) {
        compressed_body_stop(body);
        response_compression_settle_trailers(body->entry->exchange);
        send_output(body, true);
    } else {
        body->has_piece = false;
        exchange_taken(body->entry->exchange);
    }
}

/* Works until the front has to send, the exchange has to give more, or the next turn has to come. The exchange may be
 * gone on return. */
static void advance(struct compressed_body *body)
{
    while (!body->is_sending && body->coder != NULL && (body->is_flushing || body->has_piece)) {
        bool is_flush = body->is_flushing;
        struct slice part = is_flush ? SLICE_NONE : choose_part(body);
        if (!is_flush && part.length == 0 && body->piece.length != 0) {
            timer_start(body->bodies->loop, &body->timer, 0);
            return;
        }
        enum coder_result result = is_flush ? work_on_flush(body) : work_on_piece(body, part);
        note_memory(body, body->calls->memory_bytes(body->coder));
        if (result == CODER_FAILED || (result == CODER_FULL && body->room.used == 0)) {
            fail(body);
            return;
        }
        if (result == CODER_FULL) {
            send_output(body, false);
        } else if (is_flush || body->piece.length == 0) {
            finish_task(body, is_flush);
            /* whatever comes next has come from within, or will call */
            if (!is_flush)
                return;
        }
    }
}

static void on_turn(struct timer *timer)
{
    advance(timer->data);
}

static void put_flush_off(struct compressed_body *body)
{
    body->flush_taken_bytes = body->taken_bytes;
    timer_start(body->bodies->loop, &body->flush_timer, FLUSH_DELAY_MS);
}

/* What still has to be taken is followed by a flush of its own. */
static void on_flush_due(struct timer *timer)
{
    struct compressed_body *body = timer->data;
    if (body->has_piece || !body->owes_flush)
        return;
    if (body->taken_bytes - body->flush_taken_bytes >= BUSY_BYTES) {
        put_flush_off(body);
        return;
    }
    body->is_flushing = true;
    advance(body);
}

void compressed_body_send(struct compressed_body *body, struct slice data, bool last)
{
    body->entry->exchange->response_bytes = body->sent_bytes;
    body->piece = data;
    body->has_piece = true;
    body->is_last = last;
    advance(body);
}

void compressed_body_flush(struct compressed_body *body)
{
    bool is_due = !body->has_piece && body->owes_flush;
    if (is_due && body->is_event_stream) {
        body->is_flushing = true;
        advance(body);
    } else if (is_due && body->flush_timer.position == 0) {
        /* not put off by what comes meanwhile: a stream may never pause for so long */
        put_flush_off(body);
    }
    body->entry->front->flush(body->entry);
}

void compressed_body_sent(struct compressed_body *body)
{
    body->is_sending = false;
    if (body->is_over)
        exchange_sent(body->entry->exchange);
    else
        advance(body);
}

void compressed_body_stop(struct compressed_body *body)
{
    timer_stop(body->bodies->loop, &body->timer);
    timer_stop(body->bodies->loop, &body->flush_timer);
    drop_coder(body);
}

void compressed_body_destroy(struct compressed_body *body)
{
    if (body == NULL)
        return;
    compressed_body_stop(body);
    body->bodies->memory_bytes -= sizeof(*body);
    free(body);
}
