#include "upstream/retry_budget.h"

#include <string.h>

static uint32_t *find_slot(uint32_t *counts, uint64_t second)
{
    return &counts[second % RETRY_BUDGET_SECONDS];
}

/* Forgets what is older than the window. */
static void move_on(struct retry_budget *budget, uint64_t now_ms)
{
    uint64_t second = now_ms / 1000;
    if (second <= budget->second)
        return;
    if (second - budget->second >= RETRY_BUDGET_SECONDS) {
        *budget = (struct retry_budget){0};
    } else {
        for (uint64_t i = budget->second + 1; i <= second; ++i)
            *find_slot(budget->requests, i) = *find_slot(budget->retries, i) = 0;
    }
    budget->second = second;
}

static uint64_t add_up(const uint32_t *counts)
{
    uint64_t sum = 0;
    for (int i = 0; i < RETRY_BUDGET_SECONDS; ++i)
        sum += counts[i];
    return sum;
}

void retry_budget_earn(struct retry_budget *budget, uint64_t now_ms)
{
    move_on(budget, now_ms);
    ++*find_slot(budget->requests, budget->second);
}

bool retry_budget_spend(struct retry_budget *budget, uint32_t percent, uint64_t now_ms)
{
    move_on(budget, now_ms);
    uint64_t retries = add_up(budget->retries) + 1;
    if (percent == 0 || (retries > RETRY_BUDGET_FREE && retries * 100 > add_up(budget->requests) * percent))
        return false;
    ++*find_slot(budget->retries, budget->second);
    return true;
}
