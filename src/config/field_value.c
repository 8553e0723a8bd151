#include "config/field_value.h"

#include "base/suggest.h"
#include "base/text.h"
#include "base/units.h"
#include "config/template.h"
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
    case FIELD_FOLDER:
        return "a path";
    case FIELD_NUMBER:
        return "a number such as 0.5, 2 or 1e3";
    case FIELD_RANGES:
        return "an address, a network, or a list of them";
    case FIELD_TABLE:
    case FIELD_MAP_OF:
        return "a mapping";
    case FIELD_LIST_OF:
        return "a list";
    default:
        return "a text";
    }
}

bool field_value_refuse_kind(const struct field_reader *reader, const struct field *field, const struct node *node)
{
    if (node->kind == NODE_SCALAR && node->is_null)
        return error_set_at(reader->error, node->place, "%s'%s' has no value", reader->part, field->name);
    if (field->type == FIELD_TEMPLATE && node->kind == NODE_MAPPING)
        return error_set_at(reader->error, node->place,
                            "%s'%s' wants a text, not a mapping: one that begins with '{' must stand in quotes",
                            reader->part, field->name);
    return error_set_at(reader->error, node->place, "%s'%s' wants %s, not %s", reader->part, field->name,
                        type_phrase(field->type), node->kind == NODE_SCALAR ? "a single text" : node_kind_phrase(node));
}

static bool refuse_text(const struct field_reader *reader, const struct field *field, const struct node *node,
                        const char *hint)
{
    return error_set_at(reader->error, node->place, "%s'%s' wants %s, not '%s'%s", reader->part, field->name,
                        type_phrase(field->type), wording_quote(reader->arena, node->text), hint);
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

static bool refuse_range(const struct field_reader *reader, const struct field *field, const struct node *node)
{
    const char *least = show_number(reader->arena, field, field->minimum);
    const char *written = wording_quote(reader->arena, node->text);
    if (field->maximum == INT64_MAX)
        return error_set_at(reader->error, node->place, "%s'%s' must be at least %s, not %s", reader->part, field->name,
                            least, written);
    return error_set_at(reader->error, node->place, "%s'%s' must be from %s to %s, not %s", reader->part, field->name,
                        least, show_number(reader->arena, field, field->maximum), written);
}

static bool is_bounded(const struct field *field)
{
    return field->minimum != 0 || field->maximum != 0;
}

static bool read_number(const struct field_reader *reader, const struct field *field, const struct node *node,
                        struct field_value *value)
{
    double number;
    if (!units_parse_number(node->text, &number))
        return refuse_text(reader, field, node, "");
    value->number = number;
    bool is_within = !is_bounded(field) || (number >= (double)field->minimum && number <= (double)field->maximum);
    return is_within || refuse_range(reader, field, node);
}

static bool read_integer(const struct field_reader *reader, const struct field *field, const struct node *node,
                         struct field_value *value)
{
    bool is_number = field->type == FIELD_INTEGER    ? parse_integer(node->text, &value->integer)
                     : field->type == FIELD_DURATION ? units_parse_duration_ms(node->text, &value->integer)
                                                     : units_parse_size_bytes(node->text, &value->integer);
    bool is_within = !is_bounded(field) || (value->integer >= field->minimum && value->integer <= field->maximum);
    if (is_number)
        return is_within || refuse_range(reader, field, node);
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
    error_set_at(reader->error, node->place, "%s'%s' must be %s, not '%s'%s", reader->part, field->name, list.data,
                 wording_quote(reader->arena, node->text), suggest_phrase(&suggest, phrase));
    text_finish(&list);
    return false;
}

/* What is at the end of a path has to be there, where the type asks for it. */
static bool check_path(const struct field_reader *reader, const struct field *field, const struct node *node,
                       struct field_value *value)
{
    const char *written = wording_quote(reader->arena, slice_from_text(value->path));
    if (field->type == FIELD_FOLDER)
        return source_has_folder(reader->source, value->path) ||
               error_set_at(reader->error, node->place, "%s'%s': there is no folder '%s'%s", reader->part, field->name,
                            written, wording_home_hint(value->path));
    if (source_read(reader->source, value->path, &value->text))
        return true;
    int number = errno;
    source_want(reader->source, WATCH_FILE, value->path);
    return error_set_at(reader->error, node->place, "%s'%s': cannot read '%s': %s", reader->part, field->name, written,
                        source_refusal(number));
}

static bool read_path(const struct field_reader *reader, const struct field *field, const struct node *node,
                      struct field_value *value)
{
    if (node->text.length == 0)
        return error_set_at(reader->error, node->place, "%s'%s' wants a path, not an empty text", reader->part,
                            field->name);
    value->path = node_path(node, node->text, reader->arena);
    value->text = slice_from_text(value->path);
    return field->type == FIELD_PATH || check_path(reader, field, node, value);
}

static bool read_scalar(const struct field_reader *reader, const struct field *field, const struct node *node,
                        struct field_value *value)
{
    if (node->kind != NODE_SCALAR || node->is_null)
        return field_value_refuse_kind(reader, field, node);
    value->text = node->text;
    switch (field->type) {
    case FIELD_BOOL:
        return read_bool(reader, field, node, value);
    case FIELD_INTEGER:
    case FIELD_DURATION:
    case FIELD_SIZE:
        return read_integer(reader, field, node, value);
    case FIELD_NUMBER:
        return read_number(reader, field, node, value);
    case FIELD_CHOICE:
        return read_choice(reader, field, node, value);
    case FIELD_FILE:
    case FIELD_PATH:
    case FIELD_FOLDER:
        return read_path(reader, field, node, value);
    case FIELD_TEMPLATE:
        value->expansion = template_read(node, reader->arena, reader->error);
        return value->expansion != NULL;
    default:
        return true;
    }
}

static bool check_inner_text(const struct field_reader *reader, const struct field *field, const struct node *node,
                             const char *holder)
{
    if (node->kind != NODE_SCALAR)
        return error_set_at(reader->error, node->place, "%s%s'%s' wants a text, not %s", holder, reader->part,
                            field->name, node_kind_phrase(node));
    return !node->is_null ||
           error_set_at(reader->error, node->place, "%s%s'%s' has no value (write \"\" for an empty text)", holder,
                        reader->part, field->name);
}

static bool read_list(const struct field_reader *reader, const struct field *field, const struct node *node,
                      struct field_value *value)
{
    if (node->kind == NODE_MAPPING || (node->kind == NODE_SCALAR && node->is_null))
        return field_value_refuse_kind(reader, field, node);
    bool is_list = node->kind == NODE_SEQUENCE;
    value->count = is_list ? node->count : 1;
    struct field_item *list = arena_alloc(reader->arena, value->count * sizeof(*list));
    for (size_t i = 0; i < value->count; ++i) {
        const struct node *item = is_list ? node->items[i] : node;
        if (!check_inner_text(reader, field, item, "an item of "))
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
        return field_value_refuse_kind(reader, field, node);
    struct field_pair *map = arena_alloc(reader->arena, node->count * sizeof(*map));
    for (size_t i = 0; i < node->count; ++i) {
        const struct node *key = node->keys[i], *item = node->items[i];
        if (!check_inner_text(reader, field, item, "an entry of "))
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
    case FIELD_RANGES:
        return read_list(reader, field, node, value) && field_ranges_read(reader, field, value);
    case FIELD_TABLE:
    case FIELD_LIST_OF:
    case FIELD_MAP_OF:
        return field_nested_read(reader, field, node, value);
    default:
        return read_scalar(reader, field, node, value);
    }
}
