#ifndef FLEXILIB_CODING_BODY_DECODINGS_H
#define FLEXILIB_CODING_BODY_DECODINGS_H

/* All bodies of a worker whose coding is being taken off, and what they take together. What filter/ is given for its
 * decoding_services, with this as the context. */

#include "filter/decoding_services.h"

#include <stddef.h>

/* Zero bytes are none. */
struct body_decodings {
    size_t memory_bytes;
};

extern const struct decoding_services body_decoding_services;

#endif
