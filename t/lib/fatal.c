/* Ends the process while its filter is created: by a signal, by one of the ways to exit, or never; or by a signal while
 * it is destroyed. Or has what tells of it closed, or a child that comes back. */

#include <flexilib/filter.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct flexilib_option options[] = {
    {"how", FLEXILIB_OPTION_TEXT, .required = true,
     .summary = "crash, abort, exit, quit, end, hang, late, close or fork"},
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
    if (is(&values[0], "abort"))
        abort();
    if (is(&values[0], "quit"))
        _exit(1);
    if (is(&values[0], "end"))
        exit(0);
    while (is(&values[0], "hang"))
        pause();
    if (is(&values[0], "fork"))
        fork();
    for (int i = 0; i < 100 && is(&values[0], "close"); ++i)
        close(i);
    *filter = is(&values[0], "late") ? (void *)values : NULL;
    return true;
}

static void destroy(void *filter)
{
    if (filter != NULL)
        raise(SIGSEGV);
}

static const struct flexilib_filter filters[] = {
    {.name = "fatal", .options = options, .option_count = 1, .create = create, .destroy = destroy},
};

FLEXILIB_LIBRARY(filters);
