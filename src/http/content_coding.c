#include "http/content_coding.h"

enum {
    FULL_WEIGHT = 1000,
};

/* "0", "0.125", "1", "1.000"; anything else counts as not welcome. */
static unsigned parse_weight(struct slice text)
{
    if (text.length == 0 || text.length > 5 || (text.data[0] != '0' && text.data[0] != '1'))
        return 0;
    unsigned weight = text.data[0] == '1' ? FULL_WEIGHT : 0;
    unsigned step = 100;
    for (size_t i = 1; i < text.length; ++i) {
        char c = text.data[i];
        if (i == 1 ? c != '.' : c < '0' || c > '9')
            return 0;
        if (i > 1) {
            weight += (unsigned)(c - '0') * step;
            step /= 10;
        }
    }
    return weight > FULL_WEIGHT ? 0 : weight;
}

static unsigned weight_of_item(struct slice parameters)
{
    while (parameters.length != 0) {
        struct slice parameter = slice_next_item(&parameters, ';');
        if (slice_starts_with_nocase(parameter, SLICE("q=")))
            return parse_weight(slice_skip(parameter, 2));
    }
    return FULL_WEIGHT;
}

/* gzip has an older name (RFC 9110 section 8.4.1.3). */
static bool is_named(struct slice coding, struct slice name)
{
    return slice_equals_nocase(name, coding) ||
           (slice_equals_nocase(name, SLICE("x-gzip")) && slice_equals(coding, SLICE("gzip")));
}

/* As the field says it of the coding itself; -1 where it does not. */
static int find_weight(const struct headers *request, struct slice coding)
{
    for (size_t i = 0; i < request->count; ++i) {
        struct slice list = request->items[i].value;
        if (!slice_equals_nocase(request->items[i].name, SLICE("accept-encoding")))
            continue;
        while (list.length != 0) {
            struct slice item = slice_next_item(&list, ',');
            if (is_named(coding, slice_next_item(&item, ';')))
                return (int)weight_of_item(item);
        }
    }
    return -1;
}

unsigned content_coding_weight(const struct headers *request, struct slice coding)
{
    int weight = find_weight(request, coding);
    if (weight < 0)
        weight = find_weight(request, SLICE("*"));
    return weight < 0 ? 0 : (unsigned)weight;
}

size_t content_coding_choose(const struct headers *request, const enum coding *codings, size_t count)
{
    size_t best = count;
    unsigned weight_of_best = 0;
    for (size_t i = 0; i < count; ++i) {
        unsigned weight = content_coding_weight(request, coding_name(codings[i]));
        if (weight > weight_of_best) {
            best = i;
            weight_of_best = weight;
        }
    }
    return best != count && find_weight(request, SLICE("identity")) > (int)weight_of_best ? count : best;
}
