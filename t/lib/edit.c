/* While its filter is created, edits files as a person could at that very moment: renames each of its option's files,
 * called NAME.next, to NAME. */

#include <flexilib/filter.h>

#include <stdio.h>

static const struct flexilib_option options[] = {
    {"files", FLEXILIB_OPTION_LIST, .required = true, .summary = "absolute paths without .next"},
};

static bool create(const struct flexilib_core *core, const struct flexilib_value *values, void **filter)
{
    for (size_t i = 0; i < values[0].count; ++i) {
        char next[4096], path[4096];
        snprintf(path, sizeof(path), "%.*s", (int)values[0].list[i].length, values[0].list[i].data);
        snprintf(next, sizeof(next), "%.*s.next", (int)values[0].list[i].length, values[0].list[i].data);
        rename(next, path);
    }
    return true;
}

static const struct flexilib_filter filters[] = {
    {.name = "edit", .options = options, .option_count = 1, .create = create},
};

FLEXILIB_LIBRARY(filters);
