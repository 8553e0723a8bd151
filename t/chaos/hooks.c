#include "chaos.h"

#include <stdio.h>

enum {
    MOST_ACTS = 4,
};

uint64_t number_of(const struct flexilib_core *core, const struct flexilib_exchange *exchange)
{
    struct flexilib_text text;
    uint64_t number = 0;
    if (!core->header(exchange, FLEXILIB_REQUEST, FLEXILIB_ARG("x-number"), &text))
        return 0;
    for (size_t i = 0; i < text.length; ++i)
        number = number * 10 + (uint64_t)(text.data[i] - '0');
    return number;
}

static struct course *begin_course(struct chaos *chaos, struct flexilib_exchange *exchange)
{
    struct course *course = chaos->core->state(exchange);
    if (course != NULL)
        return course;
    course = chaos->core->allocate(exchange, sizeof(*course));
    *course = (struct course){.number = number_of(chaos->core, exchange)};
    course->dice = dice_for(chaos->seed, course->number, chaos->who);
    chaos->core->set_state(exchange, course);
    ++chaos->begun;
    return course;
}

void watch(const struct moment *moment, const char *what)
{
    static const char *const hooks[] = {"request_head", "request_body", "response_head", "response_body", "reply_body",
                                        "resume",       "end"};
    char text[128];
    if (moment->course->number != moment->chaos->watched)
        return;
    int length =
        snprintf(text, sizeof(text), "%llu, %s: %s", (unsigned long long)moment->chaos->who, hooks[moment->hook], what);
    moment->core->log(moment->core, moment->exchange, FLEXILIB_INFO, text, (size_t)length);
}

static bool is_coded(const struct flexilib_core *core, const struct flexilib_exchange *exchange, flexilib_half half)
{
    struct flexilib_text text;
    return core->header(exchange, half, FLEXILIB_ARG("x-coded"), &text);
}

static struct moment begin_moment(void *filter, struct flexilib_exchange *exchange, enum hook hook)
{
    struct chaos *chaos = filter;
    struct course *course = begin_course(chaos, exchange);
    return (struct moment){.chaos = chaos,
                           .core = chaos->core,
                           .exchange = exchange,
                           .course = course,
                           .dice = &course->dice,
                           .hook = hook,
                           .is_careful = is_coded(chaos->core, exchange, FLEXILIB_REQUEST) ||
                                         is_coded(chaos->core, exchange, FLEXILIB_RESPONSE)};
}

static flexilib_answer reply_well(struct moment *moment)
{
    if (set_good_reply(moment))
        return FLEXILIB_REPLY;
    return roll(moment->dice, 3) == 0 ? FLEXILIB_REPLY : FLEXILIB_CONTINUE;
}

static flexilib_answer answer_wildly(struct moment *moment)
{
    static const flexilib_answer wrong[] = {-1, 4, 42, INT32_MAX, INT32_MIN};
    unsigned number = roll(moment->dice, 100);
    if (moment->hook == HOOK_RESUME && moment->course->has_reply && number < 50) {
        moment->course->has_reply = false;
        return FLEXILIB_REPLY;
    }
    if (number < 50)
        return FLEXILIB_CONTINUE;
    if (number < 78)
        return pause_somehow(moment);
    if (number < 90)
        return reply_well(moment);
    if (number < 93)
        return FLEXILIB_REPLY;
    if (number < 96)
        return FLEXILIB_FAIL;
    if (number < 98)
        return FLEXILIB_PAUSE;
    return wrong[roll(moment->dice, 5)];
}

/* What a filter does that wants no trouble. */
static flexilib_answer answer_calmly(struct moment *moment)
{
    bool is_late = moment->hook == HOOK_REQUEST_BODY && moment->is_last;
    if (moment->chaos->answers && (is_late || (moment->hook == HOOK_REQUEST_HEAD && roll(moment->dice, 2))))
        return set_good_reply(moment) ? FLEXILIB_REPLY : FLEXILIB_FAIL;
    return FLEXILIB_CONTINUE;
}

static void stream_reply(struct moment *moment)
{
    struct course *course = moment->course;
    write_letters(moment, 1 + roll_length(moment->dice) % 20000);
    if (course->pieces_left == 0 || --course->pieces_left == 0)
        moment->core->end_reply(moment->exchange);
}

