#include "scenario/verdict.h"

#include "scenario/expectation.h"

static bool is_at(const struct ask *ask, struct slice upstream)
{
    return slice_equals(ask->upstream->name, upstream);
}

struct ask *verdict_find_unanswered(const struct stage *stage, struct slice upstream)
{
    for (size_t i = 0; i < stage->ask_count; ++i) {
        struct ask *ask = stage->asks[i];
        if (is_at(ask, upstream) && ask->asker != NULL && !ask->is_answered && ask->failure_status == 0)
            return ask;
    }
    return NULL;
}

struct ask *verdict_find_unfinished_answer(const struct stage *stage, struct slice upstream)
{
    for (size_t i = 0; i < stage->ask_count; ++i) {
        struct ask *ask = stage->asks[i];
        if (is_at(ask, upstream) && ask->asker != NULL && ask->is_answered && !ask->answer.is_complete &&
            ask->failure_status == 0)
            return ask;
    }
    return NULL;
}

struct ask *verdict_find_left(const struct stage *stage, struct slice upstream)
{
    for (size_t i = 0; i < stage->ask_count; ++i) {
        struct ask *ask = stage->asks[i];
        if (is_at(ask, upstream) && ask->is_left && !ask->is_left_noticed)
            return ask;
    }
    return NULL;
}

/* A request is new until an event has told of it; its body goes on with the last one that is not new. */
static struct ask *find_ask(const struct stage *stage, const struct event *event)
{
    struct ask *last = NULL;
    for (size_t i = 0; i < stage->ask_count; ++i) {
        struct ask *ask = stage->asks[i];
        if (!is_at(ask, event->party))
            continue;
        if (event->kind == EVENT_SEE && !ask->is_noticed)
            return ask;
        if (event->kind == EVENT_SEE_MORE && ask->is_noticed)
            last = ask;
    }
    return last;
}

struct message *verdict_find_message(const struct stage *stage, const struct event *event)
{
    if (!event->is_client) {
        struct ask *ask = find_ask(stage, event);
        return ask == NULL ? NULL : &ask->seen;
    }
    for (size_t i = 0; i < stage->client_count; ++i) {
        if (slice_equals(stage->clients[i]->name, event->party))
            return &stage->clients[i]->seen;
    }
    return NULL;
}

void verdict_notice(const struct stage *stage, const struct event *event)
{
    struct ask *ask = find_ask(stage, event);
    if (ask != NULL)
        ask->is_noticed = true;
}

bool verdict_holds_text(const struct content *wanted, struct slice text)
{
    if (wanted->is_like)
        return content_matches(wanted, text);
    struct slice piece = wanted->pieces[0];
    return piece.length == 0 || memmem(text.data, text.length, piece.data, piece.length) != NULL;
}

static void print_place(struct place place, struct text *out)
{
    text_print(out, "%s:%u:%u: ", place.text == NULL ? "" : place.text->path, place.line, place.column);
}

static const struct stage_client *find_client(const struct stage *stage, struct slice name)
{
    for (size_t i = 0; i < stage->client_count; ++i) {
        if (slice_equals(stage->clients[i]->name, name))
            return stage->clients[i];
    }
    return NULL;
}

/* Why a client has not got what it should. */
static void explain_client_wait(const struct stage *stage, const struct event *event, struct text *out)
{
    const struct stage_client *client = find_client(stage, event->party);
    if (client == NULL)
        text_print(out, ": it has sent no request");
    else if (client->pause != NULL)
        text_print(out, ": a filter pauses, and nothing ends the pause");
    else if (client->is_stopped)
        text_print(out, ": it has stopped reading");
    else if (client->ask != NULL && !client->ask->is_answered)
        text_print(out, ": the request waits for '%.*s' to answer", SLICE_ARG(client->ask->upstream->name));
    else if (client->ask != NULL && !client->ask->answer.is_complete)
        text_print(out, ": the answer of '%.*s' is unfinished", SLICE_ARG(client->ask->upstream->name));
    else if (client->exchange != NULL && !client->upload.is_complete)
        text_print(out, ": the request's body is unfinished");
}

static void explain_upstream_wait(const struct stage *stage, struct text *out)
{
    for (size_t i = 0; i < stage->client_count; ++i) {
        const struct stage_client *client = stage->clients[i];
        if (client->pause != NULL)
            text_print(out, ": a filter pauses, and nothing ends the pause");
        else if (client->seen.has_head)
            text_print(out, ": %.*s has been answered with %.*s", SLICE_ARG(client->name),
                       SLICE_ARG(client->seen.start));
        else
            continue;
        return;
    }
}

