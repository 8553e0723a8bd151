/* Never starts: it refuses the option that it is given, or itself where there is none. With `quiet` it does not even
 * say why. */

#include <flexilib/filter.h>

enum {
    OPTION_COLOR,
    OPTION_QUIET,
    OPTION_COUNT,
};

static const struct flexilib_option options[] = {
    [OPTION_COLOR] = {"color", FLEXILIB_OPTION_TEXT, .summary = "refused, whatever it is"},
    [OPTION_QUIET] = {"quiet", FLEXILIB_OPTION_BOOL, .fallback = "no", .summary = "refuses without a word"},
};

static bool create(const struct flexilib_core *core, const struct flexilib_value *values, void **filter)
{
    if (values[OPTION_QUIET].boolean && values[OPTION_COLOR].present)
        core->refuse(core, OPTION_COLOR, NULL, 0);
    else if (values[OPTION_QUIET].boolean)
        return false;
    else if (values[OPTION_COLOR].present)
        core->refuse(core, OPTION_COLOR, FLEXILIB_ARG("this color does not suit anybody"));
    else
        core->refuse(core, -1, FLEXILIB_ARG("it is not in the mood"));
    return false;
}

static const struct flexilib_filter filters[] = {
    {.name = "refuse", .options = options, .option_count = OPTION_COUNT, .create = create},
};

FLEXILIB_LIBRARY(filters);
