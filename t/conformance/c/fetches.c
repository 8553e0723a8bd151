/* Fetches: a text that begins as "STATUS " and takes the body ends the pause. */

#include "conformance.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_ARG(text) (text).data, (text).length

/* A fetch under way: its text begins as "STATUS " and takes the body. */
struct asked {
    const struct flexilib_core *core;
    uint64_t ticket;
    char text[4096];
};

static void on_head(void *data, int32_t status, const struct flexilib_pair *fields, size_t field_count)
{
    struct asked *asked = data;
    snprintf(asked->text, sizeof(asked->text), "%d ", status);
}

static bool on_body(void *data, const char *piece, size_t length)
{
    struct asked *asked = data;
    size_t used = strlen(asked->text);
    snprintf(asked->text + used, sizeof(asked->text) - used, "%.*s", (int)length, piece);
    return true;
}

static void on_over(void *data, int32_t failure)
{
    struct asked *asked = data;
    if (failure != 0)
        snprintf(asked->text, sizeof(asked->text), "failed with %d", failure);
    asked->core->resume(asked->core, asked->ticket, strdup(asked->text), free);
    free(asked);
}

static const struct flexilib_fetch_events events = {sizeof(events), on_head, on_body, on_over, NULL};

static struct asked *prepare(struct scene *scene)
{
    struct asked *asked = calloc(1, sizeof(*asked));
    asked->core = scene->core;
    asked->ticket = scene->core->ticket(scene->exchange);
    return asked;
}

/* The number of the fetch, for which the exchange pauses; 0 where there is none. */
static uint64_t start(struct scene *scene, const struct flexilib_fetch_request *request)
{
    struct asked *asked = prepare(scene);
    uint64_t number = scene->actor->fetch->start(scene->core, scene->exchange, request, &events, asked);
    if (number == 0)
        free(asked);
    else
        scene->answer = FLEXILIB_PAUSE;
    return number;
}

bool fetches_ask(struct scene *scene)
{
    struct flexilib_pair field = {FLEXILIB_TEXT("x-fetched"), FLEXILIB_TEXT("yes")};
    struct flexilib_fetch_request request = {.size = sizeof(request),
                                             .upstream = scene->words[0],
                                             .path = scene->words[1],
                                             .fields = &field,
                                             .field_count = 1};
    return (scene->memory->last_fetch = start(scene, &request)) != 0;
}

bool fetches_upload(struct scene *scene)
{
    const struct flexilib_fetch *fetch = scene->actor->fetch;
    struct flexilib_fetch_request request = {.size = sizeof(request),
                                             .upstream = scene->words[0],
                                             .path = scene->words[1],
                                             .method = FLEXILIB_TEXT("POST"),
                                             .streams_body = true};
    uint64_t number = start(scene, &request);
    if (number == 0)
        return false;
    bool is_written = fetch->write(scene->core, number, TEXT_ARG(scene->words[2])) &&
                      fetch->write(scene->core, number, TEXT_ARG(scene->words[2]));
    fetch->finish(scene->core, number);
    return is_written;
}

bool fetches_cancel(struct scene *scene)
{
    return fetches_ask(scene) && scene->actor->fetch->cancel(scene->core, scene->memory->last_fetch);
}
