#include "process/held_snapshot.h"

#include "base/alloc.h"
#include "base/file.h"

#include <errno.h>
#include <stdlib.h>

struct held_snapshot *held_snapshot_create(struct snapshots *snapshots, unsigned number)
{
    struct held_snapshot *snapshot = mem_zalloc(sizeof(*snapshot));
    snapshot->users = 1;
    snapshot->number = number;
    snapshot->folder = snapshots_create(snapshots, number);
    return snapshot;
}

struct held_snapshot *held_snapshot_use(struct held_snapshot *snapshot)
{
    ++snapshot->users;
    return snapshot;
}

void held_snapshot_release(struct held_snapshot *snapshot)
{
    if (snapshot == NULL || --snapshot->users != 0)
        return;
    if (snapshot->folder != NULL)
        file_remove_tree(snapshot->folder);
    free(snapshot->folder);
    free(snapshot->user);
    free(snapshot);
}
