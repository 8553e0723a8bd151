#ifndef FLEXILIB_DISPATCH_COMPRESSED_BODY_H
#define FLEXILIB_DISPATCH_COMPRESSED_BODY_H

/* The step between an exchange and its front where a response's body is compressed. Dispatch puts it in where the route
 * says so and the response allows it; everybody else is none the wiser. It holds one buffer of output and whatever the
 * coder needs, and takes nothing from the exchange while the front has not sent what it was given. What the coder keeps
 * to itself goes out when the source has nothing more at hand. What is done in a turn of the loop is bounded, so that
 * long bodies, and many of them, do not keep others waiting. */

#include "base/slice.h"
#include "net/loop.h"

struct compressed_body;
struct compression_settings;
struct dispatch_entry;

/* All of a worker's: what they take together has a bound too, and what those of one connection take. Near it coders are
 * made that take less, beyond it bodies go out as they are. */
struct compressed_bodies {
    struct loop *loop;
    size_t memory_bytes;
    uint64_t told_ms;  /* when the log was told of that */
    uint64_t turn;     /* of the loop, the last one in which something was compressed, */
    size_t turn_bytes; /* and how much that was */
};

/* For a response whose head is about to be sent: settles its head, and gives what its body goes through, or NULL where
 * that goes to the front as it is. */
struct compressed_body *compressed_body_start(struct compressed_bodies *bodies, struct dispatch_entry *entry,
                                              const struct compression_settings *settings);

/* In place of the front's functions. */
void compressed_body_send(struct compressed_body *body, struct slice data, bool last);
void compressed_body_flush(struct compressed_body *body);

/* In place of exchange_sent: the front has sent what it was given. The exchange may be gone then. */
void compressed_body_sent(struct compressed_body *body);

/* Nothing more is given to the front. */
void compressed_body_stop(struct compressed_body *body);

/* NULL is fine. */
void compressed_body_destroy(struct compressed_body *body);

#endif
