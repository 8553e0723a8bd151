#include "config/snapshot.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    LARGEST_LIST_BYTES = 16 << 20,
};

struct snapshot {
    char *folder;
    struct text environment;
    struct text seen;
};

struct snapshot *snapshot_create(const char *folder)
{
    struct snapshot *snapshot = mem_zalloc(sizeof(*snapshot));
    snapshot->folder = file_absolute(NULL, folder);
    return snapshot;
}

static char *join(const struct snapshot *snapshot, const char *name)
{
    struct text path = TEXT_INIT;
    text_print(&path, "%s/%s", snapshot->folder, name);
    return path.data;
}

/* A list that was never written is an empty one. */
static void read_list(const struct snapshot *snapshot, const char *name, struct text *list)
{
    char *path = join(snapshot, name);
    if (!file_read(path, LARGEST_LIST_BYTES, list))
        text_clear(list);
    free(path);
}

struct snapshot *snapshot_open(const char *folder)
{
    struct snapshot *snapshot = snapshot_create(folder);
    read_list(snapshot, "environment", &snapshot->environment);
    read_list(snapshot, "seen", &snapshot->seen);
    return snapshot;
}

void snapshot_destroy(struct snapshot *snapshot)
{
    if (snapshot == NULL)
        return;
    free(snapshot->folder);
    text_finish(&snapshot->environment);
    text_finish(&snapshot->seen);
    free(snapshot);
}

const char *snapshot_folder(const struct snapshot *snapshot)
{
    return snapshot->folder;
}

const char *snapshot_path(const struct snapshot *snapshot, struct arena *arena, const char *path)
{
    return arena_print(arena, "%s/root%s", snapshot->folder, path).data;
}

const char *snapshot_pattern(const struct snapshot *snapshot, struct arena *arena, const char *pattern, size_t *skipped)
{
    struct text real = TEXT_INIT;
    file_add_to_pattern(snapshot->folder, &real);
    text_print(&real, "/root%s", pattern);
    const char *copy = arena_copy(arena, text_slice(&real)).data;
    text_finish(&real);
    *skipped = strlen(snapshot->folder) + strlen("/root");
    return copy;
}

/* Written under a hidden name, which no pattern finds, beside the target and renamed. */
static bool place_file(const char *target, struct slice content, mode_t mode)
{
    char *folder = file_folder(target);
    struct text unfinished = TEXT_INIT;
    text_print(&unfinished, "%s/.unfinished.%ld", folder, (long)getpid());
    free(folder);
    bool placed = file_write(unfinished.data, content, mode) && rename(unfinished.data, target) == 0;
    int saved = errno;
    if (!placed)
        unlink(unfinished.data);
    text_finish(&unfinished);
    errno = saved;
    return placed;
}

bool snapshot_add_file(struct snapshot *snapshot, const char *path, struct slice content, mode_t mode)
{
    struct text target = TEXT_INIT;
    text_print(&target, "%s/root%s", snapshot->folder, path);
    bool placed = place_file(target.data, content, mode);
    text_finish(&target);
    return placed;
}

static bool add_entry(struct snapshot *snapshot, const char *name, struct text *list)
{
    text_add_char(list, '\0');
    char *path = join(snapshot, name);
    bool added = place_file(path, text_slice(list), 0600);
    free(path);
    return added;
}

bool snapshot_add_variable(struct snapshot *snapshot, const char *name, const char *value)
{
    text_print(&snapshot->environment, "%s%s%s", name, value == NULL ? "" : "=", value == NULL ? "" : value);
    return add_entry(snapshot, "environment", &snapshot->environment);
}

bool snapshot_add_seen(struct snapshot *snapshot, const char *path)
{
    if (snapshot_was_seen(snapshot, path))
        return true;
    text_print(&snapshot->seen, "%s", path);
    return add_entry(snapshot, "seen", &snapshot->seen);
}

/* Takes the next entry off a list; it is NUL-terminated even where the file was cut short. */
static const char *next_entry(struct slice *rest)
{
    const char *entry = rest->data;
    size_t end = slice_find(*rest, '\0');
    *rest = slice_skip(*rest, end < rest->length ? end + 1 : end);
    return entry;
}

const char *snapshot_variable(const struct snapshot *snapshot, const char *name)
{
    size_t length = strlen(name);
    struct slice rest = text_slice(&snapshot->environment);
    while (rest.length != 0) {
        const char *entry = next_entry(&rest);
        if (strncmp(entry, name, length) == 0 && entry[length] == '=')
            return entry + length + 1;
    }
    return NULL;
}

bool snapshot_was_seen(const struct snapshot *snapshot, const char *path)
{
    struct slice rest = text_slice(&snapshot->seen);
    while (rest.length != 0) {
        if (strcmp(next_entry(&rest), path) == 0)
            return true;
    }
    return false;
}
