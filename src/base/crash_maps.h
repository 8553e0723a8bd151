#ifndef FLEXILIB_BASE_CRASH_MAPS_H
#define FLEXILIB_BASE_CRASH_MAPS_H

/* Which files this process has its code from, read from /proc/self/maps into a crash record. Safe in signal handlers:
 * nothing but open, lseek, read and close. */

#include "base/crash_record.h"

/* Opens a descriptor for crash_maps_read, -1 where there is none. */
int crash_maps_open(void);

/* reserve is for a process that has no descriptor left, as one that dies of just that; -1: there is none. */
void crash_maps_read(int reserve, struct crash_record *record);

/* The same from a descriptor, for tests. Of more than there is room for, the mapping of pc is kept. */
void crash_maps_read_from(int fd, struct crash_record *record);

#endif
