#ifndef T_UNIT_FILTER_DICE_H
#define T_UNIT_FILTER_DICE_H

/* Chance that can be repeated: rounds of a test that are numbered, each with numbers of its own. FLEXILIB_TEST_SEED
 * repeats a round that failed, and shows its log and what was done. */

#include "fake.h"

static uint64_t random_state;
static uint64_t running_round; /* 0 when all are through */

static inline unsigned roll(unsigned sides)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (unsigned)(random_state >> 33) % sides;
}

static inline void run_rounds(uint64_t count, void (*run_round)(void))
{
    const char *seed = getenv("FLEXILIB_TEST_SEED");
    /* the log of thirty thousand misbehaving filters is of no use to anybody */
    int saved = dup(STDERR_FILENO);
    FILE *nowhere = fopen("/dev/null", "w");
    if (seed == NULL)
        dup2(fileno(nowhere), STDERR_FILENO);
    for (uint64_t round = 1; round <= count; ++round) {
        running_round = seed != NULL ? strtoull(seed, NULL, 10) : round;
        random_state = running_round * UINT64_C(0x9e3779b97f4a7c15);
        run_round();
        if (seed != NULL)
            break;
    }
    running_round = 0;
    dup2(saved, STDERR_FILENO);
    close(saved);
    fclose(nowhere);
}

static inline void tell_trace(const struct world *world)
{
    if (getenv("FLEXILIB_TEST_SEED") != NULL)
        print_message("%s\n", world->trace.data);
}

static inline int tell_round(void **state)
{
    if (running_round != 0)
        print_message("it failed with FLEXILIB_TEST_SEED=%llu\n", (unsigned long long)running_round);
    return 0;
}

#endif
