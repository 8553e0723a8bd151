#ifndef FLEXILIB_UPSTREAM_COOKIE_REWRITE_H
#define FLEXILIB_UPSTREAM_COOKIE_REWRITE_H

/* Domain and Path of a cookie that a server sets (RFC 6265 section 4.1), as the client has to see them. */

#include "base/arena.h"
#include "config/settings.h"

/* Gives the value of a Set-Cookie field with its Domain and Path replaced as forward says; all else stays byte by byte.
 * The value itself where nothing is to be replaced, else in the arena. */
struct slice cookie_rewrite(struct slice value, const struct forward_settings *forward, struct arena *arena);

#endif
