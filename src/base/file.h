#ifndef FLEXILIB_BASE_FILE_H
#define FLEXILIB_BASE_FILE_H

/* Whole files and folders. Paths are NUL-terminated; results from malloc. errno tells why a call failed. */

#include "base/slice.h"
#include "base/text.h"

#include <sys/types.h>

/* Reads a regular file of at most limit_bytes into out (appending). Returns false with errno set; EFBIG where it is
 * larger, EISDIR for a folder. */
bool file_read(const char *path, size_t limit_bytes, struct text *out);

/* Writes a new file with the given mode, replacing an old one, making missing folders above it (mode 0700). */
bool file_write(const char *path, struct slice content, mode_t mode);

/* Copies a file's bytes to a new path, making missing folders above it. */
bool file_copy(const char *from, const char *to, mode_t mode);

/* Makes the missing folders above a path (mode 0700). */
bool file_make_folders_above(const char *path);

/* Reads size bytes, or what is there up to the end. Returns false with errno set. */
bool file_read_piece(int fd, void *buffer, size_t size, size_t *length);

/* Removes a folder and all that is in it, but for what is hundreds of folders deep, so that whoever fills it cannot
 * exhaust us; follows no links. A missing folder is fine. */
bool file_remove_tree(const char *path);

/* Writes all of data to fd, going on after short writes and interrupts. */
bool file_write_all(int fd, struct slice data);

/* Closes fd and leaves errno as it is: for ways out on which it tells what failed before. */
void file_close_quietly(int fd);

/* Opens /dev/null for those of the first three descriptors that are closed: the next thing opened would be taken for
 * one of them. */
void file_fill_standard_descriptors(void);

/* For a descriptor that was just opened, in a process whose libraries may have closed the first three: what is printed
 * would reach whoever is behind it. Returns it, or where it is one of these another one in its place, and /dev/null
 * stands there; -1 with errno set, and it is closed, where there is none. */
int file_keep_off_standard_descriptors(int fd);

/* The absolute form of path (without following links or asking that it exist): joined to base, or to the current folder
 * where base is NULL, with "." and ".." taken out. The caller frees it. */
char *file_absolute(const char *base, const char *path);

/* The folder part of a path, "." where there is none. The caller frees it. */
char *file_folder(const char *path);

/* Adds a path to a pattern, so that glob takes it as it is. */
void file_add_to_pattern(const char *path, struct text *pattern);

#endif
