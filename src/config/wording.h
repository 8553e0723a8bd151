#ifndef FLEXILIB_CONFIG_WORDING_H
#define FLEXILIB_CONFIG_WORDING_H

/* Values as messages show them. Results live in the arena and end with a NUL. */

#include "base/arena.h"

/* The text without control characters, cut where it is long. */
const char *wording_quote(struct arena *arena, struct slice text);

/* What is to be said of an absolute path that a '~' was written in front of, or an empty text. */
const char *wording_home_hint(const char *path);

/* "250ms", "30s", "5m": the largest unit in which the number is whole. */
const char *wording_duration(struct arena *arena, int64_t duration_ms);

/* "512", "64KB", "16MB". */
const char *wording_size(struct arena *arena, int64_t size_bytes);

#endif
