#ifndef FLEXILIB_UPSTREAM_RETRY_BUDGET_H
#define FLEXILIB_UPSTREAM_RETRY_BUDGET_H

/* How many retries an upstream gets in one worker: a share of its requests of the last ten seconds, so that servers
 * which fail under load are not given a multiple of it. A few are free, or an upstream with little to do would have
 * none at all, and a server that is killed loses all its requests at once. Knows no clock: times are handed in. Zero
 * bytes are a budget of which nothing was spent. */

#include <stdbool.h>
#include <stdint.h>

enum {
    RETRY_BUDGET_SECONDS = 10,
    RETRY_BUDGET_FREE = 30, /* in that time */
};

struct retry_budget {
    uint64_t second; /* that the newest counts are of */
    uint32_t requests[RETRY_BUDGET_SECONDS], retries[RETRY_BUDGET_SECONDS];
};

/* Counts a request, though not its retries. */
void retry_budget_earn(struct retry_budget *budget, uint64_t now_ms);

/* Counts a retry where there may be one more, or else returns false. percent is the share; 0: none, not even a few. */
bool retry_budget_spend(struct retry_budget *budget, uint32_t percent, uint64_t now_ms);

#endif
