#include "process/crash_response.h"

#include "base/clock.h"
#include "process/console.h"
#include "process/generation_own.h"
#include "process/manifest.h"
#include "process/manifest_compare.h"
#include "process/obituary.h"
#include "process/refusals.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static bool is_filter(const struct manifest_line *line, const char *name)
{
    char shown[SLOT_FILTER_BYTES] = {0};
    if (!slice_equals(line->kind, SLICE("filter")))
        return false;
    slot_show_name(line->name, shown);
    return strcmp(shown, name) == 0;
}

/* The library of the filter that is blamed, or the one that the crash happened in. */
static struct slice find_library(const struct manifest *manifest, const struct blame *blame)
{
    for (size_t i = 0; blame->filter[0] != '\0' && i < manifest->count; ++i) {
        if (is_filter(&manifest->lines[i], blame->filter))
            return manifest->lines[i].digest;
    }
    return slice_from_text(blame->library);
}

/* What a loop stands still in is certain, though its end was ours. */
static bool is_blamed(const struct death *death, bool was_stuck)
{
    return death->blame.certainty >= BLAME_LIKELY || (was_stuck && death->slot.call.hook != SLOT_HOOK_NONE);
}

void crash_response_note(struct generation *generation, const struct death *death, bool was_stuck)
{
    struct manifest manifest;
    if (!is_blamed(death, was_stuck) || !manifest_open(&manifest, generation->snapshot->folder))
        return;
    struct slice library = find_library(&manifest, &death->blame);
    if (library.length != 0)
        crash_policy_note(&generation->supplies->crashes, generation->number, library,
                          slice_from_text(death->blame.library), clock_monotonic_us());
    manifest_close(&manifest);
}

void crash_response_carry(const struct generation *old, const struct generation *new)
{
    struct crash_policy *policy = &new->supplies->crashes;
    if (crash_policy_knows(policy, old->number) &&
        manifest_has_same_libraries(old->snapshot->folder, new->snapshot->folder))
        crash_policy_carry(policy, old->number, new->number);
}

static uint64_t find_probation_ms(const struct manifest *manifest)
{
    uint64_t milliseconds = 0;
    for (size_t i = 0; i < manifest->count; ++i) {
        const struct manifest_line *line = &manifest->lines[i];
        if (slice_equals(line->kind, SLICE("policy")) && slice_equals(line->name, SLICE("probation")) &&
            slice_parse_number(line->digest, &milliseconds))
            return milliseconds;
    }
    return 0;
}

static bool wants_quarantine(const struct manifest *manifest, struct slice library)
{
    for (size_t i = 0; i < manifest->count; ++i) {
        const struct manifest_line *line = &manifest->lines[i];
        if (slice_equals(line->kind, SLICE("filter")) && slice_equals(line->digest, library) &&
            slice_equals(line->third, SLICE("quarantine")))
            return true;
    }
    return false;
}

/* What is known of a loop: which library with which content, in what serves. */
struct loop {
    struct reloads *reloads;
    const struct manifest *manifest;
    struct slice library; /* that is blamed */
    struct slice changed; /* that a change may have brought: it, or one that it needs */
    struct slice digest;
};

/* Where the library came with a change that is young: the number of the kept snapshot in front of that; -1 otherwise.
 */
static int find_way_back(const struct loop *loop)
{
    const struct reloads *reloads = loop->reloads;
    const struct held_snapshot *bringer = reloads->generations->serving->snapshot;
    int number = 0;
    if (loop->digest.length == 0)
        return -1;
    while (number < RELOADS_KEPT && reloads->kept[number] != NULL &&
           manifest_has_content(reloads->kept[number]->folder, loop->changed, loop->digest))
        bringer = reloads->kept[number++];
    bool is_young = crash_policy_is_young(bringer->served_since_ms, clock_unix_ms(), find_probation_ms(loop->manifest));
    return is_young && number < RELOADS_KEPT && reloads->kept[number] != NULL ? number : -1;
}

static void roll_back(const struct loop *loop, int way)
{
    struct text reason = TEXT_INIT, refusal = TEXT_INIT;
    struct supplies *supplies = loop->reloads->generations->supplies;
    refusals_heed_removal(supplies);
    crash_policy_refuse(&supplies->crashes, loop->changed, loop->digest);
    while (way-- > 0)
        reloads_forget_newest(loop->reloads);
    text_print(&reason, "library '%.*s' has crashed or hung %d times within %d s", SLICE_ARG(loop->library),
               CRASH_LOOP_CRASHES, CRASH_LOOP_MS / 1000);
    console_log(LOG_LEVEL_ALERT,
                "%s since a change has brought it: what served before comes back, and the library is "
                "refused until its content changes",
                reason.data);
    if (reloads_roll_back(loop->reloads, reason.data, &refusal) == 0)
        console_log(LOG_LEVEL_ALERT, "%s", refusal.data);
    text_finish(&reason);
    text_finish(&refusal);
}

