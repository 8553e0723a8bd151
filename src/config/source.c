#include "config/source.h"

#include "base/alloc.h"
#include "base/content.h"
#include "base/file.h"
#include "base/log.h"
#include "config/library_recording.h"
#include "config/name_index.h"
#include "config/snapshot.h"

#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <sys/stat.h>

enum {
    LARGEST_FILE_BYTES = 16 << 20,
    NOT_REGULAR = ESPIPE, /* which neither opening nor reading gives */
    BEING_WRITTEN = ETXTBSY,
    MOST_TRIES = 5,
};

/* What a path or a variable turned out to be, kept so that everybody who asks again is told the same. */
struct answer {
    struct slice content;
    const char *text;
    char *const *list;
    int error_number;
    bool exists;
};

struct source {
    struct arena arena;
    struct snapshot *snapshot;
    struct library_recording *recording; /* once the first library is copied */
    bool is_live;
    /* A recording that failed: a generation whose snapshot is incomplete must not come up. */
    int record_errno;
    struct name_index files;
    struct name_index variables;
    struct name_index patterns;
    struct name_index libraries;
    struct name_index existences;
    struct name_index wanted;
    struct source_sight *sights;
    size_t sight_count, sight_capacity;
    void (*on_sight)(void *data, const struct source_sight *sight);
    void *observer;
    char **read;
    size_t read_count; /* with the NULL at the end */
    size_t read_capacity;
};

static struct source *create_source(const char *snapshot_folder, bool is_live)
{
    struct source *source = mem_zalloc(sizeof(*source));
    arena_init(&source->arena, 0);
    source->is_live = is_live;
    source->read = arena_grow(&source->arena, NULL, 0, &source->read_capacity, sizeof(char *));
    source->read[source->read_count++] = NULL;
    if (snapshot_folder != NULL)
        source->snapshot = is_live ? snapshot_create(snapshot_folder) : snapshot_open(snapshot_folder);
    return source;
}

struct source *source_create_live(const char *snapshot_folder)
{
    return create_source(snapshot_folder, true);
}

struct source *source_create_snapshot(const char *snapshot_folder)
{
    return create_source(snapshot_folder, false);
}

void source_destroy(struct source *source)
{
    if (source == NULL)
        return;
    library_recording_destroy(source->recording);
    snapshot_destroy(source->snapshot);
    arena_finish(&source->arena);
    free(source);
}

bool source_is_live(const struct source *source)
{
    return source->is_live;
}

/* Keeps the answer under a copy of the key. */
static struct answer *keep_answer(struct source *source, struct name_index *index, struct slice key)
{
    struct answer *answer = arena_zalloc(&source->arena, sizeof(*answer));
    name_index_add(index, &source->arena, arena_copy(&source->arena, key), answer);
    return answer;
}

static void note_recording(struct source *source, bool was_recorded)
{
    if (was_recorded || source->record_errno != 0)
        return;
    source->record_errno = errno != 0 ? errno : EIO;
    log_line(LOG_LEVEL_ERROR, "the snapshot in '%s' cannot be written: %s", snapshot_folder(source->snapshot),
             strerror(source->record_errno));
}

static void note_sight(struct source *source, enum watch_kind kind, const char *path, uint64_t content, uint64_t status)
{
    if (!source->is_live)
        return;
    source->sights = arena_grow(&source->arena, source->sights, source->sight_count, &source->sight_capacity,
                                sizeof(*source->sights));
    struct source_sight *sight = &source->sights[source->sight_count++];
    path = arena_copy(&source->arena, slice_from_text(path)).data;
    *sight = (struct source_sight){kind, path, content, status};
    if (source->on_sight != NULL)
        source->on_sight(source->observer, sight);
}

static bool is_recording(const struct source *source)
{
    return source->is_live && source->snapshot != NULL;
}

/* Where a path is really read from. The result lives in the source's arena. */
static const char *locate(struct source *source, const char *path)
{
    return source->is_live ? path : snapshot_path(source->snapshot, &source->arena, path);
}

