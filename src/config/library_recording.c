#include "config/library_recording.h"

#include "base/alloc.h"
#include "base/elf.h"
#include "base/file.h"
#include "base/log.h"
#include "config/library_copy.h"
#include "config/library_search.h"
#include "config/name_index.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

/* A library that has been copied, by its place. */
struct copied {
    const char *path;
    const char *place;
    uint64_t content;
};

struct library_recording {
    struct arena arena;
    struct snapshot *snapshot;
    struct name_index copies;
    struct name_index names; /* by which libraries are needed, to the first copy that goes by it */
    void (*on_sight)(void *data, const struct source_sight *sight);
    void *data;
};

/* One library on its way into the snapshot, with all that it needs. */
struct addition {
    struct library_recording *recording;
    struct name_index seen;
    struct text preloads;
    struct error *error;
};

struct library_recording *library_recording_create(struct snapshot *snapshot,
                                                   void (*on_sight)(void *data, const struct source_sight *sight),
                                                   void *data)
{
    struct library_recording *recording = mem_zalloc(sizeof(*recording));
    arena_init(&recording->arena, 0);
    recording->snapshot = snapshot;
    recording->on_sight = on_sight;
    recording->data = data;
    return recording;
}

void library_recording_destroy(struct library_recording *recording)
{
    if (recording == NULL)
        return;
    arena_finish(&recording->arena);
    free(recording);
}

static void on_miss(void *data, const char *path)
{
    const struct library_recording *recording = data;
    struct source_sight sight = {.kind = WATCH_LIBRARY, .path = path};
    recording->on_sight(recording->data, &sight);
}

static const char *describe(int number)
{
    return number == ETXTBSY ? "it is being written, and changes while it is copied" : strerror(number);
}

static bool fail(struct addition *addition, const struct library_object *object, const char *why)
{
    if (object->loader == NULL)
        return error_set(addition->error, "%s: cannot be copied: %s", object->path, why);
    return error_set(addition->error, "%s: needs '%s', which cannot be copied: %s", object->loader->path, object->path,
                     why);
}

/* Returns NULL with error filled. */
static const struct copied *copy_once(struct addition *addition, const struct library_object *object, const char *place)
{
    struct library_recording *recording = addition->recording;
    const struct copied *known = name_index_find(&recording->copies, slice_from_text(place));
    struct library_copy copy;
    if (known != NULL)
        return known;
    if (!library_copy(object->path, place, &copy)) {
        on_miss(recording, object->path);
        fail(addition, object, describe(errno));
        return NULL;
    }
    struct source_sight sight = {WATCH_LIBRARY, object->path, copy.content, copy.status};
    recording->on_sight(recording->data, &sight);
    struct copied *copied = arena_zalloc(&recording->arena, sizeof(*copied));
    copied->path = arena_copy(&recording->arena, slice_from_text(object->path)).data;
    copied->place = arena_copy(&recording->arena, slice_from_text(place)).data;
    copied->content = copy.content;
    name_index_add(&recording->copies, &recording->arena, slice_from_text(copied->place), copied);
    return copied;
}

/* What dlopen would crash on. The first library is judged when it is opened. */
static bool check_need(struct addition *addition, const struct library_object *object, const char *place)
{
    struct error problem = ERROR_INIT;
    return object->loader == NULL || elf_check(place, object->path, &problem) ||
           error_set(addition->error, "%s: needs '%s': %s", object->loader->path, object->path, problem.message);
}

/* Within a process a library is known by its name. */
static void note_name(struct addition *addition, const struct library_object *loader, const char *name,
                      const struct copied *copied)
{
    struct library_recording *recording = addition->recording;
    struct slice key = arena_copy(&recording->arena, slice_from_text(name));
    const struct copied *other = name_index_add(&recording->names, &recording->arena, key, copied);
    if (other != NULL && other->content != copied->content)
        log_line(LOG_LEVEL_WARNING,
                 "library '%s' needs '%s', but gets '%s', which was loaded before: a process has only one library of a "
                 "name (give it another, or its own process)",
                 loader->path, copied->path, other->path);
}

