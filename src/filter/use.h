#ifndef FLEXILIB_FILTER_USE_H
#define FLEXILIB_FILTER_USE_H

/* The inside of a use, for the files of filter/ that call its hooks. */

#include "base/slot.h"
#include "filter/chain.h"
#include "filter/options.h"

/* What a create that is running may still need. */
struct use_creation {
    struct place place;
    struct field_value *fields;
    struct error *error;
};

struct use {
    struct flexilib_core core; /* at the front: a core call finds its use by it */
    struct runtime *runtime;
    const struct flexilib_filter *filter;
    void *data; /* what create gave */
    struct slice name;
    enum error_policy on_error;
    bool is_created;
    const struct use_creation *creation; /* NULL outside of create */
    char slot_name[SLOT_FILTER_BYTES];   /* the name in the slot's shape: one copy of known size per hook call */
    struct arena arena;
};

static inline const struct use *use_of_core(const struct flexilib_core *core)
{
    return (const struct use *)core;
}

/* The table that every use gets a copy of. */
extern const struct flexilib_core core_table;

#endif
