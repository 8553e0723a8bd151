/* Ends the process while its filter is created: by a signal, by exit, or never. */

#include <flexilib/filter.h>

#include <signal.h>
#include <string.h>
#include <unistd.h>

static const struct flexilib_option options[] = {
    {"how", FLEXILIB_OPTION_TEXT, .required = true, .summary = "crash, exit or hang"},
};

static bool is(const struct flexilib_value *value, const char *word)
{
    return value->text.length == strlen(word) && memcmp(value->text.data, word, value->text.length) == 0;
}

static bool create(const struct flexilib_core *core, const struct flexilib_value *values, void **filter)
{
    if (is(&values[0], "crash"))
        raise(SIGSEGV);
    if (is(&values[0], "exit"))
        _exit(3);
    while (is(&values[0], "hang"))
        pause();
    return true;
}

static const struct flexilib_filter filters[] = {
    {.name = "fatal", .options = options, .option_count = 1, .create = create},
};

FLEXILIB_LIBRARY(filters);
