#include "filter/attributes.h"

#include "config/placeholder.h"

static struct attribute *find(const struct attributes *attributes, struct slice name)
{
    for (size_t i = 0; i < attributes->count; ++i) {
        if (slice_equals(attributes->items[i].name, name))
            return &attributes->items[i];
    }
    return NULL;
}

const struct attribute *attributes_find(const struct attributes *attributes, struct slice name)
{
    return find(attributes, name);
}

static const char *refuse_value(struct slice value)
{
    if (value.length > ATTRIBUTES_LARGEST_VALUE_BYTES)
        return "an attribute's value has 16 KB at most";
    for (size_t i = 0; i < value.length; ++i) {
        if ((unsigned char)value.data[i] < ' ' || value.data[i] == 0x7f)
            return "an attribute's value holds no control character";
    }
    return NULL;
}

const char *attributes_set(struct attributes *attributes, struct arena *arena, struct slice name, struct slice value)
{
    struct attribute *attribute = find(attributes, name);
    const char *problem = attribute == NULL ? placeholder_refuse_attribute(name) : NULL;
    if (problem == NULL)
        problem = refuse_value(value);
    if (problem != NULL)
        return problem;
    if (attribute == NULL && attributes->count == ATTRIBUTES_MOST)
        return "an exchange has 64 attributes at most";
    size_t bytes = value.length + (attribute == NULL ? name.length : 0);
    if (bytes > ATTRIBUTES_MOST_BYTES - attributes->bytes)
        return "the attributes of an exchange have 256 KB at most, with what was replaced";
    attributes->bytes += bytes;
    if (attribute == NULL) {
        attributes->items =
            arena_grow(arena, attributes->items, attributes->count, &attributes->capacity, sizeof(*attributes->items));
        attribute = &attributes->items[attributes->count++];
        attribute->name = arena_copy(arena, name);
    }
    attribute->value = arena_copy(arena, value);
    return NULL;
}
