#include "process/listen_options.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    MODE_MOST = 0777,
    BACKLOG_MOST = INT32_MAX,
    WORDS = 4,
};

void listen_options_print(const struct listen_options *options, struct text *out)
{
    text_print(out, "%d %d %" PRId64 " %" PRId64 " ", options->backlog, options->mode, options->owner, options->group);
}

static bool take_number(struct slice *rest, int64_t most, int64_t *number)
{
    size_t length = slice_find(*rest, ' ');
    uint64_t value;
    struct slice word = slice_of(rest->data, length);
    if (length == rest->length)
        return false;
    *rest = slice_skip(*rest, length + 1);
    *number = -1;
    if (slice_equals(word, SLICE("-1")))
        return true;
    if (!slice_parse_number(word, &value) || value > (uint64_t)most)
        return false;
    *number = (int64_t)value;
    return true;
}

bool listen_options_take(struct slice *rest, struct listen_options *options)
{
    static const int64_t most[WORDS] = {BACKLOG_MOST, MODE_MOST, UINT32_MAX - 1, UINT32_MAX - 1};
    int64_t numbers[WORDS];
    for (int i = 0; i < WORDS; ++i) {
        if (!take_number(rest, most[i], &numbers[i]))
            return false;
    }
    *options = (struct listen_options){
        .backlog = (int)numbers[0],
        .mode = (int)numbers[1],
        .owner = numbers[2],
        .group = numbers[3],
    };
    return options->backlog != -1;
}

/* A descriptor that stands for a place alone has its mode changed by way of its name in /proc. */
static bool settle(int fd, const struct listen_options *options)
{
    char name[sizeof("/proc/self/fd/") + 20];
    struct stat status;
    errno = EADDRINUSE;
    if (fstat(fd, &status) == -1 || !S_ISSOCK(status.st_mode))
        return false;
    if ((options->owner != -1 || options->group != -1) &&
        fchownat(fd, "", (uid_t)options->owner, (gid_t)options->group, AT_EMPTY_PATH) == -1)
        return false;
    snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
    return options->mode == -1 || chmod(name, (mode_t)options->mode) == 0;
}

bool listen_options_settle_file(const struct listen_options *options, const char *path)
{
    if (options->mode == -1 && options->owner == -1 && options->group == -1)
        return true;
    int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd == -1)
        return false;
    bool is_settled = settle(fd, options);
    file_close_quietly(fd);
    return is_settled;
}

static int usual_mode(void)
{
    mode_t mask = umask(0);
    umask(mask);
    return (int)(MODE_MOST & ~mask);
}

struct listen_options listen_options_change(const struct listen_options *old, const struct listen_options *wanted)
{
    struct listen_options change = *wanted;
    if (wanted->mode == -1 && old->mode != -1)
        change.mode = usual_mode();
    if (wanted->owner == -1 && old->owner != -1)
        change.owner = geteuid();
    if (wanted->group == -1 && old->group != -1)
        change.group = getegid();
    return change;
}
