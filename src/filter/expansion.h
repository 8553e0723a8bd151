#ifndef FLEXILIB_FILTER_EXPANSION_H
#define FLEXILIB_FILTER_EXPANSION_H

/* What templates say for an exchange. A value is where it stands, or made in the arena that is given; nothing else is
 * allocated. No value holds a control character but a tab, whatever clients, servers and filters have sent: what stands
 * between the placeholders is the operator's.
 *
 * Values are those of now: in the hooks of a request there is no status yet. How long things took is known to the
 * access log alone. */

#include "config/template.h"
#include "filter/exchange.h"

/* Microseconds from the request's first byte; 0: nothing was sent. */
struct expansion_times {
    uint64_t first_byte_us, last_byte_us;
};

struct expansion {
    struct exchange *exchange;
    struct arena *arena;
    const struct expansion_times *times; /* NULL: not known */
    struct slice time;                   /* as {time} shows it; empty: made when it is asked for */
};

/* What a placeholder stands for, or what the template has in its place where that is empty. */
struct slice expansion_value(const struct expansion *expansion, const struct template_part *part);

/* All of it in one text. */
struct slice expansion_text(const struct expansion *expansion, const struct template *template);

#endif
