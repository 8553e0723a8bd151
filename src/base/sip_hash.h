#ifndef FLEXILIB_BASE_SIP_HASH_H
#define FLEXILIB_BASE_SIP_HASH_H

/* SipHash-1-3: a hash for tables whose keys strangers choose. Who does not know the secret cannot find keys that get
 * into each other's way. */

#include "base/slice.h"

uint64_t sip_hash(const uint64_t secret[2], struct slice text);

#endif
