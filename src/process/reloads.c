#include "process/reloads.h"

#include "base/clock.h"
#include "process/console.h"
#include "process/crash_response.h"
#include "process/manifest_compare.h"
#include "process/refusals.h"

enum {
    LOOK_US = 100 * 1000, /* between two looks whether a reload still has to wait */
    /* Generations with tunnels and idle connections alone do not make a reload wait, unless there are so many. */
    MOST_GENERATIONS = 64,
    MOST_WORKERS = 1024,
};

void reloads_init(struct reloads *reloads, struct generations *generations,
                  void (*on_over)(void *data, const struct reload *reload), void *data)
{
    *reloads = (struct reloads){.generations = generations, .on_over = on_over, .data = data};
}

void reloads_finish(struct reloads *reloads)
{
    for (int i = 0; i < RELOADS_KEPT; ++i)
        held_snapshot_release(reloads->kept[i]);
    reload_destroy(reloads->wanted);
    reload_destroy(reloads->wanted_rollback);
    reload_destroy(reloads->current);
    reload_destroy(reloads->last);
    *reloads = (struct reloads){0};
}

static void count(const struct reloads *reloads, enum supervision_reload result)
{
    supervision_count_reload(reloads->generations->supplies->supervision.supervision, result, clock_unix_ms());
}

/* Why it has failed stands in the log already. */
static void log_reload(const struct reload *reload)
{
    struct text causes = TEXT_INIT;
    reload_print_causes(reload, &causes);
    if (reload->result == RELOAD_FAILED)
        console_log(LOG_LEVEL_ERROR, "reload %u (%s): has failed", reload->id, causes.data);
    else
        console_log(LOG_LEVEL_INFO, "reload %u (%s): %s", reload->id, causes.data, reload->sentence.data);
    text_finish(&causes);
}

/* Tells everybody and keeps it for status. Fine where there is none. */
static void end_reload(struct reloads *reloads, struct reload **place, enum reload_result result)
{
    struct reload *reload = *place;
    if (reload == NULL)
        return;
    *place = NULL;
    reload->result = result;
    if (reload->causes != RELOAD_START && result != RELOAD_STOPPED)
        log_reload(reload);
    reloads->on_over(reloads->data, reload);
    reload_destroy(reloads->last);
    reloads->last = reload;
}

static void overtake(struct reloads *reloads, struct reload **place, const struct reload *rollback)
{
    if (*place == NULL)
        return;
    text_print(&(*place)->sentence, "overtaken by a rollback (reload %u)", rollback->id);
    end_reload(reloads, place, RELOAD_OVERTAKEN);
}

static void give_up(struct reloads *reloads, struct reload **place)
{
    if (*place == NULL)
        return;
    text_clear(&(*place)->sentence);
    text_print(&(*place)->sentence, "FlexiLib stops: the reload has not taken effect");
    end_reload(reloads, place, RELOAD_STOPPED);
}

unsigned reloads_want(struct reloads *reloads, enum reload_cause cause)
{
    if (reloads->wanted == NULL)
        reloads->wanted = reload_create(++reloads->last_id);
    reloads->wanted->causes |= cause;
    if (cause == RELOAD_SIGNAL || cause == RELOAD_COMMAND)
        console_log(LOG_LEVEL_INFO, "reloading (reload %u): %s", reloads->wanted->id, reload_cause_name(cause));
    return reloads->wanted->id;
}

unsigned reloads_next_id(struct reloads *reloads)
{
    return ++reloads->last_id;
}

unsigned reloads_follow(struct reloads *reloads, unsigned id)
{
    if (reloads->wanted == NULL)
        reloads->wanted = reload_create(id);
    reloads->wanted->causes |= RELOAD_UPGRADE;
    return reloads->wanted->id;
}

unsigned reloads_roll_back(struct reloads *reloads, const char *reason, struct text *refusal)
{
    struct generation *serving = reloads->generations->serving;
    if (serving == NULL || reloads->kept[0] == NULL) {
        text_print(refusal, "there is nothing to go back to: no other configuration has served since the start%s",
                   reloads->last_id > 1 ? " that is still kept" : "");
        return 0;
    }
    if (reloads->wanted_rollback != NULL)
        return reloads->wanted_rollback->id;
    if (reloads->generations->starting != NULL && (reloads->current->causes & RELOAD_ROLLBACK) != 0)
        return reloads->current->id;
    struct reload *reload = reload_create(++reloads->last_id);
    reload->causes = RELOAD_ROLLBACK;
    text_print(&reload->reason, "%s", reason);
    reloads->wanted_rollback = reload;
    overtake(reloads, &reloads->wanted, reload);
    if (reloads->generations->starting != NULL)
        generation_abandon(reloads->generations->starting);
    return reload->id;
}

void reloads_end(struct reloads *reloads)
{
    reloads->is_ended = true;
    give_up(reloads, &reloads->wanted);
    give_up(reloads, &reloads->wanted_rollback);
    give_up(reloads, &reloads->current);
}

