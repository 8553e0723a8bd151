#include "process/address.h"

#include "base/file.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/un.h>

static bool parse_unix(struct slice path, struct address *address)
{
    struct sockaddr_un *bound = (struct sockaddr_un *)&address->storage;
    if (path.length == 0 || path.data[0] != '/' || path.length >= sizeof(bound->sun_path))
        return false;
    bound->sun_family = AF_UNIX;
    memcpy(bound->sun_path, path.data, path.length);
    address->length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path.length + 1);
    return true;
}

static bool parse_host(const char *host, uint16_t port, struct address *address)
{
    struct sockaddr_in *four = (struct sockaddr_in *)&address->storage;
    if (inet_pton(AF_INET, host, &four->sin_addr) == 1) {
        four->sin_family = AF_INET;
        four->sin_port = htons(port);
        address->length = sizeof(*four);
        return true;
    }
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)&address->storage;
    if (inet_pton(AF_INET6, host, &six->sin6_addr) != 1)
        return false;
    six->sin6_family = AF_INET6;
    six->sin6_port = htons(port);
    address->length = sizeof(*six);
    return true;
}

bool address_parse(struct slice text, struct address *address)
{
    memset(address, 0, sizeof(*address));
    if (memchr(text.data, '\0', text.length) != NULL)
        return false;
    if (slice_starts_with(text, SLICE("unix ")))
        return parse_unix(slice_skip(text, 5), address);
    if (!slice_starts_with(text, SLICE("tcp ")))
        return false;
    struct slice rest = slice_skip(text, 4);
    size_t host_length = slice_find(rest, ' ');
    char host[INET6_ADDRSTRLEN];
    uint64_t port;
    if (host_length == rest.length || host_length >= sizeof(host) ||
        !slice_parse_number(slice_skip(rest, host_length + 1), &port) || port > UINT16_MAX)
        return false;
    memcpy(host, rest.data, host_length);
    host[host_length] = '\0';
    return parse_host(host, (uint16_t)port, address);
}

/* Whoever bound it may have used a relative path; ours are absolute. */
static bool make_path_absolute(struct address *address)
{
    const char *path = address_path(address);
    if (path[0] == '\0')
        return false;
    char *absolute = file_absolute(NULL, path);
    memset(&address->storage, 0, sizeof(address->storage));
    bool fits = parse_unix(slice_from_text(absolute), address);
    free(absolute);
    return fits;
}

bool address_of_socket(int fd, struct address *address)
{
    memset(address, 0, sizeof(*address));
    /* One byte is kept back, so that a path is NUL-terminated whatever the kernel says. */
    address->length = sizeof(address->storage) - 1;
    if (getsockname(fd, (struct sockaddr *)&address->storage, &address->length) == -1)
        return false;
    if (address_is_unix(address))
        return make_path_absolute(address);
    return address->storage.ss_family == AF_INET || address->storage.ss_family == AF_INET6;
}

bool address_is_unix(const struct address *address)
{
    return address->storage.ss_family == AF_UNIX;
}

uint16_t address_port(const struct address *address)
{
    if (address->storage.ss_family == AF_INET)
        return ntohs(((const struct sockaddr_in *)&address->storage)->sin_port);
    if (address->storage.ss_family == AF_INET6)
        return ntohs(((const struct sockaddr_in6 *)&address->storage)->sin6_port);
    return 0;
}

const char *address_path(const struct address *address)
{
    return address_is_unix(address) ? ((const struct sockaddr_un *)&address->storage)->sun_path : NULL;
}

static const char *format_host(const struct address *address, char host[INET6_ADDRSTRLEN])
{
    if (address->storage.ss_family == AF_INET)
        return inet_ntop(AF_INET, &((const struct sockaddr_in *)&address->storage)->sin_addr, host, INET6_ADDRSTRLEN);
    return inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)&address->storage)->sin6_addr, host, INET6_ADDRSTRLEN);
}

void address_print(const struct address *address, struct text *out)
{
    char host[INET6_ADDRSTRLEN];
    if (address_is_unix(address))
        text_print(out, "unix %s", address_path(address));
    else
        text_print(out, "tcp %s %u", format_host(address, host), address_port(address));
}

void address_print_nicely(const struct address *address, struct text *out)
{
    char host[INET6_ADDRSTRLEN];
    if (address_is_unix(address))
        text_print(out, "unix:%s", address_path(address));
    else if (address->storage.ss_family == AF_INET)
        text_print(out, "%s:%u", format_host(address, host), address_port(address));
    else
        text_print(out, "[%s]:%u", format_host(address, host), address_port(address));
}
