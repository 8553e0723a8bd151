#ifndef FLEXILIB_PROCESS_WATCH_WAY_H
#define FLEXILIB_PROCESS_WATCH_WAY_H

/* What has to be watched so that whatever changes where a path leads is noticed: found by walking it as the kernel
 * does, link by link. For watch_trail.c, and for worker/privileges.c, which asks who else could change it. */

#include <stdbool.h>
#include <stddef.h>

enum {
    WATCH_WAY_STEPS = 1024, /* at most; of patterns */
};

enum watch_step_kind {
    WATCH_STEP_NAME = 1, /* something in a folder */
    WATCH_STEP_PASSING,  /* a folder that the way leads through: whether it is moved or removed, not what is in it */
    WATCH_STEP_FILE,     /* the file itself, which may be written to by another name, or from outside a container */
};

struct watch_step {
    enum watch_step_kind kind;
    char *place; /* of the folder or file, without links */
    char *name;  /* in it; NULL: any */
};

struct watch_way {
    struct watch_step *steps;
    size_t count, capacity;
};

#define WATCH_WAY_INIT ((struct watch_way){0})

/* Walks an absolute path, and a shell pattern through all folders in which files could match. */
void watch_way_find(struct watch_way *way, const char *path, bool is_pattern);

void watch_way_finish(struct watch_way *way);
bool watch_way_equals(const struct watch_way *a, const struct watch_way *b);

#endif
