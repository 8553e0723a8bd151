#include "filter/quiesce.h"

#include "filter/exchange_state.h"

static bool is_exclusive(const struct use *use)
{
    return (use->filter->flags & FLEXILIB_EXCLUSIVE) != 0;
}

void runtime_put_off_exclusive(struct runtime *runtime)
{
    runtime->puts_off_exclusive = true;
}

bool quiescence_notes(struct use *use, const struct step_settings *step)
{
    struct runtime *runtime = use->runtime;
    struct use *last = LIST_FIRST(&runtime->exclusive);
    if (!is_exclusive(use))
        return false;
    while (last != NULL && LIST_NEXT(last, quiescence.entry) != NULL)
        last = LIST_NEXT(last, quiescence.entry);
    if (last == NULL)
        LIST_INSERT_HEAD(&runtime->exclusive, use, quiescence.entry);
    else
        LIST_INSERT_AFTER(last, use, quiescence.entry);
    if (runtime->puts_off_exclusive)
        use->quiescence.step = step;
    return runtime->puts_off_exclusive;
}

void quiescence_forget(struct use *use)
{
    if (is_exclusive(use) && use->quiescence.entry.le_prev != NULL)
        LIST_REMOVE(use, quiescence.entry);
}

static bool has_word(struct slice words, struct slice word)
{
    while (words.length != 0) {
        size_t end = slice_find(words, ' ');
        if (slice_equals(slice_of(words.data, end), word))
            return true;
        words = slice_skip(words, end < words.length ? end + 1 : end);
    }
    return false;
}

bool runtime_lists_exclusive(const struct runtime *runtime, struct text *names)
{
    const struct use *use;
    LIST_FOREACH(use, &runtime->exclusive, quiescence.entry)
    {
        if (use->quiescence.step == NULL || has_word(text_slice(names), slice_from_text(use->filter->name)))
            continue;
        text_print(names, "%s%s", names->length == 0 ? "" : " ", use->filter->name);
    }
    return names->length != 0;
}

bool runtime_create_exclusive(struct runtime *runtime, struct error *error)
{
    struct use *use;
    LIST_FOREACH(use, &runtime->exclusive, quiescence.entry)
    {
        const struct step_settings *step = use->quiescence.step;
        use->quiescence.step = NULL;
        if (step != NULL && !use_start(use, step, error))
            return false;
    }
    return true;
}

static bool is_in_chain(const struct chain *chain, const struct use *use)
{
    for (size_t i = 0; i < chain->count; ++i) {
        if (chain->uses[i] == use)
            return true;
    }
    return false;
}

static bool is_tunnel(const struct exchange *exchange)
{
    return exchange->state->is_head_sent && exchange->response.status == 101;
}

static bool is_on_thread(const struct exchange *exchange, const struct use *use)
{
    const struct half *half = exchange->state->lease.half;
    return half != NULL && exchange->chain->uses[half->step] == use;
}

static bool is_in_the_way(const struct exchange *exchange, const struct use *use, enum quiesce_patience patience)
{
    if (exchange->phase == EXCHANGE_NEW || exchange->phase == EXCHANGE_ENDED || exchange->state->is_kept_back ||
        !is_in_chain(exchange->chain, use))
        return false;
    return is_on_thread(exchange, use) || (patience == QUIESCE_PATIENT && !is_tunnel(exchange));
}

static const struct exchange *find_obstacle(const struct use *use, enum quiesce_patience patience)
{
    const struct runtime *runtime = use->runtime;
    for (size_t i = 0; i < runtime->place_count; ++i) {
        const struct exchange *exchange = runtime->places[i].exchange;
        if (exchange != NULL && is_in_the_way(exchange, use, patience))
            return exchange;
    }
    return NULL;
}

static enum quiesce_result refuse(const struct use *use, const char *why, struct text *reason)
{
    text_print(reason, "filter '%.*s' %s", SLICE_ARG(use->name), why);
    return QUIESCE_REFUSED;
}

static enum quiesce_result quiesce(struct use *use, uint32_t round, enum quiesce_patience patience, struct text *reason)
{
    struct quiescence *quiescence = &use->quiescence;
    const struct exchange *obstacle = find_obstacle(use, patience);
    if (obstacle != NULL && patience != QUIESCE_OUT_OF_PATIENCE)
        return QUIESCE_WAITING;
    if (obstacle != NULL)
        return refuse(use, "still has a request on a thread", reason);
    runtime_enter(use->runtime, use, SLOT_HOOK_QUIESCE, &slot_no_request);
    quiescence->is_quiet = use->filter->quiesce(use->data);
    runtime_leave(use->runtime);
    quiescence->round = round;
    return quiescence->is_quiet ? QUIESCE_DONE : refuse(use, "does not give up what it owns (quiesce)", reason);
}

/* All keep back before the first is quiet, since a chain may have several. */
static void keep_back(struct runtime *runtime, struct slice names)
{
    struct use *use;
    LIST_FOREACH(use, &runtime->exclusive, quiescence.entry)
    {
        if (use->is_created && !use->quiescence.is_quiet && has_word(names, slice_from_text(use->filter->name)))
            use->quiescence.is_keeping = runtime->keeps_exchanges = true;
    }
}

enum quiesce_result runtime_quiesce(struct runtime *runtime, struct slice names, uint32_t round,
                                    enum quiesce_patience patience, struct text *reason)
{
    struct use *use;
    enum quiesce_result result = QUIESCE_DONE;
    keep_back(runtime, names);
    LIST_FOREACH(use, &runtime->exclusive, quiescence.entry)
    {
        if (!use->quiescence.is_keeping || use->quiescence.is_quiet)
            continue;
        result = quiesce(use, round, patience, reason);
        if (result != QUIESCE_DONE)
            break;
    }
    return result;
}

void runtime_wake_exclusive(struct runtime *runtime, uint32_t round)
{
    struct use *use;
    LIST_FOREACH(use, &runtime->exclusive, quiescence.entry)
    {
        if (!use->quiescence.is_quiet || use->quiescence.round != round)
            continue;
        use->quiescence.is_quiet = false;
        runtime_enter(runtime, use, SLOT_HOOK_WAKE, &slot_no_request);
        use->filter->wake(use->data);
        runtime_leave(runtime);
    }
    runtime_let_go(runtime);
}

void runtime_let_go(struct runtime *runtime)
{
    struct use *use;
    LIST_FOREACH(use, &runtime->exclusive, quiescence.entry)
    use->quiescence.is_keeping = false;
    runtime->keeps_exchanges = false;
    while (!TAILQ_EMPTY(&runtime->kept_back)) {
        struct exchange_state *state = TAILQ_FIRST(&runtime->kept_back);
        quiescence_stops_keeping(runtime, state);
        exchange_run(runtime->places[state->place].exchange);
    }
}

bool quiescence_keeps(struct runtime *runtime, struct exchange *exchange)
{
    struct exchange_state *state = exchange->state;
    const struct chain *chain = exchange->chain;
    bool is_kept = false;
    for (size_t i = 0; i < chain->count; ++i)
        is_kept = is_kept || chain->uses[i]->quiescence.is_keeping;
    if (!is_kept)
        return false;
    state->is_kept_back = true;
    TAILQ_INSERT_TAIL(&runtime->kept_back, state, kept_back);
    return true;
}

void quiescence_stops_keeping(struct runtime *runtime, struct exchange_state *state)
{
    if (state->is_kept_back)
        TAILQ_REMOVE(&runtime->kept_back, state, kept_back);
    state->is_kept_back = false;
}
