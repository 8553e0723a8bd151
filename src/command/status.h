#ifndef FLEXILIB_COMMAND_STATUS_H
#define FLEXILIB_COMMAND_STATUS_H

/* `flexilib status`: what the FlexiLib that serves a configuration runs: generations, libraries, the last reload. */

#include <stdbool.h>

/* file may be NULL where $FLEXILIB_CONTROL is set. Returns the exit status. */
int status_run(const char *file, bool is_json);

#endif
