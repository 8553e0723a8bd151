#include "scenario/play.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "scenario/expectation.h"
#include "scenario/verdict.h"

#include <stdlib.h>

struct play {
    const struct scenario *scenario;
    struct stage stage;
};

/* What an attempt to do an event comes to. */
enum outcome {
    OUTCOME_DONE = 1,
    OUTCOME_NOT_YET, /* somebody else has to do something before */
    OUTCOME_FAILED,
};

struct play *play_create(const struct scenario *scenario, const struct stage_options *options)
{
    struct play *play = mem_zalloc(sizeof(*play));
    play->scenario = scenario;
    stage_init(&play->stage, scenario, options);
    return play;
}

void play_destroy(struct play *play)
{
    stage_finish(&play->stage);
    free(play);
}

static enum outcome send_request(struct stage *stage, const struct event *event)
{
    struct stage_client *client = stage_find_client(stage, event->party);
    if (stage->refusal.is_set)
        return OUTCOME_FAILED;
    if (client->exchange != NULL || !stage->is_ready)
        return OUTCOME_NOT_YET;
    if (client->seen.is_broken && !client->seen.is_broken_noticed)
        return OUTCOME_FAILED;
    stage_client_send(client, event);
    return OUTCOME_DONE;
}

static enum outcome send_more(struct stage *stage, const struct event *event)
{
    struct piece_queue *queue = NULL;
    if (event->is_client) {
        struct stage_client *client = stage_find_client(stage, event->party);
        queue = client->exchange == NULL ? NULL : &client->upload;
    } else {
        struct ask *ask = verdict_find_unfinished_answer(stage, event->party);
        queue = ask == NULL ? NULL : &ask->answer;
    }
    if (queue == NULL || queue->is_complete)
        return OUTCOME_NOT_YET;
    piece_queue_add(queue, &stage->arena, &event->body, stage->options.chunk_bytes);
    if (!event->is_unfinished)
        piece_queue_complete(queue);
    return OUTCOME_DONE;
}

static enum outcome answer(struct stage *stage, const struct event *event)
{
    struct ask *ask = verdict_find_unanswered(stage, event->party);
    if (ask == NULL)
        return OUTCOME_NOT_YET;
    ask->is_noticed = true;
    ask_answer(ask, event);
    return OUTCOME_DONE;
}

static enum outcome fail(struct stage *stage, const struct event *event)
{
    struct ask *ask = verdict_find_unfinished_answer(stage, event->party);
    if (ask == NULL)
        ask = verdict_find_unanswered(stage, event->party);
    if (ask == NULL)
        return OUTCOME_NOT_YET;
    ask->is_noticed = true;
    ask_fail(ask, event->status);
    return OUTCOME_DONE;
}

static enum outcome leave(struct stage *stage, const struct event *event)
{
    struct stage_client *client = stage_find_client(stage, event->party);
    if (client->exchange == NULL)
        return OUTCOME_FAILED;
    stage_client_leave(client);
    return OUTCOME_DONE;
}

static enum outcome notice_left(struct stage *stage, const struct event *event)
{
    struct ask *ask = verdict_find_left(stage, event->party);
    if (ask == NULL)
        return OUTCOME_NOT_YET;
    ask->is_noticed = ask->is_left_noticed = true;
    return OUTCOME_DONE;
}

static enum outcome set_reading(struct stage *stage, const struct event *event, bool is_stopped)
{
    if (event->is_client)
        stage_find_client(stage, event->party)->is_stopped = is_stopped;
    else
        stage_find_upstream(stage, event->party)->is_stopped = is_stopped;
    return OUTCOME_DONE;
}

