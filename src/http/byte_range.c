#include "http/byte_range.h"

static enum byte_range_result parse_suffix(struct slice digits, uint64_t size, struct byte_range *range)
{
    uint64_t length;
    if (!slice_parse_number(digits, &length))
        return BYTE_RANGE_IGNORED;
    if (length == 0)
        return BYTE_RANGE_NONE;
    /* satisfiable, but no Content-Range can say that it is nothing */
    if (size == 0)
        return BYTE_RANGE_IGNORED;
    range->length = length < size ? length : size;
    range->start = size - range->length;
    return BYTE_RANGE_ONE;
}

enum byte_range_result byte_range_parse(struct slice field, uint64_t size, struct byte_range *range)
{
    uint64_t first, last = UINT64_MAX;
    if (!slice_starts_with_nocase(field, SLICE("bytes=")))
        return BYTE_RANGE_IGNORED;
    struct slice set = slice_trim(slice_skip(field, sizeof("bytes=") - 1));
    size_t dash = slice_find(set, '-');
    if (dash == set.length)
        return BYTE_RANGE_IGNORED;
    struct slice end = slice_skip(set, dash + 1);
    if (dash == 0)
        return parse_suffix(end, size, range);
    if (!slice_parse_number(slice_of(set.data, dash), &first))
        return BYTE_RANGE_IGNORED;
    if (end.length != 0 && (!slice_parse_number(end, &last) || last < first))
        return BYTE_RANGE_IGNORED;
    if (first >= size)
        return BYTE_RANGE_NONE;
    range->start = first;
    range->length = (last < size ? last + 1 : size) - first;
    return BYTE_RANGE_ONE;
}
