#ifndef FLEXILIB_HTTP_FORWARDED_H
#define FLEXILIB_HTTP_FORWARDED_H

/* The fields of a request on its way to a server: those of the client that are copied, and those that say whom it is
 * from and what it has come through. For forward.c, which writes the rest of the head.
 *
 * What client_identity.h has left of X-Forwarded-For, Forwarded and Via is continued; X-Forwarded-Proto and -Host stay
 * where they are there, and are ours otherwise. Of X-Forwarded-* and Forwarded only those go on that the route wants,
 * so that a server sees no chain that lacks an end. Functions that put write behind `at`, as those of head_text.h do.
 */

#include "config/settings.h"
#include "filter/exchange.h"

/* Puts all fields that are simply copied, and returns in *seen of which kinds there were others, for the calls below.
 * Host, Expect and what belongs to one connection are left out. */
char *forwarded_put_fields(char *at, const struct headers *headers, unsigned *seen);

/* Puts X-Forwarded-*, Forwarded, or what others have written of them, as policy has it. */
char *forwarded_put(char *at, const struct exchange *exchange, enum forwarded_policy policy, unsigned seen);

/* Puts Client-Cert (RFC 9440) where the client has shown a good certificate, and nobody on the way to us has said
 * another one. Its length is forwarded_client_cert's. */
char *forwarded_put_client_cert(char *at, const struct exchange *exchange);
struct slice forwarded_client_cert(const struct exchange *exchange);

/* Puts Via, with us at its end. */
char *forwarded_put_via(char *at, const struct request_head *request, unsigned seen);

/* What the client calls us; empty where it has not said. */
struct slice forwarded_client_authority(const struct request_head *request);

/* Whether the request has been through FlexiLib so often, as Via tells, that it must be going in circles. */
bool forwarded_is_loop(const struct headers *headers);

#endif
