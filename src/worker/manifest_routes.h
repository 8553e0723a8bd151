#ifndef FLEXILIB_WORKER_MANIFEST_ROUTES_H
#define FLEXILIB_WORKER_MANIFEST_ROUTES_H

/* The part of a manifest that comes from the configuration itself: a line for each key at its top, and for each route.
 * Digests are those of what is written, with variables put in, so comments and layout make no difference. */

#include "base/text.h"
#include "config/settings.h"

/* Adds the lines. Of routes there are only so many as find room in limit_bytes; is_cut says whether that was so. */
void manifest_add_settings(const struct settings *settings, struct text *out);
void manifest_add_routes(const struct settings *settings, size_t limit_bytes, struct text *out, bool *is_cut);

#endif
