#ifndef FLEXILIB_FILTER_BYTE_CLAIMS_H
#define FLEXILIB_FILTER_BYTE_CLAIMS_H

/* What a head says of the very bytes of its body, and what must not be said any more where a content coding is put on
 * it or taken off: digests, which parts can be had, and that an entity tag means the same bytes. */

#include "filter/headers.h"

enum {
    BYTE_CLAIMS_DIGESTS = 4,
};

/* The fields that hold a digest of the bytes. */
extern const struct slice byte_claims_digests[BYTE_CLAIMS_DIGESTS];

/* Takes all digests out of a list of fields, or of trailers. */
void byte_claims_drop_digests(struct headers *headers);

bool byte_claims_is_strong_tag(struct slice tag);

struct slice byte_claims_weaken(struct arena *arena, struct slice tag);

/* Makes the list's entity tag a weak one, if there is one. */
void byte_claims_weaken_tag(struct headers *headers, struct arena *arena);

#endif
