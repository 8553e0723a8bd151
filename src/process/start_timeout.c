#include "process/start_timeout.h"

#include "base/units.h"
#include "process/console.h"

#include <stdlib.h>

enum {
    USUAL_MS = 30 * 1000,
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    USUAL_CALL_MS = USUAL_MS,
#else
    USUAL_CALL_MS = 5 * 1000,
#endif
};

static int64_t read_variable(int64_t usual_ms, bool tells)
{
    const char *value = getenv("FLEXILIB_START_TIMEOUT");
    int64_t timeout_ms;
    if (value == NULL)
        return usual_ms;
    if (units_parse_duration_ms(slice_from_text(value), &timeout_ms) && timeout_ms > 0)
        return timeout_ms;
    if (tells)
        console_log(LOG_LEVEL_WARNING, "FLEXILIB_START_TIMEOUT: '%s' is no duration such as 30s", value);
    return usual_ms;
}

int64_t start_timeout_ms(void)
{
    return read_variable(USUAL_MS, true);
}

int64_t call_timeout_ms(void)
{
    return read_variable(USUAL_CALL_MS, false);
}
