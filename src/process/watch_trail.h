#ifndef FLEXILIB_PROCESS_WATCH_TRAIL_H
#define FLEXILIB_PROCESS_WATCH_TRAIL_H

/* Ways to files, watched by inotify: less the files themselves, which are replaced, than what names them. A trail is
 * laid for a path, and touched when something happens on it: in the folder of the file, or of any symbolic link on the
 * way to it, by that name; to any folder that it leads through, when that is moved away or removed; or to the file,
 * when somebody has written to it by another name. Where the path ends early, the nearest folder is watched for what is
 * missing. A trail that was touched is to be laid anew, for it may lead elsewhere now. What the file says is no
 * business of this; watched.h is built on it. */

#include "process/poller.h"

#include <stddef.h>

struct watch_point;
struct watch_place;

enum {
    WATCH_PLACE_BUCKETS = 256,
};

struct watch_trail {
    struct watch_point *points;
    size_t count;
    bool is_touched;
    bool is_incomplete; /* some of it cannot be watched */
    bool is_barred; /* said by its owner, until it is laid anew: the file cannot be read, so that its mode matters */
};

struct watch_trails {
    struct poller *poller;
    int fd; /* of inotify; -1 until the first trail */
    struct poller_watch watch;
    struct watch_place *buckets[WATCH_PLACE_BUCKETS];
    void (*on_touched)(void *data, bool are_all_touched);
    void *data;
    int told_errno; /* what was warned of last, and how often */
    unsigned told_count;
};

/* on_touched is called after trails have been touched: are_all_touched where events were lost. */
void watch_trails_init(struct watch_trails *trails, struct poller *poller,
                       void (*on_touched)(void *data, bool are_all_touched), void *data);

/* Whoever looks at the log from here on has not seen the warnings. */
void watch_trails_warn_again(struct watch_trails *trails);

/* All trails have been lifted. */
void watch_trails_finish(struct watch_trails *trails);

/* Lays the trail of an absolute path, or of a shell pattern, anew. Where something cannot be watched, a warning says so
 * once. */
void watch_trail_lay(struct watch_trails *trails, struct watch_trail *trail, const char *path, bool is_pattern);
void watch_trail_lift(struct watch_trails *trails, struct watch_trail *trail);

#endif
