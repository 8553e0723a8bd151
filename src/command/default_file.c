#include "command/default_file.h"

#include <stdlib.h>
#include <unistd.h>

const char *default_file_find(struct error *error)
{
    static const char *const files[] = {"flexilib.yaml", "proxy.ini", "/etc/flexilib/flexilib.yaml"};
    const char *named = getenv("FLEXILIB_CONFIG");
    if (named != NULL && named[0] != '\0')
        return named;
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); ++i) {
        if (access(files[i], F_OK) == 0)
            return files[i];
    }
    error_set(error, "no configuration: $FLEXILIB_CONFIG is not set, and there is no ./flexilib.yaml, no ./proxy.ini "
                     "and no /etc/flexilib/flexilib.yaml (-c FILE names one)");
    return NULL;
}
