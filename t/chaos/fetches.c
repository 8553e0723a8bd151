#include "chaos.h"

#include <stdio.h>
#include <stdlib.h>

/* One fetch, from its start until on_over. */
struct fetching {
    struct chaos *chaos;
    struct dice dice;
    uint64_t number; /* the request's that gave rise to it */
    uint64_t fetch;
    uint64_t ticket;
    bool is_over;
};

static void on_head(void *data, int32_t status, const struct flexilib_pair *fields, size_t count)
{
    const struct fetching *fetching = data;
    if (fetching->is_over || status < 200 || status > 599 || (count != 0 && fields[count - 1].name.length == 0))
        fputs("alert: chaos is told something strange of a fetch\n", stderr);
}

static void go_on(void *filter, void *data)
{
    const struct chaos *chaos = filter;
    chaos->fetch->more(chaos->core, (uint64_t)(uintptr_t)data);
}

/* Now and then it wants no more for a while, or for ever. */
static bool on_body(void *data, const char *piece, size_t length)
{
    struct fetching *fetching = data;
    struct chaos *chaos = fetching->chaos;
    for (size_t i = 0; i < length; ++i) {
        if (piece[i] != letter_of(fetching->number)) {
            fputs("alert: chaos gets the body of somebody else\n", stderr);
            break;
        }
    }
    unsigned number = roll(&fetching->dice, 10);
    if (number == 0 && chaos->timer != NULL)
        chaos->timer->start(chaos->core, roll(&fetching->dice, 5), 0, go_on, (void *)(uintptr_t)fetching->fetch);
    return number > 1;
}

static void on_room(void *data)
{
    const struct fetching *fetching = data;
    fetching->chaos->fetch->finish(fetching->chaos->core, fetching->fetch);
}

static uint64_t start(struct chaos *chaos, struct flexilib_exchange *exchange, struct dice dice, uint64_t number,
                      uint64_t ticket);

static void on_over(void *data, int32_t failure)
{
    struct fetching *fetching = data;
    struct chaos *chaos = fetching->chaos;
    if (fetching->is_over)
        fputs("alert: a fetch of chaos ends twice\n", stderr);
    fetching->is_over = true;
    if (fetching->ticket != 0)
        chaos->core->resume(chaos->core, fetching->ticket, parcel_create(fetching->ticket), parcel_free);
    else if (roll(&fetching->dice, 10) == 0)
        start(chaos, NULL, fetching->dice, fetching->number, 0);
    --chaos->asked;
    free(fetching);
}

static const struct flexilib_fetch_events all_events = {sizeof(all_events), on_head, on_body, on_over, on_room};
static const struct flexilib_fetch_events few_events = {sizeof(few_events), NULL, NULL, on_over, NULL};

#define ANY(dice, array) ((array)[roll((dice), sizeof(array) / sizeof((array)[0]))])

static struct flexilib_fetch_request roll_request(struct dice *dice)
{
    static const struct flexilib_text upstreams[] = {FLEXILIB_TEXT("main"), FLEXILIB_TEXT("main"),
                                                     FLEXILIB_TEXT("main"), FLEXILIB_TEXT("other"),
                                                     FLEXILIB_TEXT("dead"), FLEXILIB_TEXT("nobody")};
    static const struct flexilib_text methods[] = {FLEXILIB_TEXT(""), FLEXILIB_TEXT("GET"), FLEXILIB_TEXT("POST"),
                                                   FLEXILIB_TEXT("HEAD"), FLEXILIB_TEXT("BAD ONE")};
    static const struct flexilib_text paths[] = {FLEXILIB_TEXT("/fetched"), FLEXILIB_TEXT("/fetched?a=b"),
                                                 FLEXILIB_TEXT("/fetched/again"), FLEXILIB_TEXT("bad"),
                                                 FLEXILIB_TEXT("/bad\r\nx-injected: 1")};
    static const uint64_t timeouts[] = {0, 1, 50, 1000};
    return (struct flexilib_fetch_request){.size = sizeof(struct flexilib_fetch_request),
                                           .upstream = ANY(dice, upstreams),
                                           .method = ANY(dice, methods),
                                           .path = ANY(dice, paths),
                                           .streams_body = roll(dice, 3) == 0,
                                           .timeout_ms = ANY(dice, timeouts)};
}

/* What is not finished here is so by chance, or by the clock. */
static void stream_body(const struct chaos *chaos, struct dice *dice, uint64_t fetch, const char *letters)
{
    for (unsigned i = roll(dice, 4); i > 0; --i)
        chaos->fetch->write(chaos->core, fetch, letters, roll_length(dice));
    if (roll(dice, 4) != 0)
        chaos->fetch->finish(chaos->core, fetch);
}

static uint64_t start(struct chaos *chaos, struct flexilib_exchange *exchange, struct dice dice, uint64_t number,
                      uint64_t ticket)
{
    struct fetching *fetching = malloc(sizeof(*fetching));
    *fetching = (struct fetching){.chaos = chaos, .dice = dice, .number = number, .ticket = ticket};
    struct flexilib_fetch_request request = roll_request(&fetching->dice);
    char text[24];
    struct flexilib_pair fields[] = {{FLEXILIB_TEXT("x-number"), {text, 0}},
                                     {FLEXILIB_TEXT("x-fetch"), FLEXILIB_TEXT("1")},
                                     {FLEXILIB_TEXT("Transfer-Encoding"), FLEXILIB_TEXT("chunked")}};
    fields[0].value.length = (size_t)snprintf(text, sizeof(text), "%llu", (unsigned long long)number);
    request.fields = fields;
    request.field_count = roll(&fetching->dice, 10) == 0 ? 3 : 2;
    char *letters = letters_for(number, LONGEST_BODY_BYTES);
    request.body = (struct flexilib_text){letters, roll(&fetching->dice, 2) ? roll_length(&fetching->dice) : 0};
    const struct flexilib_fetch_events *events = roll(&fetching->dice, 3) == 0 ? &few_events : &all_events;
    ++chaos->asked;
    uint64_t fetch = fetching->fetch = chaos->fetch->start(chaos->core, exchange, &request, events, fetching);
    if (fetch == 0) {
        --chaos->asked;
        free(fetching);
    } else {
        memory_keep(&chaos->fetches, fetch);
        if (request.streams_body)
            stream_body(chaos, &fetching->dice, fetch, letters);
    }
    free(letters);
    return fetch;
}

bool ask(struct moment *moment, uint64_t ticket)
{
    struct chaos *chaos = moment->chaos;
    if (chaos->fetch == NULL)
        return false;
    struct dice dice = {dice_mix(moment->dice->state)};
    struct flexilib_exchange *exchange = roll(moment->dice, 3) == 0 ? NULL : moment->exchange;
    uint64_t fetch = start(chaos, exchange, dice, moment->course->number, ticket);
    if (fetch != 0 && roll(moment->dice, 12) == 0)
        chaos->fetch->cancel(chaos->core, fetch);
    return fetch != 0;
}

void touch_fetch(struct moment *moment)
{
    const struct chaos *chaos = moment->chaos;
    if (chaos->fetch == NULL)
        return;
    uint64_t fetch = memory_recall(&moment->chaos->fetches, moment->dice);
    switch (roll(moment->dice, 4)) {
    case 0:
        /* its letters would be another request's */
        chaos->fetch->write(chaos->core, fetch, "", 0);
        break;
    case 1:
        chaos->fetch->finish(chaos->core, fetch);
        break;
    case 2:
        chaos->fetch->more(chaos->core, fetch);
        break;
    default:
        chaos->fetch->cancel(chaos->core, fetch);
        break;
    }
}
