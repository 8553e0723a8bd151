#include "config/field_value.h"

#include "base/suggest.h"
#include "base/text.h"
#include "base/units.h"
#include "config/wording.h"

#include <errno.h>
#include <inttypes.h>

/* What a type is called in messages. */
static const char *type_phrase(enum field_type type)
{
    switch (type) {
    case FIELD_BOOL:
        return "yes or no";
    case FIELD_INTEGER:
        return "a whole number";
    case FIELD_DURATION:
        return "a duration such as 250ms, 30s or 5m";
    case FIELD_SIZE:
        return "a size such as 512, 64KB or 16MB";
    case FIELD_LIST:
        return "a text or a list of texts";
    case FIELD_MAP:
        return "a mapping of texts";
    case FIELD_FILE:
    case FIELD_PATH:
        return "a path";
    default:
        return "a text";
    }
}

static bool refuse_kind(const struct field_reader *reader, const struct field *field, const struct node *node)
{
    if (node->kind == NODE_SCALAR && node->is_null)
        return error_set_at(reader->error, node->place, "'%s' has no value", field->name);
    return error_set_at(reader->error, node->place, "'%s' wants %s, not %s", field->name, type_phrase(field->type),
                        node->kind == NODE_SCALAR ? "a single text" : node_kind_phrase(node));
}

static bool refuse_text(const struct field_reader *reader, const struct field *field, const struct node *node,
                        const char *hint)
{
    return error_set_at(reader->error, node->place, "'%s' wants %s, not '%s'%s", field->name, type_phrase(field->type),
                        wording_quote(reader->arena, node->text), hint);
}

static bool read_bool(const struct field_reader *reader, const struct field *field, const struct node *node,
                      struct field_value *value)
{
    static const char *const words[] = {"no", "yes", "false", "true", "off", "on"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); ++i) {
        if (slice_equals_nocase(node->text, slice_from_text(words[i]))) {
            value->boolean = i % 2 == 1;
            return true;
        }
    }
    return refuse_text(reader, field, node, "");
}

static bool parse_integer(struct slice text, int64_t *integer)
{
    bool is_negative = slice_starts_with(text, SLICE("-"));
    uint64_t number;
    if (!slice_parse_number(is_negative ? slice_skip(text, 1) : text, &number) || number > INT64_MAX)
        return false;
    *integer = is_negative ? -(int64_t)number : (int64_t)number;
    return true;
}

static const char *show_number(struct arena *arena, const struct field *field, int64_t number)
{
    if (field->type == FIELD_DURATION)
        return wording_duration(arena, number);
    if (field->type == FIELD_SIZE)
        return wording_size(arena, number);
    return arena_print(arena, "%" PRId64, number).data;
}

static bool check_range(const struct field_reader *reader, const struct field *field, const struct node *node,
                        int64_t number)
{
    bool is_bounded = field->minimum != 0 || field->maximum != 0;
    if (!is_bounded || (number >= field->minimum && number <= field->maximum))
        return true;
    const char *least = show_number(reader->arena, field, field->minimum);
    const char *written = wording_quote(reader->arena, node->text);
    if (field->maximum == INT64_MAX)
        return error_set_at(reader->error, node->place, "'%s' must be at least %s, not %s", field->name, least,
                            written);
    return error_set_at(reader->error, node->place, "'%s' must be from %s to %s, not %s", field->name, least,
                        show_number(reader->arena, field, field->maximum), written);
}

static bool read_number(const struct field_reader *reader, const struct field *field, const struct node *node,
                        struct field_value *value)
{
    bool is_number = field->type == FIELD_INTEGER    ? parse_integer(node->text, &value->integer)
                     : field->type == FIELD_DURATION ? units_parse_duration_ms(node->text, &value->integer)
                                                     : units_parse_size_bytes(node->text, &value->integer);
    if (is_number)
        return check_range(reader, field, node, value->integer);
    int64_t bare;
    const char *hint = "";
    if (field->type == FIELD_DURATION && parse_integer(node->text, &bare) && bare > 0)
        hint = arena_print(reader->arena, " (did you mean '%.*ss'?)", SLICE_ARG(node->text)).data;
    return refuse_text(reader, field, node, hint);
}

