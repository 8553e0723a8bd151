#include "config/fields.h"

#include "base/suggest.h"
#include "base/text.h"
#include "config/field_value.h"
#include "config/wording.h"

enum {
    FEW_KEYS = 8,
};

/* Which keys there are, where they are few enough to be listed. */
static const char *list_keys(const struct field *fields, size_t count, struct arena *arena)
{
    struct text list = TEXT_INIT;
    for (size_t i = 0; i < count && count <= FEW_KEYS; ++i)
        text_print(&list, "%s'%s'", i == 0 ? " (possible: " : ", ", fields[i].name);
    if (list.length == 0)
        return "";
    text_add_char(&list, ')');
    const char *copy = arena_copy(arena, text_slice(&list)).data;
    text_finish(&list);
    return copy;
}

static bool refuse_unknown_key(const struct field *fields, size_t count, const struct node *key, const char *what,
                               struct arena *arena, struct error *error)
{
    struct suggest suggest = suggest_start(key->text);
    for (size_t i = 0; i < count; ++i)
        suggest_offer(&suggest, slice_from_text(fields[i].name));
    char phrase[SUGGEST_PHRASE_BYTES];
    const char *hint = suggest_phrase(&suggest, phrase);
    return error_set_at(error, key->place, "unknown key '%s' in %s%s", wording_quote(arena, key->text), what,
                        hint[0] != '\0' ? hint : list_keys(fields, count, arena));
}

static size_t find_field(const struct field *fields, size_t count, struct slice name)
{
    size_t i = 0;
    while (i < count && !slice_equals(name, slice_from_text(fields[i].name)))
        ++i;
    return i;
}

/* Keeps each key's node with its value, where value.node is all that is filled in. */
static bool assign_keys(const struct field *fields, size_t count, const struct node *mapping, const char *what,
                        struct arena *arena, struct field_value *values, struct error *error)
{
    for (size_t i = 0; i < mapping->count; ++i) {
        size_t number = find_field(fields, count, mapping->keys[i]->text);
        if (number == count)
            return refuse_unknown_key(fields, count, mapping->keys[i], what, arena, error);
        values[number].node = mapping->items[i];
    }
    return true;
}

static bool has_secret(const struct field *fields, size_t count)
{
    for (size_t i = 0; i < count; ++i) {
        if (fields[i].type == FIELD_SECRET)
            return true;
    }
    return false;
}

/* A default is read like a value that stood at the mapping's place. */
static const struct node *make_fallback(const struct field *field, const struct node *mapping, struct place where,
                                        struct arena *arena)
{
    struct node *node = arena_zalloc(arena, sizeof(*node));
    struct slice text = slice_from_text(field->fallback);
    bool is_collection = field->type == FIELD_LIST || field->type == FIELD_MAP;
    bool is_empty = text.length == 0 || slice_equals(text, SLICE("[]")) || slice_equals(text, SLICE("{}"));
    node->kind = is_collection && is_empty ? (field->type == FIELD_LIST ? NODE_SEQUENCE : NODE_MAPPING) : NODE_SCALAR;
    node->place = where;
    node->file = mapping == NULL ? NULL : mapping->file;
    node->text = slice_equals(text, SLICE("\"\"")) ? SLICE("") : text;
    return node;
}

static bool read_values(const struct field *fields, size_t count, const struct node *mapping, struct place where,
                        const char *what, struct field_reader *reader, struct field_value *values)
{
    for (size_t i = 0; i < count; ++i) {
        const struct node *written = values[i].node;
        values[i].written = written != NULL;
        values[i].present = written != NULL || fields[i].fallback != NULL;
        values[i].place = where;
        if (!values[i].present && fields[i].required)
            return error_set_at(reader->error, where, "'%s' is missing in %s", fields[i].name, what);
        if (!values[i].present)
            continue;
        const struct node *node = written != NULL ? written : make_fallback(&fields[i], mapping, where, reader->arena);
        if (!field_value_read(reader, &fields[i], node, &values[i]))
            return false;
    }
    return true;
}

bool fields_read(const struct field *fields, size_t count, const struct node *mapping, struct place where,
                 const char *what, struct source *source, struct arena *arena, struct field_value *values,
                 struct error *error)
{
    struct field_reader reader = {source, arena, error};
    memset(values, 0, count * sizeof(*values));
    if (mapping != NULL && mapping->kind != NODE_MAPPING)
        return error_set_at(error, mapping->place, "%s is a mapping, not %s", what, node_kind_phrase(mapping));
    bool is_read = (mapping == NULL || assign_keys(fields, count, mapping, what, arena, values, error)) &&
                   read_values(fields, count, mapping, where, what, &reader, values);
    if (!is_read && has_secret(fields, count))
        error_hide_line(error);
    return is_read;
}
