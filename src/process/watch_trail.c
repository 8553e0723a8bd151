#include "process/watch_trail.h"

#include "base/alloc.h"
#include "base/text.h"
#include "process/console.h"
#include "process/watch_way.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    FILE_EVENTS = IN_CLOSE_WRITE | IN_MASK_ADD,
    PASSING_EVENTS = IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR | IN_MASK_ADD,
    NAME_EVENTS = PASSING_EVENTS | IN_CREATE | IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ATTRIB,
    OWN_EVENTS = IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED | IN_UNMOUNT | IN_CLOSE_WRITE,
    MOST_TRIES = 8,
    MOST_WARNINGS = 5,
};

/* A folder, or a file. */
struct watch_place {
    struct watch_place *next;
    int descriptor;
    char *path; /* when it was watched first */
    struct watch_point *points;
};

struct watch_point {
    struct watch_point *next;  /* at the place */
    struct watch_point **link; /* which leads to it: thousands of files may stand in one folder */
    uint64_t name_hash;
    struct watch_place *place;
    struct watch_trail *trail;
    enum watch_step_kind kind;
    char *name; /* NULL: any */
};

void watch_trails_init(struct watch_trails *trails, struct poller *poller,
                       void (*on_touched)(void *data, bool are_all_touched), void *data)
{
    *trails = (struct watch_trails){
        .poller = poller, .fd = -1, .watch = POLLER_WATCH_NONE, .on_touched = on_touched, .data = data};
}

void watch_trails_finish(struct watch_trails *trails)
{
    poller_forget(trails->poller, &trails->watch);
    if (trails->fd != -1)
        close(trails->fd);
    trails->fd = -1;
}

void watch_trails_warn_again(struct watch_trails *trails)
{
    trails->told_errno = 0;
    trails->told_count = 0;
}

static void warn_once(struct watch_trails *trails, const char *what)
{
    if (trails->told_errno == errno || trails->told_count == MOST_WARNINGS)
        return;
    trails->told_errno = errno;
    ++trails->told_count;
    const char *limit = errno == ENOSPC   ? " (the limit fs.inotify.max_user_watches is reached)"
                        : errno == EMFILE ? " (the limit fs.inotify.max_user_instances is reached)"
                                          : "";
    console_log(LOG_LEVEL_WARNING, "cannot watch %s: %s%s; what changes there is taken up by a reload by hand only",
                what, strerror(errno), limit);
}

static struct watch_place **find_bucket(struct watch_trails *trails, int descriptor)
{
    return &trails->buckets[(unsigned)descriptor % WATCH_PLACE_BUCKETS];
}

static struct watch_place *find_place(struct watch_trails *trails, int descriptor)
{
    struct watch_place *place = *find_bucket(trails, descriptor);
    while (place != NULL && place->descriptor != descriptor)
        place = place->next;
    return place;
}

/* The same place has the same descriptor, by whichever path. Returns NULL with errno set. */
static struct watch_place *watch_place(struct watch_trails *trails, const struct watch_step *step)
{
    uint32_t events = step->kind == WATCH_STEP_NAME      ? NAME_EVENTS
                      : step->kind == WATCH_STEP_PASSING ? PASSING_EVENTS
                                                         : FILE_EVENTS;
    int descriptor = inotify_add_watch(trails->fd, step->place, events);
    if (descriptor == -1)
        return NULL;
    struct watch_place *place = find_place(trails, descriptor);
    if (place != NULL)
        return place;
    place = mem_zalloc(sizeof(*place));
    place->descriptor = descriptor;
    place->path = mem_copy_text(step->place, strlen(step->place));
    place->next = *find_bucket(trails, descriptor);
    *find_bucket(trails, descriptor) = place;
    return place;
}

static void forget_place(struct watch_trails *trails, struct watch_place *place)
{
    struct watch_place **link = find_bucket(trails, place->descriptor);
    while (*link != place)
        link = &(*link)->next;
    *link = place->next;
    /* fails where the kernel has ended the watch with the place */
    inotify_rm_watch(trails->fd, place->descriptor);
    free(place->path);
    free(place);
}

static void add_point(struct watch_trail *trail, struct watch_place *place, const struct watch_step *step)
{
    struct watch_point *point = &trail->points[trail->count++];
    *point = (struct watch_point){.next = place->points, .link = &place->points, .place = place, .trail = trail};
    point->name = step->name == NULL ? NULL : mem_copy_text(step->name, strlen(step->name));
    point->name_hash = step->name == NULL ? 0 : slice_hash(slice_from_text(step->name));
    point->kind = step->kind;
    if (point->next != NULL)
        point->next->link = &point->next;
    place->points = point;
}