static void explain_sight(struct stage *stage, const struct event *event, struct text *report)
{
    static const struct message nothing = {0};
    const struct message *seen = verdict_find_message(stage, event);
    if (seen == NULL)
        seen = &nothing;
    bool is_waiting = expectation_check(event, seen) == EXPECTATION_WAITS;
    text_print(report, "'%.*s' sees %s", SLICE_ARG(event->party),
               !seen->has_head && !seen->is_broken ? "nothing"
               : is_waiting                        ? "this much only"
                                                   : "something else");
    if (is_waiting && event->is_client)
        explain_client_wait(stage, event, report);
    else if (is_waiting && !seen->has_head)
        explain_upstream_wait(stage, report);
    text_print(report, "\n");
    expectation_explain(event, seen, &stage->arena, report);
}

static void explain_log(const struct stage *stage, const struct event *event, struct text *report)
{
    text_print(report, "the log has no such line\n- %.*s\n", SLICE_ARG(event->line.pieces[0]));
    for (size_t i = 0; i < stage->log.count; ++i) {
        if (!stage->log.lines[i].is_noticed)
            text_print(report, "+ %.*s\n", SLICE_ARG(stage->log.lines[i].text));
    }
}

static const char *explain_action(struct stage *stage, const struct event *event)
{
    const struct stage_client *client = find_client(stage, event->party);
    switch (event->kind) {
    case EVENT_SEND:
        if (stage->refusal.is_set)
            return arena_print(&stage->arena, "the chain is refused: %s", stage->refusal.message).data;
        if (!stage->is_ready)
            return "the chain is not ready, as a filter has put that off";
        return client != NULL && client->exchange == NULL ? "its earlier response was cut, which no event tells of"
                                                          : "its earlier request is still under way";
    case EVENT_SEND_MORE:
        return event->is_client ? "it has no request under way that is unfinished"
                                : "it has no answer that is unfinished";
    case EVENT_LEAVE:
        return "it has no request under way";
    case EVENT_IS_LEFT:
        return "whoever asked it still waits for the answer, or nobody has asked";
    default:
        return "no request waits there for an answer";
    }
}

void verdict_explain(struct stage *stage, const struct event *event, struct text *report)
{
    print_place(event->place, report);
    if (event->kind == EVENT_SEE || event->kind == EVENT_SEE_MORE) {
        explain_sight(stage, event, report);
    } else if (event->kind == EVENT_LOG) {
        explain_log(stage, event, report);
    } else {
        text_print(report, "'%.*s' cannot do this: %s", SLICE_ARG(event->party), explain_action(stage, event));
        if (!event->is_client && event->kind != EVENT_IS_LEFT)
            explain_upstream_wait(stage, report);
        text_add_char(report, '\n');
    }
}

void verdict_explain_refusal(const struct scenario *scenario, struct slice seen, struct text *report)
{
    print_place(scenario->refusal_place, report);
    if (seen.length == 0) {
        text_print(report, "the chain is not refused\n");
        return;
    }
    text_print(report, "the chain is refused with other words\n- %.*s\n+ %.*s\n",
               SLICE_ARG(scenario->refusal.pieces[0]), SLICE_ARG(seen));
}

static bool check_asks(const struct stage *stage, struct text *report)
{
    for (size_t i = 0; i < stage->ask_count; ++i) {
        const struct ask *ask = stage->asks[i];
        if (ask->is_noticed)
            continue;
        print_place(stage->scenario->place, report);
        text_print(report, "no event tells that '%.*s' sees %.*s\n", SLICE_ARG(ask->upstream->name),
                   SLICE_ARG(ask->seen.start));
        return false;
    }
    return true;
}

static bool check_clients(const struct stage *stage, struct text *report)
{
    for (size_t i = 0; i < stage->client_count; ++i) {
        const struct stage_client *client = stage->clients[i];
        if (!client->seen.is_broken || client->seen.is_broken_noticed)
            continue;
        print_place(stage->scenario->place, report);
        text_print(report, "no event tells that the response to '%.*s' is broken\n", SLICE_ARG(client->name));
        return false;
    }
    return true;
}

static bool check_log(const struct stage *stage, struct text *report)
{
    const struct stage_log_line *trouble = stage_log_find_trouble(&stage->log);
    if (trouble == NULL)
        return true;
    print_place(stage->scenario->place, report);
    text_print(report, "no event tells that the log says\n+ %.*s\n", SLICE_ARG(trouble->text));
    return false;
}

bool verdict_check_rest(const struct stage *stage, struct text *report)
{
    return check_asks(stage, report) && check_clients(stage, report) && check_log(stage, report);
}
