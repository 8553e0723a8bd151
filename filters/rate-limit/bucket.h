#ifndef RATE_LIMIT_BUCKET_H
#define RATE_LIMIT_BUCKET_H

/* Token buckets in the shared dictionary, so that all workers, and the generations to come, count together. A bucket is
 * one number: the moment at which it will be full again (the generic cell rate algorithm). */

#include <flexilib/ext/dictionary.h>

struct bucket_rule {
    uint64_t interval_ns; /* in which one token comes */
    uint64_t burst;       /* tokens that a full one holds; times interval_ns, less than 2^62 */
};

struct bucket_verdict {
    bool is_allowed;
    uint64_t left;     /* tokens */
    uint64_t wait_ns;  /* until there is a token; 0 where there is */
    uint64_t reset_ns; /* until it is full */
};

struct bucket_key {
    const struct flexilib_dictionary_name *name;
    const char *data;
    size_t length;
};

/* Takes a token out of the bucket of that key, which is for that rule alone. now_ns is by a clock that all workers
 * share and that moves on each millisecond. Where the dictionary has no room, it is allowed. */
struct bucket_verdict bucket_take(const struct flexilib_dictionary *dictionary, const struct bucket_key *key,
                                  const struct bucket_rule *rule, uint64_t now_ns);

#endif