static bool look_at(const char *path, struct stat *status)
{
    if (stat(path, status) != 0)
        return false;
    errno = S_ISDIR(status->st_mode) ? EISDIR : NOT_REGULAR;
    return S_ISREG(status->st_mode);
}

/* Reads a file that is the same before and after; an editor or a copy may be at work on it. */
static bool read_steady(const char *path, struct text *content, uint64_t *status)
{
    struct stat before, after;
    for (int i = 0; i < MOST_TRIES; ++i) {
        text_clear(content);
        if (!look_at(path, &before) || !file_read(path, LARGEST_FILE_BYTES, content) || stat(path, &after) != 0)
            return false;
        *status = content_of_status(&after);
        if (content_of_status(&before) == *status)
            return true;
    }
    errno = BEING_WRITTEN;
    return false;
}

static void read_file(struct source *source, const char *path, struct answer *answer)
{
    struct text content = TEXT_INIT;
    uint64_t status = 0;
    if (read_steady(locate(source, path), &content, &status))
        answer->content = arena_copy(&source->arena, text_slice(&content));
    else
        answer->error_number = errno;
    text_finish(&content);
    if (answer->error_number != 0)
        return;
    note_sight(source, WATCH_FILE, path, content_of(answer->content), status);
    if (is_recording(source))
        note_recording(source, snapshot_add_file(source->snapshot, path, answer->content, 0600));
}

static void note_read(struct source *source, const char *path)
{
    source->read = arena_grow(&source->arena, source->read, source->read_count, &source->read_capacity, sizeof(char *));
    source->read[source->read_count - 1] = (char *)(uintptr_t)arena_copy(&source->arena, slice_from_text(path)).data;
    source->read[source->read_count++] = NULL;
}

bool source_read(struct source *source, const char *path, struct slice *content)
{
    struct slice key = slice_from_text(path);
    const struct answer *known = name_index_find(&source->files, key);
    if (known == NULL) {
        struct answer *fresh = keep_answer(source, &source->files, key);
        read_file(source, path, fresh);
        if (fresh->error_number == 0)
            note_read(source, path);
        known = fresh;
    }
    errno = source->record_errno != 0 ? source->record_errno : known->error_number;
    *content = known->content;
    return errno == 0;
}

bool source_read_text(struct source *source, const char *path, struct slice *content)
{
    static const char mark[] = "\xef\xbb\xbf";
    if (!source_read(source, path, content))
        return false;
    if (slice_starts_with(*content, slice_from_text(mark)))
        *content = slice_skip(*content, strlen(mark));
    return true;
}

char *const *source_files_read(const struct source *source)
{
    return source->read;
}

int source_record_errno(const struct source *source)
{
    return source->record_errno;
}

const char *source_refusal(int number)
{
    switch (number) {
    case NOT_REGULAR:
        return "it is no regular file, so that a reload could not read it again";
    case EFBIG:
        return "it is larger than 16 MB";
    case BEING_WRITTEN:
        return "it is being written, and changes while it is read";
    default:
        return strerror(number);
    }
}

