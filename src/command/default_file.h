#ifndef FLEXILIB_COMMAND_DEFAULT_FILE_H
#define FLEXILIB_COMMAND_DEFAULT_FILE_H

/* The configuration that is used where none is named. */

#include "base/error.h"

/* The first of $FLEXILIB_CONFIG, ./flexilib.yaml, ./proxy.ini and /etc/flexilib/flexilib.yaml that is there; a file
 * that the variable names counts as there. Returns NULL and fills error, naming all four. */
const char *default_file_find(struct error *error);

#endif
