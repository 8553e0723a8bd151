#ifndef FLEXILIB_BASE_ELF_NEEDS_H
#define FLEXILIB_BASE_ELF_NEEDS_H

/* What a shared object says of the libraries it needs: their names, and the folders in which the dynamic linker looks
 * for them before it looks in the system's. Read from the file; nothing is loaded. */

#include "base/arena.h"

#include <stdbool.h>

struct elf_needs {
    const char *soname; /* what others call it; NULL: nothing */
    const char *rpath;  /* lists of folders; NULL where there are none */
    const char *runpath;
    const char **names; /* of the libraries that it needs */
    size_t count;
};

/* Everything lives in the arena. Returns false where the file is no whole shared object for this machine. */
bool elf_needs_read(const char *path, struct arena *arena, struct elf_needs *needs);

#endif
