#include "runner/runner_host.h"

#include "base/alloc.h"
#include "base/fork_guard.h"
#include "base/log.h"
#include "filter/isolated_guest.h"
#include "filter/isolated_library.h"
#include "filter/isolated_message.h"
#include "filter/library.h"
#include "filter/readiness.h"
#include "runner/hosted_uses.h"
#include "runner/link.h"
#include "runner/refusal.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <unistd.h>

enum {
    MOST_GUESTS = 1 << 20, /* of one worker, at a time */
};

/* A worker. It may stand still when its connection is there, so nobody waits for its first byte. */
struct peer {
    struct runner_host *host;
    uint32_t slot;
    int fd; /* until that has come; then the link has it, and this is -1 */
    struct loop_watch *arrival;
    struct link link; /* closed until then */
    struct progress *progress;
    struct visitor **visitors; /* by the place that their number names */
    size_t visitor_count;
    LIST_ENTRY(peer) entry;
};

/* An exchange of it. */
struct visitor {
    struct peer *peer; /* NULL: nobody waits for its answers any more */
    uint64_t number;
    struct isolated_guest *guest;
};

struct runner_host {
    struct runner_host_parts parts;
    struct library *library;
    struct hosted_uses uses;
    struct timer patience; /* with uses that are waited for */
    bool has_failed;
    LIST_HEAD(peers, peer) peers;
};

static const uint64_t place_mask = (UINT64_C(1) << 24) - 1;

static struct visitor **find_place(const struct peer *peer, uint64_t number)
{
    size_t place = (size_t)(number & place_mask);
    return place < peer->visitor_count ? &peer->visitors[place] : NULL;
}

static struct visitor *find_visitor(const struct peer *peer, uint64_t number)
{
    struct visitor **place = find_place(peer, number);
    return place == NULL || *place == NULL || (*place)->number != number ? NULL : *place;
}

static void forget_visitor(struct visitor *visitor)
{
    struct peer *peer = visitor->peer;
    if (peer != NULL && find_visitor(peer, visitor->number) == visitor)
        *find_place(peer, visitor->number) = NULL;
    visitor->peer = NULL;
}

static void on_answered(void *data, uint64_t call, struct slice message, bool is_last)
{
    struct visitor *visitor = data;
    struct peer *peer = visitor->peer;
    if (peer == NULL)
        return;
    text_add(link_begin(&peer->link, is_last ? FRAME_FINISHED : FRAME_ANSWERED, visitor->number, call), message);
    if (!link_send(&peer->link)) {
        log_line(LOG_LEVEL_ERROR, "library '%.*s': an answer is too large to be sent: stream it",
                 SLICE_ARG(peer->host->parts.runner->name));
        link_begin(&peer->link, FRAME_GONE, visitor->number, call);
        link_send(&peer->link);
    }
    if (is_last)
        forget_visitor(visitor);
}

static void on_paused(void *data, uint64_t call)
{
}

static void on_finished(void *data)
{
    struct visitor *visitor = data;
    forget_visitor(visitor);
    free(visitor);
}

static const struct guest_owner guest_owner = {
    .answered = on_answered,
    .paused = on_paused,
    .finished = on_finished,
};

static bool make_places(struct peer *peer, size_t place)
{
    if (place < peer->visitor_count)
        return true;
    if (place >= MOST_GUESTS)
        return false;
    size_t count = peer->visitor_count * 2 > place + 16 ? peer->visitor_count * 2 : place + 16;
    peer->visitors = mem_realloc(peer->visitors, count * sizeof(struct visitor *));
    memset(peer->visitors + peer->visitor_count, 0, (count - peer->visitor_count) * sizeof(struct visitor *));
    peer->visitor_count = count;
    return true;
}

static struct visitor *add_visitor(struct peer *peer, const struct frame *frame)
{
    struct runner_host *host = peer->host;
    struct hosted_use *use = hosted_uses_find(&host->uses, isolated_call_step(frame->payload));
    if (use == NULL || !make_places(peer, (size_t)(frame->exchange & place_mask)))
        return NULL;
    struct visitor **place = find_place(peer, frame->exchange);
    if (*place != NULL)
        return NULL;
    struct visitor *visitor = mem_alloc(sizeof(*visitor));
    *visitor = (struct visitor){.peer = peer, .number = frame->exchange};
    visitor->guest = isolated_guest_create(host->parts.runtime, &use->chain, &guest_owner, visitor);
    return *place = visitor;
}

