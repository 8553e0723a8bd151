#include "http/list_backwards.h"

struct list_backwards list_backwards_start(const struct headers *headers, struct slice name)
{
    return (struct list_backwards){.headers = headers, .name = name, .line = headers->count};
}

/* Whether an odd number of backslashes stands in front of that position. */
static bool is_escaped(struct slice text, size_t position)
{
    size_t start = position;
    while (start != 0 && text.data[start - 1] == '\\')
        --start;
    return (position - start) % 2 != 0;
}

struct slice list_backwards_take(struct slice *rest, char separator)
{
    bool is_quoted = false;
    size_t start = rest->length;
    for (; start != 0; --start) {
        char c = rest->data[start - 1];
        if (c == '"' && (!is_quoted || !is_escaped(*rest, start - 1)))
            is_quoted = !is_quoted;
        else if (c == separator && !is_quoted)
            break;
    }
    struct slice item = slice_trim(slice_skip(*rest, start));
    rest->length = start == 0 ? 0 : start - 1;
    return item;
}

bool list_backwards_next(struct list_backwards *list, struct slice *item)
{
    for (;;) {
        while (list->rest.length == 0) {
            if (list->line == 0)
                return false;
            const struct header *field = &list->headers->items[--list->line];
            if (slice_equals_nocase(field->name, list->name))
                list->rest = field->value;
        }
        *item = list_backwards_take(&list->rest, ',');
        if (item->length != 0)
            return true;
    }
}
