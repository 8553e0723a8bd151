#ifndef FLEXILIB_COMMAND_FILTER_INFO_JSON_H
#define FLEXILIB_COMMAND_FILTER_INFO_JSON_H

/* What a library offers, as JSON. The only place that knows jansson. */

#include "base/text.h"

struct library;

void filter_info_json(const char *path, const struct library *library, struct text *out);

#endif
