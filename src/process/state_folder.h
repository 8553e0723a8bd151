#ifndef FLEXILIB_PROCESS_STATE_FOLDER_H
#define FLEXILIB_PROCESS_STATE_FOLDER_H

/* Where what has to outlive the program stands on disk, for each configuration: $FLEXILIB_STATE_DIR, where that is set
 * ("off": nowhere); otherwise /var/lib/flexilib for root, $XDG_STATE_HOME/flexilib or ~/.local/state/flexilib for
 * others. In it is a folder NAME-HASH for the file of that name, the hash being that of its absolute path. It is ours
 * alone. */

#include "base/error.h"

/* The folder of a configuration, whether it is there or not. NULL where there is no place for it. The caller frees it.
 */
char *state_folder_find(const char *config);

/* Whether it is a folder of ours that others cannot write to. Returns false and fills error. */
bool state_folder_check(const char *folder, struct error *error) __attribute__((warn_unused_result));

/* Makes it, with those above it, and checks it. Returns false and fills error. */
bool state_folder_make(const char *folder, struct error *error) __attribute__((warn_unused_result));

#endif
