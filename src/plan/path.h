#ifndef FLEXILIB_PLAN_PATH_H
#define FLEXILIB_PLAN_PATH_H

/* The one canonical form of a request's path. It is what routes match and what is forwarded, so that no spelling can
 * match one rule here and another thing behind us.
 *
 * A reserved character and its escape are different paths (RFC 3986 section 2.2): "/a;b" and "/a%3Bb" both stay as they
 * are, and so do parameters behind a segment: "..;" is a segment of its own, not "..". An upstream that drops
 * parameters before it resolves dots (Tomcat does) needs a rule for them. */

#include "base/arena.h"

enum path_result {
    PATH_OK = 0,
    PATH_BAD, /* answer 400: a broken escape, %00, a control or 8-bit byte, blank, "#", "\" or no "/" in front */
};

/* Turns raw (the part of an origin-form target before "?") into canonical form: escapes of unreserved characters are
 * decoded, the hexadecimal digits of the others are upper case, characters that a path may not hold but browsers send
 * (such as "|" and "{") are escaped, "//" becomes "/", "." and ".." segments are removed (never above the root),
 * escaped dots count as dots (RFC 3986 section 6.2.2); %2F and %5C stay escaped. *canonical is raw itself where nothing
 * had to change, else in the arena. */
enum path_result path_canonicalize(struct slice raw, struct arena *arena, struct slice *canonical);

#endif
