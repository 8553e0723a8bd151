#include "dispatch/compressed_body.h"

#include "base/alloc.h"
#include "base/log.h"
#include "coding/coder.h"
#include "coding/response_compression.h"
#include "dispatch/dispatch.h"

#include <inttypes.h>
#include <stdlib.h>

enum {
    OUTPUT_BYTES = 32 * 1024,
    /* Where the client is one of many streams: longer bodies have less room for output, for they have to wait for the
     * client anyway, short ones as much as lets them be done at once. */
    SHARED_OUTPUT_BYTES = 8 * 1024,
    SCARCE_OUTPUT_BYTES = 4 * 1024,
    SHORT_BODY_BYTES = 64 * 1024,
    LEAST_OUTPUT_BYTES = 1024,
    /* What a turn of the loop compresses of one body, some 2 ms of work at usual levels, and of all of them. */
    TURN_BYTES = 128 * 1024,
    TURN_BYTES_OF_ALL = 256 * 1024,
    /* A flush costs bytes. So the next piece is waited for a little, unless somebody waits for this one. */
    FLUSH_DELAY_MS = 3,
    /* While so much comes in that time, it is not waited for. */
    BUSY_BYTES = 16 * 1024,
    MOST_MEMORY_BYTES = 64 * 1024 * 1024,
    MEMORY_SHARE = 16, /* of what is left of it may go to one body */
    /* Of one connection that has many streams: with what those take besides, it stays below 2 MB. The first one gets as
     * much as every coding needs, the next ones a part of what is left, as long as that is enough for anything. */
    MOST_SHARED_BYTES = 560 * 1024,
    FIRST_SHARE_BYTES = 400 * 1024,
    SHARED_SHARE = 6,
    LEAST_SHARE_BYTES = 20 * 1024,
    TELL_AGAIN_MS = 60 * 1000,
};

struct compressed_body {
    struct compressed_bodies *bodies;
    struct dispatch_entry *entry;
    const struct coder_calls *calls;
    struct coder *coder;  /* NULL when its work is done */
    size_t counted_bytes; /* of it and this */
    struct timer timer;   /* of work for the next turn */
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
    char output[];
};

static const struct coder_calls *const coders[CODING_COUNT] = {
    [CODING_GZIP] = &coder_gzip,
    [CODING_BROTLI] = &coder_brotli,
    [CODING_ZSTD] = &coder_zstd,
};

static void count_memory(struct compressed_body *body, size_t bytes)
{
    struct exchange_room *room = body->entry->exchange->room;
    body->bodies->memory_bytes += bytes - body->counted_bytes;
    if (room != NULL)
        room->coded_bytes += bytes - body->counted_bytes;
    body->counted_bytes = bytes;
}

static size_t own_bytes(const struct compressed_body *body)
{
    return sizeof(*body) + body->room.length;
}

static void drop_coder(struct compressed_body *body)
{
    if (body->coder == NULL)
        return;
    body->calls->destroy(body->coder);
    body->coder = NULL;
    count_memory(body, own_bytes(body));
}

static size_t what_is_left(size_t most, size_t used)
{
    return most > used ? most - used : 0;
}

static size_t find_shared(const struct exchange_room *room)
{
    if (room->coded_bytes == 0)
        return FIRST_SHARE_BYTES;
    size_t left = what_is_left(MOST_SHARED_BYTES, room->coded_bytes);
    size_t share = left / SHARED_SHARE;
    return share >= LEAST_SHARE_BYTES || left < LEAST_SHARE_BYTES ? share : LEAST_SHARE_BYTES;
}

/* What one more body may take: never all, so that the next ones are not left with nothing. */
static size_t find_share(const struct compressed_bodies *bodies, const struct exchange_room *room)
{
    size_t share = what_is_left(MOST_MEMORY_BYTES, bodies->memory_bytes) / MEMORY_SHARE;
    size_t shared = room == NULL ? share : find_shared(room);
    return share < shared ? share : shared;
}

