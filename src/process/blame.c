#include "process/blame.h"

#include "process/crash_place.h"
#include "process/obituary.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

/* Where a snapshot keeps its copies: an absolute path stands behind it. */
static const char copies[] = "/root/";

static void note_library(const struct crash_record *record, const struct crash_place *place, const char *snapshot,
                         struct blame *blame)
{
    const char *path = crash_record_path(record, place->mapping) + strlen(snapshot);
    if (strncmp(path, copies, sizeof(copies) - 1) == 0)
        path += sizeof(copies) - 2;
    snprintf(blame->library, sizeof(blame->library), "%s", path);
}

static void note_filter(const struct slot_call *call, struct blame *blame)
{
    memcpy(blame->filter, call->filter, sizeof(blame->filter));
}

static void judge_record(const struct crash_record *record, const char *snapshot, struct blame *blame)
{
    if (record->sender != 0 && record->sender != record->pid)
        return;
    struct crash_place place = crash_place_find(record, snapshot);
    if (place.is_of_library) {
        note_library(record, &place, snapshot, blame);
        blame->certainty = place.is_guess ? BLAME_LIKELY : BLAME_CERTAIN;
    }
    if (record->call.hook != SLOT_HOOK_NONE) {
        note_filter(&record->call, blame);
        blame->certainty = BLAME_CERTAIN;
    }
}

/* Of all calls that ran, the only one; otherwise the first. */
static void judge_calls(const struct death *death, struct blame *blame)
{
    const struct slot_call *first = NULL;
    unsigned count = 0;
    if (death->slot.call.hook != SLOT_HOOK_NONE) {
        first = &death->slot.call;
        ++count;
    }
    for (uint32_t i = 0; i < death->threads.count; ++i) {
        const struct slot_call *call = &death->threads.calls[i];
        if (call->hook == SLOT_HOOK_NONE)
            continue;
        if (first == NULL)
            first = call;
        count += first == call || strcmp(first->filter, call->filter) != 0;
    }
    if (first == NULL)
        return;
    bool is_killed = WIFSIGNALED(death->status) && WTERMSIG(death->status) == SIGKILL;
    note_filter(first, blame);
    blame->certainty = count == 1 && !is_killed ? BLAME_LIKELY : BLAME_POSSIBLE;
}

void blame_find(const struct death *death, const char *snapshot, struct blame *blame)
{
    *blame = (struct blame){.certainty = BLAME_NONE};
    if (death->record != NULL)
        judge_record(death->record, snapshot, blame);
    else
        judge_calls(death, blame);
}
