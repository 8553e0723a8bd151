#include "filter/ranges.h"

bool ranges_hold(const struct flexilib_ranges *ranges, struct slice address)
{
    unsigned char bytes[16] = {0};
    unsigned byte_count = 0;
    bool is_unix = slice_equals(address, SLICE("unix:"));
    if (!is_unix && !address_range_parse_address(address, bytes, &byte_count))
        return false;
    return address_ranges_hold(ranges->items, ranges->count, bytes, byte_count);
}
