#include "config/field_value.h"

static const char *const item_part = "an item of ";
static const char *const entry_part = "an entry of ";

/* The reader for what stands in a list or a mapping, whose messages say so. */
static struct field_reader read_parts(const struct field_reader *reader, const char *part)
{
    struct field_reader inner = *reader;
    inner.part = part;
    return inner;
}

/* The one field of a list or a mapping, which has no name of its own. */
static struct field name_inner(const struct field *field)
{
    struct field inner = field->fields[0];
    inner.name = field->name;
    return inner;
}

static bool read_table(const struct field_reader *reader, const struct field *field, const struct node *node,
                       struct field_value *value)
{
    if (node->kind != NODE_MAPPING)
        return field_value_refuse_kind(reader, field, node);
    struct field_reader inner = read_parts(reader, "");
    struct field_table table = {
        .fields = field->fields,
        .count = field->field_count,
        .what = arena_print(reader->arena, "%s'%s'", reader->part, field->name).data,
    };
    value->count = table.count;
    value->values = arena_alloc(reader->arena, table.count * sizeof(*value->values));
    return field_table_read(&inner, &table, node, node->place, value->values);
}

static bool read_inner(const struct field_reader *reader, const struct field *field, const struct node *node,
                       struct field_value *value)
{
    value->present = true;
    value->written = true;
    return field_value_read(reader, field, node, value);
}

static bool read_list_of(const struct field_reader *reader, const struct field *field, const struct node *node,
                         struct field_value *value)
{
    if (node->kind != NODE_SEQUENCE)
        return field_value_refuse_kind(reader, field, node);
    struct field_reader items = read_parts(reader, item_part);
    struct field inner = name_inner(field);
    value->count = node->count;
    value->values = arena_zalloc(reader->arena, node->count * sizeof(*value->values));
    for (size_t i = 0; i < node->count; ++i) {
        if (!read_inner(&items, &inner, node->items[i], &value->values[i]))
            return false;
    }
    return true;
}

static bool read_map_of(const struct field_reader *reader, const struct field *field, const struct node *node,
                        struct field_value *value)
{
    if (node->kind != NODE_MAPPING)
        return field_value_refuse_kind(reader, field, node);
    struct field_reader entries = read_parts(reader, entry_part);
    struct field inner = name_inner(field);
    struct field_item *names = arena_alloc(reader->arena, node->count * sizeof(*names));
    value->count = node->count;
    value->list = names;
    value->values = arena_zalloc(reader->arena, node->count * sizeof(*value->values));
    for (size_t i = 0; i < node->count; ++i) {
        names[i] = (struct field_item){node->keys[i]->text, node->keys[i]->place};
        if (!read_inner(&entries, &inner, node->items[i], &value->values[i]))
            return false;
    }
    return true;
}

bool field_nested_read(const struct field_reader *reader, const struct field *field, const struct node *node,
                       struct field_value *value)
{
    switch (field->type) {
    case FIELD_LIST_OF:
        return read_list_of(reader, field, node, value);
    case FIELD_MAP_OF:
        return read_map_of(reader, field, node, value);
    default:
        return read_table(reader, field, node, value);
    }
}
