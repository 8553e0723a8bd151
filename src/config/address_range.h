#ifndef FLEXILIB_CONFIG_ADDRESS_RANGE_H
#define FLEXILIB_CONFIG_ADDRESS_RANGE_H

/* Networks, as the configuration names them, and whether an address is in one of them. */

#include "base/slice.h"

/* A network: the first bits of address, in network order; 4 or 16 bytes, or 0: all unix sockets. */
struct address_range {
    unsigned char address[16];
    unsigned address_bytes, bits;
};

/* Reads a numeric address without a port: 4 or 16 bytes of it, in network order; an IPv6 address may have a zone, which
 * does not count, and one of IPv4 that stands within it is unwrapped. Returns false where it is none. */
bool address_range_parse_address(struct slice text, unsigned char address[16], unsigned *address_bytes);

/* Whether the address, of 4 or 16 bytes, or 0 for a unix socket, is in one of count networks. One of IPv4 that stands
 * within IPv6 has been unwrapped. */
bool address_ranges_hold(const struct address_range *ranges, size_t count, const unsigned char *address,
                         unsigned address_bytes);

#endif
