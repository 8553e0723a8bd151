#ifndef FLEXILIB_BASE_ELF_H
#define FLEXILIB_BASE_ELF_H

/* A look at a file before it is handed to dlopen, which crashes the process on a file that is cut short and has no good
 * words for one that was built for another machine. */

#include "base/error.h"

/* Checks that the file at load_path is a whole shared object for this machine. Messages call it by path. Returns false
 * and fills error with what was found and what is needed. */
bool elf_check(const char *load_path, const char *path, struct error *error);

/* Whether the file begins like a shared object, or is empty, and less is there than its tables name: somebody is still
 * writing it, or was interrupted. */
bool elf_is_cut_short(int fd);

/* False for an object that is for another machine: such are passed over where libraries are looked for. */
bool elf_is_for_us(const char *path);

#endif
