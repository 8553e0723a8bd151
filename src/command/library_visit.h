#ifndef FLEXILIB_COMMAND_LIBRARY_VISIT_H
#define FLEXILIB_COMMAND_LIBRARY_VISIT_H

/* A look at one library in a copy of the process that is thrown away: loading it may run code of it, which may crash,
 * hang or exit, and whatever it prints goes to standard error. */

#include "base/error.h"

struct library;
struct runtime;

struct library_visit {
    const char *name; /* the library as somebody wrote it: a path, or the name of a bundled one */
    const char *what; /* as messages call the visit: "the check" */
    /* Runs in the copy. Adds what is to be printed to out, or returns false and fills error. */
    bool (*run)(const struct library_visit *visit, struct text *out, struct error *error);
    const void *data;

    /* Filled for run. */
    const char *path;
    const struct library *library;
    struct runtime *runtime;
};

/* Opens the library, runs the visit, and prints what came of it. Returns the exit status: 0, or 1 with a sentence on
 * standard error. */
int library_visit_run(struct library_visit *visit);

#endif
