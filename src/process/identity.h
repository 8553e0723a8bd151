#ifndef FLEXILIB_PROCESS_IDENTITY_H
#define FLEXILIB_PROCESS_IDENTITY_H

/* Whom a worker runs as. The generation's first worker starts as its supervisor, reads the configuration, and then
 * becomes the user it names; its siblings are told and become that user before they read anything. */

#include "base/error.h"

#include <stdint.h>
#include <sys/types.h>

struct identity {
    const char *name;
    uid_t uid;
    gid_t gid;
};

/* Looks up the user that is named at a place; the name stays the caller's. Returns false and fills error. */
bool identity_find(const char *name, struct place place, struct identity *identity, struct error *error)
    __attribute__((warn_unused_result));

/* Look up a user and a group, by name or by number. Return false and fill error. */
bool identity_find_user(const char *name, struct place place, int64_t *id, struct error *error)
    __attribute__((warn_unused_result));
bool identity_find_group(const char *name, struct place place, int64_t *id, struct error *error)
    __attribute__((warn_unused_result));

/* What the environment says of serving as root where no user is named. */
#define IDENTITY_ROOT_VARIABLE "FLEXILIB_ALLOW_ROOT"
bool identity_may_root_serve(void);

/* Becomes that user for good. Returns false and fills error. */
bool identity_assume(const struct identity *identity, struct error *error) __attribute__((warn_unused_result));

/* After identity_assume: what that user may change so that something else stands at this absolute path, the file or a
 * folder above it. The caller frees it; NULL: nothing. */
char *identity_find_writable(const struct identity *identity, const char *path);

/* Gives a folder and all in it to that user. Returns false with errno set. */
bool identity_give_folder(const struct identity *identity, const char *folder) __attribute__((warn_unused_result));

#endif
