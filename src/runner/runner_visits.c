#include "runner/runner_client_own.h"

#include <stdatomic.h>

static struct runner_instance *instance_of(const struct isolated_visit *visit)
{
    return visit->process;
}

/* Returns false for a body that would be too large to be sent, without the time and the memory for a copy of it. */
static bool print_call(struct runner_instance *instance, struct isolated_visit *visit, flexilib_half which)
{
    struct link *link = &instance->link;
    if (isolated_visit_piece_bytes(visit, which) > link->most_payload_bytes)
        return false;
    isolated_visit_print(visit, which, link_begin(link, FRAME_CALL, visit->number, visit->calls[which]));
    visit->is_known = true;
    return true;
}

/* Where the process is gone, the visit is about to be told. */
static void send_call(struct runner_instance *instance, struct isolated_visit *visit, flexilib_half which)
{
    visit->calls[which] = ++instance->calls;
    if (!instance->is_joined)
        return;
    if (print_call(instance, visit, which) && link_send(&instance->link))
        return;
    visit->is_known = visit->is_kept;
    visit->calls[which] = 0;
    isolated_visit_lose(visit, which, 413);
}

/* Those that have the least to do come first. */
static struct runner_instance *choose(const struct runner_client *client)
{
    struct runner_instance *best = NULL;
    for (unsigned i = 0; i < client->settings->instances; ++i) {
        struct runner_instance *instance = &client->instances[i];
        if (instance->is_joined && (best == NULL || instance->visit_count < best->visit_count))
            best = instance;
    }
    return best;
}

static void enter(struct runner_instance *instance, struct isolated_visit *visit)
{
    visit->process = instance;
    visit->number = numbers_give(&instance->exchanges, visit);
    LIST_INSERT_HEAD(&instance->visits, visit, entry);
    ++instance->visit_count;
}

static void leave(struct isolated_visit *visit)
{
    struct runner_instance *instance = instance_of(visit);
    numbers_take(&instance->exchanges, visit->number);
    LIST_REMOVE(visit, entry);
    --instance->visit_count;
    visit->process = NULL;
    visit->is_known = visit->is_kept = false;
}

static bool is_waiting(const struct isolated_visit *visit)
{
    return visit->process == NULL && (visit->calls[0] == UINT64_MAX || visit->calls[1] == UINT64_MAX);
}

/* Keeps the call until there is a process for it. */
static void wait_for_instance(struct runner_client *client, struct isolated_visit *visit, flexilib_half which)
{
    if (!is_waiting(visit))
        LIST_INSERT_HEAD(&client->waiting, visit, entry);
    visit->calls[which] = UINT64_MAX;
}

void runner_visits_call(void *context, struct isolated_visit *visit, flexilib_half which)
{
    struct runner_client *client = context;
    struct runner_instance *instance = is_waiting(visit)        ? NULL
                                       : visit->process == NULL ? choose(client)
                                                                : instance_of(visit);
    if (instance == NULL) {
        wait_for_instance(client, visit, which);
        return;
    }
    if (visit->process == NULL)
        enter(instance, visit);
    send_call(instance, visit, which);
}

void runner_visits_end(void *context, struct isolated_visit *visit, bool wants_end)
{
    struct runner_instance *instance = instance_of(visit);
    if (is_waiting(visit))
        LIST_REMOVE(visit, entry);
    visit->calls[0] = visit->calls[1] = 0;
    if (instance == NULL)
        return;
    if (instance->is_joined && visit->is_known) {
        struct text *out = link_begin(&instance->link, FRAME_END, visit->number, 0);
        if (wants_end)
            isolated_visit_print_end(visit, out);
        link_send(&instance->link);
    }
    leave(visit);
}

void runner_visits_flush(struct runner_client *client)
{
    while (!LIST_EMPTY(&client->waiting)) {
        struct isolated_visit *visit = LIST_FIRST(&client->waiting);
        struct runner_instance *instance = choose(client);
        if (instance == NULL)
            return;
        LIST_REMOVE(visit, entry);
        bool is_due[] = {visit->calls[0] == UINT64_MAX, visit->calls[1] == UINT64_MAX};
        enter(instance, visit);
        for (flexilib_half which = 0; which < 2; ++which) {
            if (is_due[which] && isolated_visit_may_repeat(visit, which))
                send_call(instance, visit, which);
            else if (is_due[which])
                visit->calls[which] = 0;
        }
    }
}

void runner_visits_take(struct runner_instance *instance, const struct frame *frame)
{
    struct isolated_visit *visit = numbers_find(&instance->exchanges, frame->exchange);
    if (visit == NULL || frame->call == 0)
        return;
    flexilib_half which = visit->calls[0] == frame->call ? FLEXILIB_REQUEST : FLEXILIB_RESPONSE;
    bool is_waited_for = visit->calls[which] == frame->call;
    if (is_waited_for)
        visit->calls[which] = 0;
    if (frame->kind == FRAME_FINISHED)
        leave(visit);
    else
        visit->is_kept = true;
    if (!is_waited_for)
        return;
    if (frame->kind == FRAME_GONE)
        isolated_visit_lose(visit, which, 502);
    else
        isolated_visit_answer(visit, which, frame->payload);
}

/* Whether the process that is gone had begun with that call of the visit. */
static bool was_begun(const struct runner_instance *instance, uint64_t number)
{
    return instance->progress == NULL || number <= atomic_load(&instance->progress->begun);
}

/* What becomes of a visit whose process is gone: some calls are lost, some are made again. */
static void lose_visit(struct runner_instance *instance, struct isolated_visit *visit)
{
    uint64_t calls[] = {visit->calls[0], visit->calls[1]};
    bool had_begun = visit->is_kept;
    bool is_late = instance->progress != NULL && progress_is_late(instance->progress, visit->exchange->id);
    for (int i = 0; i < 2; ++i)
        had_begun = had_begun || (calls[i] != 0 && was_begun(instance, calls[i]));
    leave(visit);
    visit->is_lost = had_begun;
    visit->calls[0] = visit->calls[1] = 0;
    for (flexilib_half which = 0; which < 2; ++which) {
        if (calls[which] == 0)
            continue;
        if (!had_begun && isolated_visit_may_repeat(visit, which))
            wait_for_instance(instance->client, visit, which);
        else
            isolated_visit_lose(visit, which, is_late ? 504 : 502);
    }
}

void runner_visits_leave(struct runner_instance *instance)
{
    while (!LIST_EMPTY(&instance->visits))
        lose_visit(instance, LIST_FIRST(&instance->visits));
}
