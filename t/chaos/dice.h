#ifndef T_CHAOS_DICE_H
#define T_CHAOS_DICE_H

/* Chance that can be repeated. Everything that is thrown for a request comes from the seed of the run, the request's
 * number, and who throws; so a request has the same bad luck again, whatever else goes on beside it. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dice {
    uint64_t state;
};

enum {
    WHO_CLIENT = 1,
    WHO_BACKEND,
    WHO_CONNECTION,
    WHO_FETCHED,
    WHO_FILTER, /* and the numbers from here on */
};

static inline uint64_t dice_mix(uint64_t value)
{
    value ^= value >> 30;
    value *= UINT64_C(0xbf58476d1ce4e5b9);
    value ^= value >> 27;
    value *= UINT64_C(0x94d049bb133111eb);
    return value ^ value >> 31;
}

static inline struct dice dice_for(uint64_t seed, uint64_t number, uint64_t who)
{
    return (struct dice){dice_mix(seed + dice_mix(number + dice_mix(who)))};
}

static inline unsigned roll(struct dice *dice, unsigned sides)
{
    dice->state += UINT64_C(0x9e3779b97f4a7c15);
    return (unsigned)(dice_mix(dice->state) >> 33) % sides;
}

static inline bool has_luck(struct dice *dice, unsigned percent)
{
    return roll(dice, 100) < percent;
}

/* Mostly short lengths, now and then some that fill buffers. */
static inline size_t roll_length(struct dice *dice)
{
    switch (roll(dice, 8)) {
    case 0:
        return 0;
    case 1:
        return roll(dice, 200000);
    case 2:
        return roll(dice, 20000);
    default:
        return roll(dice, 300);
    }
}

/* What every byte of a body is, of that request's and of its response's, whoever makes it. */
static inline char letter_of(uint64_t number)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    return letters[dice_mix(number) % 64];
}

#endif
