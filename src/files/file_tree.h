#ifndef FLEXILIB_FILES_FILE_TREE_H
#define FLEXILIB_FILES_FILE_TREE_H

/* Finds files under a folder, and nothing outside of it: whatever the name says, wherever links lead, and whoever moves
 * things about meanwhile. */

#include "base/arena.h"

#include <sys/stat.h>

/* Turns a request's canonical path into a name below the folder: without "/" in front and behind, escapes decoded.
 * False where it can be no file's: a "/" or a NUL that was escaped, segments "." and "..", and any that begins with "."
 * (but for "/.well-known", RFC 8615). An empty name is the folder itself. The name ends with a NUL. In the arena. */
bool file_tree_name(struct slice path, struct arena *arena, struct slice *name, bool *is_folder);

/* Opens the folder. Returns a descriptor, or -1 with errno set. */
int file_tree_open(const char *root);

/* Opens a file or folder for reading and fills status. Returns a descriptor, or -1 with errno set: EXDEV where a link
 * leads out of the root (or, on systems without openat2, ELOOP where there is any link), ENOENT where it is neither a
 * file nor a folder. Never waits, as a named pipe would have it. */
int file_tree_find(int root, const char *name, struct stat *status);

#endif
