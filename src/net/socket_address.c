#include "net/socket_address.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <string.h>

unsigned socket_address_bytes(const struct sockaddr *address, unsigned char bytes[16])
{
    if (address->sa_family == AF_INET) {
        memcpy(bytes, &((const struct sockaddr_in *)address)->sin_addr, 4);
        return 4;
    }
    if (address->sa_family != AF_INET6)
        return 0;
    const struct in6_addr *v6 = &((const struct sockaddr_in6 *)address)->sin6_addr;
    bool is_mapped = IN6_IS_ADDR_V4MAPPED(v6);
    memcpy(bytes, v6->s6_addr + (is_mapped ? 12 : 0), is_mapped ? 4 : 16);
    return is_mapped ? 4 : 16;
}

void socket_address_print(const struct sockaddr *address, char text[INET6_ADDRSTRLEN], uint16_t *port)
{
    unsigned char bytes[16];
    unsigned length = socket_address_bytes(address, bytes);
    *port = 0;
    if (address->sa_family == AF_INET)
        *port = ntohs(((const struct sockaddr_in *)address)->sin_port);
    else if (address->sa_family == AF_INET6)
        *port = ntohs(((const struct sockaddr_in6 *)address)->sin6_port);
    if (length == 0 || inet_ntop(length == 4 ? AF_INET : AF_INET6, bytes, text, INET6_ADDRSTRLEN) == NULL)
        strcpy(text, "unix:");
}

void socket_address_print_local(int fd, char text[INET6_ADDRSTRLEN], uint16_t *port)
{
    struct sockaddr_storage local = {.ss_family = AF_UNSPEC};
    socklen_t length = sizeof(local);
    getsockname(fd, (struct sockaddr *)&local, &length);
    socket_address_print((const struct sockaddr *)&local, text, port);
}
