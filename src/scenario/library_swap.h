#ifndef FLEXILIB_SCENARIO_LIBRARY_SWAP_H
#define FLEXILIB_SCENARIO_LIBRARY_SWAP_H

/* Puts other libraries in the place of those that a scenario file names by their paths, so that one file can try what
 * several languages or builds have made of the same thing. */

#include "scenario/scenario.h"

struct library_swap {
    struct arena *arena;
    struct error *error;
    const char *path; /* of the scenario file, for messages */
    const struct scenario_library *libraries;
    size_t library_count;
};

/* Changes the nodes of the tree that hold paths. Returns false and fills error where one of the libraries has no place
 * to take, or it is not clear which. */
bool library_swap_apply(const struct library_swap *swap, const struct node *root);

#endif
