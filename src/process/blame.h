#ifndef FLEXILIB_PROCESS_BLAME_H
#define FLEXILIB_PROCESS_BLAME_H

/* Whose fault a worker's death is, and how sure that is: what decides whether a library is held to account. Nobody is
 * blamed for a signal that somebody has sent, nor for a crash of ours while no filter ran. */

#include "base/crash_record.h"

enum blame_certainty {
    BLAME_NONE = 0,
    BLAME_POSSIBLE, /* it ran, and so did others; or the kernel has ended the process, which may be anybody's doing */
    BLAME_LIKELY,   /* it alone ran, but the moment of death is not known; or it is guessed from the stack */
    BLAME_CERTAIN,  /* the thread that died ran it */
};

enum {
    BLAME_LIBRARY_BYTES = 512,
};

struct blame {
    enum blame_certainty certainty;
    char filter[SLOT_FILTER_BYTES];    /* as the configuration calls it; "" where no call of one ran */
    char library[BLAME_LIBRARY_BYTES]; /* the file's path as the operator knows it, "" where it is not known */
};

struct death;

/* snapshot is the generation's folder, NULL where there is none. */
void blame_find(const struct death *death, const char *snapshot, struct blame *blame);

#endif
