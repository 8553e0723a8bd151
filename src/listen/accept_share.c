#include "listen/accept_share.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

enum {
    SLACK = 2,               /* connections above the average that do not matter */
    STUCK_AFTER = 20,        /* questions, through which a sibling's loop stood still */
    REFUSALS_MOST = 50,      /* in a row, whatever the siblings say */
    ROW_MS = 100,            /* between questions of a row; without one waiting, nobody asks */
    SIBLINGS_KNOWN_MS = 500, /* until they are looked for again: crashed ones are replaced */
    GAP_MOST = 64,           /* slots in a row that are taken and not claimed yet */
};

struct sibling {
    size_t number;
    uint32_t turns;
    uint32_t unmoved; /* questions since its turns have changed */
};

struct accept_share {
    const struct slot *slots;
    size_t slot_count;
    size_t number;
    struct sibling *siblings; /* by number */
    size_t sibling_count, sibling_capacity;
    uint64_t known_until_ms;
    uint64_t refused_ms;
    uint32_t refusals;
};

struct accept_share *accept_share_create(const struct slot *slots, size_t count, size_t number)
{
    struct accept_share *share = mem_alloc(sizeof(*share));
    *share = (struct accept_share){.slots = slots, .slot_count = count, .number = number};
    return share;
}

void accept_share_destroy(struct accept_share *share)
{
    if (share == NULL)
        return;
    free(share->siblings);
    free(share);
}

static uint32_t read_number(const uint32_t *number)
{
    return __atomic_load_n(number, __ATOMIC_RELAXED);
}

static bool is_sibling(const struct accept_share *share, const struct slot *slot)
{
    return read_number(&slot->magic) == SLOT_MAGIC &&
           read_number(&slot->generation) == share->slots[share->number].generation;
}

/* Keeps what is known of those that are known already. */
static void find_siblings(struct accept_share *share)
{
    struct sibling *old = share->siblings;
    size_t old_count = share->sibling_count, next_old = 0, gap = 0;
    share->siblings = NULL;
    share->sibling_count = share->sibling_capacity = 0;
    for (size_t number = 0; number < share->slot_count && gap < GAP_MOST; ++number) {
        const struct slot *slot = &share->slots[number];
        gap = read_number(&slot->magic) == SLOT_MAGIC ? 0 : gap + 1;
        if (number == share->number || !is_sibling(share, slot))
            continue;
        share->siblings =
            mem_grow(share->siblings, share->sibling_count, &share->sibling_capacity, sizeof(struct sibling));
        while (next_old < old_count && old[next_old].number < number)
            ++next_old;
        share->siblings[share->sibling_count++] = next_old < old_count && old[next_old].number == number
                                                      ? old[next_old]
                                                      : (struct sibling){number, read_number(&slot->turns), 0};
    }
    free(old);
}

static bool is_counted(const struct accept_share *share, const struct sibling *sibling)
{
    const struct slot *slot = &share->slots[sibling->number];
    bool is_stuck = sibling->unmoved >= STUCK_AFTER && read_number(&slot->turns) == sibling->turns;
    return is_sibling(share, slot) && read_number(&slot->is_accepting) == 1 && !is_stuck;
}

static bool is_above_average(const struct accept_share *share, uint64_t own)
{
    uint64_t total = own, count = 1;
    for (size_t i = 0; i < share->sibling_count; ++i) {
        if (!is_counted(share, &share->siblings[i]))
            continue;
        total += read_number(&share->slots[share->siblings[i].number].connections);
        ++count;
    }
    uint64_t eighth = total / 8, least = SLACK * count;
    return count > 1 && own * count > total + (eighth > least ? eighth : least);
}

static void watch_sibling(const struct accept_share *share, struct sibling *sibling, bool begins_anew)
{
    uint32_t turns = read_number(&share->slots[sibling->number].turns);
    bool was_stuck = sibling->unmoved >= STUCK_AFTER;
    if (turns != sibling->turns || (begins_anew && !was_stuck))
        sibling->unmoved = 0;
    else if (!was_stuck)
        ++sibling->unmoved;
    sibling->turns = turns;
}

bool accept_share_allows(struct accept_share *share, uint64_t now_ms)
{
    uint32_t own = read_number(&share->slots[share->number].connections);
    if (own <= SLACK)
        return true;
    if (now_ms >= share->known_until_ms) {
        find_siblings(share);
        share->known_until_ms = now_ms + SIBLINGS_KNOWN_MS;
    }
    if (!is_above_average(share, own)) {
        share->refusals = 0;
        return true;
    }
    bool begins_anew = share->refusals == 0 || now_ms > share->refused_ms + ROW_MS;
    for (size_t i = 0; i < share->sibling_count; ++i)
        watch_sibling(share, &share->siblings[i], begins_anew);
    share->refused_ms = now_ms;
    share->refusals = begins_anew ? 1 : share->refusals + 1;
    if (share->refusals < REFUSALS_MOST)
        return false;
    share->refusals = 0;
    return true;
}
