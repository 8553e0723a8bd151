#include "plan/plan_libraries.h"

#include "base/alloc.h"
#include "base/suggest.h"
#include "base/text.h"
#include "config/name_index.h"
#include "filter/library.h"
#include "filter/runtime.h"

#include <errno.h>
#include <stdlib.h>

struct plan_libraries {
    const struct settings *settings;
    struct source *source;
    struct runtime *runtime;
    const char *bundled_folder;
    struct arena arena;
    struct name_index declared; /* of struct library_settings, by name */
    struct name_index by_path;  /* of struct library; by path and runner where they are isolated */
    struct library **opened;
    size_t opened_count;
    size_t opened_capacity;
};

struct plan_libraries *plan_libraries_create(const struct settings *settings, struct source *source,
                                             struct runtime *runtime, const char *bundled_folder)
{
    struct plan_libraries *libraries = mem_zalloc(sizeof(*libraries));
    libraries->settings = settings;
    libraries->source = source;
    libraries->runtime = runtime;
    libraries->bundled_folder = bundled_folder;
    arena_init(&libraries->arena, 0);
    for (size_t i = 0; i < settings->library_count; ++i)
        name_index_add(&libraries->declared, &libraries->arena, settings->libraries[i].name, &settings->libraries[i]);
    return libraries;
}

void plan_libraries_destroy(struct plan_libraries *libraries)
{
    if (libraries == NULL)
        return;
    while (libraries->opened_count != 0)
        library_close(libraries->opened[--libraries->opened_count]);
    free(libraries->opened);
    arena_finish(&libraries->arena);
    free(libraries);
}

static size_t count_folders(const struct plan_libraries *libraries)
{
    return 1 + libraries->settings->library_path_count;
}

/* The folders in which bare names are looked up: the bundled one, then those of `library_path`. */
static struct slice get_folder(const struct plan_libraries *libraries, size_t number)
{
    return number == 0 ? slice_from_text(libraries->bundled_folder)
                       : libraries->settings->library_path[number - 1].text;
}

static void offer_names_in(struct plan_libraries *libraries, struct slice folder, struct suggest *suggest)
{
    struct slice pattern = arena_print(&libraries->arena, "%.*s/*.so", SLICE_ARG(folder));
    for (char *const *path = source_glob(libraries->source, pattern.data); *path != NULL; ++path) {
        struct slice name = slice_skip(slice_from_text(*path), folder.length + 1);
        name.length -= strlen(".so");
        suggest_offer(suggest, name);
    }
}

static bool refuse_unknown_name(struct plan_libraries *libraries, struct slice name, struct place place,
                                struct error *error)
{
    struct text folders = TEXT_INIT;
    struct suggest suggest = suggest_start(name);
    for (size_t i = 0; i < libraries->settings->library_count; ++i)
        suggest_offer(&suggest, libraries->settings->libraries[i].name);
    for (size_t i = 0; i < count_folders(libraries); ++i) {
        struct slice folder = get_folder(libraries, i);
        offer_names_in(libraries, folder, &suggest);
        text_print(&folders, "%s'%.*s'", i == 0 ? "" : " or ", SLICE_ARG(folder));
    }
    char phrase[SUGGEST_PHRASE_BYTES];
    error_set_at(error, place,
                 "there is no library '%.*s': it is not under 'libraries', and there is no '%.*s.so' in %s%s",
                 SLICE_ARG(name), SLICE_ARG(name), folders.data, suggest_phrase(&suggest, phrase));
    text_finish(&folders);
    return false;
}

/* The file that a bare name stands for, or NULL with error filled. */
static const char *find_by_name(struct plan_libraries *libraries, struct slice name, struct place place,
                                struct error *error)
{
    for (size_t i = 0; i < count_folders(libraries); ++i) {
        struct slice folder = get_folder(libraries, i);
        struct slice path = arena_print(&libraries->arena, "%.*s/%.*s.so", SLICE_ARG(folder), SLICE_ARG(name));
        if (source_has_file(libraries->source, path.data))
            return path.data;
        source_want(libraries->source, WATCH_LIBRARY, path.data);
    }
    refuse_unknown_name(libraries, name, place, error);
    return NULL;
}