static bool read_choice(const struct field_reader *reader, const struct field *field, const struct node *node,
                        struct field_value *value)
{
    struct text list = TEXT_INIT;
    struct suggest suggest = suggest_start(node->text);
    for (size_t i = 0; field->choices[i] != NULL; ++i) {
        struct slice choice = slice_from_text(field->choices[i]);
        value->integer = (int64_t)i;
        if (slice_equals(node->text, choice)) {
            text_finish(&list);
            return true;
        }
        suggest_offer(&suggest, choice);
        text_print(&list, "%s'%s'", i == 0 ? "" : field->choices[i + 1] == NULL ? " or " : ", ", field->choices[i]);
    }
    char phrase[SUGGEST_PHRASE_BYTES];
    error_set_at(reader->error, node->place, "'%s' must be %s, not '%s'%s", field->name, list.data,
                 wording_quote(reader->arena, node->text), suggest_phrase(&suggest, phrase));
    text_finish(&list);
    return false;
}

static bool read_path(const struct field_reader *reader, const struct field *field, const struct node *node,
                      struct field_value *value)
{
    if (node->text.length == 0)
        return error_set_at(reader->error, node->place, "'%s' wants a path, not an empty text", field->name);
    value->path = node_path(node, node->text, reader->arena);
    value->text = slice_from_text(value->path);
    if (field->type == FIELD_PATH || source_read(reader->source, value->path, &value->text))
        return true;
    int number = errno;
    source_want(reader->source, value->path);
    return error_set_at(reader->error, node->place, "'%s': cannot read '%s': %s", field->name,
                        wording_quote(reader->arena, slice_from_text(value->path)), source_refusal(number));
}

static bool read_scalar(const struct field_reader *reader, const struct field *field, const struct node *node,
                        struct field_value *value)
{
    if (node->kind != NODE_SCALAR || node->is_null)
        return refuse_kind(reader, field, node);
    value->text = node->text;
    switch (field->type) {
    case FIELD_BOOL:
        return read_bool(reader, field, node, value);
    case FIELD_INTEGER:
    case FIELD_DURATION:
    case FIELD_SIZE:
        return read_number(reader, field, node, value);
    case FIELD_CHOICE:
        return read_choice(reader, field, node, value);
    case FIELD_FILE:
    case FIELD_PATH:
        return read_path(reader, field, node, value);
    default:
        return true;
    }
}

static bool check_inner_text(const struct field_reader *reader, const struct field *field, const struct node *node,
                             const char *holder)
{
    if (node->kind != NODE_SCALAR)
        return error_set_at(reader->error, node->place, "%s '%s' wants a text, not %s", holder, field->name,
                            node_kind_phrase(node));
    return !node->is_null || error_set_at(reader->error, node->place,
                                          "%s '%s' has no value (write \"\" for an empty text)", holder, field->name);
}

static bool read_list(const struct field_reader *reader, const struct field *field, const struct node *node,
                      struct field_value *value)
{
    if (node->kind == NODE_MAPPING || (node->kind == NODE_SCALAR && node->is_null))
        return refuse_kind(reader, field, node);
    bool is_list = node->kind == NODE_SEQUENCE;
    value->count = is_list ? node->count : 1;
    struct field_item *list = arena_alloc(reader->arena, value->count * sizeof(*list));
    for (size_t i = 0; i < value->count; ++i) {
        const struct node *item = is_list ? node->items[i] : node;
        if (!check_inner_text(reader, field, item, "an item of"))
            return false;
        list[i] = (struct field_item){item->text, item->place};
    }
    value->list = list;
    return true;
}

static bool read_map(const struct field_reader *reader, const struct field *field, const struct node *node,
                     struct field_value *value)
{
    if (node->kind != NODE_MAPPING)
        return refuse_kind(reader, field, node);
    struct field_pair *map = arena_alloc(reader->arena, node->count * sizeof(*map));
    for (size_t i = 0; i < node->count; ++i) {
        const struct node *key = node->keys[i], *item = node->items[i];
        if (!check_inner_text(reader, field, item, "an entry of"))
            return false;
        map[i] = (struct field_pair){key->text, item->text, key->place, item->place};
    }
    value->map = map;
    value->count = node->count;
    return true;
}

bool field_value_read(const struct field_reader *reader, const struct field *field, const struct node *node,
                      struct field_value *value)
{
    value->node = node;
    value->place = node->place;
    switch (field->type) {
    case FIELD_NODE:
        return true;
    case FIELD_LIST:
        return read_list(reader, field, node, value);
    case FIELD_MAP:
        return read_map(reader, field, node, value);
    default:
        return read_scalar(reader, field, node, value);
    }
}
