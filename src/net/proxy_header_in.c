#include "net/proxy_header_in.h"

#include <arpa/inet.h>
#include <string.h>

enum {
    LINE_BYTES = 107, /* the longest of version 1 */
    FIXED_BYTES = 16, /* of version 2: all up to the addresses */
    COMMAND_LOCAL = 0x20,
    COMMAND_PROXY = 0x21,
    FAMILY_NONE = 0x00,
    FAMILY_TCP4 = 0x11,
    FAMILY_TCP6 = 0x21,
    FAMILY_UNIX = 0x31,
    IPV4_BYTES = 4,
    IPV6_BYTES = 16,
    UNIX_BYTES = 108,
    PORT_BYTES = 2,
    TLV_HEAD_BYTES = 3,
    TLV_CRC32C = 0x03,
    CRC_BYTES = 4,
};

static const struct slice line_start = {"PROXY ", 6};
static const struct slice signature = {"\r\n\r\n\0\r\nQUIT\n", 12};

static enum proxy_header_result refuse(const char **reason, const char *why)
{
    *reason = why;
    return PROXY_HEADER_BAD;
}

static bool begins_alike(struct slice data, struct slice start)
{
    size_t length = data.length < start.length ? data.length : start.length;
    return memcmp(data.data, start.data, length) == 0;
}

static void set_end(struct socket_end *end, int family, const void *bytes, uint16_t port)
{
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    memcpy(family == AF_INET ? (void *)&four.sin_addr : (void *)&six.sin6_addr, bytes,
           family == AF_INET ? IPV4_BYTES : IPV6_BYTES);
    socket_address_print(family == AF_INET ? (struct sockaddr *)&four : (struct sockaddr *)&six, end->address,
                         &end->port);
}

/* Takes the next word of version 1's line: each but the last ends in one space. */
static bool take_word(struct slice *rest, char *word, size_t capacity)
{
    size_t length = slice_find(*rest, ' ');
    if (length == 0 || length >= capacity || length == rest->length || memchr(rest->data, '\0', length) != NULL)
        return false;
    memcpy(word, rest->data, length);
    word[length] = '\0';
    *rest = slice_skip(*rest, length + 1);
    return true;
}

static bool parse_port(struct slice text, uint16_t *port)
{
    uint64_t number;
    if (!slice_parse_number(text, &number) || number > UINT16_MAX || (text.data[0] == '0' && text.length != 1))
        return false;
    *port = (uint16_t)number;
    return true;
}

static bool read_line(struct slice rest, struct proxy_header_in *header)
{
    char from[INET6_ADDRSTRLEN], to[INET6_ADDRSTRLEN], port[sizeof("65535")];
    unsigned char bytes[2][IPV6_BYTES];
    uint16_t ports[2];
    int family = slice_starts_with(rest, SLICE("TCP4 ")) ? AF_INET : AF_INET6;
    if (family == AF_INET6 && !slice_starts_with(rest, SLICE("TCP6 ")))
        return false;
    rest = slice_skip(rest, strlen("TCP4 "));
    if (!take_word(&rest, from, sizeof(from)) || !take_word(&rest, to, sizeof(to)) ||
        !take_word(&rest, port, sizeof(port)) || inet_pton(family, from, bytes[0]) != 1 ||
        inet_pton(family, to, bytes[1]) != 1 || !parse_port(slice_from_text(port), &ports[0]) ||
        !parse_port(rest, &ports[1]))
        return false;
    set_end(&header->source, family, bytes[0], ports[0]);
    set_end(&header->target, family, bytes[1], ports[1]);
    return header->has_ends = true;
}

static enum proxy_header_result read_version_1(struct slice data, struct proxy_header_in *header, const char **reason)
{
    size_t line = slice_find(slice_of(data.data, data.length < LINE_BYTES ? data.length : LINE_BYTES), '\n');
    if (line >= LINE_BYTES)
        return refuse(reason, "its line is too long");
    if (line == data.length)
        return PROXY_HEADER_MORE;
    if (line < line_start.length || data.data[line - 1] != '\r')
        return refuse(reason, "its line does not end in CR LF");
    struct slice rest = slice_of(data.data + line_start.length, line - 1 - line_start.length);
    header->length = line + 1;
    /* a proxy that knows nothing may go on with anything in its line */
    if (slice_equals(rest, SLICE("UNKNOWN")) || slice_starts_with(rest, SLICE("UNKNOWN ")))
        return PROXY_HEADER_WHOLE;
    return read_line(rest, header) ? PROXY_HEADER_WHOLE : refuse(reason, "its line is malformed");
}

static size_t read_short(const char *bytes)
{
    return (size_t)(unsigned char)bytes[0] << 8 | (unsigned char)bytes[1];
}

