#include "filter/headers.h"

struct header *headers_find(const struct headers *headers, struct slice name)
{
    for (size_t i = 0; i < headers->count; ++i) {
        if (slice_equals_nocase(headers->items[i].name, name))
            return &headers->items[i];
    }
    return NULL;
}

void headers_add(struct headers *headers, struct arena *arena, struct slice name, struct slice value)
{
    headers->items = arena_grow(arena, headers->items, headers->count, &headers->capacity, sizeof(headers->items[0]));
    headers->items[headers->count++] = (struct header){.name = name, .value = value};
}

/* Removes the fields of that name that stand at `start` or behind it. */
static size_t remove_from(struct headers *headers, size_t start, struct slice name)
{
    size_t kept = start;
    for (size_t i = start; i < headers->count; ++i) {
        if (!slice_equals_nocase(headers->items[i].name, name))
            headers->items[kept++] = headers->items[i];
    }
    size_t removed = headers->count - kept;
    headers->count = kept;
    return removed;
}

void headers_set(struct headers *headers, struct arena *arena, struct slice name, struct slice value)
{
    struct header *first = headers_find(headers, name);
    if (first == NULL) {
        headers_add(headers, arena, name, value);
        return;
    }
    *first = (struct header){.name = name, .value = value};
    remove_from(headers, (size_t)(first - headers->items) + 1, name);
}

size_t headers_remove(struct headers *headers, struct slice name)
{
    return remove_from(headers, 0, name);
}

static bool is_token_char(unsigned char c)
{
    static const char marks[] = "!#$%&'*+-.^_`|~";
    if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'))
        return true;
    return memchr(marks, c, sizeof(marks) - 1) != NULL;
}

bool header_is_name(struct slice name)
{
    for (size_t i = 0; i < name.length; ++i) {
        if (!is_token_char((unsigned char)name.data[i]))
            return false;
    }
    return name.length != 0;
}

bool header_is_value(struct slice value)
{
    for (size_t i = 0; i < value.length; ++i) {
        unsigned char c = (unsigned char)value.data[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return false;
    }
    return slice_trim(value).length == value.length;
}

bool header_is_hop_by_hop(struct slice name)
{
    switch (name.length) {
    case 2:
        return slice_equals_nocase(name, SLICE("te"));
    case 7:
        return slice_equals_nocase(name, SLICE("trailer")) || slice_equals_nocase(name, SLICE("upgrade"));
    case 10:
        return slice_equals_nocase(name, SLICE("connection")) || slice_equals_nocase(name, SLICE("keep-alive"));
    case 14:
        return slice_equals_nocase(name, SLICE("content-length"));
    case 16:
        return slice_equals_nocase(name, SLICE("proxy-connection"));
    case 17:
        return slice_equals_nocase(name, SLICE("transfer-encoding"));
    default:
        return false;
    }
}
