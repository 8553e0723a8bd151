#include "config/address.h"

#include <arpa/inet.h>

bool address_parse_port(struct slice text, uint16_t *port)
{
    uint64_t number;
    if (!slice_parse_number(text, &number) || number > UINT16_MAX)
        return false;
    *port = (uint16_t)number;
    return true;
}

/* Reads what stands behind the host. */
static const char *read_port(struct slice rest, struct address *address)
{
    if (rest.length == 0)
        return NULL;
    address->has_port = true;
    if (rest.data[0] != ':')
        return "has something other than ':PORT' after its ']'";
    if (!address_parse_port(slice_skip(rest, 1), &address->port))
        return "has a port that is not a number from 0 to 65535";
    return NULL;
}

const char *address_split(struct slice text, struct address *address)
{
    *address = (struct address){0};
    size_t end = slice_find(text, ':');
    if (slice_starts_with(text, SLICE("["))) {
        end = slice_find(text, ']');
        if (end == text.length)
            return "lacks the ']' after its address";
        address->is_bracketed = true;
        address->host = slice_of(text.data + 1, end - 1);
        text = slice_skip(text, end + 1);
    } else {
        address->host = slice_of(text.data, end);
        text = slice_skip(text, end);
        if (text.length != 0 && slice_find(slice_skip(text, 1), ':') != text.length - 1)
            return "has several ':', and an IPv6 address must stand in brackets, such as [::1]:8069";
    }
    if (address->host.length == 0)
        return "lacks an address in front of its ':'";
    return read_port(text, address);
}

bool address_normalize(struct slice host, struct arena *arena, struct slice *numeric)
{
    unsigned char binary[sizeof(struct in6_addr)];
    char text[INET6_ADDRSTRLEN];
    if (slice_equals_nocase(host, SLICE("localhost"))) {
        *numeric = SLICE("127.0.0.1");
        return true;
    }
    const char *terminated = arena_copy(arena, host).data;
    int family = slice_find(host, ':') == host.length ? AF_INET : AF_INET6;
    if (inet_pton(family, terminated, binary) != 1 || inet_ntop(family, binary, text, sizeof(text)) == NULL)
        return false;
    *numeric = arena_copy(arena, slice_from_text(text));
    return true;
}