/* Whether $ORIGIN leads the dynamic linker from the one copy to the other. */
static bool leads_to(struct library_recording *recording, const struct library_object *object, const char *place,
                     const struct library_found *found)
{
    struct stat status;
    char *folder = file_folder(object->path), *folder_of_copy = file_folder(place);
    const char *path = arena_print(&recording->arena, "%s%s", folder_of_copy, found->path + strlen(folder)).data;
    free(folder);
    free(folder_of_copy);
    return found->origin == LIBRARY_BESIDE && stat(path, &status) == 0;
}

static bool add_object(struct addition *addition, struct library_object *object, const char *place);

static bool add_need(struct addition *addition, const struct library_object *object, const char *place,
                     const char *name)
{
    struct library_recording *recording = addition->recording;
    struct library_found found = library_search_find(&recording->arena, object, name, on_miss, recording);
    if (found.origin != LIBRARY_BESIDE && found.origin != LIBRARY_ELSEWHERE)
        return true;
    char *absolute = file_absolute(NULL, found.path);
    const char *original = arena_copy(&recording->arena, slice_from_text(absolute)).data;
    const char *place_of_need = snapshot_path(recording->snapshot, &recording->arena, original);
    free(absolute);
    struct library_object need = {.loader = object, .path = found.path};
    if (name_index_add(&addition->seen, &recording->arena, slice_from_text(place_of_need), place_of_need) != NULL)
        return true;
    if (!add_object(addition, &need, place_of_need))
        return false;
    note_name(addition, object, name, name_index_find(&recording->copies, slice_from_text(place_of_need)));
    if (leads_to(recording, object, place, &found))
        return true;
    if (need.needs.soname == NULL || strcmp(need.needs.soname, name) != 0)
        log_line(LOG_LEVEL_WARNING,
                 "library '%s' needs '%s', which is loaded from where it stands: never write into it, replace it by a "
                 "rename (a copy could be used if it were linked with -Wl,-soname,%s, or found by $ORIGIN)",
                 object->path, found.path, name);
    text_print(&addition->preloads, "%s", original);
    text_add_char(&addition->preloads, '\0');
    return true;
}

static bool add_object(struct addition *addition, struct library_object *object, const char *place)
{
    struct arena *arena = &addition->recording->arena;
    if (copy_once(addition, object, place) == NULL || !check_need(addition, object, place))
        return false;
    if (!elf_needs_read(place, arena, &object->needs))
        return true;
    for (size_t i = 0; i < object->needs.count; ++i) {
        const char *name = object->needs.names[i];
        if (strchr(name, '/') != NULL)
            log_line(
                LOG_LEVEL_WARNING,
                "library '%s' needs '%s' by its path, so no copy of it can be used: never write into it, replace it "
                "by a rename, or link it with -Wl,-soname",
                object->path, name);
        else if (!add_need(addition, object, place, name))
            return false;
    }
    return true;
}

static bool write_preloads(struct addition *addition, const char *path)
{
    if (addition->preloads.length == 0)
        return true;
    struct text name = TEXT_INIT;
    text_print(&name, "%s" LIBRARY_PRELOADS_SUFFIX, path);
    bool is_written =
        snapshot_add_file(addition->recording->snapshot, name.data, text_slice(&addition->preloads), 0600);
    text_finish(&name);
    return is_written || error_set(addition->error, "%s: cannot be copied: %s", path, strerror(errno));
}

bool library_recording_add(struct library_recording *recording, const char *path, const char *place,
                           struct error *error)
{
    struct addition addition = {.recording = recording, .error = error};
    struct library_object object = {.path = path};
    bool is_added = add_object(&addition, &object, place) && write_preloads(&addition, path);
    text_finish(&addition.preloads);
    return is_added;
}