static void give_up(struct runner_host *host)
{
    struct error error = ERROR_INIT;
    runtime_blame_waiting(host->parts.runtime, host->parts.settings->create_timeout_ms, &error);
    if (!error.is_set || host->has_failed)
        return;
    host->has_failed = true;
    host->parts.on_failure(host->parts.data, &error);
}

static void on_patience_end(struct timer *timer)
{
    give_up(timer->data);
}

/* Workers ask so early where the process has taken the place of another: at a start they wait first. */
static void keep_waiting(struct peer *peer)
{
    struct runner_host *host = peer->host;
    link_hold(&peer->link);
    if (hosted_uses_have_failed(&host->uses))
        give_up(host);
    else if (host->patience.position == 0)
        timer_start(host->parts.loop, &host->patience, host->parts.settings->create_timeout_ms);
}

static void tell_gone(struct peer *peer, const struct frame *frame)
{
    link_begin(&peer->link, FRAME_GONE, frame->exchange, frame->call);
    link_send(&peer->link);
}

static void end_visitor(struct visitor *visitor, struct slice message)
{
    forget_visitor(visitor);
    isolated_guest_end(visitor->guest, message);
}

static void take_call(struct peer *peer, const struct frame *frame)
{
    struct runner_host *host = peer->host;
    struct visitor *visitor = find_visitor(peer, frame->exchange);
    if (visitor == NULL)
        hosted_uses_retry(&host->uses, &host->parts, host->library, isolated_call_step(frame->payload));
    if (hosted_uses_wait(&host->uses)) {
        keep_waiting(peer);
        return;
    }
    if (visitor == NULL)
        visitor = add_visitor(peer, frame);
    if (visitor == NULL) {
        tell_gone(peer, frame);
        return;
    }
    atomic_store_explicit(&peer->progress->begun, frame->call, memory_order_release);
    if (isolated_guest_call(visitor->guest, frame->call, frame->payload))
        return;
    end_visitor(visitor, SLICE_NONE);
    tell_gone(peer, frame);
}

static void refuse(struct peer *peer, enum frame_kind kind, uint64_t step, const struct error *error)
{
    refusal_print(error, link_begin(&peer->link, kind, step, 0));
    link_send(&peer->link);
}

static struct library *open_library(struct runner_host *host, struct slice path, struct error *error)
{
    char *text = mem_copy_text(path.data, path.length);
    runtime_enter_library(host->parts.runtime, host->parts.runner->name);
    const char *load_path = source_library(host->parts.source, text, error);
    struct library *library = load_path == NULL ? NULL : library_open(load_path, text, error);
    runtime_leave_library(host->parts.runtime);
    free(text);
    return library;
}

static void take_open(struct peer *peer, const struct frame *frame)
{
    struct runner_host *host = peer->host;
    struct error error = ERROR_INIT;
    if (host->library == NULL)
        host->library = open_library(host, frame->payload, &error);
    if (host->library == NULL) {
        refuse(peer, FRAME_REFUSED, 0, &error);
        return;
    }
    isolated_library_describe(host->library, link_begin(&peer->link, FRAME_DESCRIBED, 0, 0));
    link_send(&peer->link);
}

static void take_create(struct peer *peer, const struct frame *frame)
{
    struct runner_host *host = peer->host;
    struct error error = ERROR_INIT;
    struct hosted_use *use = hosted_uses_find(&host->uses, frame->exchange);
    if (use == NULL)
        use = hosted_uses_make(&host->uses, &host->parts, host->library, (unsigned)frame->exchange, &error);
    else if (use->has_failed)
        hosted_use_settle(use, &error);
    if (error.is_set) {
        refuse(peer, FRAME_FAILED, frame->exchange, &error);
        return;
    }
    link_begin(&peer->link, FRAME_CREATED, frame->exchange, use->is_waiting);
    link_send(&peer->link);
}

static bool take(void *data, const struct frame *frame)
{
    struct peer *peer = data;
    struct visitor *visitor;
    switch (frame->kind) {
    case FRAME_OPEN:
        take_open(peer, frame);
        break;
    case FRAME_CREATE:
        take_create(peer, frame);
        break;
    case FRAME_CALL:
        take_call(peer, frame);
        break;
    case FRAME_END:
        visitor = find_visitor(peer, frame->exchange);
        if (visitor != NULL)
            end_visitor(visitor, frame->payload);
        break;
    default:
        break;
    }
    return true;
}

static void stop_waiting(struct peer *peer)
{
    loop_watch_close(peer->arrival);
    peer->arrival = NULL;
    fork_guard_remove(peer->fd);
}