/* CRC-32C, whose polynomial is 1EDC6F41, of the header with zeros in the place of the checksum. */
static uint32_t sum_header(struct slice header, size_t sum_at)
{
    uint32_t sum = UINT32_MAX;
    for (size_t i = 0; i < header.length; ++i) {
        bool is_sum = i >= sum_at && i < sum_at + CRC_BYTES;
        sum ^= is_sum ? 0 : (unsigned char)header.data[i];
        for (int bit = 0; bit < 8; ++bit)
            sum = sum >> 1 ^ (0x82f63b78 & -(sum & 1));
    }
    return ~sum;
}

static bool is_sum_right(struct slice header, size_t sum_at)
{
    uint32_t told;
    memcpy(&told, header.data + sum_at, sizeof(told));
    return sum_header(header, sum_at) == ntohl(told);
}

/* Everything behind the addresses is types, lengths and values. */
static enum proxy_header_result check_values(struct slice header, size_t at, const char **reason)
{
    while (at < header.length) {
        if (header.length - at < TLV_HEAD_BYTES ||
            header.length - at - TLV_HEAD_BYTES < read_short(header.data + at + 1))
            return refuse(reason, "one of its values is longer than the header");
        size_t length = read_short(header.data + at + 1), value = at + TLV_HEAD_BYTES;
        if (header.data[at] == TLV_CRC32C && (length != CRC_BYTES || !is_sum_right(header, value)))
            return refuse(reason, "its checksum is wrong");
        at = value + length;
    }
    return PROXY_HEADER_WHOLE;
}

static void read_ends(const char *bytes, size_t address_bytes, struct proxy_header_in *header)
{
    const char *ports = bytes + 2 * address_bytes;
    int family = address_bytes == IPV4_BYTES ? AF_INET : AF_INET6;
    set_end(&header->source, family, bytes, (uint16_t)read_short(ports));
    set_end(&header->target, family, bytes + address_bytes, (uint16_t)read_short(ports + PORT_BYTES));
}

static enum proxy_header_result read_addresses(struct slice whole, struct proxy_header_in *header, const char **reason)
{
    unsigned char family = (unsigned char)whole.data[signature.length + 1];
    size_t ends;
    switch (family) {
    case FAMILY_NONE:
        return PROXY_HEADER_WHOLE;
    case FAMILY_TCP4:
        ends = 2 * (IPV4_BYTES + PORT_BYTES);
        break;
    case FAMILY_TCP6:
        ends = 2 * (IPV6_BYTES + PORT_BYTES);
        break;
    case FAMILY_UNIX:
        ends = 2 * UNIX_BYTES;
        break;
    default:
        return refuse(reason, "it is for no stream of TCP or a unix socket");
    }
    if (whole.length - FIXED_BYTES < ends)
        return refuse(reason, "it is too short for its addresses");
    if (family == FAMILY_UNIX)
        header->source = header->target = (struct socket_end){.address = "unix:"};
    else
        read_ends(whole.data + FIXED_BYTES, family == FAMILY_TCP4 ? IPV4_BYTES : IPV6_BYTES, header);
    header->has_ends = true;
    return check_values(whole, FIXED_BYTES + ends, reason);
}

static enum proxy_header_result read_version_2(struct slice data, struct proxy_header_in *header, const char **reason)
{
    if (data.length <= signature.length)
        return PROXY_HEADER_MORE;
    unsigned char command = (unsigned char)data.data[signature.length];
    if (command != COMMAND_LOCAL && command != COMMAND_PROXY)
        return refuse(reason, "its version or command is unknown");
    if (data.length < FIXED_BYTES)
        return PROXY_HEADER_MORE;
    header->length = FIXED_BYTES + read_short(data.data + FIXED_BYTES - 2);
    if (header->length > PROXY_HEADER_IN_BYTES)
        return refuse(reason, "it is too long");
    if (data.length < header->length)
        return PROXY_HEADER_MORE;
    /* whatever a proxy's own connection, such as a check of its health, comes with does not count */
    if (command == COMMAND_LOCAL)
        return PROXY_HEADER_WHOLE;
    return read_addresses(slice_of(data.data, header->length), header, reason);
}

enum proxy_header_result proxy_header_read(struct slice data, struct proxy_header_in *header, const char **reason)
{
    *header = (struct proxy_header_in){0};
    if (data.length == 0)
        return PROXY_HEADER_MORE;
    if (begins_alike(data, line_start))
        return data.length < line_start.length ? PROXY_HEADER_MORE : read_version_1(data, header, reason);
    if (begins_alike(data, signature))
        return read_version_2(data, header, reason);
    return refuse(reason, "it does not begin with one");
}
