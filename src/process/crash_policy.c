#include "process/crash_policy.h"

#include "base/alloc.h"

#include <stdlib.h>

enum {
    MOST_REFUSED = 256,  /* the oldest are forgotten */
    MOST_GOING_ON = 256, /* further ones are not noted */
};

struct refused_library {
    struct refused_library *next; /* the one after */
    char *path;
    char *hash;
};

void crash_policy_init(struct crash_policy *policy)
{
    *policy = (struct crash_policy){.next = 0};
}

static void forget_crash(struct recent_crash *crash)
{
    free(crash->library);
    *crash = (struct recent_crash){.library = NULL};
}

static void free_refused(struct refused_library *library)
{
    free(library->path);
    free(library->hash);
    free(library);
}

static void drop_refused(struct crash_policy *policy, struct refused_library **link)
{
    struct refused_library *library = *link;
    *link = library->next;
    free_refused(library);
    --policy->refused_count;
    ++policy->refused_version;
}

static void free_crashing(struct crashing_library **first)
{
    while (*first != NULL) {
        struct crashing_library *library = *first;
        *first = library->next;
        free(library->path);
        free(library->place);
        free(library);
    }
}

void crash_policy_finish(struct crash_policy *policy)
{
    for (unsigned i = 0; i < CRASH_POLICY_RECENT; ++i)
        forget_crash(&policy->recent[i]);
    crash_policy_accept_all(policy);
    free_crashing(&policy->loops);
    free_crashing(&policy->quarantined);
    free_crashing(&policy->going_on);
    crash_policy_init(policy);
}

static void add_crashing(struct crashing_library **first, unsigned generation, struct slice library, struct slice place)
{
    struct crashing_library *added = mem_alloc(sizeof(*added));
    *added = (struct crashing_library){
        .next = *first,
        .path = mem_copy_text(library.data, library.length),
        .place = mem_copy_text(place.data, place.length),
        .generation = generation,
    };
    *first = added;
}

static bool is_same(const struct recent_crash *crash, unsigned generation, struct slice library)
{
    return crash->library != NULL && crash->generation == generation &&
           slice_equals(slice_from_text(crash->library), library);
}

void crash_policy_remember(struct crash_policy *policy, unsigned generation, struct slice library, uint64_t at_us)
{
    struct recent_crash *crash = &policy->recent[policy->next++ % CRASH_POLICY_RECENT];
    forget_crash(crash);
    *crash = (struct recent_crash){mem_copy_text(library.data, library.length), generation, at_us};
}

bool crash_policy_note(struct crash_policy *policy, unsigned generation, struct slice library, struct slice place,
                       uint64_t now_us)
{
    const uint64_t loop_us = (uint64_t)CRASH_LOOP_MS * 1000;
    unsigned count = 0;
    crash_policy_remember(policy, generation, library, now_us);
    for (unsigned i = 0; i < CRASH_POLICY_RECENT; ++i)
        count += is_same(&policy->recent[i], generation, library) && now_us - policy->recent[i].at_us <= loop_us;
    if (count < CRASH_LOOP_CRASHES)
        return false;
    for (unsigned i = 0; i < CRASH_POLICY_RECENT; ++i) {
        if (is_same(&policy->recent[i], generation, library))
            forget_crash(&policy->recent[i]);
    }
    add_crashing(&policy->loops, generation, library, place);
    return true;
}

bool crash_policy_knows(const struct crash_policy *policy, unsigned generation)
{
    for (unsigned i = 0; i < CRASH_POLICY_RECENT; ++i) {
        if (policy->recent[i].library != NULL && policy->recent[i].generation == generation)
            return true;
    }
    return policy->going_on != NULL && policy->going_on->generation == generation;
}

void crash_policy_carry(struct crash_policy *policy, unsigned generation, unsigned successor)
{
    for (unsigned i = 0; i < CRASH_POLICY_RECENT; ++i) {
        if (policy->recent[i].library != NULL && policy->recent[i].generation == generation)
            policy->recent[i].generation = successor;
    }
    for (struct crashing_library *library = policy->going_on; library != NULL; library = library->next) {
        if (library->generation == generation)
            library->generation = successor;
    }
}

bool crash_policy_take_loop(struct crash_policy *policy, struct crashing_library *loop)
{
    struct crashing_library *first = policy->loops;
    if (first == NULL)
        return false;
    *loop = *first;
    policy->loops = first->next;
    free(first);
    return true;
}

bool crash_policy_quarantine(struct crash_policy *policy, unsigned generation, struct slice library)
{
    if (policy->quarantined != NULL && policy->quarantined->generation != generation)
        free_crashing(&policy->quarantined);
    for (const struct crashing_library *known = policy->quarantined; known != NULL; known = known->next) {
        if (slice_equals(slice_from_text(known->path), library))
            return false;
    }
    add_crashing(&policy->quarantined, generation, library, SLICE_NONE);
    return true;
}

void crash_policy_go_on(struct crash_policy *policy, unsigned generation, struct slice library, unsigned loops,
                        uint64_t last_us)
{
    unsigned count = 0;
    if (policy->going_on != NULL && policy->going_on->generation != generation)
        free_crashing(&policy->going_on);
    struct crashing_library *known = policy->going_on;
    for (; known != NULL && !slice_equals(slice_from_text(known->path), library); known = known->next)
        ++count;
    if (known == NULL && count >= MOST_GOING_ON)
        return;
    if (known == NULL) {
        add_crashing(&policy->going_on, generation, library, SLICE_NONE);
        known = policy->going_on;
    }
    known->loops += loops;
    known->last_us = last_us;
}

bool crash_policy_is_young(uint64_t since_ms, uint64_t now_ms, uint64_t probation_ms)
{
    uint64_t age_ms = now_ms > since_ms ? now_ms - since_ms : 0;
    return age_ms < probation_ms;
}

void crash_policy_refuse(struct crash_policy *policy, struct slice library, struct slice hash)
{
    struct refused_library **link = &policy->refused;
    if (crash_policy_refuses(policy, library, hash))
        return;
    while (*link != NULL)
        link = &(*link)->next;
    *link = mem_alloc(sizeof(**link));
    **link = (struct refused_library){
        .path = mem_copy_text(library.data, library.length),
        .hash = mem_copy_text(hash.data, hash.length),
    };
    ++policy->refused_version;
    if (++policy->refused_count > MOST_REFUSED)
        drop_refused(policy, &policy->refused);
}

void crash_policy_accept(struct crash_policy *policy, struct slice library, struct slice hash)
{
    struct refused_library **link = &policy->refused;
    while (*link != NULL) {
        if (slice_equals(slice_from_text((*link)->path), library) &&
            !slice_equals(slice_from_text((*link)->hash), hash))
            drop_refused(policy, link);
        else
            link = &(*link)->next;
    }
}

void crash_policy_accept_all(struct crash_policy *policy)
{
    while (policy->refused != NULL)
        drop_refused(policy, &policy->refused);
}

bool crash_policy_refuses(const struct crash_policy *policy, struct slice library, struct slice hash)
{
    for (const struct refused_library *refused = policy->refused; refused != NULL; refused = refused->next) {
        if (slice_equals(slice_from_text(refused->path), library) && slice_equals(slice_from_text(refused->hash), hash))
            return true;
    }
    return false;
}

void crash_policy_each_refused(const struct crash_policy *policy,
                               void (*visit)(void *data, struct slice library, struct slice hash), void *data)
{
    for (const struct refused_library *refused = policy->refused; refused != NULL; refused = refused->next)
        visit(data, slice_from_text(refused->path), slice_from_text(refused->hash));
}
