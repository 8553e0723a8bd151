#ifndef FLEXILIB_CONFIG_ADDRESS_H
#define FLEXILIB_CONFIG_ADDRESS_H

/* HOST:PORT as people write it, for listeners and for servers. */

#include "base/arena.h"

struct address {
    struct slice host; /* without brackets */
    bool is_bracketed;
    bool has_port;
    uint16_t port;
};

/* Splits HOST, HOST:PORT, [IPV6] or [IPV6]:PORT. Returns NULL, or what is wrong: a sentence's end ("has ..."). The host
 * is a part of text and not checked, but not empty. */
const char *address_split(struct slice text, struct address *address);

/* Reads a port, 0 to 65535. */
bool address_parse_port(struct slice text, uint16_t *port);

/* Brings a numeric IPv4 or IPv6 address, or "localhost", into its usual form. Returns false where it is none. */
bool address_normalize(struct slice host, struct arena *arena, struct slice *numeric);

#endif
