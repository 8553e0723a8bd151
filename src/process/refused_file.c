#include "process/refused_file.h"

#include "base/error.h"
#include "base/file.h"
#include "process/console.h"
#include "process/control_message.h"
#include "process/crash_policy.h"
#include "process/state_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    MOST_BYTES = 2 * 1024 * 1024,
    DIGEST_LENGTH = 64,
};

static const char trouble[] = "which libraries are refused cannot be kept over a restart";
static const char remark[] = "# Libraries that FlexiLib has rolled back for crashing, and refuses until their content "
                             "changes.\n# Remove this file to have them taken again by the next reload or start.\n";

struct writing {
    const struct refused_file *file;
    const struct crash_policy *policy;
};

void refused_file_init(struct refused_file *file, const char *config)
{
    struct text path = TEXT_INIT;
    *file = (struct refused_file){.folder = state_folder_find(config)};
    state_writer_init(&file->writer, trouble);
    if (file->folder == NULL)
        return;
    text_print(&path, "%s/refused", file->folder);
    file->path = path.data;
}

void refused_file_finish(struct refused_file *file)
{
    state_writer_finish(&file->writer);
    free(file->folder);
    free(file->path);
    *file = (struct refused_file){0};
}

static bool is_digest(struct slice text)
{
    for (size_t i = 0; i < text.length; ++i) {
        if (ascii_hexadecimal(text.data[i]) < 0)
            return false;
    }
    return text.length == DIGEST_LENGTH;
}

static bool take_line(struct slice text, struct crash_policy *policy)
{
    struct control_line line;
    if (!control_line_parse(text, &line) || line.count != 3 || !slice_equals(line.fields[0], SLICE("refused")))
        return false;
    struct slice path = line.fields[1], digest = line.fields[2];
    if (path.length == 0 || path.length >= PATH_MAX || path.data[0] != '/' || !is_digest(digest))
        return false;
    crash_policy_refuse(policy, path, digest);
    return true;
}

static void take_lines(const struct refused_file *file, struct slice rest, struct crash_policy *policy)
{
    unsigned number = 0, first_bad = 0, bad = 0;
    while (rest.length != 0) {
        size_t end = slice_find(rest, '\n');
        struct slice line = slice_of(rest.data, end);
        rest = slice_skip(rest, end < rest.length ? end + 1 : end);
        ++number;
        if (line.length == 0 || line.data[0] == '#' || take_line(line, policy))
            continue;
        first_bad = bad++ == 0 ? number : first_bad;
    }
    if (bad != 0)
        console_log(LOG_LEVEL_WARNING, "%s:%u: that names no library that is refused, and is skipped%s", file->path,
                    first_bad, bad == 1 ? "" : ", as are other lines behind it");
}

/* Others must not be able to have libraries refused. Returns false with an error, or with none where there is no file.
 */
static bool check_place(const struct refused_file *file, struct error *error)
{
    struct stat status;
    if (lstat(file->path, &status) == -1)
        return errno != ENOENT && errno != ENOTDIR && error_set(error, "%s", strerror(errno));
    if (!state_folder_check(file->folder, error))
        return false;
    return (S_ISREG(status.st_mode) && status.st_uid == geteuid() && (status.st_mode & 022) == 0) ||
           error_set(error, "it is no file that is ours alone");
}

void refused_file_read(struct refused_file *file, struct crash_policy *policy)
{
    struct error error = ERROR_INIT;
    struct text text = TEXT_INIT;
    if (file->path == NULL)
        return;
    if (check_place(file, &error)) {
        if (file_read(file->path, MOST_BYTES, &text))
            take_lines(file, text_slice(&text), policy);
        else
            error_set(&error, "%s", strerror(errno));
    }
    if (error.is_set)
        console_log(LOG_LEVEL_WARNING, "%s, which names refused libraries, is not read: %s", file->path, error.message);
    file->version = policy->refused_version;
    file->is_kept = policy->refused_count != 0;
    text_finish(&text);
}

/* Two programs may serve one configuration for a while. It waits, as this process may, and holds the lock to its end.
 */
