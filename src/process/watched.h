#ifndef FLEXILIB_PROCESS_WATCHED_H
#define FLEXILIB_PROCESS_WATCHED_H

/* The files that generations are made from, and those that are missing and would change what a generation does: looked
 * at when something happens to them. The first worker of a generation has told what it saw; what is other now, and
 * stays so, wants a reload. A file counts as changed when its writer has closed it, or it was moved or linked in; a
 * library only once it is whole. Bytes that are the same as before are no change, and neither is a file that is gone:
 * that is waited for; but where a pattern decides which files are read, for a second only. Large files are read bit by
 * bit, between other events. */

#include "process/watch_trail.h"

#include "base/content.h"
#include "base/text.h"
#include "base/watch.h"

struct watched_file;

enum {
    WATCHED_BUCKETS = 256,
};

struct watched {
    struct watch_trails trails;
    enum watch_mode mode; /* of the generation that serves */
    struct watched_file *first;
    struct watched_file *buckets[WATCHED_BUCKETS];
    size_t count;
    size_t due_count;              /* to be looked at */
    struct watched_file *due_from; /* none in front of it is; NULL: anywhere */
    size_t pending_count;
    uint64_t now_us;        /* of the last step */
    uint64_t look_again_us; /* when files that are gone have had their time to come back; 0: none are awaited */
    /* The one that is being read. */
    struct watched_file *reading;
    int fd;
    struct content content;
};

/* What a worker saw; see struct source_sight. */
struct watched_sight {
    enum watch_kind kind;
    struct slice path; /* absolute */
    uint64_t content, status;
};

void watched_init(struct watched *watched, struct poller *poller);
void watched_finish(struct watched *watched);

/* Watches a file on behalf of a generation, which saw that of it. */
void watched_add(struct watched *watched, const struct watched_sight *sight, unsigned generation);

/* A generation serves: forgets what neither it nor a younger one has asked for, and what is of no kind that is watched
 * in that mode. 0: any has. */
void watched_keep(struct watched *watched, unsigned generation, enum watch_mode mode);

/* Calls on_file for each file that is watched. */
void watched_each(const struct watched *watched,
                  void (*on_file)(void *data, const struct watched_sight *sight, unsigned generation), void *data);

/* Looks at what is due, for a bounded time. */
void watched_step(struct watched *watched, uint64_t now_us);

/* When it wants to be stepped next though no file stirs; 0: not. */
uint64_t watched_deadline(const struct watched *watched);

/* There is more to look at, at once. */
bool watched_is_due(const struct watched *watched);

/* Says whether something wants a reload, and adds to out what: a sentence. From here on it does no longer. */
bool watched_take(struct watched *watched, struct text *out);

#endif
