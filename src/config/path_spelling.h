#ifndef FLEXILIB_CONFIG_PATH_SPELLING_H
#define FLEXILIB_CONFIG_PATH_SPELLING_H

/* The one spelling of a path that requests are matched in, for telling people whose pattern has another one. What makes
 * requests canonical is plan/path.h, which is above this layer; the tests hold the two together. */

#include "base/arena.h"

/* Gives the canonical spelling of a path that begins with "/". An incomplete one may be followed by more, so that its
 * last segment stays as it is. Returns NULL, or what is wrong with the path where no spelling helps. */
const char *path_spelling(struct slice path, bool is_incomplete, struct arena *arena, struct slice *spelling);

#endif
