#include "config/settings_reader.h"
#include "config/wording.h"

enum {
    MOST_STATUS = 599,
};

/* Reads three digits, or one and "xx" where the range is a class. */
static bool parse_range(struct slice text, struct status_range *range)
{
    uint64_t first, last;
    size_t dash = slice_find(text, '-');
    if (text.length == 3 && slice_equals_nocase(slice_skip(text, 1), SLICE("xx")) && ascii_is_digit(text.data[0])) {
        first = (uint64_t)(text.data[0] - '0') * 100;
        last = first + 99;
    } else if (!slice_parse_number(slice_trim(slice_of(text.data, dash)), &first)) {
        return false;
    } else if (dash == text.length) {
        last = first;
    } else if (!slice_parse_number(slice_trim(slice_skip(text, dash + 1)), &last)) {
        return false;
    }
    if (first > UINT16_MAX || last > UINT16_MAX)
        return false;
    *range = (struct status_range){(uint16_t)first, (uint16_t)last};
    return true;
}

bool status_parse(struct settings_reader *reader, struct place place, struct slice text, const char *key, int least,
                  struct status_range *range)
{
    const char *written = wording_quote(reader->arena, text);
    if (!parse_range(text, range))
        return error_set_at(reader->error, place, "'%s' wants a status such as 502, 500-504 or 5xx, not '%s'", key,
                            written);
    if (range->first < least || range->last > MOST_STATUS)
        return error_set_at(reader->error, place, "'%s' wants statuses from %d to %d, not '%s'", key, least,
                            MOST_STATUS, written);
    if (range->first > range->last)
        return error_set_at(reader->error, place, "'%s': '%s' ends before it begins (did you mean '%u-%u'?)", key,
                            written, range->last, range->first);
    return true;
}

bool statuses_read(struct settings_reader *reader, const struct node *node, const char *key, int least,
                   struct status_ranges *statuses)
{
    bool is_list = node->kind == NODE_SEQUENCE;
    size_t count = is_list ? node->count : 1;
    struct status_range *items = arena_zalloc(reader->arena, count * sizeof(*items));
    *statuses = (struct status_ranges){items, count};
    for (size_t i = 0; i < count; ++i) {
        const struct node *item = is_list ? node->items[i] : node;
        if (item->kind != NODE_SCALAR)
            return error_set_at(reader->error, item->place, "'%s' wants a status or a list of them, not %s", key,
                                is_list ? "a list of others" : node_kind_phrase(item));
        if (item->is_null)
            return error_set_at(reader->error, item->place, "%s'%s' has no value", is_list ? "an item of " : "", key);
        if (!status_parse(reader, item->place, item->text, key, least, &items[i]))
            return false;
    }
    return true;
}
