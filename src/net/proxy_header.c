#include "net/proxy_header.h"

#include "filter/exchange.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

enum {
    VERSION_2_LOCAL = 0x20,
    VERSION_2_PROXY = 0x21,
    FAMILY_NONE = 0x00,
    FAMILY_TCP4 = 0x11,
    FAMILY_TCP6 = 0x21,
    IPV4_BYTES = 4,
    IPV6_BYTES = 16,
};

/* One end of a connection; bytes is 0 where it is not known. */
struct proxy_end {
    unsigned char address[IPV6_BYTES];
    size_t bytes;
    uint16_t port;
};

static struct proxy_end read_end(struct slice text, uint16_t port)
{
    struct proxy_end end = {.port = port};
    char address[INET6_ADDRSTRLEN];
    if (text.length == 0 || text.length >= sizeof(address))
        return end;
    memcpy(address, text.data, text.length);
    address[text.length] = '\0';
    if (inet_pton(AF_INET, address, end.address) == 1)
        end.bytes = IPV4_BYTES;
    else if (inet_pton(AF_INET6, address, end.address) == 1)
        end.bytes = IPV6_BYTES;
    return end;
}

/* Both ends have to be of one family; every IPv4 address has one of IPv6. */
static void widen_end(struct proxy_end *end)
{
    if (end->bytes != IPV4_BYTES)
        return;
    memcpy(end->address + 12, end->address, IPV4_BYTES);
    memset(end->address, 0, 10);
    memset(end->address + 10, 0xff, 2);
    end->bytes = IPV6_BYTES;
}

static void print_header(const struct proxy_end *source, const struct proxy_end *target, struct proxy_header *header)
{
    char from[INET6_ADDRSTRLEN], to[INET6_ADDRSTRLEN];
    if (source->bytes == 0) {
        header->length = (size_t)snprintf(header->bytes, sizeof(header->bytes), "PROXY UNKNOWN\r\n");
        return;
    }
    int family = source->bytes == IPV4_BYTES ? AF_INET : AF_INET6;
    inet_ntop(family, source->address, from, sizeof(from));
    inet_ntop(family, target->address, to, sizeof(to));
    header->length = (size_t)snprintf(header->bytes, sizeof(header->bytes), "PROXY TCP%c %s %s %u %u\r\n",
                                      family == AF_INET ? '4' : '6', from, to, source->port, target->port);
}

static void add_bytes(struct proxy_header *header, const void *bytes, size_t length)
{
    memcpy(header->bytes + header->length, bytes, length);
    header->length += length;
}

static void add_short(struct proxy_header *header, uint16_t number)
{
    number = htons(number);
    add_bytes(header, &number, sizeof(number));
}

static void pack_header(const struct proxy_end *source, const struct proxy_end *target, struct proxy_header *header)
{
    static const char signature[] = "\r\n\r\n\0\r\nQUIT\n";
    bool is_known = source->bytes != 0;
    unsigned char command = is_known ? VERSION_2_PROXY : VERSION_2_LOCAL;
    unsigned char family = !is_known ? FAMILY_NONE : source->bytes == IPV4_BYTES ? FAMILY_TCP4 : FAMILY_TCP6;
    header->length = 0;
    add_bytes(header, signature, sizeof(signature) - 1);
    add_bytes(header, &command, 1);
    add_bytes(header, &family, 1);
    add_short(header, is_known ? (uint16_t)(2 * source->bytes + 2 * sizeof(uint16_t)) : 0);
    if (!is_known)
        return;
    add_bytes(header, source->address, source->bytes);
    add_bytes(header, target->address, target->bytes);
    add_short(header, source->port);
    add_short(header, target->port);
}

void proxy_header_build(enum proxy_protocol protocol, const struct exchange *exchange, struct proxy_header *header)
{
    struct proxy_end source = {0}, target = {0};
    header->length = 0;
    if (protocol == PROXY_PROTOCOL_NONE)
        return;
    if (exchange != NULL) {
        source = read_end(exchange->peer_address, exchange->peer_port);
        target = read_end(exchange->local_address, exchange->local_port);
    }
    if (source.bytes == 0 || target.bytes == 0)
        source.bytes = target.bytes = 0;
    if (source.bytes != target.bytes) {
        widen_end(&source);
        widen_end(&target);
    }
    if (protocol == PROXY_PROTOCOL_V1)
        print_header(&source, &target, header);
    else
        pack_header(&source, &target, header);
}

bool proxy_header_equals(const struct proxy_header *a, const struct proxy_header *b)
{
    return a->length == b->length && memcmp(a->bytes, b->bytes, a->length) == 0;
}

bool proxy_header_is_used(const struct settings *settings)
{
    for (size_t i = 0; i < settings->upstream_count; ++i) {
        if (settings->upstreams[i]->proxy_protocol != PROXY_PROTOCOL_NONE)
            return true;
    }
    return false;
}
