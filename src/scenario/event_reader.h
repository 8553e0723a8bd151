#ifndef FLEXILIB_SCENARIO_EVENT_READER_H
#define FLEXILIB_SCENARIO_EVENT_READER_H

/* Reads one event of a scenario: a mapping whose first key says who does what, with details behind it, or that key
 * alone. */

#include "scenario/scenario.h"

struct event_reader {
    struct source *source;
    struct arena *arena;
    struct error *error;
    const struct settings *settings; /* whose upstreams may take part */
    bool has_handler;                /* then nothing is forwarded, and nobody is "upstream" */
};

/* Returns false and fills error. */
bool event_read(const struct event_reader *reader, const struct node *node, struct event *event);

#endif