static flexilib_answer run(struct moment *moment)
{
    static const char *const names[] = {"continues", "pauses", "replies", "fails"};
    bool is_wild = has_luck(moment->dice, moment->chaos->wild);
    bool is_body = moment->hook == HOOK_REQUEST_BODY || moment->hook == HOOK_RESPONSE_BODY;
    for (unsigned i = is_wild ? roll(moment->dice, MOST_ACTS) : 0; i > 0; --i)
        act(moment);
    bool is_kept = is_wild && !moment->is_careful && roll(moment->dice, 4) == 0;
    if (is_body && !moment->chaos->observes && !is_kept)
        moment->core->pass(moment->exchange);
    if (moment->hook == HOOK_REPLY_BODY && !(is_wild && roll(moment->dice, 8) == 0))
        stream_reply(moment);
    for (unsigned i = is_wild ? roll(moment->dice, 2) : 0; i > 0; --i)
        act(moment);
    flexilib_answer answer = is_wild ? answer_wildly(moment) : answer_calmly(moment);
    watch(moment, answer >= 0 && answer < 4 ? names[answer] : "answers nonsense");
    return answer;
}

flexilib_answer chaos_on_request_head(void *filter, struct flexilib_exchange *exchange)
{
    struct moment moment = begin_moment(filter, exchange, HOOK_REQUEST_HEAD);
    return run(&moment);
}

/* Looks at every byte, so that a sanitizer sees those that are not there. */
static void look_at(const char *data, size_t length)
{
    volatile unsigned sum = 0;
    for (size_t i = 0; i < length; ++i)
        sum += (unsigned char)data[i];
}

flexilib_answer chaos_on_request_body(void *filter, struct flexilib_exchange *exchange, const char *data, size_t length,
                                      bool last)
{
    struct moment moment = begin_moment(filter, exchange, HOOK_REQUEST_BODY);
    moment.is_last = last;
    look_at(data, length);
    return run(&moment);
}

flexilib_answer chaos_on_response_head(void *filter, struct flexilib_exchange *exchange)
{
    struct moment moment = begin_moment(filter, exchange, HOOK_RESPONSE_HEAD);
    return run(&moment);
}

flexilib_answer chaos_on_response_body(void *filter, struct flexilib_exchange *exchange, const char *data,
                                       size_t length, bool last)
{
    struct moment moment = begin_moment(filter, exchange, HOOK_RESPONSE_BODY);
    moment.is_last = last;
    look_at(data, length);
    return run(&moment);
}

flexilib_answer chaos_on_reply_body(void *filter, struct flexilib_exchange *exchange)
{
    struct moment moment = begin_moment(filter, exchange, HOOK_REPLY_BODY);
    return run(&moment);
}

static bool is_awaited(const struct course *course, const void *parcel)
{
    for (unsigned i = 0; i < OLD_TICKETS; ++i) {
        if (parcel_is_for(parcel, course->tickets[i]))
            return true;
    }
    return false;
}

/* Which hook has paused is not remembered: what does not belong there is refused. */
flexilib_answer chaos_on_resume(void *filter, struct flexilib_exchange *exchange, void *result)
{
    struct moment moment = begin_moment(filter, exchange, HOOK_RESUME);
    if (result != NULL && !is_awaited(moment.course, result))
        fputs("alert: chaos is resumed by what was for another pause\n", stderr);
    parcel_free(result);
    if (!moment.is_careful && roll(moment.dice, 2))
        moment.core->pass(exchange);
    if (moment.course->pieces_left != 0 && roll(moment.dice, 4) != 0)
        stream_reply(&moment);
    return run(&moment);
}

/* Nothing can be changed any more; what tries is refused. */
void chaos_on_end(void *filter, struct flexilib_exchange *exchange)
{
    struct chaos *chaos = filter;
    if (chaos->core->state(exchange) == NULL)
        fputs("alert: chaos is told of the end of what it has not seen\n", stderr);
    struct moment moment = begin_moment(filter, exchange, HOOK_END);
    if (has_luck(moment.dice, chaos->wild))
        act(&moment);
    --chaos->begun;
}
