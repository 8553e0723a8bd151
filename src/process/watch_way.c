#include "process/watch_way.h"

#include "base/alloc.h"
#include "base/text.h"

#include <glob.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    MOST_LINKS = 40, /* as in the kernel */
};

static void add_step(struct watch_way *way, enum watch_step_kind kind, const struct text *place, const char *name)
{
    if (way->count == WATCH_WAY_STEPS)
        return;
    const char *path = place->length == 0 ? "/" : place->data;
    way->steps = mem_grow(way->steps, way->count, &way->capacity, sizeof(*way->steps));
    struct watch_step *step = &way->steps[way->count++];
    step->kind = kind;
    step->place = mem_copy_text(path, strlen(path));
    step->name = name == NULL ? NULL : mem_copy_text(name, strlen(name));
}

static void go_up(struct text *folder)
{
    const char *slash = folder->length == 0 ? NULL : strrchr(folder->data, '/');
    folder->length = slash == NULL ? 0 : (size_t)(slash - folder->data);
    if (folder->data != NULL)
        folder->data[folder->length] = '\0';
}

/* Puts what the link says in front of the rest of the path. */
static bool follow_link(const char *link, struct text *folder, struct text *rest)
{
    char target[PATH_MAX];
    ssize_t length = readlink(link, target, sizeof(target));
    if (length <= 0 || length == sizeof(target))
        return false;
    struct text whole = TEXT_INIT;
    text_print(&whole, "%.*s/%s", (int)length, target, rest->length == 0 ? "" : rest->data);
    text_finish(rest);
    *rest = whole;
    if (target[0] == '/')
        folder->length = 0;
    return true;
}

static bool take_component(struct text *rest, struct text *name)
{
    text_clear(name);
    size_t start = 0;
    while (start < rest->length && rest->data[start] == '/')
        ++start;
    size_t end = start;
    while (end < rest->length && rest->data[end] != '/')
        ++end;
    if (end == start)
        return false;
    text_add(name, slice_of(rest->data + start, end - start));
    text_consume(rest, end);
    return true;
}

/* What stands at that name; *links counts. Returns false where the way ends. */
static bool take_step(struct watch_way *way, struct text *folder, const char *name, struct text *rest, unsigned *links)
{
    struct text place = TEXT_INIT;
    struct stat status;
    text_print(&place, "%s/%s", folder->length == 0 ? "" : folder->data, name);
    bool is_there = lstat(place.data, &status) == 0;
    bool goes_on = is_there && S_ISDIR(status.st_mode);
    if (!goes_on)
        add_step(way, WATCH_STEP_NAME, folder, name);
    if (is_there && S_ISREG(status.st_mode))
        add_step(way, WATCH_STEP_FILE, &place, NULL);
    if (is_there && S_ISLNK(status.st_mode) && ++*links <= MOST_LINKS)
        goes_on = follow_link(place.data, folder, rest);
    if (is_there && S_ISDIR(status.st_mode)) {
        text_clear(folder);
        text_add(folder, text_slice(&place));
        add_step(way, WATCH_STEP_PASSING, folder, NULL);
    }
    text_finish(&place);
    return goes_on;
}

/* Leaves in folder where the path leads; returns false where that is no folder. */
static bool walk(struct watch_way *way, const char *path, struct text *folder)
{
    struct text rest = TEXT_INIT, name = TEXT_INIT;
    unsigned links = 0;
    bool goes_on = true;
    text_print(&rest, "%s", path);
    while (goes_on && way->count < WATCH_WAY_STEPS && take_component(&rest, &name)) {
        if (strcmp(name.data, "..") == 0)
            go_up(folder);
        else if (strcmp(name.data, ".") != 0)
            goes_on = take_step(way, folder, name.data, &rest, &links);
    }
    text_finish(&rest);
    text_finish(&name);
    return goes_on;
}

/* Everything in the folder at that path matters. */
static void walk_folder(struct watch_way *way, const char *path)
{
    struct text folder = TEXT_INIT;
    if (walk(way, path, &folder))
        add_step(way, WATCH_STEP_NAME, &folder, NULL);
    text_finish(&folder);
}

/* The folders that match the pattern's first length bytes. */
static void walk_matches(struct watch_way *way, const char *pattern, size_t length)
{
    char *part = mem_copy_text(pattern, length);
    glob_t matches = {0};
    glob(length == 0 ? "/" : part, GLOB_NOSORT | GLOB_ONLYDIR, NULL, &matches);
    for (size_t i = 0; i < matches.gl_pathc; ++i)
        walk_folder(way, matches.gl_pathv[i]);
    /* so that a folder that is missing, or a link that leads nowhere, is waited for */
    if (matches.gl_pathc == 0 && strpbrk(part, "*?[") == NULL)
        walk_folder(way, part);
    globfree(&matches);
    free(part);
}

void watch_way_find(struct watch_way *way, const char *path, bool is_pattern)
{
    if (!is_pattern) {
        struct text folder = TEXT_INIT;
        walk(way, path, &folder);
        text_finish(&folder);
        return;
    }
    /* In each folder in front of a component that has wildcards, and behind that, any name may come to match. */
    bool has_wildcards = false;
    for (const char *slash = strchr(path, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        const char *next = strchr(slash + 1, '/');
        size_t length = next == NULL ? strlen(slash + 1) : (size_t)(next - slash - 1);
        char *component = mem_copy_text(slash + 1, length);
        has_wildcards = has_wildcards || strpbrk(component, "*?[") != NULL;
        if (has_wildcards || next == NULL)
            walk_matches(way, path, (size_t)(slash - path));
        free(component);
    }
}

void watch_way_finish(struct watch_way *way)
{
    for (size_t i = 0; i < way->count; ++i) {
        free(way->steps[i].place);
        free(way->steps[i].name);
    }
    free(way->steps);
    *way = WATCH_WAY_INIT;
}

static bool are_equal_names(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

bool watch_way_equals(const struct watch_way *a, const struct watch_way *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; ++i) {
        const struct watch_step *one = &a->steps[i], *other = &b->steps[i];
        if (one->kind != other->kind || strcmp(one->place, other->place) != 0 ||
            !are_equal_names(one->name, other->name))
            return false;
    }
    return true;
}
