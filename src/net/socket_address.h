#ifndef FLEXILIB_NET_SOCKET_ADDRESS_H
#define FLEXILIB_NET_SOCKET_ADDRESS_H

/* Addresses of sockets as text. */

#include <netinet/in.h>
#include <stdint.h>
#include <sys/socket.h>

/* One end of a connection, as text. */
struct socket_end {
    uint16_t port; /* 0: not known */
    char address[INET6_ADDRSTRLEN];
};

/* Writes the numeric address without brackets, one of IPv4 that a socket of IPv6 shows as what it is; "unix:" and port
 * 0 for all other families. */
void socket_address_print(const struct sockaddr *address, char text[INET6_ADDRSTRLEN], uint16_t *port);

/* Gives the numeric address as bytes in network order, one of IPv4 that a socket of IPv6 shows as what it is. Returns
 * how many there are, 0 for all other families. */
unsigned socket_address_bytes(const struct sockaddr *address, unsigned char bytes[16]);

/* The text of socket_address_print, for the address that a socket is bound to. */
void socket_address_print_local(int fd, char text[INET6_ADDRSTRLEN], uint16_t *port);

#endif
