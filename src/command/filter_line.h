#ifndef FLEXILIB_COMMAND_FILTER_LINE_H
#define FLEXILIB_COMMAND_FILTER_LINE_H

/* The arguments of those `flexilib filter` commands that look at one library. */

#include "base/error.h"

enum {
    FILTER_LINE_JSON = 1,
    FILTER_LINE_FILTER = 2,
    FILTER_LINE_OPTIONS = 4,
};

struct filter_line {
    const char *library;
    const char *filter;  /* of --filter, or NULL */
    const char *options; /* of --options, or NULL */
    bool is_json;
};

/* Reads the arguments behind the command's name, NULL-terminated; allowed is which options it takes. Returns false and
 * fills error. */
bool filter_line_parse(char **arguments, unsigned allowed, struct filter_line *line, struct error *error);

#endif
