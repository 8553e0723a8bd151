#include "config/settings_reader.h"
#include "config/template.h"

enum {
    ACCESS_LOG_PATH = 0,
    ACCESS_LOG_FORMAT,
    ACCESS_LOG_FIELDS,
};

static const struct field fields[ACCESS_LOG_FIELDS] = {
    [ACCESS_LOG_PATH] = {.name = "path", .type = FIELD_TEXT, .fallback = "stdout", .summary = "a file, stdout or off"},
    [ACCESS_LOG_FORMAT] = {.name = "format",
                           .type = FIELD_NODE,
                           .summary = "a template for each line; or names and templates, for lines of JSON"},
};

static bool read_path(struct settings_reader *reader, struct place place, const struct node *holder, struct slice text)
{
    static const char *const not_paths[] = {"no", "false", "none", "disabled", "yes", "true", "on", "stderr"};
    struct access_log_settings *log = &reader->settings->access_log;
    log->place = place;
    if (text.length == 0)
        return error_set_at(reader->error, place, "'access_log' wants a path, 'stdout' or 'off'");
    for (size_t i = 0; i < sizeof(not_paths) / sizeof(not_paths[0]); ++i) {
        if (slice_equals_nocase(text, slice_from_text(not_paths[i])))
            return error_set_at(
                reader->error, place,
                "'access_log' wants a path, 'stdout' or 'off', not '%s' (a file of that name is './%s')", text.data,
                text.data);
    }
    if (slice_equals(text, SLICE("off")))
        log->path = SLICE_NONE;
    else if (slice_equals(text, SLICE("-")) || slice_equals(text, SLICE("stdout")))
        log->path = SLICE("-");
    else
        log->path = slice_from_text(node_path(holder, text, reader->arena));
    return true;
}

/* The least that a template takes: values are cut where a line would be too long, text is not. */
static size_t count_least(const struct template *template, size_t text_factor)
{
    size_t bytes = 0;
    for (size_t i = 0; i < template->count; ++i) {
        const struct template_part *part = &template->parts[i];
        bool is_text = part->kind == PLACEHOLDER_TEXT;
        bytes += is_text ? text_factor * part->text.length : SETTINGS_LOG_LEAST_VALUE_BYTES;
    }
    return bytes;
}

static bool check_length(struct settings_reader *reader, const struct node *format, size_t bytes)
{
    return bytes <= SETTINGS_LOG_LINE_BYTES ||
           error_set_at(reader->error, format->place,
                        "'format' is too long: a line of the access log has 4095 bytes at most");
}

static bool has_placeholder(const struct template *template)
{
    for (size_t i = 0; i < template->count; ++i) {
        if (template->parts[i].kind != PLACEHOLDER_TEXT)
            return true;
    }
    return false;
}

static bool has_line_break(struct slice text)
{
    for (size_t i = 0; i < text.length; ++i) {
        if (((unsigned char)text.data[i] < ' ' && text.data[i] != '\t') || text.data[i] == 0x7f)
            return true;
    }
    return false;
}

static bool read_line(struct settings_reader *reader, const struct node *format)
{
    const struct template *line = template_read(format, reader->arena, reader->error);
    reader->settings->access_log.line = line;
    if (line == NULL)
        return false;
    if (has_line_break(format->text))
        return error_set_at(reader->error, format->place,
                            "'format' is one line: it holds no control character other than a tab");
    if (!has_placeholder(line))
        return error_set_at(reader->error, format->place,
                            "'format' has no placeholder, so that all lines would be alike (write a template such as "
                            "\"{method} {uri} {status}\", or a mapping of names to templates)");
    return check_length(reader, format, 1 + count_least(line, 1));
}

static bool read_field(struct settings_reader *reader, const struct node *name, const struct node *value,
                       struct access_log_field *field)
{
    bool is_null = value->kind == NODE_SCALAR && value->is_null;
    const char *hint = is_null || value->kind == NODE_MAPPING ? ": one that begins with '{' must stand in quotes" : "";
    if (value->kind != NODE_SCALAR || is_null)
        return error_set_at(reader->error, value->place, "'%s' in 'format' wants a template, not %s%s", name->text.data,
                            node_kind_phrase(value), hint);
    field->name = name->text;
    field->value = template_read(value, reader->arena, reader->error);
    return field->value != NULL;
}

static bool read_fields(struct settings_reader *reader, const struct node *format)
{
    struct access_log_field *items = arena_alloc(reader->arena, format->count * sizeof(*items));
    size_t bytes = sizeof("{}\n") - 1;
    if (format->count == 0)
        return error_set_at(reader->error, format->place, "'format' names nothing");
    for (size_t i = 0; i < format->count; ++i) {
        if (!read_field(reader, format->keys[i], format->items[i], &items[i]))
            return false;
        bytes += sizeof("'':'',") - 1 + SETTINGS_LOG_ESCAPED_BYTES * items[i].name.length +
                 count_least(items[i].value, SETTINGS_LOG_ESCAPED_BYTES);
    }
    reader->settings->access_log.fields = items;
    reader->settings->access_log.field_count = format->count;
    return check_length(reader, format, bytes);
}

static bool read_format(struct settings_reader *reader, const struct node *format)
{
    if (format->kind == NODE_MAPPING)
        return read_fields(reader, format);
    if (format->kind == NODE_SCALAR && !format->is_null)
        return read_line(reader, format);
    return error_set_at(reader->error, format->place, "'format' wants a template, or a mapping of names to templates");
}

bool access_log_read(struct settings_reader *reader, const struct node *node)
{
    struct field_value values[ACCESS_LOG_FIELDS];
    if (!value_check_present(reader, node, "access_log"))
        return false;
    if (node->kind == NODE_SCALAR)
        return read_path(reader, node->place, node, node->text);
    if (node->kind != NODE_MAPPING)
        return error_set_at(reader->error, node->place, "'access_log' wants a path, 'stdout' or 'off', not %s",
                            node_kind_phrase(node));
    if (!fields_read(fields, ACCESS_LOG_FIELDS, node, node->place, "'access_log'", reader->source, reader->arena,
                     values, reader->error))
        return false;
    const struct field_value *path = &values[ACCESS_LOG_PATH], *format = &values[ACCESS_LOG_FORMAT];
    return read_path(reader, path->place, path->node, path->text) &&
           (!format->written || read_format(reader, format->node));
}
