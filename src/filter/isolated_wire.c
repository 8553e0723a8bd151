#include "filter/isolated_wire.h"

void wire_add_byte(struct text *out, uint8_t byte)
{
    text_add_char(out, (char)byte);
}

void wire_add_number(struct text *out, uint64_t number)
{
    text_add(out, slice_of((const char *)&number, sizeof(number)));
}

void wire_add_text(struct text *out, struct slice text)
{
    wire_add_number(out, text.length);
    text_add(out, text);
}

void wire_add_headers(struct text *out, const struct headers *headers)
{
    wire_add_number(out, headers->count);
    for (size_t i = 0; i < headers->count; ++i) {
        wire_add_text(out, headers->items[i].name);
        wire_add_text(out, headers->items[i].value);
    }
}

static struct slice take(struct wire *wire, uint64_t length)
{
    if (wire->is_broken || length > wire->rest.length) {
        wire->is_broken = true;
        return SLICE_NONE;
    }
    struct slice taken = slice_of(wire->rest.data, (size_t)length);
    wire->rest = slice_skip(wire->rest, (size_t)length);
    return taken;
}

uint8_t wire_byte(struct wire *wire)
{
    struct slice taken = take(wire, 1);
    return taken.length == 0 ? 0 : (uint8_t)taken.data[0];
}

uint64_t wire_number(struct wire *wire)
{
    uint64_t number = 0;
    struct slice taken = take(wire, sizeof(number));
    if (taken.length != 0)
        memcpy(&number, taken.data, sizeof(number));
    return number;
}

struct slice wire_text(struct wire *wire)
{
    return take(wire, wire_number(wire));
}

size_t wire_count(struct wire *wire, size_t least_bytes)
{
    uint64_t count = wire_number(wire);
    if (count > wire->rest.length / least_bytes) {
        wire->is_broken = true;
        return 0;
    }
    return (size_t)count;
}

void wire_headers(struct wire *wire, struct arena *arena, struct headers *headers)
{
    size_t count = wire_count(wire, 2 * sizeof(uint64_t));
    *headers = (struct headers){.items = arena_alloc(arena, count * sizeof(*headers->items)), .capacity = count};
    while (headers->count < count) {
        struct slice name = wire_text(wire);
        headers->items[headers->count++] = (struct header){name, wire_text(wire)};
    }
}
