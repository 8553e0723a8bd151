#include "base/shared_lock.h"

#include "base/clock.h"

#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* The word: who holds it, plus one, and two flags. */
enum {
    HOLDER_BITS = (1 << 25) - 1,
    BROKEN = 1 << 29,  /* nobody holds it, and who did has died */
    AWAITED = 1 << 30, /* somebody may be asleep until it is free */
    SPINS = 100,
    PATIENCE_US = 1000 * 1000,
    LONGEST_US = 5 * PATIENCE_US, /* whatever the turns say: they may be nonsense too */
    NAP_NS = 100 * 1000 * 1000,
};

/* How long one turn of somebody else's has been waited for. */
struct patience {
    uint32_t turns;
    uint64_t until_us;
    uint64_t last_us; /* 0: it has not begun */
};

static bool change(struct shared_lock *lock, uint32_t from, uint32_t to)
{
    return __atomic_compare_exchange_n(&lock->word, &from, to, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

static void count_turn(struct shared_lock *lock)
{
    __atomic_store_n(&lock->turns, __atomic_load_n(&lock->turns, __ATOMIC_RELAXED) + 1, __ATOMIC_RELAXED);
}

static void pause_briefly(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ __volatile__("yield");
#endif
}

static void sleep_while(struct shared_lock *lock, uint32_t word)
{
    const struct timespec most = {.tv_nsec = NAP_NS};
    syscall(SYS_futex, &lock->word, FUTEX_WAIT, word, &most, NULL, 0);
}

static void wake(struct shared_lock *lock, int count)
{
    syscall(SYS_futex, &lock->word, FUTEX_WAKE, count, NULL, NULL, 0);
}

static bool is_over(struct patience *patience, const struct shared_lock *lock)
{
    uint32_t turns = __atomic_load_n(&lock->turns, __ATOMIC_RELAXED);
    uint64_t now_us = clock_monotonic_us();
    if (patience->last_us == 0)
        *patience = (struct patience){.turns = turns + 1, .last_us = now_us + LONGEST_US};
    if (patience->turns != turns)
        patience->until_us = now_us + PATIENCE_US;
    patience->turns = turns;
    return now_us >= patience->until_us || now_us >= patience->last_us;
}

static bool is_nonsense(uint32_t word)
{
    return (word & ~(uint32_t)(HOLDER_BITS | BROKEN | AWAITED)) != 0 || (word & HOLDER_BITS) > SHARED_LOCK_MOST_HOLDERS;
}

static bool wait_for(struct shared_lock *lock, uint32_t own)
{
    struct patience patience = {0};
    for (int spins = 0;;) {
        uint32_t seen = __atomic_load_n(&lock->word, __ATOMIC_RELAXED);
        /* Who has slept cannot know whether others still do. */
        uint32_t wanted = spins > SPINS ? own | AWAITED : own | (seen & AWAITED);
        if ((seen & HOLDER_BITS) == 0 || is_nonsense(seen)) {
            if (change(lock, seen, wanted))
                return (seen & BROKEN) == 0 && !is_nonsense(seen);
        } else if (spins <= SPINS) {
            ++spins;
            pause_briefly();
        } else if ((seen & AWAITED) != 0 || change(lock, seen, seen | AWAITED)) {
            seen |= AWAITED;
            if (is_over(&patience, lock) && change(lock, seen, wanted))
                return false;
            sleep_while(lock, seen);
        }
    }
}

bool shared_lock_take(struct shared_lock *lock, uint32_t holder)
{
    uint32_t own = (holder + 1) & HOLDER_BITS;
    bool is_whole = change(lock, 0, own) || wait_for(lock, own);
    count_turn(lock);
    return is_whole;
}

/* Where it has been taken away in the meantime, it is another's and stays so. */
void shared_lock_release(struct shared_lock *lock, uint32_t holder)
{
    uint32_t own = (holder + 1) & HOLDER_BITS, seen = own;
    if (__atomic_compare_exchange_n(&lock->word, &seen, 0, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED))
        return;
    while ((seen & HOLDER_BITS) == own) {
        if (__atomic_compare_exchange_n(&lock->word, &seen, 0, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED)) {
            wake(lock, 1);
            return;
        }
    }
}

void shared_lock_bury(struct shared_lock *lock, uint32_t holder)
{
    uint32_t seen = __atomic_load_n(&lock->word, __ATOMIC_RELAXED);
    while ((seen & HOLDER_BITS) == ((holder + 1) & HOLDER_BITS)) {
        if (__atomic_compare_exchange_n(&lock->word, &seen, BROKEN, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
            wake(lock, INT_MAX);
            return;
        }
    }
}
