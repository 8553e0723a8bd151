#ifndef FLEXILIB_PROCESS_MANIFEST_H
#define FLEXILIB_PROCESS_MANIFEST_H

/* What a generation runs, in lines that its first worker has left in the snapshot. The supervisor reads them when it
 * wants to tell people something, trusts nothing in them, and keeps nothing of them:
 *
 *     flexilib-manifest 1
 *     setting NAME DIGEST                       each key at the top of the configuration
 *     library PATH DIGEST ABI VERSIONS
 *     file PATH DIGEST                          what else the configuration names
 *     policy NAME NUMBER                        what is to follow from crashes: crash_response.h
 *     filter NAME PATH QUARANTINE               whose library that is, and "quarantine" where its routes are put in it
 *     route NAME DIGEST TARGET FILE:LINE        in the order in which they are tried
 *     cut                                       there was no room for more routes
 *
 * Tabs separate fields, as in control_message.h. Digests are SHA-256 in hexadecimal. */

#include "base/slice.h"

#include <stdbool.h>
#include <stddef.h>

#define MANIFEST_NAME       "manifest"
#define MANIFEST_FIRST_LINE "flexilib-manifest\t1\n"
#define MANIFEST_CUT_LINE   "cut\n"

enum {
    MANIFEST_BYTES = 4 * 1024 * 1024, /* at most */
    MANIFEST_SHOWN_DIGEST = 12,       /* characters of a digest that people are shown */
};

struct manifest_line {
    struct slice kind, name, digest, third, fourth;
};

struct manifest {
    char *data; /* of its own mapping, so that it leaves nothing behind */
    size_t size, length;
    struct manifest_line *lines;
    size_t count;
    bool is_cut;
};

/* Reads the one of a snapshot. Returns false where there is none, or it makes no sense. */
bool manifest_open(struct manifest *manifest, const char *snapshot) __attribute__((warn_unused_result));
void manifest_close(struct manifest *manifest);

/* Whether a line tells of a library, or another file that was read. */
bool manifest_is_file(const struct manifest_line *line);

/* The digest of such a file; empty where there is none of that path. */
struct slice manifest_find_digest(const struct manifest *manifest, struct slice path);

/* Whether the manifest of a snapshot has that file with that digest. */
bool manifest_has_content(const char *snapshot, struct slice path, struct slice digest);

/* As much of a digest as people are shown. */
struct slice manifest_short_digest(struct slice digest);

#endif