static void report_failed(const struct generations *generations, const struct generation *failed)
{
    struct slice reason = slice_from_text(generation_failure(failed));
    size_t end = slice_find(reason, '\n');
    struct slice details = slice_skip(reason, end);
    console_log(LOG_LEVEL_ERROR, "generation %u failed: %.*s; generation %u goes on serving%.*s",
                generation_number(failed), SLICE_ARG(slice_of(reason.data, end)),
                generation_number(generations->serving), SLICE_ARG(details));
}

static void note_failure(struct reloads *reloads, const struct generation *failed)
{
    struct slice reason = slice_from_text(generation_failure(failed));
    size_t end = slice_find(reason, '\n');
    text_add(&reloads->current->sentence, slice_of(reason.data, end));
    text_add(&reloads->current->details, slice_skip(reason, end < reason.length ? end + 1 : end));
}

/* Returns false where no other generation serves. */
static bool take_failure(struct reloads *reloads)
{
    struct generations *generations = reloads->generations;
    const struct generation *failed = generations->starting;
    generations->starting = NULL;
    if (reloads->is_ended)
        return true;
    if (reloads->wanted_rollback != NULL && reloads->current->causes != RELOAD_ROLLBACK) {
        overtake(reloads, &reloads->current, reloads->wanted_rollback);
        return true;
    }
    note_failure(reloads, failed);
    if (generations->serving == NULL) {
        if (!reloads->has_refused) /* otherwise it is told with what comes of it */
            console_log(LOG_LEVEL_ERROR, "%s", generation_failure(failed));
        end_reload(reloads, &reloads->current, RELOAD_FAILED);
        return false;
    }
    count(reloads, SUPERVISION_RELOAD_FAILED);
    report_failed(generations, failed);
    end_reload(reloads, &reloads->current, RELOAD_FAILED);
    return true;
}

/* The place of the one to drop. Of those with the same libraries the older one is, which leaves its time to the other:
 * however often the configuration changes, there is a way back from what brought a library that crashes. */
static int find_place(struct reloads *reloads)
{
    int last = RELOADS_KEPT - 1;
    for (int i = 0; i < last; ++i) {
        if (reloads->kept[i] == NULL)
            return i;
    }
    for (int i = last; i > 0 && reloads->kept[last] != NULL; --i) {
        struct held_snapshot *newer = reloads->kept[i - 1], *older = reloads->kept[i];
        if (!manifest_has_same_libraries(newer->folder, older->folder))
            continue;
        newer->served_since_ms = older->served_since_ms;
        return i;
    }
    return last;
}

/* What served until now is what one may go back to. */
static void keep(struct reloads *reloads, struct held_snapshot *snapshot)
{
    int place = find_place(reloads);
    held_snapshot_release(reloads->kept[place]);
    for (int i = place; i > 0; --i)
        reloads->kept[i] = reloads->kept[i - 1];
    reloads->kept[0] = held_snapshot_use(snapshot);
}

/* Returns whether it does something else than the old one. */
static bool note_changes(struct reload *reload, const struct generation *old, const struct generation *new)
{
    struct manifest before, after;
    bool has_before = manifest_open(&before, generation_snapshot(old)->folder);
    bool has_after = manifest_open(&after, generation_snapshot(new)->folder);
    bool is_changed = true;
    text_add(&reload->sentence, SLICE(": "));
    if (has_before && has_after)
        is_changed = manifest_compare(&before, &after, &reload->changes, &reload->sentence);
    else
        text_add(&reload->sentence, SLICE("nobody knows what has changed"));
    manifest_close(&before);
    manifest_close(&after);
    return is_changed;
}

void reloads_forget_newest(struct reloads *reloads)
{
    held_snapshot_release(reloads->kept[0]);
    for (int i = 0; i + 1 < RELOADS_KEPT; ++i)
        reloads->kept[i] = reloads->kept[i + 1];
    reloads->kept[RELOADS_KEPT - 1] = NULL;
}

static void note_success(struct reloads *reloads, const struct generation *old)
{
    struct generation *serving = reloads->generations->serving;
    struct reload *reload = reloads->current;
    crash_response_carry(old, serving);
    if ((reload->causes & RELOAD_ROLLBACK) != 0) {
        /* It serves again; what was left is not kept. */
        reloads_forget_newest(reloads);
        reload->left = generation_number(old);
        text_print(&reload->sentence, "generation %u serves what generation %u did; generation %u is left (%.*s)",
                   generation_number(serving), generation_snapshot(serving)->number, reload->left,
                   SLICE_ARG(text_slice(&reload->reason)));
        note_changes(reload, old, serving);
        count(reloads, SUPERVISION_RELOAD_ROLLED_BACK);
        return;
    }
    text_print(&reload->sentence, "generation %u serves", generation_number(serving));
    if (note_changes(reload, old, serving)) {
        keep(reloads, generation_snapshot(old));
        count(reloads, SUPERVISION_RELOAD_SUCCEEDED);
    } else {
        reload->result = RELOAD_UNCHANGED;
        generation_snapshot(serving)->served_since_ms = generation_snapshot(old)->served_since_ms;
        count(reloads, SUPERVISION_RELOAD_UNCHANGED);
    }
}