/* The file at an absolute path, or the one that a bare name stands for; NULL with error filled where there is none. */
static const char *find_file(struct plan_libraries *libraries, struct slice name, struct slice path, struct place place,
                             struct error *error)
{
    if (path.length == 0 || path.data[0] != '/')
        return find_by_name(libraries, path, place, error);
    const char *absolute = arena_copy(&libraries->arena, path).data;
    if (source_has_file(libraries->source, absolute))
        return absolute;
    error_set_at(error, place, "library '%.*s' is missing: there is no file '%s'", SLICE_ARG(name), absolute);
    return NULL;
}

bool plan_libraries_check(struct plan_libraries *libraries, struct error *error)
{
    for (size_t i = 0; i < libraries->settings->library_count; ++i) {
        const struct library_settings *library = &libraries->settings->libraries[i];
        if (find_file(libraries, library->name, library->path, library->place, error) == NULL)
            return false;
    }
    return true;
}

static const struct library_settings *find_declared(const struct plan_libraries *libraries,
                                                    const struct step_settings *step)
{
    return step->library_is_path ? NULL : name_index_find(&libraries->declared, step->library);
}

bool plan_libraries_is_missing(struct plan_libraries *libraries, const struct step_settings *step)
{
    if (!step->library_is_path)
        return false;
    const char *path = arena_copy(&libraries->arena, step->library).data;
    if (source_has_file(libraries->source, path))
        return false;
    source_want(libraries->source, WATCH_LIBRARY, path);
    return true;
}

/* Where the step's filters are isolated, stand-ins: the copy is made here for the process that opens it. */
static struct library *open_file(struct plan_libraries *libraries, const char *path, const struct step_settings *step,
                                 bool is_isolated, struct error *error)
{
    struct error problem = ERROR_INIT;
    const char *load_path = source_library(libraries->source, path, &problem);
    struct library *library = NULL;
    if (load_path != NULL)
        library = is_isolated ? runtime_open_isolated(libraries->runtime, step->runner, path, &problem)
                              : library_open(load_path, path, &problem);
    if (library == NULL) {
        error_set_at(error, step->place, "%s", problem.message);
        return NULL;
    }
    libraries->opened =
        mem_grow(libraries->opened, libraries->opened_count, &libraries->opened_capacity, sizeof(*libraries->opened));
    return libraries->opened[libraries->opened_count++] = library;
}

static const struct library *find_or_open(struct plan_libraries *libraries, const struct step_settings *step,
                                          struct error *error)
{
    const struct library_settings *declared = find_declared(libraries, step);
    const char *path = declared != NULL ? find_file(libraries, declared->name, declared->path, declared->place, error)
                                        : find_file(libraries, step->name, step->library, step->place, error);
    if (path == NULL)
        return NULL;
    bool is_isolated = step->runner != NULL && runtime_isolates(libraries->runtime);
    struct slice key =
        is_isolated ? arena_print(&libraries->arena, "%s %u", path, step->runner->number) : slice_from_text(path);
    const struct library *library = name_index_find(&libraries->by_path, key);
    if (library != NULL)
        return library;
    library = open_file(libraries, path, step, is_isolated, error);
    if (library != NULL)
        name_index_add(&libraries->by_path, &libraries->arena, key, library);
    return library;
}

const struct library *plan_libraries_open(struct plan_libraries *libraries, const struct step_settings *step,
                                          struct error *error)
{
    struct error problem = ERROR_INIT;
    const struct library *library = find_or_open(libraries, step, error);
    if (library == NULL || step->runner == NULL || library_may_be_isolated(library, &problem))
        return library;
    error_set_at(error, step->place, "%s", problem.message);
    return NULL;
}

size_t plan_libraries_count(const struct plan_libraries *libraries)
{
    return libraries->opened_count;
}

const struct library *plan_libraries_get(const struct plan_libraries *libraries, size_t index)
{
    return libraries->opened[index];
}
