#ifndef FLEXILIB_PROCESS_PROGRAM_H
#define FLEXILIB_PROCESS_PROGRAM_H

/* The program itself: held open from the start, so that workers run the same version as their supervisor whatever
 * happens to the file meanwhile. */

#include <stdbool.h>

struct program {
    int fd;
    char *path; /* absolute, as it was at the start */
};

/* Opens the running program. Returns false with errno set. */
bool program_open(struct program *program) __attribute__((warn_unused_result));
void program_close(struct program *program);

/* The folder of the bundled libraries: `filters` beside the program as in a build folder, otherwise where they are
 * installed. The caller frees it. */
char *program_bundled_folder(const char *program_path);

#endif
