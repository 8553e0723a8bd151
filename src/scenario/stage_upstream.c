#include "scenario/stage.h"

struct stage_upstream *stage_find_upstream(struct stage *stage, struct slice name)
{
    for (size_t i = 0; i < stage->upstream_count; ++i) {
        if (slice_equals(stage->upstreams[i]->name, name))
            return stage->upstreams[i];
    }
    struct stage_upstream *upstream = arena_zalloc(&stage->arena, sizeof(*upstream));
    upstream->name = name;
    stage->upstreams = arena_grow(&stage->arena, stage->upstreams, stage->upstream_count, &stage->upstream_capacity,
                                  sizeof(*stage->upstreams));
    stage->upstreams[stage->upstream_count++] = upstream;
    return upstream;
}

struct ask *ask_add(struct stage *stage, struct stage_upstream *upstream, const struct asker *asker, void *asker_data)
{
    struct ask *ask = arena_zalloc(&stage->arena, sizeof(*ask));
    *ask = (struct ask){.stage = stage, .upstream = upstream, .asker = asker, .asker_data = asker_data};
    stage->asks = arena_grow(&stage->arena, stage->asks, stage->ask_count, &stage->ask_capacity, sizeof(*stage->asks));
    stage->asks[stage->ask_count++] = ask;
    return ask;
}

void ask_show_head(struct ask *ask, struct slice method, struct slice path, const struct slice *query)
{
    struct slice behind = query == NULL ? SLICE_NONE : *query;
    ask->seen.has_head = true;
    ask->seen.start = arena_print(&ask->stage->arena, "%.*s %.*s%s%.*s", SLICE_ARG(method), SLICE_ARG(path),
                                  query == NULL ? "" : "?", SLICE_ARG(behind));
    stage_tell(ask->stage, "%.*s sees %.*s", SLICE_ARG(ask->upstream->name), SLICE_ARG(ask->seen.start));
}

void ask_show_length(struct ask *ask, int64_t length)
{
    if (length > 0)
        message_add_length(&ask->seen, &ask->stage->arena, length);
}

void ask_give_body(struct ask *ask, struct slice piece, bool last)
{
    text_add(&ask->seen.body, piece);
    ask->seen.is_ended = last;
    ask->is_asked = false;
    if (piece.length != 0 || !last)
        stage_tell(ask->stage, "%.*s sees %zu bytes of the body%s", SLICE_ARG(ask->upstream->name), piece.length,
                   last ? ", and its end" : "");
}

void ask_leave(struct ask *ask)
{
    ask->asker = NULL;
    ask->is_pulled = false;
    ask->is_left = true;
    stage_tell(ask->stage, "%.*s is left", SLICE_ARG(ask->upstream->name));
}

/* As the client would give them to who has asked: what frames the message becomes its length. */
static struct response_head make_head(const struct event *event, struct arena *arena)
{
    struct response_head head = {.status = event->status, .body_length = (int64_t)event->body.length};
    bool is_length_known = !event->is_unfinished;
    for (size_t i = 0; i < event->field_count; ++i) {
        const struct field_rule *rule = &event->fields[i];
        for (size_t j = 0; j < rule->value_count; ++j) {
            struct slice value = content_join(&rule->values[j], arena);
            uint64_t length;
            if (!header_is_hop_by_hop(rule->name)) {
                headers_add(&head.headers, arena, rule->name, value);
                continue;
            }
            is_length_known = slice_parse_number(value, &length);
            if (is_length_known)
                head.body_length = (int64_t)length;
        }
    }
    if (!is_length_known)
        head.body_length = -1;
    return head;
}

void ask_answer(struct ask *ask, const struct event *event)
{
    const struct response_head head = make_head(event, &ask->stage->arena);
    ask->is_answered = true;
    piece_queue_add(&ask->answer, &ask->stage->arena, &event->body, ask->stage->options.chunk_bytes);
    if (!event->is_unfinished)
        piece_queue_complete(&ask->answer);
    stage_tell(ask->stage, "%.*s answers %d", SLICE_ARG(ask->upstream->name), event->status);
    ask->asker->take_head(ask, &head);
}

void ask_fail(struct ask *ask, int status)
{
    ask->failure_status = status;
}

void ask_pull(struct ask *ask)
{
    ask->is_pulled = true;
}

static bool fail_if_due(struct ask *ask)
{
    const struct asker *asker = ask->asker;
    int status = ask->failure_status;
    if (status == 0 || (ask->is_answered && !ask->is_pulled))
        return false;
    ask->failure_status = 0;
    ask->asker = NULL;
    stage_tell(ask->stage, "%.*s breaks off", SLICE_ARG(ask->upstream->name));
    asker->take_failure(ask, status);
    return true;
}

bool ask_move(struct ask *ask)
{
    struct slice piece;
    bool last;
    if (ask->asker == NULL)
        return false;
    if (!ask->is_asked && !ask->upstream->is_stopped && !ask->seen.is_ended) {
        ask->is_asked = true;
        ask->asker->pull_body(ask);
        return true;
    }
    if (ask->is_pulled && piece_queue_take(&ask->answer, &piece, &last)) {
        ask->is_pulled = false;
        ask->asker->take_piece(ask, piece, last);
        return true;
    }
    /* who has wanted no more with the last piece does now */
    if (ask->is_pulled && ask->answer.is_over) {
        ask->is_pulled = false;
        ask->asker->take_piece(ask, SLICE_NONE, true);
        return true;
    }
    return fail_if_due(ask);
}
