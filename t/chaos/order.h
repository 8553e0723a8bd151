#ifndef T_CHAOS_ORDER_H
#define T_CHAOS_ORDER_H

/* One request of the client's: what it looks like comes from its number, and so does whether a response is the one to
 * it. Both protocols ask in these words. */

#include "bytes.h"
#include "dice.h"
#include "message.h"

struct order {
    uint64_t number;
    struct dice dice; /* for whatever comes behind */
    const char *method;
    char path[64];
    bool is_coded;   /* the body is compressed */
    bool takes_gzip; /* and so may the response's be */
    bool upgrades;   /* it asks for a tunnel, in which every byte is a letter of the request's too */
    bool has_body;
    size_t body_length;
};

struct order order_of(uint64_t seed, uint64_t number, const char *const *routes, size_t route_count);

/* The body, as bytes that the caller finishes. */
struct bytes order_body(const struct order *order);

/* How a response is told to be somebody's. */
struct claims {
    int status;
    uint64_t stamp, answer, reply; /* 0: none */
    bool is_coded;
};

/* What is wrong with such a response to that order, or NULL. Says in letter what its body is made of, 0 where that is
 * not known: FlexiLib's own answers are words. */
const char *order_judge(const struct order *order, const struct claims *claims, char *letter);

#endif
