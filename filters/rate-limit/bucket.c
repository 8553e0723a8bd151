#include "bucket.h"

enum {
    MOST_TRIES = 100,        /* other workers may take a token in between */
    CLOCK_STEP_NS = 1000000, /* which a token may be late or early by */
};

static struct bucket_verdict judge(const struct bucket_rule *rule, uint64_t now_ns, uint64_t full_ns)
{
    uint64_t room_ns = rule->interval_ns * rule->burst;
    struct bucket_verdict verdict = {.reset_ns = full_ns > now_ns ? full_ns - now_ns : 0};
    if (verdict.reset_ns + rule->interval_ns > room_ns + CLOCK_STEP_NS)
        verdict.wait_ns = verdict.reset_ns + rule->interval_ns - room_ns;
    verdict.is_allowed = verdict.wait_ns == 0;
    if (verdict.is_allowed)
        verdict.reset_ns += rule->interval_ns;
    verdict.left = (room_ns - (verdict.reset_ns < room_ns ? verdict.reset_ns : room_ns)) / rule->interval_ns;
    return verdict;
}

struct bucket_verdict bucket_take(const struct flexilib_dictionary *dictionary, const struct bucket_key *key,
                                  const struct bucket_rule *rule, uint64_t now_ns)
{
    struct bucket_verdict verdict = {.is_allowed = true};
    for (int i = 0; i < MOST_TRIES; ++i) {
        uint64_t was_ns = 0, new_ns;
        size_t length;
        bool is_there = dictionary->get(key->name, key->data, key->length, &was_ns, sizeof(was_ns), &length) &&
                        length == sizeof(was_ns);
        verdict = judge(rule, now_ns, is_there ? was_ns : 0);
        if (!verdict.is_allowed)
            return verdict;
        new_ns = now_ns + verdict.reset_ns;
        if (dictionary->replace(key->name, key->data, key->length, is_there ? &was_ns : NULL,
                                is_there ? sizeof(was_ns) : 0, &new_ns, sizeof(new_ns),
                                verdict.reset_ns / CLOCK_STEP_NS + 1))
            return verdict;
    }
    return verdict;
}
