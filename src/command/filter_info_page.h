#ifndef FLEXILIB_COMMAND_FILTER_INFO_PAGE_H
#define FLEXILIB_COMMAND_FILTER_INFO_PAGE_H

/* What a library offers, as a page for people. */

#include "base/text.h"

struct library;

void filter_info_page(const char *path, const struct library *library, struct text *out);

#endif
