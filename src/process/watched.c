#include "process/watched.h"

#include "base/alloc.h"
#include "base/elf.h"
#include "base/file.h"
#include "process/console.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum {
    MOST_FILES = 16384,
    PIECES_AT_ONCE = 64, /* of 64 KB, until other events have their turn */
    RACY_NS = 50 * 1000 * 1000,
    /* Editors move a file aside before they write it anew, and others remove it: one that matches no more is given time
     * to come back. */
    GRACE_US = 1000 * 1000,
};

struct watched_file {
    struct watched_file *next, *next_in_bucket;
    char *path;
    enum watch_kind kind;
    unsigned generation;      /* the last one that asked */
    uint64_t content, status; /* as the last worker that read it saw them */
    bool is_due;              /* to be looked at */
    bool is_pending;          /* is other than that, and wants a reload */
    size_t match_count;       /* of a pattern: how many files matched when it was as that worker saw it */
    uint64_t fewer_since_us;  /* fewer do now; 0: as many, or more */
    struct watch_trail trail;
};

static void make_due(struct watched *watched, struct watched_file *file)
{
    watched->due_count += !file->is_due;
    watched->due_from = NULL;
    file->is_due = true;
}

static void set_pending(struct watched *watched, struct watched_file *file, bool is_pending)
{
    watched->pending_count += (size_t)is_pending - (size_t)file->is_pending;
    file->is_pending = is_pending;
}

static void stop_reading(struct watched *watched)
{
    if (watched->reading == NULL)
        return;
    close(watched->fd);
    watched->reading = NULL;
}

static void on_touched(void *data, bool are_all_touched)
{
    struct watched *watched = data;
    for (struct watched_file *file = watched->first; file != NULL; file = file->next) {
        if (!file->trail.is_touched && !are_all_touched)
            continue;
        watch_trail_lay(&watched->trails, &file->trail, file->path, file->kind == WATCH_PATTERN);
        make_due(watched, file);
        if (watched->reading == file)
            stop_reading(watched);
    }
}

void watched_init(struct watched *watched, struct poller *poller)
{
    /* Until one serves that says otherwise: where a start falls back on what was kept, the file is to be mended. */
    *watched = (struct watched){.mode = WATCH_ALL, .fd = -1};
    watch_trails_init(&watched->trails, poller, on_touched, watched);
}

static struct watched_file **find_link(struct watched *watched, enum watch_kind kind, struct slice path)
{
    struct watched_file **link = &watched->buckets[(slice_hash(path) + (uint64_t)kind) % WATCHED_BUCKETS];
    while (*link != NULL && ((*link)->kind != kind || !slice_equals(slice_from_text((*link)->path), path)))
        link = &(*link)->next_in_bucket;
    return link;
}

/* link leads to it in the list of all. */
static void forget_file(struct watched *watched, struct watched_file **link)
{
    struct watched_file *file = *link;
    *link = file->next;
    *find_link(watched, file->kind, slice_from_text(file->path)) = file->next_in_bucket;
    if (watched->reading == file)
        stop_reading(watched);
    --watched->count;
    watched->due_count -= file->is_due;
    watched->due_from = NULL;
    set_pending(watched, file, false);
    watch_trail_lift(&watched->trails, &file->trail);
    free(file->path);
    free(file);
}

void watched_finish(struct watched *watched)
{
    while (watched->first != NULL)
        forget_file(watched, &watched->first);
    watch_trails_finish(&watched->trails);
}

/* NULL where there are too many. */
static struct watched_file *take_file(struct watched *watched, const struct watched_sight *sight)
{
    struct watched_file **link = find_link(watched, sight->kind, sight->path);
    if (*link != NULL)
        return *link;
    if (watched->count == MOST_FILES)
        return NULL;
    if (++watched->count == MOST_FILES)
        console_log(LOG_LEVEL_WARNING,
                    "no more than %d files are watched: others are taken up by a reload by hand only", MOST_FILES);
    struct watched_file *file = mem_zalloc(sizeof(*file));
    file->path = mem_copy_text(sight->path.data, sight->path.length);
    file->kind = sight->kind;
    file->trail.is_incomplete = true;
    file->next = watched->first;
    watched->first = *link = file;
    return file;
}

