#ifndef FLEXILIB_FILTER_EXTENSIONS_H
#define FLEXILIB_FILTER_EXTENSIONS_H

/* What core->extension finds, by its id. */

#include "filter/use.h"

/* The table of calls, NULL where there is none of that id, or none for a filter of that kind. */
const void *extension_find(const struct use *use, const char *id);

#endif