const char *source_environment(struct source *source, const char *name)
{
    struct slice key = slice_from_text(name);
    const struct answer *known = name_index_find(&source->variables, key);
    if (known != NULL)
        return known->text;
    struct answer *fresh = keep_answer(source, &source->variables, key);
    const char *value = source->is_live ? getenv(name) : snapshot_variable(source->snapshot, name);
    if (value != NULL)
        fresh->text = arena_copy(&source->arena, slice_from_text(value)).data;
    if (is_recording(source))
        note_recording(source, snapshot_add_variable(source->snapshot, name, value));
    return fresh->text;
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static char **copy_matches(struct source *source, const glob_t *matches, size_t skipped)
{
    char **list = arena_alloc(&source->arena, (matches->gl_pathc + 1) * sizeof(*list));
    for (size_t i = 0; i < matches->gl_pathc; ++i)
        list[i] = (char *)arena_copy(&source->arena, slice_from_text(matches->gl_pathv[i] + skipped)).data;
    list[matches->gl_pathc] = NULL;
    qsort(list, matches->gl_pathc, sizeof(*list), compare_texts);
    return list;
}

char *const *source_glob(struct source *source, const char *pattern)
{
    struct slice key = slice_from_text(pattern);
    const struct answer *known = name_index_find(&source->patterns, key);
    if (known != NULL)
        return known->list;
    struct answer *fresh = keep_answer(source, &source->patterns, key);
    size_t skipped = 0;
    const char *real =
        source->is_live ? pattern : snapshot_pattern(source->snapshot, &source->arena, pattern, &skipped);
    glob_t matches = {0};
    glob(real, GLOB_NOSORT, NULL, &matches);
    fresh->list = copy_matches(source, &matches, skipped);
    globfree(&matches);
    uint64_t names = 0;
    for (char *const *match = fresh->list; *match != NULL; ++match)
        names = content_add_name(names, slice_from_text(*match));
    note_sight(source, WATCH_PATTERN, pattern, names, 0);
    return fresh->list;
}

static bool find_file(struct source *source, const char *path)
{
    if (!source->is_live && snapshot_was_seen(source->snapshot, path))
        return true;
    struct stat status;
    bool exists = stat(locate(source, path), &status) == 0 && S_ISREG(status.st_mode);
    if (exists && is_recording(source))
        note_recording(source, snapshot_add_seen(source->snapshot, path));
    return exists;
}

bool source_has_file(struct source *source, const char *path)
{
    struct slice key = slice_from_text(path);
    const struct answer *known = name_index_find(&source->existences, key);
    if (known != NULL)
        return known->exists;
    struct answer *fresh = keep_answer(source, &source->existences, key);
    fresh->exists = find_file(source, path);
    return fresh->exists;
}

bool source_has_folder(const struct source *source, const char *path)
{
    struct stat status;
    return !source->is_live || (stat(path, &status) == 0 && S_ISDIR(status.st_mode));
}

static void on_library(void *data, const struct source_sight *sight)
{
    struct source *source = data;
    if (sight->content == 0)
        source_want(source, sight->kind, sight->path);
    else
        note_sight(source, sight->kind, sight->path, sight->content, sight->status);
}

static bool find_library(struct source *source, const char *path, const char *place, struct error *error)
{
    struct stat status;
    if (source->record_errno != 0)
        return error_set(error, "the snapshot cannot be written: %s", strerror(source->record_errno));
    if (is_recording(source)) {
        if (source->recording == NULL)
            source->recording = library_recording_create(source->snapshot, on_library, source);
        return library_recording_add(source->recording, path, place, error);
    }
    return stat(place, &status) == 0 || error_set(error, "%s: cannot be read: %s", path, strerror(errno));
}

const char *source_library(struct source *source, const char *path, struct error *error)
{
    struct slice key = slice_from_text(path);
    const struct answer *known = name_index_find(&source->libraries, key);
    if (known != NULL && known->text == NULL)
        error_set(error, "%s: cannot be read", path);
    if (known != NULL)
        return known->text;
    struct answer *fresh = keep_answer(source, &source->libraries, key);
    const char *place = source->snapshot == NULL ? path : snapshot_path(source->snapshot, &source->arena, path);
    place = arena_copy(&source->arena, slice_from_text(place)).data;
    if (find_library(source, path, place, error))
        fresh->text = place;
    return fresh->text;
}

void source_want(struct source *source, enum watch_kind kind, const char *path)
{
    struct slice key = slice_from_text(path);
    if (!source->is_live || name_index_find(&source->wanted, key) != NULL)
        return;
    keep_answer(source, &source->wanted, key);
    struct stat status;
    note_sight(source, kind, path, 0, stat(path, &status) == 0 ? content_of_status(&status) : 0);
}

void source_observe(struct source *source, void (*on_sight)(void *data, const struct source_sight *sight), void *data)
{
    source->on_sight = on_sight;
    source->observer = data;
    for (size_t i = 0; i < source->sight_count; ++i)
        on_sight(data, &source->sights[i]);
}
