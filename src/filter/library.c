#include "filter/library.h"

#include "base/alloc.h"
#include "base/elf.h"
#include "base/file.h"
#include "base/suggest.h"
#include "base/text.h"
#include "config/library_recording.h"
#include "config/library_search.h"
#include "filter/isolated_library.h"
#include "filter/isolated_use.h"
#include "filter/library_entry.h"
#include "filter/library_own.h"
#include "filter/original.h"

#include <dlfcn.h>
#include <stdlib.h>

enum {
    LARGEST_LIST_BYTES = 1 << 20,
};

struct library {
    char *path;
    struct arena arena;
    struct library_entry entry;
    struct original original;               /* what it exports where it is one of the original's */
    const struct isolated_filter *isolated; /* what is behind its filters where they are stand-ins, or NULL */
    bool is_original;
};

/* The piece of text between two marks, or an empty one. */
static struct slice find_between(const char *text, const char *before, const char *after)
{
    const char *start = strstr(text, before);
    if (start == NULL)
        return SLICE_NONE;
    start += strlen(before);
    const char *end = strstr(start, after);
    return slice_of(start, end == NULL ? strlen(start) : (size_t)(end - start));
}

static bool explain_missing(const char *path, struct slice name, struct error *error)
{
    struct text looked = TEXT_INIT;
    char *missing = mem_copy_text(name.data, name.length);
    library_search_explain(path, missing, &looked);
    error_set(error, "%s: needs '%s', which cannot be found%s: install it beside it or on the system", path, missing,
              looked.length == 0 ? "" : looked.data);
    free(missing);
    text_finish(&looked);
    return false;
}

/* What goes by the name of that file is there already: this program's own libc, where every library names its folder.
 */
static bool is_loaded(const char *path)
{
    void *handle = dlopen(strrchr(path, '/') + 1, RTLD_LAZY | RTLD_NOLOAD);
    if (handle != NULL)
        dlclose(handle);
    return handle != NULL;
}

/* Copies that the dynamic linker would not find by itself. Where one does not load alone, the linker looks for it. What
 * stands in front of path in load_path is where the snapshot's copies are. */
static void load_beforehand(const char *load_path, const char *path)
{
    struct text name = TEXT_INIT, list = TEXT_INIT;
    struct slice root = slice_from_text(load_path);
    bool is_copy = path[0] == '/' && slice_ends_with(root, slice_from_text(path)) && root.length != strlen(path);
    root.length -= is_copy ? strlen(path) : 0;
    text_print(&name, "%s" LIBRARY_PRELOADS_SUFFIX, load_path);
    bool is_read = is_copy && file_read(name.data, LARGEST_LIST_BYTES, &list);
    for (size_t i = 0; is_read && i < list.length; i += strlen(list.data + i) + 1) {
        text_clear(&name);
        text_print(&name, "%.*s%s", SLICE_ARG(root), list.data + i);
        if (list.data[i] == '/' && !is_loaded(name.data))
            dlopen(name.data, RTLD_NOW | RTLD_LOCAL);
    }
    text_finish(&name);
    text_finish(&list);
}

/* Says in plain words why dlopen failed. glibc's own words begin with the path of the snapshot's copy, which means
 * nothing to the reader. */
static bool explain_failure(const char *reason, const char *load_path, const char *path, struct error *error)
{
    struct slice text = slice_from_text(reason);
    struct slice prefix = slice_from_text(load_path);
    if (slice_starts_with(text, prefix) && text.length > prefix.length + 2)
        text = slice_skip(text, prefix.length + 2);
    struct slice symbol = find_between(reason, "undefined symbol: ", " ");
    if (symbol.length != 0 && symbol.data[symbol.length - 1] == ',')
        --symbol.length;
    struct slice version = find_between(reason, "version `", "'");
    if (symbol.length != 0)
        return error_set(error, "%s: needs the symbol '%.*s', which nothing provides: link it to the library that does",
                         path, SLICE_ARG(symbol));
    if (version.length != 0)
        return error_set(error, "%s: needs %.*s of a system library, which is older here: build it on this system",
                         path, SLICE_ARG(version));
    if (strstr(reason, "cannot open shared object file") != NULL)
        return explain_missing(path, slice_of(text.data, slice_find(text, ':')), error);
    if (strstr(reason, "failed to map segment") != NULL)
        return error_set(error, "%s: cannot be mapped: its file system does not allow programs (mounted noexec)", path);
    return error_set(error, "%s: cannot be loaded: %.*s", path, SLICE_ARG(text));
}

