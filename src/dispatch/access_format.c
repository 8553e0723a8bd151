#include "dispatch/access_format.h"

#include "base/alloc.h"
#include "base/characters.h"
#include "dispatch/access_line.h"

#include <stdlib.h>

enum {
    MOST_VALUE_BYTES = 3072,
    LEAST_VALUE_BYTES = SETTINGS_LOG_LEAST_VALUE_BYTES - (int)sizeof("...") + 1,
    SCRATCH_BYTES = 1024,
};

/* A value of the object. */
struct member {
    struct slice prefix; /* what stands in front of it, with its name */
    const struct template *value;
    bool is_single; /* one placeholder alone */
    bool is_number;
};

struct access_format {
    const struct template *line; /* NULL: the members, as an object */
    struct member *members;
    size_t member_count;
    struct arena arena;   /* of the members */
    struct arena scratch; /* of the line that is being made */
};

/* A control character, as terminals see it too, in two bytes or three. */
static void add_escaped_character(struct text *out, struct slice character)
{
    unsigned code = (unsigned char)character.data[0];
    if (character.length > 1)
        code &= character.length == 2 ? 0x1f : 0x0f;
    for (size_t i = 1; i < character.length; ++i)
        code = code << 6 | ((unsigned char)character.data[i] & 0x3f);
    text_print(out, "\\u%04x", code);
}

static bool is_plain(char c)
{
    return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

/* Adds one character, or a run of those that need no escape, and returns how many bytes that took. */
static size_t add_some_json(struct text *out, struct slice raw)
{
    size_t plain = 0;
    while (plain < raw.length && is_plain(raw.data[plain]))
        ++plain;
    if (plain != 0) {
        text_add(out, slice_of(raw.data, plain));
        return plain;
    }
    size_t length = character_length(raw);
    struct slice character = slice_of(raw.data, length == 0 ? 1 : length);
    if (raw.data[0] == '"' || raw.data[0] == '\\') {
        text_add_char(out, '\\');
        text_add_char(out, raw.data[0]);
    } else if (length == 0 || (length < 4 && character_is_control(character))) {
        add_escaped_character(out, character);
    } else {
        text_add(out, character);
    }
    return character.length;
}

static void add_json(struct text *out, struct slice raw, size_t most_bytes)
{
    size_t start = out->length;
    while (raw.length != 0) {
        size_t before = out->length, room = most_bytes - (before - start);
        struct slice next = raw.length > room ? slice_of(raw.data, room + 1) : raw;
        size_t taken = add_some_json(out, next);
        raw = slice_skip(raw, taken);
        if (out->length - start <= most_bytes)
            continue;
        bool is_run = is_plain(out->data[before]) && out->length - before == taken;
        out->length = is_run ? start + most_bytes : before;
        text_add(out, SLICE("..."));
        break;
    }
}

static struct member make_member(const struct access_log_field *field, bool is_first, struct arena *arena)
{
    struct text prefix = TEXT_INIT;
    const struct template_part *part = field->value->parts;
    bool is_single = field->value->count == 1 && part->kind != PLACEHOLDER_TEXT && part->rest == NULL;
    text_add(&prefix, is_first ? SLICE("{\"") : SLICE(",\""));
    add_json(&prefix, field->name, SETTINGS_LOG_LINE_BYTES);
    text_add(&prefix, SLICE("\":"));
    struct member member = {
        .prefix = arena_copy(arena, text_slice(&prefix)),
        .value = field->value,
        .is_single = is_single,
        .is_number = is_single && placeholder_is_number(part->kind),
    };
    text_finish(&prefix);
    return member;
}

struct access_format *access_format_create(const struct access_log_settings *settings)
{
    if (settings == NULL || (settings->line == NULL && settings->field_count == 0))
        return NULL;
    struct access_format *format = mem_zalloc(sizeof(*format));
    arena_init(&format->arena, 0);
    arena_init(&format->scratch, SCRATCH_BYTES);
    format->line = settings->line;
    format->member_count = settings->field_count;
    format->members = arena_alloc(&format->arena, settings->field_count * sizeof(*format->members));
    for (size_t i = 0; i < settings->field_count; ++i)
        format->members[i] = make_member(&settings->fields[i], i == 0, &format->arena);
    return format;
}

void access_format_destroy(struct access_format *format)
{
    if (format == NULL)
        return;
    arena_finish(&format->arena);
    arena_finish(&format->scratch);
    free(format);
}

static void add_line(const struct template *line, struct text *out, const struct expansion *expansion,
                     size_t most_bytes)
{
    for (size_t i = 0; i < line->count; ++i) {
        const struct template_part *part = &line->parts[i];
        struct slice value = expansion_value(expansion, part);
        if (part->kind == PLACEHOLDER_TEXT)
            text_add(out, value);
        else if (value.length == 0)
            text_add_char(out, '-');
        else
            access_line_add_escaped(out, value, most_bytes);
    }
}

static void add_string(const struct template *template, struct text *out, const struct expansion *expansion,
                       size_t most_bytes)
{
    text_add_char(out, '"');
    for (size_t i = 0; i < template->count; ++i) {
        const struct template_part *part = &template->parts[i];
        struct slice value = expansion_value(expansion, part);
        bool is_text = part->kind == PLACEHOLDER_TEXT;
        add_json(out, value.length == 0 ? SLICE("-") : value, is_text ? SETTINGS_LOG_LINE_BYTES : most_bytes);
    }
    text_add_char(out, '"');
}

static void add_member(const struct member *member, struct text *out, const struct expansion *expansion,
                       size_t most_bytes)
{
    text_add(out, member->prefix);
    if (!member->is_single) {
        add_string(member->value, out, expansion, most_bytes);
        return;
    }
    struct slice value = expansion_value(expansion, member->value->parts);
    if (value.length == 0 || member->is_number) {
        text_add(out, value.length == 0 ? SLICE("null") : value);
        return;
    }
    text_add_char(out, '"');
    add_json(out, value, most_bytes);
    text_add_char(out, '"');
}

static void add_once(const struct access_format *format, struct text *out, const struct expansion *expansion,
                     size_t most_bytes)
{
    if (format->line != NULL)
        add_line(format->line, out, expansion, most_bytes);
    for (size_t i = 0; i < format->member_count; ++i)
        add_member(&format->members[i], out, expansion, most_bytes);
    text_add(out, format->line != NULL ? SLICE("\n") : SLICE("}\n"));
}

void access_format_add(struct access_format *format, struct text *out, struct slice time, struct exchange *exchange,
                       const struct expansion_times *times)
{
    const struct expansion expansion = {.exchange = exchange, .arena = &format->scratch, .times = times, .time = time};
    size_t start = out->length, most_bytes = MOST_VALUE_BYTES;
    add_once(format, out, &expansion, most_bytes);
    while (out->length - start > SETTINGS_LOG_LINE_BYTES && most_bytes > LEAST_VALUE_BYTES) {
        most_bytes = most_bytes / 2 > LEAST_VALUE_BYTES ? most_bytes / 2 : LEAST_VALUE_BYTES;
        out->length = start;
        add_once(format, out, &expansion, most_bytes);
    }
    arena_clear(&format->scratch);
}
