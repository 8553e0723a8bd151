#ifndef FLEXILIB_PROCESS_PROGRAM_H
#define FLEXILIB_PROCESS_PROGRAM_H

/* The program itself: held open from the start, so that workers run the same version as their supervisor whatever
 * happens to the file meanwhile; and where it was started from, which is where a newer one is looked for. */

#include "base/error.h"

#include <stdbool.h>

struct program {
    int fd;
    char *path;   /* absolute, as it was at the start, without links */
    char *origin; /* absolute, as it was named at the start: links in it may lead to another version by now */
};

/* Opens the running program. Returns false with errno set. */
bool program_open(struct program *program) __attribute__((warn_unused_result));

/* The same for a program that was executed from a descriptor and is told what it is called; takes both names over. */
bool program_open_again(struct program *program, char *origin, char *path) __attribute__((warn_unused_result));

/* Opens what stands at the origin by now: a program that may take this one's place, with the same origin. Returns false
 * and fills error where that is none. */
bool program_open_next(const struct program *program, struct program *next, struct error *error)
    __attribute__((warn_unused_result));
void program_close(struct program *program);

/* The folder of the bundled libraries: `filters` beside the program as in a build folder, otherwise where they are
 * installed. The caller frees it. */
char *program_bundled_folder(const char *program_path);

/* The folder with what authors of filters need: `sdk` and `new`, in a build folder also `include`; likewise `share`, or
 * where it is installed. */
char *program_data_folder(const char *program_path);

#endif
