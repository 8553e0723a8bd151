#include "scenario/content.h"

#include "coding/coder.h"
#include "config/fields.h"
#include "config/wording.h"

enum {
    CONTENT_LIKE = 0,
    CONTENT_HEX,
    CONTENT_GZIP,
    CONTENT_FILE,
    CONTENT_REPEAT,
    CONTENT_TIMES,
    CONTENT_FIELDS,
};

enum {
    GZIP_LEVEL = 6,
};

#define MOST_BYTES (256L * 1024 * 1024)

static const struct field fields[CONTENT_FIELDS] = {
    [CONTENT_LIKE] = {.name = "like", .type = FIELD_TEXT, .summary = "what is compared; * stands for anything"},
    [CONTENT_HEX] = {.name = "hex", .type = FIELD_TEXT, .summary = "bytes as hexadecimal digits"},
    [CONTENT_GZIP] = {.name = "gzip", .type = FIELD_TEXT, .summary = "a text that is compressed"},
    [CONTENT_FILE] = {.name = "file", .type = FIELD_FILE, .summary = "a file that holds the bytes"},
    [CONTENT_REPEAT] = {.name = "repeat", .type = FIELD_TEXT, .summary = "a text that comes again and again"},
    [CONTENT_TIMES] = {.name = "times",
                       .type = FIELD_INTEGER,
                       .minimum = 0,
                       .maximum = MOST_BYTES,
                       .summary = "how often the text of repeat comes"},
};

/* A mapping that is being read. */
struct recipe {
    const struct content_reader *reader;
    const struct node *node;
    struct field_value values[CONTENT_FIELDS];
};

static bool read_hex(const struct recipe *recipe, struct slice *piece)
{
    const struct field_value *value = &recipe->values[CONTENT_HEX];
    char *bytes = arena_alloc(recipe->reader->arena, value->text.length / 2 + 1);
    size_t digits = 0;
    int high = 0;
    for (size_t i = 0; i < value->text.length; ++i) {
        char c = value->text.data[i];
        int digit = ascii_hexadecimal(c);
        if (c == ' ' || c == '\n')
            continue;
        if (digit < 0)
            return error_set_at(recipe->reader->error, value->place, "'hex' wants hexadecimal digits, not '%s'",
                                wording_quote(recipe->reader->arena, slice_of(&c, 1)));
        if (digits % 2 == 1)
            bytes[digits / 2] = (char)(high * 16 + digit);
        high = digit;
        ++digits;
    }
    *piece = slice_of(bytes, digits / 2);
    return digits % 2 == 0 || error_set_at(recipe->reader->error, value->place, "'hex' wants two digits for each byte");
}

static bool read_gzip(const struct recipe *recipe, struct slice *piece)
{
    const struct field_value *value = &recipe->values[CONTENT_GZIP];
    struct slice input = value->text;
    /* what does not shrink grows by little */
    struct coder_room room = {.length = input.length + input.length / 8 + 1024};
    struct coder *coder = coder_gzip.create(GZIP_LEVEL, (int64_t)input.length, SIZE_MAX);
    room.data = arena_alloc(recipe->reader->arena, room.length);
    bool is_done = coder != NULL && coder_gzip.work(coder, CODER_FINISH, &input, &room) == CODER_DONE;
    if (coder != NULL)
        coder_gzip.destroy(coder);
    *piece = slice_of(room.data, room.used);
    return is_done || error_set_at(recipe->reader->error, value->place, "this cannot be compressed");
}

static bool read_repeat(const struct recipe *recipe, struct slice *piece)
{
    const struct field_value *repeat = &recipe->values[CONTENT_REPEAT], *times = &recipe->values[CONTENT_TIMES];
    struct error *error = recipe->reader->error;
    if (!times->present)
        return error_set_at(error, repeat->place, "'repeat' wants 'times' beside it");
    size_t count = (size_t)times->integer, length = repeat->text.length;
    if (length != 0 && count > (size_t)MOST_BYTES / length)
        return error_set_at(error, times->place, "that is more than 256MB");
    char *bytes = arena_alloc(recipe->reader->arena, count * length + 1);
    for (size_t i = 0; i < count && length != 0; ++i)
        memcpy(bytes + i * length, repeat->text.data, length);
    *piece = slice_of(bytes, count * length);
    return true;
}

/* Which of the ways to tell bytes is written; exactly one has to be. */
static bool find_way(const struct recipe *recipe, int *way)
{
    *way = -1;
    for (int i = 0; i < CONTENT_TIMES; ++i) {
        if (!recipe->values[i].written)
            continue;
        if (*way != -1)
            return error_set_at(recipe->reader->error, recipe->values[i].place, "'%s' and '%s' exclude each other",
                                fields[*way].name, fields[i].name);
        *way = i;
    }
    return *way != -1 ||
           error_set_at(recipe->reader->error, recipe->node->place,
                        "'%s' wants one of 'like', 'hex', 'gzip', 'file' and 'repeat'", recipe->reader->key);
}

