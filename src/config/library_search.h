#ifndef FLEXILIB_CONFIG_LIBRARY_SEARCH_H
#define FLEXILIB_CONFIG_LIBRARY_SEARCH_H

/* Where the dynamic linker finds the libraries that a library needs, by the same rules: DT_RPATH of the library and of
 * those it is loaded for, LD_LIBRARY_PATH, DT_RUNPATH, then the system's folders. Used to copy what is not the
 * system's, and to say where something that is missing was looked for. */

#include "base/elf_needs.h"
#include "base/text.h"

struct library_object {
    const struct library_object *loader; /* which needs it; NULL for the first */
    const char *path;                    /* by which it is loaded; absolute */
    struct elf_needs needs;
};

enum library_origin {
    LIBRARY_MISSING = 0, /* in none of those folders: the system's, or nobody's */
    LIBRARY_OF_SYSTEM,   /* in one of the folders, but that is one of the system's */
    LIBRARY_BESIDE,      /* relative to the library that needs it ($ORIGIN) */
    LIBRARY_ELSEWHERE,   /* at a place that does not depend on where the library stands */
};

struct library_found {
    enum library_origin origin;
    const char *path; /* where it stands: absolute, may have ".." in it */
};

/* Finds the library that an object needs by a name without a slash. on_miss, where not NULL, is called with each path
 * at which there is none. The result lives in the arena. */
struct library_found library_search_find(struct arena *arena, const struct library_object *object, const char *name,
                                         void (*on_miss)(void *data, const char *path), void *data);

/* Adds to out who of a library at that path, and of those it needs, needs the name, and where that is looked for:
 * " ('/a/b.so' needs it; looked for in '/a' and the system's folders)". Adds nothing where nobody does. */
void library_search_explain(const char *path, const char *name, struct text *out);

#endif
