/* Pauses, and what ends them: a thread, a timer, the pool. */

#include "conformance.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_ARG(text) (text).data, (text).length

struct work {
    struct actor *actor;
    uint64_t ticket;
    char *text;
};

static char *copy(struct flexilib_text text)
{
    char *copied = malloc(text.length + 1);
    memcpy(copied, text.data, text.length);
    copied[text.length] = '\0';
    return copied;
}

static void change_threads(struct actor *actor, int change)
{
    pthread_mutex_lock(&actor->mutex);
    actor->threads += (unsigned)change;
    pthread_cond_signal(&actor->is_idle);
    pthread_mutex_unlock(&actor->mutex);
}

static void *run_thread(void *argument)
{
    struct work *work = argument;
    struct actor *actor = work->actor;
    actor->core->resume(actor->core, work->ticket, work->text, free);
    free(work);
    change_threads(actor, -1);
    return NULL;
}

static bool wait_for_thread(struct scene *scene)
{
    struct work *work = malloc(sizeof(*work));
    pthread_t thread;
    *work = (struct work){scene->actor, scene->core->ticket(scene->exchange), copy(scene->words[0])};
    change_threads(scene->actor, +1);
    scene->answer = FLEXILIB_PAUSE;
    if (pthread_create(&thread, NULL, run_thread, work) != 0)
        abort();
    pthread_detach(thread);
    return true;
}

static bool wait_for_timer(struct scene *scene)
{
    uint64_t ticket = scene->core->ticket(scene->exchange);
    scene->actor->timer->resume_after(scene->core, ticket, (uint64_t)text_number(scene->words[0]));
    scene->answer = FLEXILIB_PAUSE;
    return true;
}

/* A timer that comes again and again, until it has come often enough. */
struct ticks {
    struct actor *actor;
    uint64_t ticket, timer;
    int64_t count, left;
};

static void on_tick(void *filter, void *data)
{
    struct ticks *ticks = data;
    struct actor *actor = ticks->actor;
    if (--ticks->left != 0)
        return;
    char *text = malloc(32);
    snprintf(text, 32, "ticked %d", (int)ticks->count);
    actor->timer->stop(actor->core, ticks->timer);
    actor->core->resume(actor->core, ticks->ticket, text, free);
    free(ticks);
}

static bool wait_for_ticks(struct scene *scene)
{
    struct ticks *ticks = malloc(sizeof(*ticks));
    int64_t count = text_number(scene->words[0]);
    *ticks = (struct ticks){scene->actor, scene->core->ticket(scene->exchange), 0, count, count};
    ticks->timer = scene->actor->timer->start(scene->core, 1, 1, on_tick, ticks);
    scene->answer = FLEXILIB_PAUSE;
    return scene->actor->timer->now_ms() != 0;
}

static void make_upper(void *data)
{
    for (char *c = data; *c != '\0'; ++c)
        *c = (char)toupper((unsigned char)*c);
}

static bool wait_for_pool(struct scene *scene)
{
    char *text = copy(scene->words[0]);
    scene->answer = FLEXILIB_PAUSE;
    if (scene->actor->offload->run(scene->core, scene->core->ticket(scene->exchange), make_upper, text, free))
        return true;
    free(text);
    scene->answer = FLEXILIB_FAIL;
    return false;
}

static const struct {
    const char *name;
    bool (*follow)(struct scene *scene);
} verbs[] = {
    {"pause", wait_for_thread},
    {"timer", wait_for_timer},
    {"tick", wait_for_ticks},
    {"offload", wait_for_pool},
    {"fetch", fetches_ask},
    {"upload", fetches_upload},
    {"cancel", fetches_cancel},
    {"increment", shared_increment},
    {"put", shared_put},
    {"put-new", shared_put_new},
    {"put-briefly", shared_put_briefly},
    {"put-over", shared_put_over},
    {"take-away", shared_take_away},
    {"get", shared_get},
    {"count", shared_count},
    {"level", shared_level},
    {"observe", shared_observe},
};

bool waits_follow(struct scene *scene, struct flexilib_text verb)
{
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); ++i) {
        if (!text_is(verb, verbs[i].name))
            continue;
        if (!verbs[i].follow(scene))
            scene->core->add_header(scene->exchange, scene->half, FLEXILIB_ARG("x-refused"), TEXT_ARG(verb));
        return true;
    }
    return false;
}

void waits_take(struct scene *scene, void *result)
{
    scene->memory->result = result == NULL ? FLEXILIB_TEXT("nothing") : print(scene, "%s", (const char *)result);
    free(result);
}

bool waits_open_extension(struct actor *actor, struct flexilib_text name)
{
    const struct flexilib_core *core = actor->core;
    if (text_is(name, "timer"))
        return (actor->timer = core->extension(core, FLEXILIB_TIMER)) != NULL;
    if (text_is(name, "offload"))
        return (actor->offload = core->extension(core, FLEXILIB_OFFLOAD)) != NULL;
    if (text_is(name, "fetch"))
        return (actor->fetch = core->extension(core, FLEXILIB_FETCH)) != NULL;
    if (text_is(name, "dictionary"))
        return shared_open_dictionary(actor);
    return shared_open_metrics(actor);
}
