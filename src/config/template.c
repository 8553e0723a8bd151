#include "config/template.h"

#include "config/text_position.h"
#include "config/wording.h"

enum {
    MOST_DEPTH = 8,
    MOST_PARTS = 256,
    LONGEST_SOUGHT = 32,
};

struct template_reader {
    const struct node *node;
    struct arena *arena;
    struct error *error;
    struct slice text;
    size_t at;
    unsigned depth; /* how many placeholders are open */
    size_t part_count;
};

static bool read_template(struct template_reader *reader, struct template *template);

static size_t offset_of(struct place place)
{
    struct slice content = place.text->content;
    size_t offset = 0;
    for (unsigned line = 1; line < place.line && offset < content.length; ++line)
        offset += slice_find(slice_skip(content, offset), '\n') + 1;
    offset += place.column - 1;
    return offset < content.length ? offset : content.length;
}

/* Where wanted stands next, from there on, or text.length. */
static size_t find_text(struct slice text, size_t from, struct slice wanted)
{
    if (from >= text.length)
        return text.length;
    const char *found = memmem(text.data + from, text.length - from, wanted.data, wanted.length);
    return found == NULL ? text.length : (size_t)(found - text.data);
}

/* The place in the file of what stands there in the text. Quotes, escapes and variables come between the two, so what
 * is looked for in the file is the same words, as many times as they have come before. */
static struct place find_place(const struct template_reader *reader, size_t at)
{
    struct slice text = reader->text, wanted = slice_skip(text, at);
    struct place place = reader->node->place;
    if (wanted.length > LONGEST_SOUGHT)
        wanted.length = LONGEST_SOUGHT;
    size_t end = slice_find(wanted, '}');
    wanted.length = end < wanted.length ? end + 1 : end;
    if (place.text == NULL || wanted.length == 0)
        return place;
    struct slice content = place.text->content;
    size_t found = find_text(content, offset_of(place), wanted);
    for (size_t before = find_text(text, 0, wanted); before < at; before = find_text(text, before + 1, wanted))
        found = find_text(content, found + 1, wanted);
    return found < content.length ? text_position_of_byte(place.text, found) : place;
}

static bool refuse(const struct template_reader *reader, size_t at, const char *problem)
{
    return error_set_at(reader->error, find_place(reader, at), "%s", problem);
}

static bool add_part(struct template_reader *reader, struct template_part **parts, size_t *capacity, size_t count,
                     struct template_part part, size_t at)
{
    if (++reader->part_count > MOST_PARTS)
        return refuse(reader, at, "a template has 256 parts at most");
    *parts = arena_grow(reader->arena, *parts, count, capacity, sizeof(**parts));
    (*parts)[count] = part;
    return true;
}

static bool refuse_open(const struct template_reader *reader, size_t start)
{
    struct slice rest = slice_skip(reader->text, start);
    return refuse(reader, start,
                  arena_print(reader->arena, "'%s' is never closed: a '}' is missing (a brace itself is written '{{')",
                              wording_quote(reader->arena, rest))
                      .data);
}

/* What follows a "|", up to the "}" that ends the placeholder. */
static const struct template *read_rest(struct template_reader *reader, size_t start)
{
    struct template *rest = arena_zalloc(reader->arena, sizeof(*rest));
    if (reader->depth == MOST_DEPTH) {
        refuse(reader, start, "placeholders stand at most 8 deep in each other");
        return NULL;
    }
    ++reader->depth;
    bool is_read = read_template(reader, rest);
    --reader->depth;
    return is_read ? rest : NULL;
}

static bool is_end_of_name(char c)
{
    return c == '{' || c == '|' || c == '}';
}

static bool read_placeholder(struct template_reader *reader, struct template_part *part)
{
    size_t start = reader->at, end = start + 1;
    while (end < reader->text.length && !is_end_of_name(reader->text.data[end]))
        ++end;
    if (end == reader->text.length || reader->text.data[end] == '{')
        return refuse_open(reader, start);
    struct slice name = slice_of(reader->text.data + start + 1, end - start - 1);
    if (name.length == 0)
        return refuse(reader, start, "a placeholder's name is missing here (a brace itself is written '{{')");
    const char *problem = placeholder_find(name, &part->kind, &part->text, reader->arena);
    if (problem != NULL)
        return refuse(reader, start, problem);
    reader->at = end + 1;
    if (reader->text.data[end] == '}')
        return true;
    part->rest = read_rest(reader, start);
    if (part->rest == NULL)
        return false;
    if (reader->at == reader->text.length)
        return refuse_open(reader, start);
    ++reader->at;
    return true;
}

static bool is_twice(const struct template_reader *reader, char brace)
{
    size_t next = reader->at + 1;
    return reader->depth == 0 && next < reader->text.length && reader->text.data[next] == brace;
}

/* Text up to the next placeholder or the end; a doubled brace ends it too, and the first of both belongs to it. */
static bool read_text(struct template_reader *reader, struct template_part *part)
{
    size_t start = reader->at;
    while (reader->at < reader->text.length && reader->text.data[reader->at] != '{' &&
           reader->text.data[reader->at] != '}')
        ++reader->at;
    size_t end = reader->at;
    bool is_brace = end < reader->text.length && is_twice(reader, reader->text.data[end]);
    if (end == start && !is_brace)
        return refuse(reader, start, "a '}' that ends no placeholder is written '}}'");
    part->text = slice_of(reader->text.data + start, end - start + is_brace);
    reader->at = is_brace ? end + 2 : end;
    return true;
}

static bool read_template(struct template_reader *reader, struct template *template)
{
    struct template_part *parts = NULL;
    size_t capacity = 0;
    template->place = reader->node->place;
    while (reader->at < reader->text.length) {
        char c = reader->text.data[reader->at];
        size_t start = reader->at;
        struct template_part part = {0};
        if (c == '}' && reader->depth != 0)
            break;
        bool is_placeholder = c == '{' && !is_twice(reader, '{');
        if (!(is_placeholder ? read_placeholder(reader, &part) : read_text(reader, &part)) ||
            !add_part(reader, &parts, &capacity, template->count, part, start))
            return false;
        ++template->count;
    }
    template->parts = parts;
    return true;
}

const struct template *template_read(const struct node *node, struct arena *arena, struct error *error)
{
    struct template *template = arena_zalloc(arena, sizeof(*template));
    struct template_reader reader = {.node = node, .arena = arena, .error = error, .text = node->text};
    return read_template(&reader, template) ? template : NULL;
}
