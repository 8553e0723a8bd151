#include "base/ticket_keys.h"

#include <string.h>

enum {
    MOST_TRIES = 1000,
};

void ticket_keys_rotate(struct ticket_keys *keys, const struct ticket_key *fresh)
{
    __atomic_store_n(&keys->sequence, keys->sequence + 1, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    memmove(&keys->items[1], &keys->items[0], sizeof(keys->items) - sizeof(keys->items[0]));
    keys->items[0] = *fresh;
    __atomic_store_n(&keys->sequence, keys->sequence + 1, __ATOMIC_RELEASE);
}

bool ticket_keys_copy(const struct ticket_keys *keys, struct ticket_key copy[TICKET_KEYS_COUNT])
{
    for (int i = 0; i < MOST_TRIES; ++i) {
        uint32_t before = __atomic_load_n(&keys->sequence, __ATOMIC_ACQUIRE);
        memcpy(copy, keys->items, sizeof(keys->items));
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
        if (before % 2 == 0 && before == __atomic_load_n(&keys->sequence, __ATOMIC_RELAXED))
            return true;
    }
    return false;
}
