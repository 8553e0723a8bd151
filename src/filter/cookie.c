#include "filter/cookie.h"

static struct slice unquote(struct slice value)
{
    if (value.length >= 2 && value.data[0] == '"' && value.data[value.length - 1] == '"')
        return slice_of(value.data + 1, value.length - 2);
    return value;
}

static struct slice find_in_field(struct slice rest, struct slice name)
{
    while (rest.length != 0) {
        struct slice pair = slice_next_item(&rest, ';');
        size_t end = slice_find(pair, '=');
        if (end == pair.length || !slice_equals(slice_trim(slice_of(pair.data, end)), name))
            continue;
        struct slice value = unquote(slice_trim(slice_skip(pair, end + 1)));
        if (value.length != 0)
            return value;
    }
    return SLICE_NONE;
}

struct slice cookie_find(const struct headers *headers, struct slice name)
{
    struct slice value = SLICE_NONE;
    for (size_t i = 0; i < headers->count && value.length == 0; ++i) {
        if (slice_equals_nocase(headers->items[i].name, SLICE("Cookie")))
            value = find_in_field(headers->items[i].value, name);
    }
    return value;
}
