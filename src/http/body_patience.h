#ifndef FLEXILIB_HTTP_BODY_PATIENCE_H
#define FLEXILIB_HTTP_BODY_PATIENCE_H

/* How long a front waits for more of a request's body. No I/O. */

#include "config/settings.h"

/* As long as body_timeout says, but no longer in all than that and what the bytes received so far take at the slowest
 * rate. waited_ms is how long the client was waited for already. May be 0 or less: no longer. */
int64_t body_patience_ms(const struct settings *settings, uint64_t received_bytes, uint64_t waited_ms);

#endif
