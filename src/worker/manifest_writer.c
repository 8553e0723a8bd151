#include "worker/manifest_writer.h"

#include "base/file.h"
#include "base/log.h"
#include "config/library_recording.h"
#include "filter/library.h"
#include "process/control_message.h"
#include "process/manifest.h"
#include "worker/digest.h"
#include "worker/manifest_routes.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

enum {
    ROUTES_BYTES = MANIFEST_BYTES / 2, /* the rest is for all others */
    FOLDERS_DEEP = 64,
    FILTERS = 1000, /* that are told of */
};

struct writer {
    const struct settings *settings;
    struct source *source;
    const struct plan *plan;
    struct text out;
};

static void add_versions(const struct library *library, struct text *out)
{
    for (size_t i = 0; i < library_filter_count(library); ++i) {
        const struct flexilib_filter *filter = library_filter(library, i);
        if (filter->version == NULL || filter->version[0] == '\0')
            continue;
        text_print(out, "%s%s %s", out->length == 0 ? "" : ", ", filter->name, filter->version);
    }
}

static void add_library(struct writer *writer, const struct library *library)
{
    char digest[DIGEST_TEXT_BYTES] = "";
    struct text abi = TEXT_INIT, versions = TEXT_INIT;
    struct error error = ERROR_INIT;
    const char *copy = source_library(writer->source, library_path(library), &error);
    if (copy == NULL || !digest_file(copy, digest))
        log_line(LOG_LEVEL_WARNING, "cannot read the copy of %s: %s", library_path(library), strerror(errno));
    if (library_is_original(library))
        text_add(&abi, SLICE("original"));
    else
        text_print(&abi, "%d.%u", FLEXILIB_ABI_MAJOR, library_abi_minor(library));
    add_versions(library, &versions);
    control_add_field(&writer->out, SLICE("library"));
    control_add_field(&writer->out, slice_from_text(library_path(library)));
    control_add_field(&writer->out, slice_from_text(digest));
    control_add_field(&writer->out, text_slice(&abi));
    control_add_field(&writer->out, slice_of(versions.data, versions.length > 500 ? 500 : versions.length));
    control_end_line(&writer->out);
    text_finish(&abi);
    text_finish(&versions);
}

/* Whether it is among the first count libraries. */
static bool has_library(const struct plan *plan, size_t count, const char *path)
{
    for (size_t i = 0; i < count; ++i) {
        if (strcmp(library_path(plan_library(plan, i)), path) == 0)
            return true;
    }
    return false;
}

static bool is_in_tree(const struct node *node, const char *path, unsigned depth)
{
    if (node->file != NULL && strcmp(node->file, path) == 0)
        return true;
    for (size_t i = 0; depth != 0 && i < node->count; ++i) {
        if (is_in_tree(node->items[i], path, depth - 1))
            return true;
    }
    return false;
}

/* What stands in the configuration's own files is told key by key. */
static bool is_configuration(const struct settings *settings, const char *path)
{
    char *own = file_absolute(NULL, settings->path);
    bool is_own = strcmp(own, path) == 0;
    free(own);
    return is_own || (settings->root != NULL && is_in_tree(settings->root, path, FOLDERS_DEEP));
}

static void add_file(struct writer *writer, const char *copy, const char *path)
{
    char digest[DIGEST_TEXT_BYTES];
    bool is_ours = slice_ends_with(slice_from_text(path), SLICE(LIBRARY_PRELOADS_SUFFIX));
    if (is_ours || has_library(writer->plan, plan_library_count(writer->plan), path) ||
        is_configuration(writer->settings, path) || !digest_file(copy, digest))
        return;
    control_add_field(&writer->out, SLICE("file"));
    control_add_field(&writer->out, slice_from_text(path));
    control_add_field(&writer->out, slice_from_text(digest));
    control_end_line(&writer->out);
}

/* path is a folder, and what stands behind the first skipped bytes of it is what it is a copy of. */
static void add_files(struct writer *writer, const char *path, size_t skipped, unsigned depth)
{
    struct dirent **entries;
    int count = depth == 0 ? 0 : scandir(path, &entries, NULL, alphasort);
    for (int i = 0; i < count; ++i) {
        struct text below = TEXT_INIT;
        struct stat status;
        text_print(&below, "%s/%s", path, entries[i]->d_name);
        if (entries[i]->d_name[0] == '.' && (entries[i]->d_name[1] == '\0' || strcmp(entries[i]->d_name, "..") == 0))
            ;
        else if (lstat(below.data, &status) == 0 && S_ISDIR(status.st_mode))
            add_files(writer, below.data, skipped, depth - 1);
        else if (writer->out.length < MANIFEST_BYTES / 4)
            add_file(writer, below.data, below.data + skipped);
        text_finish(&below);
        free(entries[i]);
    }
    if (depth != 0 && count >= 0)
        free(entries);
}

static void add_policy(struct writer *writer)
{
    struct text number = TEXT_INIT;
    text_print(&number, "%lld", (long long)writer->settings->probation_ms);
    control_add_field(&writer->out, SLICE("policy"));
    control_add_field(&writer->out, SLICE("probation"));
    control_add_field(&writer->out, text_slice(&number));
    control_end_line(&writer->out);
    text_finish(&number);
}

/* Each name once: a filter may stand in thousands of routes. */
static void add_filters(struct writer *writer)
{
    struct arena arena;
    struct name_index known = {.count = 0};
    arena_init(&arena, 0);
    for (size_t i = 0; i < plan_use_count(writer->plan) && known.count < FILTERS; ++i) {
        const struct use *use = plan_use(writer->plan, i);
        if (name_index_add(&known, &arena, use_name(use), use) != NULL)
            continue;
        control_add_field(&writer->out, SLICE("filter"));
        control_add_field(&writer->out, use_name(use));
        control_add_field(&writer->out, slice_from_text(use_library_path(use)));
        if (use_wants_quarantine(use))
            control_add_field(&writer->out, SLICE("quarantine"));
        control_end_line(&writer->out);
    }
    arena_finish(&arena);
}

void manifest_write(const char *snapshot, const struct settings *settings, struct source *source,
                    const struct plan *plan)
{
    struct writer writer = {.settings = settings, .source = source, .plan = plan};
    struct text path = TEXT_INIT;
    bool is_cut;
    text_add(&writer.out, SLICE(MANIFEST_FIRST_LINE));
    manifest_add_settings(settings, &writer.out);
    /* one may run in workers and in processes of its own */
    for (size_t i = 0; i < plan_library_count(plan); ++i) {
        if (!has_library(plan, i, library_path(plan_library(plan, i))))
            add_library(&writer, plan_library(plan, i));
    }
    text_print(&path, "%s/root", snapshot);
    add_files(&writer, path.data, path.length, FOLDERS_DEEP);
    add_policy(&writer);
    add_filters(&writer);
    manifest_add_routes(settings, ROUTES_BYTES, &writer.out, &is_cut);
    if (is_cut)
        text_add(&writer.out, SLICE(MANIFEST_CUT_LINE));
    text_clear(&path);
    text_print(&path, "%s/%s", snapshot, MANIFEST_NAME);
    if (!file_write(path.data, text_slice(&writer.out), 0600))
        log_line(LOG_LEVEL_WARNING, "cannot write down what this generation runs: %s", strerror(errno));
    text_finish(&path);
    text_finish(&writer.out);
}
