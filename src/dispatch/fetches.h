#ifndef FLEXILIB_DISPATCH_FETCHES_H
#define FLEXILIB_DISPATCH_FETCHES_H

/* Requests of filters' own, sent by the client as forwarded ones are: each is an exchange without a chain and without a
 * front, whose owner hands on what comes. What filter/ needs to have them sent; one per worker. Knows neither use nor
 * exchange of the filter, and bounds nothing but what waits to be sent. */

#include "filter/runtime.h"
#include "net/loop.h"
#include "upstream/client.h"

struct fetches;

/* Provides the runtime with fetches. on_count(data) is called whenever one has ended. */
struct fetches *fetches_create(struct loop *loop, struct runtime *runtime, struct client *client,
                               void (*on_count)(void *data), void *data);

/* Ends those that are left; filters are told. Before the client goes. NULL is fine. */
void fetches_destroy(struct fetches *fetches);

/* Has no more begin, but for those that are under way, and returns whether there are any. */
bool fetches_drain(struct fetches *fetches);

/* Ends them. */
void fetches_cut(struct fetches *fetches);

#endif
