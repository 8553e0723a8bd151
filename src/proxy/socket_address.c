#include "proxy/socket_address.h"

#include <arpa/inet.h>
#include <string.h>

void socket_address_print(const struct sockaddr *address, char text[INET6_ADDRSTRLEN], uint16_t *port)
{
    const unsigned char *bytes = NULL;
    int family = address->sa_family;
    *port = 0;
    if (family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;
        bytes = (const unsigned char *)&v4->sin_addr;
        *port = ntohs(v4->sin_port);
    } else if (family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)address;
        bytes = v6->sin6_addr.s6_addr;
        *port = ntohs(v6->sin6_port);
        if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
            family = AF_INET;
            bytes += 12;
        }
    }
    if (bytes == NULL || inet_ntop(family, bytes, text, INET6_ADDRSTRLEN) == NULL)
        strcpy(text, "unix:");
}

void socket_address_print_local(int fd, char text[INET6_ADDRSTRLEN], uint16_t *port)
{
    struct sockaddr_storage local = {.ss_family = AF_UNSPEC};
    socklen_t length = sizeof(local);
    getsockname(fd, (struct sockaddr *)&local, &length);
    socket_address_print((const struct sockaddr *)&local, text, port);
}
