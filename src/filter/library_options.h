#ifndef FLEXILIB_FILTER_LIBRARY_OPTIONS_H
#define FLEXILIB_FILTER_LIBRARY_OPTIONS_H

/* The option tables of a library's filters, nested ones too, checked and brought into the shape of today's contract; a
 * part of library_entry.c. */

#include "base/arena.h"
#include "base/error.h"
#include "flexilib/filter.h"

struct library_options_reader {
    const char *path;
    const char *filter;             /* whose options they are */
    size_t option_size, value_size; /* the library's own steps from one item to the next */
    size_t option_count;            /* read so far */
    struct arena *arena;
    struct error *error;
};

/* Replaces the filter's table by a checked copy. Returns false and fills the reader's error. */
bool library_options_read(struct library_options_reader *reader, struct flexilib_filter *filter);

#endif
