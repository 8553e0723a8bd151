#include "config/field_value.h"
#include "config/wording.h"

#include <arpa/inet.h>

enum {
    V4_BYTES = 4,
    V6_BYTES = 16,
};

/* What `private` stands for: RFC 1918, RFC 4193, loopback and link-local addresses. */
static const struct address_range private_ranges[] = {
    {{10}, V4_BYTES, 8},        {{172, 16}, V4_BYTES, 12},   {{192, 168}, V4_BYTES, 16}, {{127}, V4_BYTES, 8},
    {{169, 254}, V4_BYTES, 16}, {{[15] = 1}, V6_BYTES, 128}, {{0xfc}, V6_BYTES, 7},      {{0xfe, 0x80}, V6_BYTES, 10},
};

enum {
    PRIVATE_RANGES = sizeof(private_ranges) / sizeof(private_ranges[0]),
};

static bool parse_address(const struct field_reader *reader, struct slice text, struct address_range *range)
{
    bool is_v6 = slice_find(text, ':') != text.length;
    const char *terminated = arena_copy(reader->arena, text).data;
    range->address_bytes = is_v6 ? V6_BYTES : V4_BYTES;
    range->bits = range->address_bytes * 8;
    return inet_pton(is_v6 ? AF_INET6 : AF_INET, terminated, range->address) == 1;
}

/* IPv4 addresses are compared as such, however they were written. */
static void unmap(struct address_range *range)
{
    static const unsigned char mapped[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    unsigned mapped_bits = sizeof(mapped) * 8;
    if (range->address_bytes != V6_BYTES || range->bits < mapped_bits ||
        memcmp(range->address, mapped, sizeof(mapped)) != 0)
        return;
    memmove(range->address, range->address + sizeof(mapped), V4_BYTES);
    range->address_bytes = V4_BYTES;
    range->bits -= mapped_bits;
}

/* Clears what stands behind the network's bits; false where there was nothing. */
static bool clear_rest(struct address_range *range)
{
    bool has_rest = false;
    for (unsigned bit = range->bits; bit < range->address_bytes * 8; ++bit) {
        unsigned char mask = (unsigned char)(0x80 >> bit % 8);
        has_rest = has_rest || (range->address[bit / 8] & mask) != 0;
        range->address[bit / 8] &= (unsigned char)~mask;
    }
    return has_rest;
}

static bool refuse_rest(const struct field_reader *reader, const struct field_item *item,
                        const struct address_range *range)
{
    char text[INET6_ADDRSTRLEN] = "";
    inet_ntop(range->address_bytes == V4_BYTES ? AF_INET : AF_INET6, range->address, text, sizeof(text));
    return error_set_at(reader->error, item->place, "'%s' is an address within a network (did you mean '%s/%u'?)",
                        wording_quote(reader->arena, item->text), text, range->bits);
}

/* Whoever is connected by a unix socket has no address. */
static const struct address_range unix_range = {.address_bytes = 0};

static bool read_range(const struct field_reader *reader, const struct field *field, const struct field_item *item,
                       struct address_range *range)
{
    size_t slash = slice_find(item->text, '/');
    const char *written = wording_quote(reader->arena, item->text);
    uint64_t bits;
    if (!parse_address(reader, slice_of(item->text.data, slash), range))
        return error_set_at(reader->error, item->place,
                            "%s'%s' wants addresses, networks such as 10.0.0.0/8, 'private' or 'unix', not '%s'",
                            reader->part, field->name, written);
    if (slash != item->text.length) {
        if (!slice_parse_number(slice_skip(item->text, slash + 1), &bits) || bits > range->bits)
            return error_set_at(reader->error, item->place, "'%s' wants a number from 0 to %u after its '/'", written,
                                range->bits);
        range->bits = (unsigned)bits;
        if (clear_rest(range))
            return refuse_rest(reader, item, range);
    }
    unmap(range);
    return true;
}

bool field_ranges_read(const struct field_reader *reader, const struct field *field, struct field_value *value)
{
    struct address_range *ranges = arena_zalloc(reader->arena, (value->count + PRIVATE_RANGES) * sizeof(*ranges));
    bool has_private = false;
    size_t count = 0;
    for (size_t i = 0; i < value->count; ++i) {
        if (slice_equals(value->list[i].text, SLICE("private")))
            has_private = true;
        else if (slice_equals(value->list[i].text, SLICE("unix")))
            ranges[count++] = unix_range;
        else if (!read_range(reader, field, &value->list[i], &ranges[count++]))
            return false;
    }
    if (has_private) {
        memcpy(ranges + count, private_ranges, sizeof(private_ranges));
        count += PRIVATE_RANGES;
    }
    value->list = NULL;
    value->ranges = ranges;
    value->count = count;
    return true;
}