/* What was made from a snapshot has not seen the files; those that are watched stay so, as far as its settings allow.
 */
static void watch_what_it_tells(struct watched *watched, const struct generation *serving)
{
    enum watch_mode mode;
    bool tells_sights;
    if (generation_tells_watch(serving, &mode, &tells_sights))
        watched_keep(watched, tells_sights ? generation_number(serving) : 0, mode);
}

static void take_success(struct reloads *reloads)
{
    struct generations *generations = reloads->generations;
    const struct generation *old = generations->serving;
    reloads->current->result = RELOAD_CHANGED;
    generations_promote(generations);
    struct held_snapshot *snapshot = generation_snapshot(generations->serving);
    if (snapshot->served_since_ms == 0)
        snapshot->served_since_ms = clock_unix_ms();
    watch_what_it_tells(&generations->supplies->watched, generations->serving);
    if ((reloads->current->causes & (RELOAD_ROLLBACK | RELOAD_LAST_GOOD)) == 0)
        refusals_accept(generations->serving);
    if (old != NULL)
        note_success(reloads, old);
    else
        text_print(&reloads->current->sentence, "generation %u serves", generation_number(generations->serving));
}

static void start(struct reloads *reloads, struct reload **wanted)
{
    bool is_rollback = ((*wanted)->causes & RELOAD_ROLLBACK) != 0;
    reloads->current = *wanted;
    *wanted = NULL;
    reloads->was_wait_told = false;
    generations_start(reloads->generations, is_rollback ? reloads->kept[0] : NULL);
    reloads->current->generation = generation_number(reloads->generations->starting);
}

/* While a generation starts, nobody asks: it may read what has changed, and what changes after that is still to be told
 * when it is done. */
static void want_for_files(struct reloads *reloads)
{
    struct text what = TEXT_INIT;
    if (watched_take(&reloads->generations->supplies->watched, &what)) {
        unsigned id = reloads_want(reloads, RELOAD_FILES);
        console_log(LOG_LEVEL_INFO, "reloading (reload %u): %s", id, what.data);
    }
    text_finish(&what);
}

void reloads_start_from(struct reloads *reloads, struct held_snapshot *snapshot)
{
    reloads->current = reload_create(++reloads->last_id);
    reloads->current->causes = RELOAD_LAST_GOOD;
    generations_start(reloads->generations, snapshot);
    reloads->current->generation = generation_number(reloads->generations->starting);
}

/* What piles up has a bound. The newest request wins, since the files are read when it begins. */
static bool has_to_wait(struct reloads *reloads)
{
    const struct generation *serving = reloads->generations->serving;
    struct generations_draining draining = generations_count_draining(reloads->generations);
    unsigned limit = serving == NULL ? 1 : generation_max_generations(serving);
    if (draining.busy_generations < limit && draining.generations < MOST_GENERATIONS && draining.workers < MOST_WORKERS)
        return false;
    if (!reloads->was_wait_told)
        console_log(LOG_LEVEL_INFO, "the reload waits: %u generations are still draining",
                    draining.busy_generations < limit ? draining.generations : draining.busy_generations);
    reloads->was_wait_told = true;
    return true;
}

void reloads_start_wanted(struct reloads *reloads)
{
    /* Each generation that takes over is reported, so that whoever waits for its line gets it. */
    if (reloads->current != NULL || reloads->is_ended)
        return;
    want_for_files(reloads);
    if (reloads->wanted_rollback != NULL) {
        start(reloads, &reloads->wanted_rollback);
    } else if (reloads->wanted != NULL && !has_to_wait(reloads)) {
        start(reloads, &reloads->wanted);
    }
}

static void refuse_crashing(struct reloads *reloads)
{
    struct text reason = TEXT_INIT;
    struct generations *generations = reloads->generations;
    bool is_start = generations->serving == NULL;
    if (!(is_start && reloads->takes_refused) &&
        refusals_forbid(generations->starting, generations->serving, &reason)) {
        generation_refuse(generations->starting, reason.data);
        reloads->has_refused = is_start;
    }
    text_finish(&reason);
}

uint64_t reloads_deadline(const struct reloads *reloads)
{
    bool is_waiting = reloads->wanted != NULL && reloads->current == NULL && !reloads->is_ended;
    return is_waiting ? clock_monotonic_us() + LOOK_US : 0;
}

bool reloads_step(struct reloads *reloads)
{
    struct generation *starting = reloads->generations->starting;
    if (starting != NULL && generation_state(starting) == GENERATION_READY &&
        (reloads->current->causes & RELOAD_ROLLBACK) == 0)
        refuse_crashing(reloads);
    if (starting != NULL && generation_state(starting) == GENERATION_FAILED)
        return take_failure(reloads);
    if (starting != NULL && generation_state(starting) == GENERATION_READY)
        take_success(reloads);
    return true;
}

void reloads_announce(struct reloads *reloads, uint64_t now_us)
{
    struct generations *generations = reloads->generations;
    if (generations_announce(generations, now_us) && reloads->current != NULL)
        end_reload(reloads, &reloads->current, reloads->current->result);
}
