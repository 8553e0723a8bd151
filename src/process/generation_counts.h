#ifndef FLEXILIB_PROCESS_GENERATION_COUNTS_H
#define FLEXILIB_PROCESS_GENERATION_COUNTS_H

/* What a generation's workers have under way, as they say themselves in their slots: nothing that the supervisor could
 * rely on, but good enough to be shown, and to judge by who still works. */

#include "process/generation.h"

struct generation_counts {
    unsigned workers; /* that live */
    uint64_t requests;
    uint64_t tunnels;
    uint64_t connections; /* those with a request or a tunnel included */
};

struct generation_counts generation_count(const struct generation *generation);

/* Adds why it has not drained yet: "2 requests, 1 tunnel, 3 idle connections". */
void generation_counts_explain(const struct generation_counts *counts, struct text *out);

#endif
