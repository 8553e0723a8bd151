#include "process/state_folder.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *find_variable(const char *name)
{
    const char *value = getenv(name);
    return value == NULL || value[0] == '\0' ? NULL : value;
}

/* Returns false where there is none. */
static bool print_place(struct text *out)
{
    const char *named = find_variable("FLEXILIB_STATE_DIR");
    const char *xdg = find_variable("XDG_STATE_HOME"), *home = find_variable("HOME");
    if (named != NULL)
        text_print(out, "%s", named);
    else if (geteuid() == 0)
        text_print(out, "/var/lib/flexilib");
    else if (xdg != NULL && xdg[0] == '/')
        text_print(out, "%s/flexilib", xdg);
    else if (home != NULL && home[0] == '/')
        text_print(out, "%s/.local/state/flexilib", home);
    return out->length != 0 && !slice_equals(text_slice(out), SLICE("off"));
}

char *state_folder_find(const char *config)
{
    struct text out = TEXT_INIT;
    if (!print_place(&out)) {
        text_finish(&out);
        return NULL;
    }
    char *path = file_absolute(NULL, config);
    const char *name = strrchr(path, '/') + 1;
    text_print(&out, "/%.100s-%016" PRIx64, name, slice_hash(slice_from_text(path)));
    free(path);
    char *folder = file_absolute(NULL, out.data);
    text_finish(&out);
    return folder;
}

static bool make_folders(const char *path)
{
    char *copy = mem_copy_text(path, strlen(path));
    bool is_made = true;
    for (char *slash = strchr(copy + 1, '/'); is_made && slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        is_made = mkdir(copy, 0700) == 0 || errno == EEXIST;
        *slash = '/';
    }
    free(copy);
    return is_made && (mkdir(path, 0700) == 0 || errno == EEXIST);
}

bool state_folder_make(const char *folder, struct error *error)
{
    if (!make_folders(folder))
        return error_set(error, "%s cannot be made: %s", folder, strerror(errno));
    return state_folder_check(folder, error);
}

bool state_folder_check(const char *folder, struct error *error)
{
    struct stat status;
    if (lstat(folder, &status) == -1)
        return error_set(error, "nothing is kept in %s", folder);
    if (!S_ISDIR(status.st_mode) || status.st_uid != geteuid() || (status.st_mode & 022) != 0)
        return error_set(error, "%s is no folder that is ours alone", folder);
    return true;
}