static size_t choose_output_bytes(const struct exchange *exchange)
{
    int64_t length = exchange->response.body_length;
    if (exchange->room == NULL)
        return OUTPUT_BYTES;
    if (length >= 0 && length <= SHORT_BODY_BYTES)
        return LEAST_OUTPUT_BYTES + (size_t)length / 4;
    return exchange->room->coded_bytes == 0 ? SHARED_OUTPUT_BYTES : SCARCE_OUTPUT_BYTES;
}

static void on_turn(struct timer *timer);
static void on_flush_due(struct timer *timer);

/* NULL where there is not enough memory for that. Where there is for less output at a time, it is that. */
static struct coder *create_coder(const struct compressed_bodies *bodies, const struct exchange *exchange,
                                  enum coding coding, int level, size_t *output_bytes)
{
    size_t share = find_share(bodies, exchange->room), needed = sizeof(struct compressed_body) + *output_bytes;
    struct coder *coder = coders[coding]->create(level, exchange->response.body_length, what_is_left(share, needed));
    if (coder != NULL || *output_bytes <= SCARCE_OUTPUT_BYTES)
        return coder;
    *output_bytes = SCARCE_OUTPUT_BYTES;
    return create_coder(bodies, exchange, coding, level, output_bytes);
}

static struct compressed_body *create(struct compressed_bodies *bodies, struct dispatch_entry *entry,
                                      enum coding coding, int level)
{
    size_t output_bytes = choose_output_bytes(entry->exchange);
    struct coder *coder = create_coder(bodies, entry->exchange, coding, level, &output_bytes);
    if (coder == NULL)
        return NULL;
    struct compressed_body *body = mem_try_realloc(NULL, sizeof(*body) + output_bytes);
    if (body == NULL) {
        coders[coding]->destroy(coder);
        return NULL;
    }
    *body = (struct compressed_body){
        .bodies = bodies,
        .entry = entry,
        .calls = coders[coding],
        .coder = coder,
        .timer = {.on_timeout = on_turn, .data = body},
        .flush_timer = {.on_timeout = on_flush_due, .data = body},
        .is_event_stream = response_compression_is_event_stream(entry->exchange),
        .room = {.data = body->output, .length = output_bytes},
    };
    count_memory(body, own_bytes(body) + body->calls->memory_bytes(coder));
    return body;
}

static void tell_full(struct compressed_bodies *bodies)
{
    uint64_t now_ms = loop_now_ms(bodies->loop);
    if (bodies->told_ms != 0 && now_ms - bodies->told_ms < TELL_AGAIN_MS)
        return;
    bodies->told_ms = now_ms;
    log_line(LOG_LEVEL_WARNING,
             "the responses that are being compressed take nearly %d MB by now: others are sent as they are",
             MOST_MEMORY_BYTES / (1024 * 1024));
}

/* Where there is not enough memory for what the client likes best, gzip takes the least for what it saves. */
static struct compressed_body *create_best(struct compressed_bodies *bodies, struct dispatch_entry *entry,
                                           const struct compression_settings *settings, enum coding *coding)
{
    struct compressed_body *body = create(bodies, entry, *coding, settings->levels[*coding]);
    if (body == NULL && *coding != CODING_GZIP && response_compression_takes(settings, entry->exchange, CODING_GZIP)) {
        *coding = CODING_GZIP;
        body = create(bodies, entry, CODING_GZIP, settings->levels[CODING_GZIP]);
    }
    return body;
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
        body = create_best(bodies, entry, settings, &coding);
        if (body == NULL) {
            /* a connection that has used up what is its own is nobody else's concern */
            if (bodies->memory_bytes > MOST_MEMORY_BYTES / 2)
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
    struct compressed_bodies *bodies = body->bodies;
    uint64_t turn = loop_turn(bodies->loop);
    if (bodies->turn != turn) {
        bodies->turn = turn;
        bodies->turn_bytes = 0;
    }
    if (body->turn != turn) {
        body->turn = turn;
        body->turn_bytes = 0;
    }
    size_t left = what_is_left(TURN_BYTES, body->turn_bytes);
    size_t left_of_all = what_is_left(TURN_BYTES_OF_ALL, bodies->turn_bytes);
    if (left > left_of_all)
        left = left_of_all;
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
    body->bodies->turn_bytes += taken;
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
    count_memory(body, 0);
    free(body);
}