/* Fills in what the library offers. */
static bool read_entry(struct library *library, void *handle, struct error *error)
{
    const struct flexilib_library *exported = dlsym(handle, "flexilib_library");
    if (exported != NULL)
        return library_entry_read(exported, library->path, &library->arena, &library->entry, error);
    if (!original_find(handle, &library->original))
        return error_set(error,
                         "%s: does not export the symbol 'flexilib_library': end it with FLEXILIB_LIBRARY(filters);",
                         library->path);
    library->is_original = true;
    original_make_entry(library->path, &library->arena, &library->entry);
    return true;
}

struct library *library_open(const char *load_path, const char *path, struct error *error)
{
    if (!elf_check(load_path, path, error))
        return NULL;
    /* absolute, since dlopen would search the system's folders for a bare name */
    char *absolute = file_absolute(NULL, load_path);
    load_beforehand(absolute, path);
    void *handle = dlopen(absolute, RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL)
        explain_failure(dlerror(), absolute, path, error);
    free(absolute);
    if (handle == NULL)
        return NULL;
    struct library *library = mem_zalloc(sizeof(*library));
    library->path = mem_copy_text(path, strlen(path));
    if (read_entry(library, handle, error))
        return library;
    library_close(library);
    return NULL;
}

struct library *library_open_isolated(struct slice description, const char *path,
                                      const struct isolated_services *services, void *context, struct error *error)
{
    struct library *library = mem_zalloc(sizeof(*library));
    library->path = mem_copy_text(path, strlen(path));
    if (isolated_library_read(description, library->path, &library->arena, &library->entry, &library->is_original,
                              error)) {
        library->isolated = isolated_use_make(&library->entry, services, context, &library->arena);
        return library;
    }
    library_close(library);
    return NULL;
}

void library_close(struct library *library)
{
    if (library == NULL)
        return;
    arena_finish(&library->arena);
    free(library->path);
    free(library);
}

const char *library_path(const struct library *library)
{
    return library->path;
}

size_t library_value_size(const struct library *library)
{
    return library == NULL ? sizeof(struct flexilib_value) : library->entry.value_size;
}

bool library_wants_whole_requests(const struct library *library)
{
    return library != NULL && library->entry.wants_whole_requests;
}

uint16_t library_abi_minor(const struct library *library)
{
    return library->entry.abi_minor;
}

bool library_is_original(const struct library *library)
{
    return library->is_original;
}

bool library_is_isolated(const struct library *library)
{
    return library->isolated != NULL;
}

bool library_may_be_isolated(const struct library *library, struct error *error)
{
    return isolated_library_check(library->entry.filters, library->entry.filter_count, library->path, error);
}

const struct isolated_filter *library_isolated(const struct library *library, const struct flexilib_filter *filter)
{
    return &library->isolated[filter - library->entry.filters];
}

const struct original *library_original(const struct library *library)
{
    return &library->original;
}

size_t library_filter_count(const struct library *library)
{
    return library->entry.filter_count;
}

const struct flexilib_filter *library_filter(const struct library *library, size_t index)
{
    return &library->entry.filters[index];
}

static const struct flexilib_filter *find_named(const struct library *library, struct slice name)
{
    for (size_t i = 0; i < library->entry.filter_count; ++i) {
        if (slice_equals(slice_from_text(library->entry.filters[i].name), name))
            return &library->entry.filters[i];
    }
    return NULL;
}

static void list_names(const struct library *library, struct text *names)
{
    for (size_t i = 0; i < library->entry.filter_count; ++i)
        text_print(names, "%s'%s'", i == 0 ? "" : ", ", library->entry.filters[i].name);
}

static void refuse_name(const struct library *library, struct slice name, struct place place, struct error *error)
{
    struct text names = TEXT_INIT;
    list_names(library, &names);
    if (name.length == 0) {
        error_set_at(error, place, "library '%s' offers several filters (%s): name one as LIBRARY.FILTER",
                     library->path, names.data);
    } else {
        struct suggest suggest = suggest_start(name);
        for (size_t i = 0; i < library->entry.filter_count; ++i)
            suggest_offer(&suggest, slice_from_text(library->entry.filters[i].name));
        char phrase[SUGGEST_PHRASE_BYTES];
        error_set_at(error, place, "library '%s' has no filter '%.*s'%s: it offers %s", library->path, SLICE_ARG(name),
                     suggest_phrase(&suggest, phrase), names.data);
    }
    text_finish(&names);
}

const struct flexilib_filter *library_find_filter(const struct library *library, struct slice name,
                                                  struct slice fallback, struct place place, struct error *error)
{
    const struct flexilib_filter *filter = NULL;
    if (name.length != 0)
        filter = find_named(library, name);
    else if (library->entry.filter_count == 1)
        filter = &library->entry.filters[0];
    else
        filter = find_named(library, fallback);
    if (filter == NULL)
        refuse_name(library, name, place, error);
    return filter;
}