static bool lock(const struct refused_file *file, struct error *error)
{
    struct text path = TEXT_INIT;
    text_print(&path, "%s.lock", file->path);
    int fd = open(path.data, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    bool is_locked = fd != -1 && flock(fd, LOCK_EX) == 0;
    if (!is_locked)
        error_set(error, "%s: %s", path.data, strerror(errno));
    text_finish(&path);
    return is_locked;
}

static void add_refused(void *data, struct slice library, struct slice hash)
{
    struct text *content = data;
    control_add_field(content, SLICE("refused"));
    control_add_field(content, library);
    control_add_field(content, hash);
    control_end_line(content);
}

static bool write_through(const char *path, struct slice content)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd == -1)
        return false;
    bool is_written = file_write_all(fd, content) && fsync(fd) == 0;
    file_close_quietly(fd);
    return is_written;
}

static bool replace(const char *path, struct slice content)
{
    struct text fresh = TEXT_INIT;
    text_print(&fresh, "%s.new", path);
    bool is_replaced = write_through(fresh.data, content) && rename(fresh.data, path) == 0;
    int saved = errno;
    if (!is_replaced)
        unlink(fresh.data);
    text_finish(&fresh);
    errno = saved;
    return is_replaced;
}

/* A name is on disk when its folder is. */
static bool settle(const char *folder)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd == -1)
        return false;
    bool is_settled = fsync(fd) == 0;
    file_close_quietly(fd);
    return is_settled;
}

static bool put(const struct writing *writing, struct error *error)
{
    const struct refused_file *file = writing->file;
    struct text content = TEXT_INIT;
    text_add(&content, slice_from_text(remark));
    crash_policy_each_refused(writing->policy, add_refused, &content);
    bool is_put = writing->policy->refused_count == 0 ? unlink(file->path) == 0 || errno == ENOENT
                                                      : replace(file->path, text_slice(&content));
    text_finish(&content);
    return (is_put && settle(file->folder)) || error_set(error, "%s: %s", file->path, strerror(errno));
}

/* In a process of its own. */
static int write_file(void *data)
{
    const struct writing *writing = data;
    struct error error = ERROR_INIT;
    unsigned count = writing->policy->refused_count;
    bool is_written =
        state_folder_make(writing->file->folder, &error) && lock(writing->file, &error) && put(writing, &error);
    if (!is_written)
        console_log(LOG_LEVEL_WARNING, "%s: %s", trouble, error.message);
    else if (count == 0)
        console_log(LOG_LEVEL_INFO, "no library is refused any more");
    else
        console_log(LOG_LEVEL_INFO, "%u librar%s refused, also after a restart, as %s says", count,
                    count == 1 ? "y is" : "ies are", writing->file->path);
    return is_written ? EXIT_SUCCESS : EXIT_FAILURE;
}

bool refused_file_is_busy(const struct refused_file *file, const struct crash_policy *policy)
{
    return file->path != NULL && (file->writer.pid != 0 || file->version != policy->refused_version);
}

void refused_file_step(struct refused_file *file, const struct crash_policy *policy, uint64_t now_us)
{
    struct writing writing = {file, policy};
    state_writer_step(&file->writer, now_us);
    if (file->writer.pid != 0 || !refused_file_is_busy(file, policy))
        return;
    file->version = policy->refused_version;
    file->is_kept = false;
    state_writer_start(&file->writer, write_file, &writing, now_us);
}

uint64_t refused_file_deadline(const struct refused_file *file)
{
    return file->writer.pid == 0 ? 0 : file->writer.deadline_us;
}

bool refused_file_bury(struct refused_file *file, const struct crash_policy *policy, pid_t pid, int status)
{
    if (!state_writer_bury(&file->writer, pid, status))
        return false;
    bool is_written = WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS;
    file->is_kept = is_written && file->version == policy->refused_version && policy->refused_count != 0;
    return true;
}

bool refused_file_was_removed(const struct refused_file *file)
{
    return file->is_kept && access(file->path, F_OK) == -1 && errno == ENOENT;
}
