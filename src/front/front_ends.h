#ifndef FLEXILIB_FRONT_FRONT_ENDS_H
#define FLEXILIB_FRONT_FRONT_ENDS_H

/* Tells an exchange, for either front, which connection it came over. */

#include "filter/exchange.h"
#include "net/socket.h"
#include "net/socket_address.h"

/* peer must live as long as the exchange. */
void front_ends_note_peer(struct exchange *exchange, const struct socket_end *peer);

/* Where the client has connected to: told, which must live as long as the exchange, or where that is NULL what the
 * socket is bound to, which costs a system call. */
void front_ends_note_local(struct exchange *exchange, const struct socket_end *told, const struct socket *socket);

#endif
