#include "filter/library.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/suggest.h"
#include "base/text.h"
#include "filter/elf.h"
#include "filter/library_entry.h"
#include "filter/library_own.h"

#include <dlfcn.h>
#include <stdlib.h>

struct library {
    char *path;
    struct arena arena;
    struct library_entry entry;
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
        return error_set(error, "%s: needs '%.*s', which cannot be found: install it beside it or on the system", path,
                         (int)slice_find(text, ':'), text.data);
    if (strstr(reason, "failed to map segment") != NULL)
        return error_set(error, "%s: cannot be mapped: its file system does not allow programs (mounted noexec)", path);
    return error_set(error, "%s: cannot be loaded: %.*s", path, SLICE_ARG(text));
}

static const struct flexilib_library *find_entry(void *handle, const char *path, struct error *error)
{
    const struct flexilib_library *exported = dlsym(handle, "flexilib_library");
    if (exported != NULL)
        return exported;
    if (dlsym(handle, "handle_request") != NULL)
        error_set(error,
                  "%s: is a library of the original FlexiLib (it exports 'handle_request'), which this version cannot "
                  "load: write it against flexilib/filter.h",
                  path);
    else
        error_set(error, "%s: does not export the symbol 'flexilib_library': end it with FLEXILIB_LIBRARY(filters);",
                  path);
    return NULL;
}

struct library *library_open(const char *load_path, const char *path, struct error *error)
{
    if (!elf_check(load_path, path, error))
        return NULL;
    /* absolute, since dlopen would search the system's folders for a bare name */
    char *absolute = file_absolute(NULL, load_path);
    void *handle = dlopen(absolute, RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL)
        explain_failure(dlerror(), absolute, path, error);
    free(absolute);
    if (handle == NULL)
        return NULL;
    const struct flexilib_library *exported = find_entry(handle, path, error);
    if (exported == NULL)
        return NULL;
    struct library *library = mem_zalloc(sizeof(*library));
    library->path = mem_copy_text(path, strlen(path));
    if (library_entry_read(exported, path, &library->arena, &library->entry, error))
        return library;
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
