#include "config/source.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/log.h"
#include "config/name_index.h"
#include "config/snapshot.h"

#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <sys/stat.h>

enum {
    LARGEST_FILE_BYTES = 16 << 20,
    NOT_REGULAR = ESPIPE, /* which neither opening nor reading gives */
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
    bool is_live;
    /* A recording that failed: a generation whose snapshot is incomplete must not come up. */
    int record_errno;
    struct name_index files;
    struct name_index variables;
    struct name_index patterns;
    struct name_index libraries;
    struct name_index existences;
    struct name_index wanted_names;
    char **wanted;
    size_t wanted_count; /* with the NULL at the end */
    size_t wanted_capacity;
};

static struct source *create_source(const char *snapshot_folder, bool is_live)
{
    struct source *source = mem_zalloc(sizeof(*source));
    arena_init(&source->arena, 0);
    source->is_live = is_live;
    source->wanted = arena_grow(&source->arena, NULL, 0, &source->wanted_capacity, sizeof(char *));
    source->wanted[source->wanted_count++] = NULL;
    if (snapshot_folder != NULL)
        source->snapshot = is_live ? snapshot_create(snapshot_folder) : snapshot_open(snapshot_folder);
    return source;
}

struct source *source_create_live(const char *snapshot_folder)
{
    return create_source(snapshot_folder, true);
}

static void add_wanted(struct source *source, struct slice path)
{
    if (name_index_find(&source->wanted_names, path) != NULL)
        return;
    char *copy = (char *)arena_copy(&source->arena, path).data;
    name_index_add(&source->wanted_names, &source->arena, slice_of(copy, path.length), copy);
    source->wanted =
        arena_grow(&source->arena, source->wanted, source->wanted_count, &source->wanted_capacity, sizeof(char *));
    source->wanted[source->wanted_count - 1] = copy;
    source->wanted[source->wanted_count++] = NULL;
}

struct source *source_create_snapshot(const char *snapshot_folder)
{
    struct source *source = create_source(snapshot_folder, false);
    struct slice rest = snapshot_wanted(source->snapshot);
    while (rest.length != 0) {
        size_t end = slice_find(rest, '\0');
        add_wanted(source, slice_of(rest.data, end));
        rest = slice_skip(rest, end < rest.length ? end + 1 : end);
    }
    return source;
}

void source_destroy(struct source *source)
{
    if (source == NULL)
        return;
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

static bool is_recording(const struct source *source)
{
    return source->is_live && source->snapshot != NULL;
}

/* Where a path is really read from. The result lives in the source's arena. */
static const char *locate(struct source *source, const char *path)
{
    return source->is_live ? path : snapshot_path(source->snapshot, &source->arena, path);
}

static bool is_regular(const char *path)
{
    struct stat status;
    if (stat(path, &status) != 0 || S_ISREG(status.st_mode))
        return true;
    errno = S_ISDIR(status.st_mode) ? EISDIR : NOT_REGULAR;
    return false;
}

static void read_file(struct source *source, const char *path, struct answer *answer)
{
    struct text content = TEXT_INIT;
    const char *place = locate(source, path);
    if (is_regular(place) && file_read(place, LARGEST_FILE_BYTES, &content))
        answer->content = arena_copy(&source->arena, text_slice(&content));
    else
        answer->error_number = errno;
    text_finish(&content);
    if (answer->error_number == 0 && is_recording(source))
        note_recording(source, snapshot_add_file(source->snapshot, path, answer->content, 0600));
}

bool source_read(struct source *source, const char *path, struct slice *content)
{
    struct slice key = slice_from_text(path);
    const struct answer *known = name_index_find(&source->files, key);
    if (known == NULL) {
        struct answer *fresh = keep_answer(source, &source->files, key);
        read_file(source, path, fresh);
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

const char *source_refusal(int number)
{
    switch (number) {
    case NOT_REGULAR:
        return "it is no regular file, so that a reload could not read it again";
    case EFBIG:
        return "it is larger than 16 MB";
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

static void find_library(struct source *source, const char *path, struct answer *answer)
{
    const char *place = source->snapshot == NULL ? path : snapshot_path(source->snapshot, &source->arena, path);
    answer->text = arena_copy(&source->arena, slice_from_text(place)).data;
    if (is_recording(source)) {
        if (!snapshot_copy_library(source->snapshot, path))
            answer->error_number = errno;
        return;
    }
    struct stat status;
    if (stat(place, &status) != 0)
        answer->error_number = errno;
}

const char *source_library(struct source *source, const char *path)
{
    struct slice key = slice_from_text(path);
    const struct answer *known = name_index_find(&source->libraries, key);
    if (known == NULL) {
        struct answer *fresh = keep_answer(source, &source->libraries, key);
        find_library(source, path, fresh);
        known = fresh;
    }
    errno = source->record_errno != 0 ? source->record_errno : known->error_number;
    return errno == 0 ? known->text : NULL;
}

void source_want(struct source *source, const char *path)
{
    size_t count = source->wanted_count;
    add_wanted(source, slice_from_text(path));
    if (source->wanted_count != count && is_recording(source))
        note_recording(source, snapshot_add_wanted(source->snapshot, path));
}

char *const *source_wanted(const struct source *source)
{
    return source->wanted;
}