static bool read_recipe(const struct content_reader *reader, const struct node *node, struct slice *piece,
                        bool *is_like)
{
    struct recipe recipe = {.reader = reader, .node = node};
    const char *what = arena_print(reader->arena, "'%s'", reader->key).data;
    int way;
    if (!fields_read(fields, CONTENT_FIELDS, node, node->place, what, reader->source, reader->arena, recipe.values,
                     reader->error) ||
        !find_way(&recipe, &way))
        return false;
    const struct field_value *value = &recipe.values[way];
    if (recipe.values[CONTENT_TIMES].written && way != CONTENT_REPEAT)
        return error_set_at(reader->error, recipe.values[CONTENT_TIMES].place, "'times' goes with 'repeat' only");
    switch (way) {
    case CONTENT_HEX:
        return read_hex(&recipe, piece);
    case CONTENT_GZIP:
        return read_gzip(&recipe, piece);
    case CONTENT_REPEAT:
        return read_repeat(&recipe, piece);
    case CONTENT_LIKE:
        *is_like = true;
        break;
    default:
        break;
    }
    *piece = value->text;
    return !*is_like || reader->may_be_like ||
           error_set_at(reader->error, value->place, "'like' is for what is to be seen, not for what is sent");
}

static bool read_piece(const struct content_reader *reader, const struct node *node, struct slice *piece, bool *is_like)
{
    if (node->kind == NODE_MAPPING)
        return read_recipe(reader, node, piece, is_like);
    if (node->kind == NODE_SEQUENCE)
        return error_set_at(reader->error, node->place, "a piece of '%s' is a text or a mapping, not a list",
                            reader->key);
    if (node->is_null)
        return error_set_at(reader->error, node->place, "'%s' has no value (write \"\" for nothing at all)",
                            reader->key);
    *piece = node->text;
    return true;
}

bool content_read(const struct content_reader *reader, const struct node *node, struct content *content)
{
    bool is_list = node->kind == NODE_SEQUENCE;
    size_t count = is_list ? node->count : 1;
    struct slice *pieces = arena_alloc(reader->arena, count * sizeof(*pieces));
    *content = (struct content){.is_written = true, .pieces = pieces, .count = count};
    for (size_t i = 0; i < count; ++i) {
        bool is_like = false;
        if (!read_piece(reader, is_list ? node->items[i] : node, &pieces[i], &is_like))
            return false;
        if (is_like && is_list)
            return error_set_at(reader->error, node->items[i]->place, "'like' is for a whole, not for a piece of it");
        content->is_like = is_like;
        content->length += pieces[i].length;
    }
    return content->length <= (size_t)MOST_BYTES ||
           error_set_at(reader->error, node->place, "'%s' is more than 256MB", reader->key);
}

struct slice content_join(const struct content *content, struct arena *arena)
{
    if (content->count == 1)
        return content->pieces[0];
    char *bytes = arena_alloc(arena, content->length + 1);
    size_t length = 0;
    for (size_t i = 0; i < content->count; ++i) {
        if (content->pieces[i].length != 0)
            memcpy(bytes + length, content->pieces[i].data, content->pieces[i].length);
        length += content->pieces[i].length;
    }
    return slice_of(bytes, length);
}

/* The text between two stars is found at its first place; only the last one has to stand at the end. */
static bool is_like(struct slice pattern, struct slice seen)
{
    size_t star = slice_find(pattern, '*');
    if (star == pattern.length)
        return slice_equals(pattern, seen);
    if (!slice_starts_with(seen, slice_of(pattern.data, star)))
        return false;
    seen = slice_skip(seen, star);
    pattern = slice_skip(pattern, star + 1);
    for (star = slice_find(pattern, '*'); star != pattern.length; star = slice_find(pattern, '*')) {
        const char *found = star == 0 ? seen.data : memmem(seen.data, seen.length, pattern.data, star);
        if (found == NULL && star != 0)
            return false;
        if (star != 0)
            seen = slice_skip(seen, (size_t)(found - seen.data) + star);
        pattern = slice_skip(pattern, star + 1);
    }
    return slice_ends_with(seen, pattern);
}

bool content_may_match(const struct content *content, struct slice seen)
{
    if (content->is_like)
        return true;
    for (size_t i = 0; i < content->count && seen.length != 0; ++i) {
        struct slice piece = content->pieces[i];
        size_t length = piece.length < seen.length ? piece.length : seen.length;
        if (!slice_equals(slice_of(piece.data, length), slice_of(seen.data, length)))
            return false;
        seen = slice_skip(seen, length);
    }
    return seen.length == 0;
}

bool content_matches(const struct content *content, struct slice seen)
{
    if (content->is_like)
        return is_like(content->pieces[0], seen);
    return seen.length == content->length && content_may_match(content, seen);
}