static void remove_peer(struct peer *peer)
{
    struct runner_host *host = peer->host;
    for (size_t i = 0; i < peer->visitor_count; ++i) {
        if (peer->visitors[i] != NULL)
            end_visitor(peer->visitors[i], SLICE_NONE);
    }
    LIST_REMOVE(peer, entry);
    if (peer->arrival != NULL)
        stop_waiting(peer);
    if (peer->fd != -1)
        close(peer->fd);
    if (host->parts.watch != NULL)
        call_watch_remove(host->parts.watch, peer->progress);
    link_close(&peer->link);
    progress_close(peer->progress);
    free(peer->visitors);
    free(peer);
}

static void on_ended(void *data)
{
    remove_peer(data);
}

static const struct link_owner link_owner = {.take = take, .ended = on_ended};

static void remove_older(struct runner_host *host, uint32_t slot)
{
    struct peer *peer = LIST_FIRST(&host->peers);
    while (peer != NULL) {
        struct peer *next = LIST_NEXT(peer, entry);
        if (peer->slot == slot)
            remove_peer(peer);
        peer = next;
    }
}

static void on_arrival(void *data)
{
    struct peer *peer = data;
    const struct runner_host_parts *parts = &peer->host->parts;
    stop_waiting(peer);
    peer->progress = progress_accept(peer->fd);
    if (peer->progress == NULL) {
        remove_peer(peer);
        return;
    }
    int fd = peer->fd;
    peer->fd = -1;
    if (!link_open(&peer->link, parts->loop, fd, &link_owner, peer)) {
        log_line(LOG_LEVEL_ERROR, "a worker cannot be served: %s", strerror(errno));
        remove_peer(peer);
    } else if (parts->watch != NULL) {
        call_watch_add(parts->watch, peer->progress);
    }
}

void runner_host_add_peer(struct runner_host *host, int fd, uint32_t slot)
{
    remove_older(host, slot);
    struct peer *peer = mem_zalloc(sizeof(*peer));
    peer->host = host;
    peer->slot = slot;
    peer->fd = fd;
    peer->link.fd = -1;
    LIST_INSERT_HEAD(&host->peers, peer, entry);
    fork_guard_add(fd);
    peer->arrival = loop_watch_readable(host->parts.loop, fd, on_arrival, peer);
    if (peer->arrival != NULL)
        return;
    log_line(LOG_LEVEL_ERROR, "a worker cannot be waited for: %s", strerror(errno));
    fork_guard_remove(fd);
    remove_peer(peer);
}

static void tell_readiness(struct runner_host *host, const struct hosted_use *use)
{
    struct peer *peer;
    struct error error = ERROR_INIT;
    if (use_readiness_failure(use->use) != NULL)
        error_set(&error, "%s", use_readiness_failure(use->use));
    LIST_FOREACH(peer, &host->peers, entry)
    {
        if (peer->link.fd == -1)
            continue;
        if (error.is_set) {
            refuse(peer, FRAME_FAILED, use->step, &error);
        } else {
            link_begin(&peer->link, FRAME_READY, use->step, 0);
            link_send(&peer->link);
        }
    }
}

void runner_host_look(struct runner_host *host)
{
    bool has_changed = false;
    for (size_t i = 0; i < host->uses.count; ++i) {
        struct hosted_use *use = host->uses.items[i];
        struct error error = ERROR_INIT;
        if (!use->is_waiting || use->has_failed || !hosted_use_settle(use, &error))
            continue;
        has_changed = true;
        tell_readiness(host, use);
    }
    if (has_changed && host->patience.position != 0 && hosted_uses_have_failed(&host->uses))
        give_up(host);
    if (!has_changed || hosted_uses_wait(&host->uses))
        return;
    timer_stop(host->parts.loop, &host->patience);
    struct peer *peer = LIST_FIRST(&host->peers);
    while (peer != NULL) {
        struct peer *next = LIST_NEXT(peer, entry);
        link_go_on(&peer->link);
        peer = next;
    }
}

struct runner_host *runner_host_create(const struct runner_host_parts *parts)
{
    struct runner_host *host = mem_zalloc(sizeof(*host));
    host->parts = *parts;
    host->patience = (struct timer){.on_timeout = on_patience_end, .data = host};
    LIST_INIT(&host->peers);
    return host;
}

void runner_host_destroy(struct runner_host *host)
{
    if (host == NULL)
        return;
    timer_stop(host->parts.loop, &host->patience);
    while (!LIST_EMPTY(&host->peers))
        remove_peer(LIST_FIRST(&host->peers));
    runtime_settle(host->parts.runtime);
    hosted_uses_finish(&host->uses);
    library_close(host->library);
    free(host);
}
