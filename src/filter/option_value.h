#ifndef FLEXILIB_FILTER_OPTION_VALUE_H
#define FLEXILIB_FILTER_OPTION_VALUE_H

/* Turns what config/ has read into the values that a filter's create is given; a part of options.c. */

#include "filter/options.h"

struct option_builder {
    const struct option_scope *scope;
    struct arena *arena;
    struct options *options; /* gets the blocks and what has to be freed */
    struct error *error;
};

/* Gives the block its values, and notes it; so with those that are nested in it. block->values is all that is not yet
 * filled. Returns false and fills error. */
bool option_value_build_block(const struct option_builder *builder, struct option_block *block);

/* Frees the regular expressions among the values. */
void option_value_finish(struct options *options);

#endif
