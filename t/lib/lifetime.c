/* Tells in the log when each of its uses is created and destroyed. */

#include <flexilib/filter.h>

#include <stdio.h>
#include <stdlib.h>

static const struct flexilib_option options[] = {
    {"name", FLEXILIB_OPTION_TEXT, .required = true, .summary = "how the log calls this use"},
};

struct lifetime {
    const struct flexilib_core *core;
    struct flexilib_text name;
};

static void tell(const struct lifetime *lifetime, const char *what)
{
    char line[128];
    int length = snprintf(line, sizeof(line), "%s %.*s", what, (int)lifetime->name.length, lifetime->name.data);
    lifetime->core->log(lifetime->core, NULL, FLEXILIB_INFO, line, (size_t)length);
}

static bool create(const struct flexilib_core *core, const struct flexilib_value *values, void **filter)
{
    struct lifetime *lifetime = malloc(sizeof(*lifetime));
    if (lifetime == NULL)
        return false;
    *lifetime = (struct lifetime){core, values[0].text};
    tell(lifetime, "created");
    *filter = lifetime;
    return true;
}

static void destroy(void *filter)
{
    tell(filter, "destroyed");
    free(filter);
}

static flexilib_answer on_request_head(void *filter, struct flexilib_exchange *exchange)
{
    return FLEXILIB_CONTINUE;
}

static const struct flexilib_filter filters[] = {
    {
        .name = "lifetime",
        .summary = "tells when it lives",
        .version = "1.0",
        .options = options,
        .option_count = 1,
        .create = create,
        .destroy = destroy,
        .on_request_head = on_request_head,
    },
};

FLEXILIB_LIBRARY(filters);
