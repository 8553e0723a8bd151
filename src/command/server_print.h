#ifndef FLEXILIB_COMMAND_SERVER_PRINT_H
#define FLEXILIB_COMMAND_SERVER_PRINT_H

/* How servers appear on standard output: in columns for people and shells, or as JSON. */

#include "base/slice.h"

struct server_row {
    struct slice upstream, url, state;
    struct slice requests, connections; /* numbers, or "-" */
};

/* A table whose last column is the state, which has spaces in it; or a JSON array. */
void server_print_list(const struct server_row *rows, size_t count, bool is_json);

/* A sentence, or a JSON object. */
void server_print_one(const struct server_row *row, bool is_json);

#endif
