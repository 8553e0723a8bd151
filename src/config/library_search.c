#include "config/library_search.h"

#include "base/elf.h"
#include "base/file.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    MOST_OBJECTS = 1000,
};

/* The folders of one list, in turn. */
struct walk {
    struct arena *arena;
    const struct library_object *object;
    const char *name;
    void (*on_miss)(void *data, const char *path);
    void *data;
    struct library_found found;
};

/* As in Debian and elsewhere: /usr/lib, /usr/lib/x86_64-linux-gnu. */
static bool is_of_system(const char *folder)
{
    static const char *const bases[] = {"/lib",       "/lib64",         "/usr/lib",
                                        "/usr/lib64", "/usr/local/lib", "/usr/local/lib64"};
    char *real = realpath(folder, NULL);
    bool is_of_system = false;
    for (size_t i = 0; real != NULL && i < sizeof(bases) / sizeof(bases[0]); ++i) {
        size_t length = strlen(bases[i]);
        if (strncmp(real, bases[i], length) != 0)
            continue;
        const char *rest = real + length;
        is_of_system = is_of_system || rest[0] == '\0' ||
                       (rest[0] == '/' && strchr(rest + 1, '/') == NULL && strstr(rest, "-linux-") != NULL);
    }
    free(real);
    return is_of_system;
}

/* $ORIGIN and ${ORIGIN} at the start; other variables are left to the dynamic linker. */
static const char *expand(struct walk *walk, struct slice entry, const char *origin, bool *is_relative)
{
    static const char *const names[] = {"$ORIGIN", "${ORIGIN}"};
    *is_relative = false;
    if (entry.length == 0)
        return ".";
    for (int i = 0; i < 2; ++i) {
        struct slice name = slice_from_text(names[i]);
        if (!slice_starts_with(entry, name))
            continue;
        *is_relative = true;
        char *folder = file_folder(origin);
        const char *expanded =
            arena_print(walk->arena, "%s%.*s", folder, SLICE_ARG(slice_skip(entry, name.length))).data;
        free(folder);
        return expanded;
    }
    return slice_find(entry, '$') == entry.length ? arena_copy(walk->arena, entry).data : NULL;
}

static bool look_in(struct walk *walk, const char *folder, bool is_relative)
{
    struct stat status;
    char *absolute = folder[0] == '/' ? NULL : file_absolute(NULL, folder);
    const char *path = arena_print(walk->arena, "%s/%s", absolute == NULL ? folder : absolute, walk->name).data;
    free(absolute);
    if (stat(path, &status) != 0 || !S_ISREG(status.st_mode)) {
        if (walk->on_miss != NULL)
            walk->on_miss(walk->data, path);
        return false;
    }
    /* The dynamic linker passes over what is for another machine, too. */
    if (!elf_is_for_us(path))
        return false;
    walk->found.path = path;
    walk->found.origin = is_of_system(folder) ? LIBRARY_OF_SYSTEM : is_relative ? LIBRARY_BESIDE : LIBRARY_ELSEWHERE;
    return true;
}

static bool look_in_list(struct walk *walk, const char *list, const char *origin)
{
    struct slice rest = list == NULL ? SLICE_NONE : slice_from_text(list);
    while (rest.length != 0) {
        bool is_relative;
        size_t end = 0;
        while (end < rest.length && rest.data[end] != ':')
            ++end;
        const char *folder = expand(walk, slice_of(rest.data, end), origin, &is_relative);
        rest = slice_skip(rest, end < rest.length ? end + 1 : end);
        if (folder != NULL && look_in(walk, folder, is_relative))
            return true;
    }
    return false;
}

static bool look_in_rpaths(struct walk *walk)
{
    if (walk->object->needs.runpath != NULL)
        return false;
    for (const struct library_object *object = walk->object; object != NULL; object = object->loader) {
        if (object->needs.runpath == NULL && look_in_list(walk, object->needs.rpath, object->path))
            return true;
    }
    return false;
}

struct library_found library_search_find(struct arena *arena, const struct library_object *object, const char *name,
                                         void (*on_miss)(void *data, const char *path), void *data)
{
    struct walk walk = {.arena = arena, .object = object, .name = name, .on_miss = on_miss, .data = data};
    if (!look_in_rpaths(&walk) && !look_in_list(&walk, getenv("LD_LIBRARY_PATH"), object->path))
        look_in_list(&walk, object->needs.runpath, object->path);
    return walk.found;
}

struct explanation {
    struct arena arena;
    const char *name;
    struct text *out;
    unsigned count;
    bool is_done;
};

static void add_folder(void *data, const char *path)
{
    const struct explanation *explanation = data;
    char *folder = file_folder(path);
    char *absolute = file_absolute(NULL, folder);
    text_print(explanation->out, "'%s', ", absolute);
    free(absolute);
    free(folder);
}

static void explain_object(struct explanation *explanation, struct library_object *object)
{
    if (++explanation->count > MOST_OBJECTS || !elf_needs_read(object->path, &explanation->arena, &object->needs))
        return;
    for (size_t i = 0; i < object->needs.count && !explanation->is_done; ++i) {
        const char *name = object->needs.names[i];
        if (strcmp(name, explanation->name) == 0) {
            explanation->is_done = true;
            text_print(explanation->out, " ('%s' needs it; looked for in ", object->path);
            library_search_find(&explanation->arena, object, name, add_folder, explanation);
            text_print(explanation->out, "and the system's folders)");
            continue;
        }
        struct library_found found = library_search_find(&explanation->arena, object, name, NULL, NULL);
        struct library_object next = {.loader = object, .path = found.path};
        if (found.origin >= LIBRARY_BESIDE)
            explain_object(explanation, &next);
    }
}

void library_search_explain(const char *path, const char *name, struct text *out)
{
    struct explanation explanation = {.name = name, .out = out};
    struct library_object object = {.path = path};
    arena_init(&explanation.arena, 0);
    explain_object(&explanation, &object);
    arena_finish(&explanation.arena);
}
