#ifndef FLEXILIB_CONFIG_LIBRARY_RECORDING_H
#define FLEXILIB_CONFIG_LIBRARY_RECORDING_H

/* Copies libraries into a snapshot, with those they need that are not the system's, and those again. Each copy stands
 * where its original does, below the snapshot's root, so that $ORIGIN leads from copy to copy. Where the dynamic linker
 * would find an original all the same, since a folder is named by an absolute path or in LD_LIBRARY_PATH, the copy is
 * to be loaded beforehand: a file beside the library's copy says so. source.c uses it. */

#include "config/snapshot.h"
#include "config/source.h"

/* Behind the name of a library's copy: that of a file which tells whose copies to load first, in order, by the
 * originals' paths, each with a NUL behind it: snapshots may be moved. */
#define LIBRARY_PRELOADS_SUFFIX ".preloads"

struct library_recording;

/* on_sight is told of each library that was copied, and of each path at which one was looked for in vain. All must
 * outlive it. */
struct library_recording *library_recording_create(struct snapshot *snapshot,
                                                   void (*on_sight)(void *data, const struct source_sight *sight),
                                                   void *data);
void library_recording_destroy(struct library_recording *recording);

/* Copies the library at that absolute path to place. Returns false and fills error where it, or one that it needs,
 * cannot be copied or is no whole library. That one is missing is left to the dynamic linker to find. */
bool library_recording_add(struct library_recording *recording, const char *path, const char *place,
                           struct error *error);

#endif
