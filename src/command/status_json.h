#ifndef FLEXILIB_COMMAND_STATUS_JSON_H
#define FLEXILIB_COMMAND_STATUS_JSON_H

/* The status as JSON. */

#include "base/text.h"

/* Prints the lines of an answer (process/status.h) as one object. */
void status_json_print(const struct text *lines);

#endif
