#ifndef FLEXILIB_NET_PROXY_HEADER_IN_H
#define FLEXILIB_NET_PROXY_HEADER_IN_H

/* Reads the header of the PROXY protocol, versions 1 and 2 (HAProxy's proxy-protocol.txt), with which a proxy begins a
 * connection to tell whom it is from. Strict, since whoever gets one wrong may mean another client. */

#include "base/slice.h"
#include "net/socket_address.h"

enum {
    PROXY_HEADER_IN_BYTES = 4096, /* longer ones are refused */
};

enum proxy_header_result {
    PROXY_HEADER_MORE = 0, /* good so far, and not whole yet */
    PROXY_HEADER_BAD,
    PROXY_HEADER_WHOLE,
};

struct proxy_header_in {
    size_t length; /* of the header; what follows is the client's */
    bool has_ends; /* otherwise the connection's own ends count: it is the proxy's own, or nothing is known */
    struct socket_end source, target;
};

/* Reads the header at the beginning of data. Whether it is whole or bad does not depend on the pieces in which data
 * comes, except that what cannot become good any more is told early. For a bad one, *reason is why. */
enum proxy_header_result proxy_header_read(struct slice data, struct proxy_header_in *header, const char **reason);

#endif