static void put_in_quarantine(const struct loop *loop)
{
    struct generation *serving = loop->reloads->generations->serving;
    if (!crash_policy_quarantine(&serving->supplies->crashes, serving->number, loop->library))
        return;
    console_log(LOG_LEVEL_ALERT,
                "library '%.*s' has crashed or hung %d times within %d s: its routes answer 503 until the next reload",
                SLICE_ARG(loop->library), CRASH_LOOP_CRASHES, CRASH_LOOP_MS / 1000);
    for (unsigned i = 0; i < serving->count; ++i) {
        struct worker_process *worker = serving->places[i].worker;
        if (worker != NULL && worker->state == WORKER_SERVING)
            worker_process_answer(worker, MESSAGE_QUARANTINE, 0, loop->library);
    }
}

static void go_on(const struct loop *loop)
{
    struct generation *serving = loop->reloads->generations->serving;
    crash_policy_go_on(&serving->supplies->crashes, serving->number, loop->library, 1, clock_monotonic_us());
    console_log(
        LOG_LEVEL_ALERT,
        "library '%.*s' has crashed or hung %d times within %d s; no change has brought it lately, so it goes on",
        SLICE_ARG(loop->library), CRASH_LOOP_CRASHES, CRASH_LOOP_MS / 1000);
}

static void count(const struct loop *loop, enum supervision_loop result)
{
    supervision_count_loop(loop->reloads->generations->supplies->supervision.supervision, result);
}

static void act(struct reloads *reloads, const struct manifest *manifest, const struct crashing_library *crashing)
{
    struct slice library = slice_from_text(crashing->path), place = slice_from_text(crashing->place);
    const struct loop own = {reloads, manifest, library, library, manifest_find_digest(manifest, library)};
    const struct loop needed = {reloads, manifest, library, place, manifest_find_digest(manifest, place)};
    const struct loop *loop = &own;
    int way = find_way_back(loop);
    if (way < 0 && (way = find_way_back(&needed)) >= 0)
        loop = &needed;
    if (way >= 0) {
        count(loop, SUPERVISION_LOOP_ROLLED_BACK);
        roll_back(loop, way);
    } else if (wants_quarantine(loop->manifest, loop->library)) {
        count(loop, SUPERVISION_LOOP_QUARANTINED);
        put_in_quarantine(loop);
    } else {
        count(loop, SUPERVISION_LOOP_RESTARTING);
        go_on(loop);
    }
}

void crash_response_step(struct reloads *reloads)
{
    struct crashing_library crashing;
    while (crash_policy_take_loop(&reloads->generations->supplies->crashes, &crashing)) {
        const struct generation *serving = reloads->generations->serving;
        struct manifest manifest;
        if (serving != NULL && serving->number == crashing.generation && !reloads->is_ended &&
            manifest_open(&manifest, serving->snapshot->folder)) {
            act(reloads, &manifest, &crashing);
            manifest_close(&manifest);
        }
        free(crashing.path);
        free(crashing.place);
    }
}

/* Those of the generation that serves. */
static uint32_t count_quarantined(const struct reloads *reloads)
{
    const struct generation *serving = reloads->generations->serving;
    const struct crashing_library *library = reloads->generations->supplies->crashes.quarantined;
    uint32_t count = 0;
    for (; library != NULL; library = library->next)
        count += serving != NULL && library->generation == serving->number;
    return count;
}

void crash_response_show(const struct reloads *reloads)
{
    const struct supplies *supplies = reloads->generations->supplies;
    supervision_show_libraries(supplies->supervision.supervision, supplies->crashes.refused_count,
                               count_quarantined(reloads));
}

void crash_response_tell_quarantine(const struct generation *generation, struct worker_process *worker)
{
    const struct crashing_library *library = generation->supplies->crashes.quarantined;
    for (; library != NULL; library = library->next) {
        if (library->generation == generation->number)
            worker_process_answer(worker, MESSAGE_QUARANTINE, 0, slice_from_text(library->path));
    }
}