/* Returns false where a folder has gone meanwhile, so that the way has to be found once more. */
static bool lay_steps(struct watch_trails *trails, struct watch_trail *trail, const struct watch_way *way)
{
    trail->points = mem_alloc((way->count + 1) * sizeof(*trail->points));
    bool is_settled = true;
    for (size_t i = 0; i < way->count; ++i) {
        struct watch_place *place = watch_place(trails, &way->steps[i]);
        if (place != NULL) {
            add_point(trail, place, &way->steps[i]);
            continue;
        }
        /* Through many a folder one may pass without looking into it; they are seldom moved. What happens to a file
         * that cannot be read its folder tells. */
        if (way->steps[i].kind != WATCH_STEP_NAME && errno == EACCES)
            continue;
        trail->is_incomplete = true;
        if (errno == ENOENT || errno == ENOTDIR)
            is_settled = false;
        else
            warn_once(trails, way->steps[i].place);
    }
    return is_settled;
}

void watch_trail_lift(struct watch_trails *trails, struct watch_trail *trail)
{
    while (trail->count != 0) {
        struct watch_point *point = &trail->points[--trail->count];
        *point->link = point->next;
        if (point->next != NULL)
            point->next->link = point->link;
        if (point->place->points == NULL)
            forget_place(trails, point->place);
        free(point->name);
    }
    free(trail->points);
    trail->points = NULL;
}

/* Creation alone tells of a file that is about to be written; a link is complete at once. */
static bool is_complete(const struct watch_place *place, const struct inotify_event *event)
{
    struct text path = TEXT_INIT;
    struct stat status;
    if ((event->mask & IN_CREATE) == 0 || (event->mask & IN_ISDIR) != 0)
        return true;
    text_print(&path, "%s/%s", place->path, event->name);
    bool is_complete = lstat(path.data, &status) == 0 && (S_ISLNK(status.st_mode) || status.st_nlink > 1);
    text_finish(&path);
    return is_complete;
}

static bool touch_named(struct watch_place *place, const struct inotify_event *event)
{
    bool is_touched = false, is_known = false;
    uint64_t hash = slice_hash(slice_from_text(event->name));
    for (struct watch_point *point = place->points; point != NULL; point = point->next) {
        if (point->kind != WATCH_STEP_NAME ||
            (point->name != NULL && (point->name_hash != hash || strcmp(point->name, event->name) != 0)))
            continue;
        /* who writes into a file may set its mode before it is whole */
        if ((event->mask & IN_ATTRIB) != 0 && !point->trail->is_barred)
            continue;
        if (!is_known && !is_complete(place, event))
            return false;
        is_known = true;
        point->trail->is_touched = is_touched = true;
    }
    return is_touched;
}

/* Returns whether a trail was touched. */
static bool handle_event(struct watch_trails *trails, const struct inotify_event *event)
{
    struct watch_place *place = find_place(trails, event->wd);
    if (place == NULL)
        return false;
    if (event->len != 0)
        return touch_named(place, event);
    if ((event->mask & OWN_EVENTS) == 0)
        return false;
    for (struct watch_point *point = place->points; point != NULL; point = point->next)
        point->trail->is_touched = true;
    return true;
}

static void on_events(void *data)
{
    struct watch_trails *trails = data;
    union {
        struct inotify_event first;
        char bytes[16384];
    } buffer;
    ssize_t length = read(trails->fd, buffer.bytes, sizeof(buffer.bytes));
    const struct inotify_event *event = &buffer.first;
    bool is_touched = false, is_overflow = false;
    while (length >= (ssize_t)sizeof(*event)) {
        size_t size = sizeof(*event) + event->len;
        is_overflow = is_overflow || (event->mask & IN_Q_OVERFLOW) != 0;
        is_touched = handle_event(trails, event) || is_touched;
        event = (const struct inotify_event *)((const char *)event + size);
        length -= (ssize_t)size;
    }
    if (is_overflow)
        console_log(LOG_LEVEL_WARNING,
                    "so many files change that some events were lost: all watched ones are looked at");
    if (is_touched || is_overflow)
        trails->on_touched(trails->data, is_overflow);
}

static bool open_notifier(struct watch_trails *trails)
{
    if (trails->fd != -1)
        return true;
    trails->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (trails->fd != -1 && poller_watch(trails->poller, &trails->watch, trails->fd, on_events, trails))
        return true;
    warn_once(trails, "files");
    if (trails->fd != -1)
        close(trails->fd);
    trails->fd = -1;
    return false;
}

void watch_trail_lay(struct watch_trails *trails, struct watch_trail *trail, const char *path, bool is_pattern)
{
    trail->is_touched = false;
    trail->is_incomplete = true;
    if (!open_notifier(trails))
        return;
    /* Something may have come to be between two looks, so it goes on until a look changes nothing. New points come
     * before old ones go, so that folders which stay are never without a watch. */
    struct watch_way way = WATCH_WAY_INIT, before;
    watch_way_find(&way, path, is_pattern);
    bool is_settled = false;
    for (int i = 0; i < MOST_TRIES && !is_settled; ++i) {
        struct watch_trail old = *trail;
        *trail = (struct watch_trail){0};
        is_settled = lay_steps(trails, trail, &way);
        watch_trail_lift(trails, &old);
        before = way;
        way = WATCH_WAY_INIT;
        watch_way_find(&way, path, is_pattern);
        is_settled = is_settled && watch_way_equals(&way, &before);
        watch_way_finish(&before);
    }
    watch_way_finish(&way);
}
