#include "process/last_good.h"

#include "base/clock.h"
#include "process/console.h"
#include "process/identity.h"
#include "process/state_folder.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char trouble[] = "what serves cannot be kept for --last-good";
static const uint64_t settled_us = 500 * 1000;       /* who has served that long is good */
static const uint64_t longest_us = 30 * 1000 * 1000; /* and that long nothing is put off for newer ones */

void last_good_init(struct last_good *last_good, const char *config)
{
    *last_good = (struct last_good){.folder = state_folder_find(config)};
    state_writer_init(&last_good->writer, trouble);
}

void last_good_finish(struct last_good *last_good)
{
    state_writer_finish(&last_good->writer);
    held_snapshot_release(last_good->snapshot);
    held_snapshot_release(last_good->writing);
    free(last_good->folder);
    *last_good = (struct last_good){0};
}

void last_good_note(struct last_good *last_good, struct held_snapshot *snapshot, uint64_t now_us)
{
    if (last_good->folder == NULL)
        return;
    if (last_good->snapshot == NULL)
        last_good->longest_us = now_us + longest_us;
    held_snapshot_release(last_good->snapshot);
    last_good->snapshot = held_snapshot_use(snapshot);
    last_good->due_us = now_us + settled_us < last_good->longest_us ? now_us + settled_us : last_good->longest_us;
}

/* In a process of its own. */
static int write_set(void *data)
{
    const struct last_good *last_good = data;
    struct error error = ERROR_INIT;
    bool is_written = false;
    if (state_folder_make(last_good->folder, &error) &&
        kept_set_write(last_good->folder, last_good->snapshot, &is_written, &error)) {
        if (is_written)
            console_log(LOG_LEVEL_INFO, "what generation %u serves is kept for --last-good in %s",
                        last_good->snapshot->number, last_good->folder);
        return EXIT_SUCCESS;
    }
    console_log(LOG_LEVEL_WARNING, "%s: %s", trouble, error.message);
    return EXIT_FAILURE;
}

void last_good_step(struct last_good *last_good, uint64_t now_us)
{
    state_writer_step(&last_good->writer, now_us);
    if (last_good->snapshot == NULL || last_good->writer.pid != 0 || now_us < last_good->due_us)
        return;
    if (state_writer_start(&last_good->writer, write_set, last_good, now_us))
        last_good->writing = held_snapshot_use(last_good->snapshot);
    held_snapshot_release(last_good->snapshot);
    last_good->snapshot = NULL;
}

uint64_t last_good_deadline(const struct last_good *last_good)
{
    if (last_good->writer.pid != 0)
        return last_good->writer.deadline_us;
    return last_good->snapshot == NULL ? 0 : last_good->due_us;
}

bool last_good_bury(struct last_good *last_good, pid_t pid, int status)
{
    if (!state_writer_bury(&last_good->writer, pid, status))
        return false;
    held_snapshot_release(last_good->writing);
    last_good->writing = NULL;
    return true;
}

/* Whom the workers run as from the start has to get at it. */
static bool give_away(const struct held_snapshot *snapshot, struct error *error)
{
    const struct identity identity = {.name = snapshot->user, .uid = snapshot->uid, .gid = snapshot->gid};
    return snapshot->user == NULL || identity_give_folder(&identity, snapshot->folder) ||
           error_set(error, "cannot give it to user '%s': %s", snapshot->user, strerror(errno));
}

struct held_snapshot *last_good_take(const struct last_good *last_good, struct snapshots *snapshots, unsigned number,
                                     struct kept_set *about, struct error *error)
{
    if (last_good->folder == NULL) {
        error_set(error, "there is no folder for it (FLEXILIB_STATE_DIR)");
        return NULL;
    }
    struct held_snapshot *snapshot = held_snapshot_create(snapshots, number);
    if (snapshot->folder == NULL)
        error_set(error, "cannot make a folder for its snapshot: %s", strerror(errno));
    else if (state_folder_check(last_good->folder, error) && kept_set_read(last_good->folder, snapshot, about, error) &&
             give_away(snapshot, error))
        return snapshot;
    held_snapshot_release(snapshot);
    return NULL;
}
