#ifndef FLEXILIB_HTTP_CLIENT_IDENTITY_H
#define FLEXILIB_HTTP_CLIENT_IDENTITY_H

/* Who a request is really from. Fields such as X-Forwarded-For are a claim that anybody can make: they count, and go
 * on, where the connection is from one of the trusted proxies, and are taken away otherwise, before any filter sees
 * them. Knows no socket. */

#include "config/settings.h"
#include "filter/exchange.h"

/* Settles it for an exchange whose peer_address and peer_port are still the connection's, before its route is looked
 * for: removes what must not be believed, or takes the client's address, scheme and authority from what may.
 *
 * X-Forwarded-For is read from its end, past all that is trusted; what is malformed there ends the search, and what was
 * found so far counts. Forwarded (RFC 7239) is read the same way where there is no X-Forwarded-For. Returns whether a
 * trusted proxy has told the scheme. */
bool client_identity_settle(struct exchange *exchange, const struct settings *settings);

/* Whether fields of that name claim something about the client that a server might believe. */
bool client_identity_is_claim(struct slice name);

#endif
