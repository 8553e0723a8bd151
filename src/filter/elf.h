#ifndef FLEXILIB_FILTER_ELF_H
#define FLEXILIB_FILTER_ELF_H

/* A look at a file before it is handed to dlopen, which crashes the process on a file that is cut short and has no good
 * words for one that was built for another machine. */

#include "base/error.h"

/* Checks that the file at load_path is a whole shared object for this machine. Messages call it by path. Returns false
 * and fills error with what was found and what is needed. */
bool elf_check(const char *load_path, const char *path, struct error *error);

#endif
