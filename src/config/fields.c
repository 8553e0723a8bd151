#include "config/fields.h"

#include "base/suggest.h"
#include "base/text.h"
#include "config/field_value.h"
#include "config/wording.h"

enum {
    FEW_KEYS = 8,
};

/* Which keys there are, where they are few enough to be listed. */
static const char *list_keys(const struct field_table *table, struct arena *arena)
{
    struct text list = TEXT_INIT;
    for (size_t i = 0; i < table->count && table->count <= FEW_KEYS; ++i)
        text_print(&list, "%s'%s'", i == 0 ? " (possible: " : ", ", table->fields[i].name);
    if (list.length == 0)
        return "";
    text_add_char(&list, ')');
    const char *copy = arena_copy(arena, text_slice(&list)).data;
    text_finish(&list);
    return copy;
}

static bool refuse_unknown_key(const struct field_reader *reader, const struct field_table *table,
                               const struct node *key)
{
    struct suggest suggest = suggest_start(key->text);
    for (size_t i = 0; i < table->count; ++i)
        suggest_offer(&suggest, slice_from_text(table->fields[i].name));
    char phrase[SUGGEST_PHRASE_BYTES];
    const char *hint = suggest_phrase(&suggest, phrase);
    return error_set_at(reader->error, key->place, "unknown key '%s' in %s%s", wording_quote(reader->arena, key->text),
                        table->what, hint[0] != '\0' ? hint : list_keys(table, reader->arena));
}

static size_t find_field(const struct field_table *table, struct slice name)
{
    size_t i = 0;
    while (i < table->count && !slice_equals(name, slice_from_text(table->fields[i].name)))
        ++i;
    return i;
}

/* Keeps each key's node with its value, where value.node is all that is filled in. */
static bool assign_keys(const struct field_reader *reader, const struct field_table *table, const struct node *mapping,
                        struct field_value *values)
{
    for (size_t i = 0; i < mapping->count; ++i) {
        size_t number = find_field(table, mapping->keys[i]->text);
        if (number == table->count)
            return refuse_unknown_key(reader, table, mapping->keys[i]);
        values[number].node = mapping->items[i];
    }
    return true;
}

static bool has_secret(const struct field *fields, size_t count)
{
    for (size_t i = 0; i < count; ++i) {
        if (fields[i].type == FIELD_SECRET || has_secret(fields[i].fields, fields[i].field_count))
            return true;
    }
    return false;
}

static enum node_kind fallback_kind(const struct field *field, struct slice text)
{
    bool is_empty = text.length == 0 || slice_equals(text, SLICE("[]")) || slice_equals(text, SLICE("{}"));
    if (is_empty && (field->type == FIELD_LIST || field->type == FIELD_RANGES))
        return NODE_SEQUENCE;
    return is_empty && field->type == FIELD_MAP ? NODE_MAPPING : NODE_SCALAR;
}

/* A default is read like a value that stood at the mapping's place. */
static const struct node *make_fallback(const struct field *field, const struct node *mapping, struct place where,
                                        struct arena *arena)
{
    struct node *node = arena_zalloc(arena, sizeof(*node));
    struct slice text = slice_from_text(field->fallback);
    node->kind = fallback_kind(field, text);
    node->place = where;
    node->file = mapping == NULL ? NULL : mapping->file;
    node->text = slice_equals(text, SLICE("\"\"")) ? SLICE("") : text;
    return node;
}

/* A default that cannot be read is the mistake of whoever has written the table, so it is told as one. */
static bool read_fallback(const struct field_reader *reader, const struct field_table *table, const struct field *field,
                          const struct node *node, struct field_value *value)
{
    struct error error = ERROR_INIT;
    struct field_reader inner = *reader;
    inner.error = &error;
    return field_value_read(&inner, field, node, value) ||
           error_set_at(reader->error, node->place, "the default of '%s' in %s will not do: %s", field->name,
                        table->what, error.message);
}

static bool read_values(const struct field_reader *reader, const struct field_table *table, const struct node *mapping,
                        struct place where, struct field_value *values)
{
    for (size_t i = 0; i < table->count; ++i) {
        const struct field *field = &table->fields[i];
        const struct node *written = values[i].node;
        values[i].written = written != NULL;
        values[i].present = written != NULL || field->fallback != NULL;
        values[i].place = where;
        if (!values[i].present && field->required)
            return error_set_at(reader->error, where, "'%s' is missing in %s", field->name, table->what);
        if (!values[i].present)
            continue;
        bool is_read = written != NULL ? field_value_read(reader, field, written, &values[i])
                                       : read_fallback(reader, table, field,
                                                       make_fallback(field, mapping, where, reader->arena), &values[i]);
        if (!is_read)
            return false;
    }
    return true;
}

bool field_table_read(const struct field_reader *reader, const struct field_table *table, const struct node *mapping,
                      struct place where, struct field_value *values)
{
    memset(values, 0, table->count * sizeof(*values));
    if (mapping != NULL && mapping->kind != NODE_MAPPING)
        return error_set_at(reader->error, mapping->place, "%s is a mapping, not %s", table->what,
                            node_kind_phrase(mapping));
    bool is_read = (mapping == NULL || assign_keys(reader, table, mapping, values)) &&
                   read_values(reader, table, mapping, where, values);
    if (!is_read && has_secret(table->fields, table->count))
        error_hide_line(reader->error);
    return is_read;
}

bool fields_read(const struct field *fields, size_t count, const struct node *mapping, struct place where,
                 const char *what, struct source *source, struct arena *arena, struct field_value *values,
                 struct error *error)
{
    struct field_reader reader = {source, arena, error, ""};
    struct field_table table = {fields, count, what};
    return field_table_read(&reader, &table, mapping, where, values);
}
