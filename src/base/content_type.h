#ifndef FLEXILIB_BASE_CONTENT_TYPE_H
#define FLEXILIB_BASE_CONTENT_TYPE_H

/* What kind of content a file's name promises. */

#include "base/slice.h"

/* The media type for the name's ending, in any case; application/octet-stream where it is not known. */
struct slice content_type_find(struct slice name);

#endif
