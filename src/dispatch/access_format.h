#ifndef FLEXILIB_DISPATCH_ACCESS_FORMAT_H
#define FLEXILIB_DISPATCH_ACCESS_FORMAT_H

/* Lines of the access log as the settings have them: a template, or a JSON object whose values are templates. In a
 * template's line what is not there is `-`, and values are escaped as access_line.h does it. In an object, a value that
 * is one placeholder alone is null where it is not there, and a number where it counts or measures something; all
 * others are strings, in UTF-8 whatever clients send: a byte that is none becomes the character of that number.
 *
 * A line is shorter than 4,096 bytes: where it would be longer, its longest values are cut, and `...` stands at their
 * ends. */

#include "base/text.h"
#include "filter/expansion.h"

struct access_format;

/* settings may be NULL, and must outlive the result. Returns NULL where they want the usual line. */
struct access_format *access_format_create(const struct access_log_settings *settings);

/* NULL is fine. */
void access_format_destroy(struct access_format *format);

/* Adds the exchange's line, with its end. time is what {time} says. */
void access_format_add(struct access_format *format, struct text *out, struct slice time, struct exchange *exchange,
                       const struct expansion_times *times);

#endif