static uint64_t nanoseconds(struct timespec time)
{
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

/* Whether it may be other than it was when a worker saw it. Times of files have grains of some milliseconds, so what
 * has just changed may have changed twice. */
static bool has_stirred(const struct watched_file *file)
{
    struct stat status;
    struct timespec now;
    if (file->kind == WATCH_PATTERN)
        return true;
    if (stat(file->path, &status) != 0)
        return file->status != 0;
    clock_gettime(CLOCK_REALTIME, &now);
    return content_of_status(&status) != file->status || nanoseconds(now) - nanoseconds(status.st_ctim) < RACY_NS;
}

void watched_add(struct watched *watched, const struct watched_sight *sight, unsigned generation)
{
    struct watched_file *file = take_file(watched, sight);
    if (file == NULL)
        return;
    /* What nobody was told of, as when something was mounted there, has no watch yet. */
    bool is_another = file->status != sight->status;
    file->generation = generation;
    file->content = sight->content;
    file->status = sight->status;
    file->fewer_since_us = 0;
    set_pending(watched, file, false);
    if (watched->reading == file)
        stop_reading(watched);
    if (file->trail.is_incomplete || is_another)
        watch_trail_lay(&watched->trails, &file->trail, file->path, file->kind == WATCH_PATTERN);
    /* What was not read is looked at for why. */
    if (file->content == 0 || has_stirred(file))
        make_due(watched, file);
}

void watched_each(const struct watched *watched,
                  void (*on_file)(void *data, const struct watched_sight *sight, unsigned generation), void *data)
{
    for (const struct watched_file *file = watched->first; file != NULL; file = file->next) {
        const struct watched_sight sight = {file->kind, slice_from_text(file->path), file->content, file->status};
        on_file(data, &sight, file->generation);
    }
}

void watched_keep(struct watched *watched, unsigned generation, enum watch_mode mode)
{
    watched->mode = mode;
    watch_trails_warn_again(&watched->trails);
    struct watched_file **link = &watched->first;
    while (*link != NULL) {
        if ((*link)->generation < generation || !watch_mode_has(mode, (*link)->kind))
            forget_file(watched, link);
        else
            link = &(*link)->next;
    }
}

/* Whether a pattern that fewer files match is given more time; it is looked at once more when that is over. */
static bool may_come_back(struct watched *watched, struct watched_file *file)
{
    if (file->fewer_since_us == 0)
        file->fewer_since_us = watched->now_us;
    uint64_t until_us = file->fewer_since_us + GRACE_US;
    if (until_us <= watched->now_us)
        return false;
    if (watched->look_again_us == 0 || until_us < watched->look_again_us)
        watched->look_again_us = until_us;
    return true;
}

static void look_at_matches(struct watched *watched, struct watched_file *file)
{
    uint64_t names = 0;
    glob_t matches = {0};
    glob(file->path, GLOB_NOSORT, NULL, &matches);
    for (size_t i = 0; i < matches.gl_pathc; ++i)
        names = content_add_name(names, slice_from_text(matches.gl_pathv[i]));
    globfree(&matches);
    if (names == file->content)
        file->match_count = matches.gl_pathc;
    if (matches.gl_pathc >= file->match_count)
        file->fewer_since_us = 0;
    set_pending(watched, file,
                names != file->content && (matches.gl_pathc >= file->match_count || !may_come_back(watched, file)));
}

/* Whether there is something to read that may be other. What is missing, no regular file or not whole yet waits for the
 * next event; so does what the worker could not read and is as it was. */
static bool is_worth_reading(const struct watched_file *file, int fd)
{
    struct stat status;
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode))
        return false;
    if (file->content == 0 && content_of_status(&status) == file->status)
        return false;
    bool is_whole = file->kind != WATCH_LIBRARY || !elf_is_cut_short(fd);
    if (!is_whole)
        console_log(LOG_LEVEL_WARNING, "'%s' is not whole yet: the rest of it is waited for", file->path);
    return is_whole;
}

static void begin_look(struct watched *watched, struct watched_file *file)
{
    file->is_due = false;
    --watched->due_count;
    set_pending(watched, file, false);
    if (file->kind == WATCH_PATTERN) {
        look_at_matches(watched, file);
        return;
    }
    /* O_NONBLOCK: opening a pipe that nobody writes to must not hang */
    int fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    file->trail.is_barred = fd == -1 && errno == EACCES;
    if (file->trail.is_barred)
        console_log(LOG_LEVEL_WARNING, "'%s' cannot be read: %s; it is waited for", file->path, strerror(errno));
    if (fd == -1)
        return;
    if (is_worth_reading(file, fd)) {
        watched->reading = file;
        watched->fd = fd;
        watched->content = CONTENT_INIT;
    } else {
        close(fd);
    }
}

static void read_piece(struct watched *watched)
{
    char piece[CONTENT_PIECE_BYTES];
    size_t length;
    bool is_read = file_read_piece(watched->fd, piece, sizeof(piece), &length);
    if (is_read)
        content_add(&watched->content, slice_of(piece, length));
    if (is_read && length == sizeof(piece))
        return;
    set_pending(watched, watched->reading, is_read && content_number(&watched->content) != watched->reading->content);
    stop_reading(watched);
}

static struct watched_file *find_due(struct watched *watched)
{
    struct watched_file *file = watched->due_from == NULL ? watched->first : watched->due_from;
    while (file != NULL && !file->is_due)
        file = file->next;
    watched->due_from = file;
    return file;
}

bool watched_is_due(const struct watched *watched)
{
    return watched->reading != NULL || watched->due_count != 0;
}

uint64_t watched_deadline(const struct watched *watched)
{
    return watched->look_again_us;
}

static void look_again(struct watched *watched)
{
    watched->look_again_us = 0;
    for (struct watched_file *file = watched->first; file != NULL; file = file->next) {
        if (file->fewer_since_us != 0)
            make_due(watched, file);
    }
}

void watched_step(struct watched *watched, uint64_t now_us)
{
    watched->now_us = now_us;
    if (watched->look_again_us != 0 && watched->look_again_us <= now_us)
        look_again(watched);
    for (int i = 0; i < PIECES_AT_ONCE && watched_is_due(watched); ++i) {
        if (watched->reading != NULL)
            read_piece(watched);
        else
            begin_look(watched, find_due(watched));
    }
}

static void describe(const struct watched_file *file, size_t count, struct text *out)
{
    if (file->kind == WATCH_PATTERN)
        text_print(out, "other files match '%s'", file->path);
    else
        text_print(out, "'%s' has %s", file->path, file->content == 0 ? "appeared" : "changed");
    if (count > 1)
        text_print(out, ", and %zu more", count - 1);
}

bool watched_take(struct watched *watched, struct text *out)
{
    const struct watched_file *one = NULL;
    size_t count = 0;
    for (struct watched_file *file = watched->first; file != NULL && watched->pending_count != 0; file = file->next) {
        if (!file->is_pending)
            continue;
        set_pending(watched, file, false);
        one = file;
        ++count;
    }
    if (one != NULL)
        describe(one, count, out);
    return one != NULL;
}
