#ifndef FLEXILIB_FILTER_READINESS_H
#define FLEXILIB_FILTER_READINESS_H

/* Which filters have something to do yet before requests can be served, as core->defer_ready and set_ready say. The
 * wait is the worker's, see runtime_ready. */

#include "base/error.h"
#include "base/slice.h"
#include "filter/runtime.h"

#include <stddef.h>

struct use;

/* Of a use: guarded by the runtime's mutex. */
struct readiness {
    struct use *next; /* in the order of the calls to defer_ready */
    struct place place;
    bool is_deferred; /* it stands in the runtime's list */
    bool is_settled;
    char *failure; /* what set_ready said, or NULL */
};

/* Whether that use can serve requests: as runtime_ready, for it alone. */
enum runtime_readiness use_readiness(struct use *use, struct error *error);

/* What set_ready has said is wrong, NULL while nothing is. */
const char *use_readiness_failure(const struct use *use);

/* Nobody waits for the use any more. */
void readiness_finish(struct use *use);

#endif