static enum outcome see(struct stage *stage, const struct event *event)
{
    static const enum outcome outcomes[] = {
        [EXPECTATION_HOLDS] = OUTCOME_DONE,
        [EXPECTATION_WAITS] = OUTCOME_NOT_YET,
        [EXPECTATION_FAILS] = OUTCOME_FAILED,
    };
    struct message *seen = verdict_find_message(stage, event);
    static const struct message nothing = {0};
    enum outcome outcome = outcomes[expectation_check(event, seen == NULL ? &nothing : seen)];
    if (outcome != OUTCOME_DONE || seen == NULL)
        return outcome;
    expectation_notice(event, seen);
    if (!event->is_client)
        verdict_notice(stage, event);
    return OUTCOME_DONE;
}

static enum outcome try_event(struct stage *stage, const struct event *event)
{
    switch (event->kind) {
    case EVENT_SEND:
        return send_request(stage, event);
    case EVENT_SEND_MORE:
        return send_more(stage, event);
    case EVENT_SEE:
    case EVENT_SEE_MORE:
        return see(stage, event);
    case EVENT_ANSWER:
        return answer(stage, event);
    case EVENT_FAIL:
        return fail(stage, event);
    case EVENT_LEAVE:
        return leave(stage, event);
    case EVENT_IS_LEFT:
        return notice_left(stage, event);
    case EVENT_STOP_READING:
    case EVENT_READ_ON:
        return set_reading(stage, event, event->kind == EVENT_STOP_READING);
    case EVENT_PASS_TIME:
        stage_tell(stage, "time passes: %lld ms", (long long)event->duration_ms);
        stage_pass_time(stage, (uint64_t)event->duration_ms);
        return OUTCOME_DONE;
    case EVENT_LOG:
        return stage_log_notice(&stage->log, &event->line) ? OUTCOME_DONE : OUTCOME_NOT_YET;
    }
    return OUTCOME_FAILED;
}

/* Threads of libraries may write to the log whatever else they do. */
static bool wait_for(struct stage *stage, const struct event *event, uint64_t began_us)
{
    return event->kind == EVENT_LOG ? stage_wait_for_anybody(stage, began_us) : stage_wait(stage, began_us);
}

static bool play_event(struct play *play, const struct event *event)
{
    uint64_t began_us = clock_monotonic_us();
    enum outcome outcome = try_event(&play->stage, event);
    while (outcome == OUTCOME_NOT_YET && wait_for(&play->stage, event, began_us))
        outcome = try_event(&play->stage, event);
    stage_settle(&play->stage);
    return outcome == OUTCOME_DONE;
}

static bool check_refusal(struct play *play, struct text *report)
{
    const struct scenario *scenario = play->scenario;
    struct stage *stage = &play->stage;
    struct text description = TEXT_INIT;
    uint64_t began_us = clock_monotonic_us();
    while (!stage->refusal.is_set && stage_wait(stage, began_us))
        continue;
    if (stage->refusal.is_set)
        error_describe_line(&stage->refusal, &description);
    bool is_right = stage->refusal.is_set && verdict_holds_text(&scenario->refusal, text_slice(&description));
    if (!is_right)
        verdict_explain_refusal(scenario, text_slice(&description), report);
    text_finish(&description);
    return is_right;
}

static bool play_events(struct play *play, struct text *report)
{
    const struct scenario *scenario = play->scenario;
    for (size_t i = 0; i < scenario->event_count; ++i) {
        if (play_event(play, &scenario->events[i]))
            continue;
        verdict_explain(&play->stage, &scenario->events[i], report);
        return false;
    }
    return true;
}

static bool is_refused_unexpectedly(struct play *play, struct text *report)
{
    if (play->scenario->refusal.is_written || !play->stage.refusal.is_set)
        return false;
    error_describe(&play->stage.refusal, report);
    text_add_char(report, '\n');
    return true;
}

bool play_run(struct play *play, struct text *report)
{
    if (is_refused_unexpectedly(play, report) || !play_events(play, report))
        return false;
    if (play->scenario->refusal.is_written)
        return check_refusal(play, report);
    stage_close(&play->stage);
    return verdict_check_rest(&play->stage, report);
}
