#ifndef FLEXILIB_BASE_SHARED_LOCK_H
#define FLEXILIB_BASE_SHARED_LOCK_H

/* A lock in memory that several processes share, for sections of microseconds. It survives the death of its holder: the
 * supervisor, which buries workers, breaks the locks that they held, and whoever comes next is told. Any thread.
 *
 * The C library's robust mutexes would do the same, but they keep pointers in the shared memory and follow them, so
 * that whoever can write there could write anywhere in other processes. Here is nothing but numbers. A lock that holds
 * nonsense is free, and one that nobody lets go for a second, though it should have been microseconds, is taken by
 * force: its holder has been stopped, or is nobody. So what it guards must do no harm whatever stands in it. */

#include <stdbool.h>
#include <stdint.h>

enum {
    SHARED_LOCK_MOST_HOLDERS = 1 << 24,
};

/* All zero is a lock that nobody holds. */
struct shared_lock {
    uint32_t word;
    uint32_t turns; /* how often it was taken */
};

/* Waits for the lock; holder is a number below SHARED_LOCK_MOST_HOLDERS that no other process has. Returns false where
 * the last holder has not let it go: what it was changing may be half done. */
bool shared_lock_take(struct shared_lock *lock, uint32_t holder) __attribute__((warn_unused_result));
void shared_lock_release(struct shared_lock *lock, uint32_t holder);

/* Breaks the lock where that holder, which is dead, has it. */
void shared_lock_bury(struct shared_lock *lock, uint32_t holder);

#endif
