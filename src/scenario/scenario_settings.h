#ifndef FLEXILIB_SCENARIO_SCENARIO_SETTINGS_H
#define FLEXILIB_SCENARIO_SCENARIO_SETTINGS_H

/* Makes, of what a scenario says of its chain, the settings of a FlexiLib that has this one route. So everything that
 * can be written about filters in a configuration means the same here. */

#include "scenario/scenario.h"

/* Nodes as they stand in the file; NULL where they do not. */
struct scenario_setup {
    const struct node *libraries, *library_path, *upstreams, *filters, *handler, *handler_timeout, *create_timeout,
        *body_limit;
    const struct node *scenario; /* what messages without a better place point to */
};

struct scenario_settings_maker {
    struct source *source;
    struct arena *arena;
    struct error *error;
    const char *path; /* of the scenario file */
    const struct scenario_library *libraries;
    size_t library_count;
};

/* The settings belong to the caller, and live as long as arena and source do at most. Returns NULL and fills error. */
struct settings *scenario_settings_make(const struct scenario_settings_maker *maker,
                                        const struct scenario_setup *setup);

#endif
