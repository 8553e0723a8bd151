#ifndef FLEXILIB_BASE_WATCH_H
#define FLEXILIB_BASE_WATCH_H

/* Which of the files that a generation is made from cause a reload when they change, and what kinds there are: words
 * that settings, sources and the supervisor share. */

#include <stdbool.h>

/* What the setting `watch` says. */
enum watch_mode {
    WATCH_OFF = 0,
    WATCH_LIBRARIES,
    WATCH_ALL,
};

enum watch_kind {
    WATCH_LIBRARY = 1, /* or a library that one needs */
    WATCH_FILE,        /* the configuration, and whatever else is read */
    WATCH_PATTERN,     /* which files match it */
};

static inline bool watch_mode_has(enum watch_mode mode, enum watch_kind kind)
{
    return mode == WATCH_ALL || (mode == WATCH_LIBRARIES && kind == WATCH_LIBRARY);
}

#endif
