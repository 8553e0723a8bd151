#ifndef FLEXILIB_COMMAND_FILTER_INFO_WORDS_H
#define FLEXILIB_COMMAND_FILTER_INFO_WORDS_H

/* What `flexilib filter info` calls the things of the contract. Names are for programs and never change; phrases are
 * for people. */

#include "flexilib/filter.h"

enum {
    FILTER_INFO_HOOKS = 7,
    FILTER_INFO_FLAGS = 4,
};

/* "list_of"; and "a list", as in "takes a list". */
const char *filter_info_type_name(flexilib_option_type type);
const char *filter_info_type_phrase(flexilib_option_type type);

/* The name of a hook, from 0 to FILTER_INFO_HOOKS - 1, or NULL where the filter does not have it. */
const char *filter_info_hook(const struct flexilib_filter *filter, int number);

/* Likewise for flags. */
const char *filter_info_flag(const struct flexilib_filter *filter, int number);

#endif
