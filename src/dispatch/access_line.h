#ifndef FLEXILIB_DISPATCH_ACCESS_LINE_H
#define FLEXILIB_DISPATCH_ACCESS_LINE_H

/* The access log's usual line, for which nothing has to be configured (access_log.h shows it). */

#include "base/text.h"
#include "filter/expansion.h"

/* Adds the line that the original writes, with its end. */
void access_line_add_original(struct text *out, const struct exchange *exchange, const struct expansion_times *times);

/* Adds ours: the time and the request's id in front of that, and what has become of a forwarded request behind it. */
void access_line_add(struct text *out, struct slice time, const struct exchange *exchange,
                     const struct expansion_times *times);

/* Adds what clients and servers have sent so that it stays within its line and its quotes: as \xHH what is no printable
 * ASCII, or a quote or a backslash. It is cut where it would be longer than most_bytes, then `...` stands behind it. */
void access_line_add_escaped(struct text *out, struct slice raw, size_t most_bytes);

#endif
