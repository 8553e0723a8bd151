#ifndef FLEXILIB_FILTER_OPTIONS_H
#define FLEXILIB_FILTER_OPTIONS_H

/* A filter's option table as config/ checks it, and the values as the filter receives them. */

#include "config/settings.h"
#include "flexilib/filter.h"

struct options {
    struct field_value *fields;          /* as many as the filter has options: for the places */
    const struct flexilib_value *values; /* what create is given: value_size bytes apart */
};

/* Reads the options that a step gives to the filter. Everything lives in the arena and the source. Returns false and
 * fills error with the place. */
bool options_read(const struct flexilib_filter *filter, size_t value_size, const struct step_settings *step,
                  struct source *source, struct arena *arena, struct options *options, struct error *error);

#endif
