#ifndef FLEXILIB_CONFIG_SNAPSHOT_H
#define FLEXILIB_CONFIG_SNAPSHOT_H

/* The folder in which a generation's sources are recorded and read again; used by source.c only. It holds:
 *
 *   root/ABSOLUTE/PATH   copies of files (mode 0600) and libraries (0700)
 *   environment          variables that were looked up, as NAME=VALUE; NAME alone where it was not set
 *   seen                 paths at which a file stood, though nobody has read it (yet)
 *
 * Entries of the last two end with a NUL. Everything is written to a name of its own and renamed, so that a reader
 * sees a whole file or none. */

#include "base/arena.h"

#include <sys/types.h>

struct snapshot;

/* Records into a folder that exists. */
struct snapshot *snapshot_create(const char *folder);

/* Reads what is recorded there. */
struct snapshot *snapshot_open(const char *folder);

void snapshot_destroy(struct snapshot *snapshot);
const char *snapshot_folder(const struct snapshot *snapshot);

/* Where the copy of an absolute path stands; in the arena. */
const char *snapshot_path(const struct snapshot *snapshot, struct arena *arena, const char *path);

/* A shell pattern for copies, made from one for originals. *skipped is how many bytes to take off the front of what it
 * finds. */
const char *snapshot_pattern(const struct snapshot *snapshot, struct arena *arena, const char *pattern,
                             size_t *skipped);

/* These record, and return false with errno set where that fails. */
bool snapshot_add_file(struct snapshot *snapshot, const char *path, struct slice content, mode_t mode);
bool snapshot_add_variable(struct snapshot *snapshot, const char *name, const char *value);
bool snapshot_add_seen(struct snapshot *snapshot, const char *path);

/* What is recorded: the variable's value or NULL; whether a file was seen there. */
const char *snapshot_variable(const struct snapshot *snapshot, const char *name);
bool snapshot_was_seen(const struct snapshot *snapshot, const char *path);

#endif
