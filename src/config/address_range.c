#include "config/address_range.h"

#include <string.h>

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
