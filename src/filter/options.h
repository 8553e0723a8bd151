#ifndef FLEXILIB_FILTER_OPTIONS_H
#define FLEXILIB_FILTER_OPTIONS_H

/* A filter's option table as config/ checks it, and the values as the filter receives them: config/ knows texts,
 * numbers and what nests them; what is compiled, or refers to other parts of the configuration, is made here. */

#include "config/settings.h"
#include "flexilib/filter.h"

/* What options may refer to. */
struct option_scope {
    struct source *source;           /* files */
    const struct settings *settings; /* upstreams; NULL: any name will do for one */
};

/* What stands side by side: the options of a filter or of a table within, or the items of a list or a mapping. */
struct option_block {
    const struct flexilib_value *values;   /* count of them, as far apart as the library was built */
    const struct field_value *fields;      /* where each stands in the file */
    const struct flexilib_option *options; /* count of them, or one for all in a list or a mapping */
    size_t count;
    flexilib_option_type type; /* TABLE, LIST_OF or MAP_OF; 0 for the filter's own options */
    const char *holder;        /* the name of the option it is in */
    const struct option_block *next;
};

struct options {
    const struct flexilib_value *values; /* what create is given */
    size_t value_size;
    const struct option_block *blocks; /* the newest first: the filter's own options come last */
    struct option_regex *regexes;
};

/* Whether an option may have this type. */
bool options_know_type(flexilib_option_type type);

/* Whether one of them, or one nested in them, is a secret. */
bool options_have_secret(const struct flexilib_option *options, size_t count);

/* Reads the options that a step gives to the filter. Everything lives in the arena and the source, but for what
 * options_finish frees, also where this has failed. Returns false and fills error with the place. */
bool options_read(const struct flexilib_filter *filter, size_t value_size, const struct step_settings *step,
                  const struct option_scope *scope, struct arena *arena, struct options *options, struct error *error);

void options_finish(struct options *options);

/* Where a value stands that create was given, nested ones too, and what messages call it: "option 'color'". The name
 * lives in the arena. Returns false where the value is none of these. */
bool options_locate(const struct options *options, const struct flexilib_value *value, struct arena *arena,
                    struct place *place, const char **name);

#endif
