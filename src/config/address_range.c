#include "config/address_range.h"

#include <arpa/inet.h>

enum {
    V4_BYTES = 4,
    V6_BYTES = 16,
};

/* The zone of an IPv6 address means something on the machine that wrote it alone. */
bool address_range_parse_address(struct slice text, unsigned char address[16], unsigned *address_bytes)
{
    static const unsigned char mapped[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    char terminated[INET6_ADDRSTRLEN];
    bool is_v6 = slice_find(text, ':') != text.length;
    if (is_v6)
        text.length = slice_find(text, '%');
    if (text.length == 0 || text.length >= sizeof(terminated))
        return false;
    memcpy(terminated, text.data, text.length);
    terminated[text.length] = '\0';
    *address_bytes = is_v6 ? V6_BYTES : V4_BYTES;
    if (inet_pton(is_v6 ? AF_INET6 : AF_INET, terminated, address) != 1)
        return false;
    if (is_v6 && memcmp(address, mapped, sizeof(mapped)) == 0) {
        memmove(address, address + sizeof(mapped), V4_BYTES);
        *address_bytes = V4_BYTES;
    }
    return true;
}

static bool is_within(const struct address_range *range, const unsigned char *address, unsigned address_bytes)
{
    unsigned whole = range->bits / 8, rest = range->bits % 8;
    if (range->address_bytes != address_bytes || memcmp(range->address, address, whole) != 0)
        return false;
    return rest == 0 || (range->address[whole] ^ address[whole]) >> (8 - rest) == 0;
}

bool address_ranges_hold(const struct address_range *ranges, size_t count, const unsigned char *address,
                         unsigned address_bytes)
{
    for (size_t i = 0; i < count; ++i) {
        if (is_within(&ranges[i], address, address_bytes))
            return true;
    }
    return false;
}
