#include "files/file_lookup.h"

#include "base/log.h"
#include "files/file_tree.h"
#include "http/content_coding.h"

#include <errno.h>
#include <unistd.h>

struct search {
    struct exchange *exchange;
    const struct files_settings *files;
    int root;
    struct file_lookup *found;
};

/* What a name that leads nowhere gives; who runs FlexiLib hears of what looks like a mistake of theirs. */
static enum file_lookup_result judge_failure(const struct search *search, const char *name)
{
    int number = errno;
    if (number == ENOENT || number == ENOTDIR || number == ENAMETOOLONG || number == ENXIO)
        return FILE_MISSING;
    bool is_refused = number == EXDEV || number == ELOOP || number == EACCES;
    char words[128];
    log_line(LOG_LEVEL_ERROR, "files '%s': cannot open '%s': %s (request %.*s)", search->files->root, name,
             number == EXDEV ? "a link leads out of the folder" : strerror_r(number, words, sizeof(words)),
             SLICE_ARG(search->exchange->id));
    return is_refused ? FILE_MISSING : FILE_BROKEN;
}

static enum file_lookup_result open_name(const struct search *search, struct slice name)
{
    struct file_lookup *found = search->found;
    found->fd = file_tree_find(search->root, name.data, &found->status);
    if (found->fd == -1)
        return judge_failure(search, name.data);
    found->name = name;
    if (S_ISREG(found->status.st_mode))
        return FILE_FOUND;
    close(found->fd);
    found->fd = -1;
    return FILE_IS_FOLDER;
}

static enum file_lookup_result find_index(const struct search *search, struct slice folder)
{
    for (size_t i = 0; i < search->files->index_count; ++i) {
        struct slice name = arena_print(&search->exchange->arena, "%.*s%s%.*s", SLICE_ARG(folder),
                                        folder.length == 0 ? "" : "/", SLICE_ARG(search->files->index[i].text));
        enum file_lookup_result result = open_name(search, name);
        if (result == FILE_FOUND || result == FILE_BROKEN)
            return result;
    }
    return FILE_MISSING;
}

static enum file_lookup_result find_named(const struct search *search, struct slice name, bool is_folder)
{
    enum file_lookup_result result = FILE_IS_FOLDER;
    if (is_folder)
        result = find_index(search, name);
    else
        result = open_name(search, name);
    /* no file could ever stand for it */
    if (result == FILE_IS_FOLDER && search->files->index_count == 0)
        result = FILE_MISSING;
    if (result != FILE_MISSING || search->files->fallback.length == 0)
        return result;
    result = open_name(search, search->files->fallback);
    return result == FILE_IS_FOLDER ? FILE_MISSING : result;
}

/* Puts the compressed form in the place of the file, if there is one. */
static bool take_coded(const struct search *search, struct slice coding, const char *ending)
{
    struct file_lookup *found = search->found;
    struct stat status;
    struct slice name = arena_print(&search->exchange->arena, "%.*s.%s", SLICE_ARG(found->name), ending);
    int fd = file_tree_find(search->root, name.data, &status);
    if (fd == -1)
        return false;
    if (!S_ISREG(status.st_mode)) {
        close(fd);
        return false;
    }
    close(found->fd);
    found->fd = fd;
    found->status = status;
    found->coding = coding;
    return true;
}

/* The client's favourites first, and of what it likes equally what is likely the smallest. */
static void choose_coding(const struct search *search)
{
    static const char *const endings[] = {[CODING_GZIP] = "gz", [CODING_BROTLI] = "br", [CODING_ZSTD] = "zst"};
    enum coding codings[] = {CODING_BROTLI, CODING_ZSTD, CODING_GZIP};
    for (size_t count = CODING_COUNT; count != 0; --count) {
        size_t number = content_coding_choose(&search->exchange->request.headers, codings, count);
        if (number == count)
            return;
        if (take_coded(search, coding_name(codings[number]), endings[codings[number]]))
            return;
        memmove(&codings[number], &codings[number + 1], (count - number - 1) * sizeof(codings[0]));
    }
}

enum file_lookup_result file_lookup_find(struct exchange *exchange, const struct files_settings *files,
                                         struct file_lookup *lookup)
{
    struct search search = {exchange, files, -1, lookup};
    struct slice name;
    bool is_folder;
    *lookup = (struct file_lookup){.fd = -1};
    if (!file_tree_name(exchange->request.path, &exchange->arena, &name, &is_folder))
        return FILE_MISSING;
    search.root = file_tree_open(files->root);
    if (search.root == -1)
        return judge_failure(&search, ".");
    enum file_lookup_result result = find_named(&search, name, is_folder);
    if (result == FILE_FOUND && files->is_precompressed)
        choose_coding(&search);
    close(search.root);
    return result;
}
