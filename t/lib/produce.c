/* A handler whose replies come by and by, or are lent:
 *
 *     /stream/N     N pieces of 64 KB, as the client takes them
 *     /ticks/N      N short pieces, each after a pause
 *     /lent/N       N bytes that are lent
 *     /fails        a piece, and then a failure
 *     /counts       how many pieces were produced so far, and how many lent bodies are still out */

#include <flexilib/ext/timer.h>
#include <flexilib/filter.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PIECE_BYTES = 65536,
};

struct producer {
    const struct flexilib_core *core;
    const struct flexilib_timer *timer;
    unsigned long pieces, lent;
    char piece[PIECE_BYTES];
};

struct stream {
    long left;
    bool is_ticking, is_waiting, is_failing;
};

struct loan {
    struct producer *producer;
    char body[];
};

static bool create(const struct flexilib_core *core, const struct flexilib_value *values, void **filter)
{
    struct producer *producer = calloc(1, sizeof(*producer));
    producer->core = core;
    producer->timer = core->extension(core, FLEXILIB_TIMER);
    for (size_t i = 0; i < PIECE_BYTES; ++i)
        producer->piece[i] = (char)('!' + i % 90);
    *filter = producer;
    return true;
}

static flexilib_answer tell_counts(struct producer *producer, struct flexilib_exchange *exchange)
{
    char text[64];
    int length = snprintf(text, sizeof(text), "%lu %lu\n", producer->pieces, producer->lent);
    producer->core->reply(exchange, 200, FLEXILIB_ARG("text/plain"), text, (size_t)length);
    return FLEXILIB_REPLY;
}

static void give_back(void *data)
{
    struct loan *loan = data;
    --loan->producer->lent;
    free(loan);
}

static flexilib_answer lend(struct producer *producer, struct flexilib_exchange *exchange, size_t length)
{
    struct loan *loan = malloc(sizeof(*loan) + length);
    loan->producer = producer;
    memset(loan->body, 'x', length);
    ++producer->lent;
    return producer->core->reply_lent(exchange, 200, FLEXILIB_ARG("text/plain"), loan->body, length, give_back, loan)
               ? FLEXILIB_REPLY
               : FLEXILIB_FAIL;
}

static flexilib_answer on_request_head(void *filter, struct flexilib_exchange *exchange)
{
    struct producer *producer = filter;
    const struct flexilib_core *core = producer->core;
    struct flexilib_text path = core->path(exchange);
    char text[64];
    char word[16] = "";
    long count = 1;
    snprintf(text, sizeof(text), "%.*s", (int)path.length, path.data);
    sscanf(text, "/%15[a-z]/%ld", word, &count);
    if (strcmp(word, "counts") == 0)
        return tell_counts(producer, exchange);
    if (strcmp(word, "lent") == 0)
        return lend(producer, exchange, (size_t)count);
    struct stream *stream = core->allocate(exchange, sizeof(*stream));
    *stream =
        (struct stream){count, strcmp(word, "ticks") == 0, strcmp(word, "ticks") == 0, strcmp(word, "fails") == 0};
    core->set_state(exchange, stream);
    return core->reply_stream(exchange, 200, FLEXILIB_ARG("text/plain")) ? FLEXILIB_REPLY : FLEXILIB_FAIL;
}

static flexilib_answer on_reply_body(void *filter, struct flexilib_exchange *exchange)
{
    struct producer *producer = filter;
    const struct flexilib_core *core = producer->core;
    struct stream *stream = core->state(exchange);
    if (stream->is_failing && stream->left == 0)
        return FLEXILIB_FAIL;
    if (stream->is_waiting) {
        stream->is_waiting = false;
        producer->timer->resume_after(core, core->ticket(exchange), 1);
        return FLEXILIB_PAUSE;
    }
    stream->is_waiting = stream->is_ticking;
    if (stream->is_ticking)
        core->write(exchange, FLEXILIB_ARG("tick\n"));
    else
        core->write(exchange, producer->piece, PIECE_BYTES);
    ++producer->pieces;
    if (--stream->left == 0 && !stream->is_failing)
        core->end_reply(exchange);
    return FLEXILIB_CONTINUE;
}

static void on_end(void *filter, struct flexilib_exchange *exchange)
{
    const struct producer *producer = filter;
    producer->core->log(producer->core, exchange, FLEXILIB_INFO, FLEXILIB_ARG("end"));
}

static const struct flexilib_filter filters[] = {
    {.name = "produce",
     .summary = "answers by and by",
     .version = "1",
     .create = create,
     .destroy = free,
     .on_request_head = on_request_head,
     .on_reply_body = on_reply_body,
     .on_end = on_end},
};

FLEXILIB_LIBRARY(filters);
