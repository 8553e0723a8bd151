#ifndef FLEXILIB_NET_PROXY_HEADER_H
#define FLEXILIB_NET_PROXY_HEADER_H

/* The header of the PROXY protocol, versions 1 and 2 (HAProxy's proxy-protocol.txt): what goes to a server ahead of
 * everything else on a connection, to tell it whose the connection is. */

#include "config/settings.h"

#include <stdbool.h>
#include <stddef.h>

struct exchange;

enum {
    PROXY_HEADER_BYTES = 108, /* what the longest of version 1 takes */
};

struct proxy_header {
    size_t length;
    char bytes[PROXY_HEADER_BYTES];
};

/* Builds the header for the exchange's client and the address it has come to. Where one of them is not known, as with a
 * unix socket, and where exchange is NULL, since the connection is our own, the header says so: UNKNOWN or LOCAL. Empty
 * for PROXY_PROTOCOL_NONE. */
void proxy_header_build(enum proxy_protocol protocol, const struct exchange *exchange, struct proxy_header *header);

/* Whether any upstream is sent one. */
bool proxy_header_is_used(const struct settings *settings);

bool proxy_header_equals(const struct proxy_header *a, const struct proxy_header *b);

#endif
