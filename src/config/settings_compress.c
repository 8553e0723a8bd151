#include "base/suggest.h"
#include "config/settings_reader.h"
#include "config/wording.h"

enum {
    COMPRESS_CODINGS = 0,
    COMPRESS_TYPES,
    COMPRESS_MIN_LENGTH,
    COMPRESS_LEVEL,
    COMPRESS_FIELDS,
};

static const struct field fields[COMPRESS_FIELDS] = {
    [COMPRESS_CODINGS] = {.name = "codings", .type = FIELD_LIST, .summary = "of zstd, br and gzip; the best one first"},
    [COMPRESS_TYPES] = {.name = "types", .type = FIELD_LIST, .summary = "media types of what is compressed"},
    [COMPRESS_MIN_LENGTH] = {.name = "min_length",
                             .type = FIELD_SIZE,
                             .fallback = "1KB",
                             .minimum = 0,
                             .maximum = SETTINGS_MB,
                             .summary = "how long a body at least is that is compressed"},
    [COMPRESS_LEVEL] = {.name = "level",
                        .type = FIELD_NODE,
                        .summary = "fast, normal or best; or a number for each coding"},
};

enum {
    LEVEL_FAST = 0,
    LEVEL_NORMAL,
    LEVEL_BEST,
    LEVEL_WORDS,
};

static const char *const level_words[LEVEL_WORDS + 1] = {"fast", "normal", "best", NULL};

/* The levels beyond the best one are for those who compress once and send often. */
static const int word_levels[CODING_COUNT][LEVEL_WORDS] = {
    [CODING_GZIP] = {1, 5, 9},
    [CODING_BROTLI] = {1, 4, 6},
    [CODING_ZSTD] = {1, 3, 8},
};

enum {
    LEVELS_GZIP = CODING_GZIP,
    LEVELS_BROTLI = CODING_BROTLI,
    LEVELS_ZSTD = CODING_ZSTD,
    LEVELS_FIELDS,
};

static const struct field level_fields[LEVELS_FIELDS] = {
    [LEVELS_GZIP] = {.name = "gzip",
                     .type = FIELD_INTEGER,
                     .fallback = "5",
                     .minimum = 1,
                     .maximum = 9,
                     .summary = "from fast to small"},
    [LEVELS_BROTLI] = {.name = "br",
                       .type = FIELD_INTEGER,
                       .fallback = "4",
                       .minimum = 0,
                       .maximum = 9,
                       .summary = "from fast to small"},
    [LEVELS_ZSTD] = {.name = "zstd",
                     .type = FIELD_INTEGER,
                     .fallback = "3",
                     .minimum = 1,
                     .maximum = 12,
                     .summary = "from fast to small"},
};

/* Text in all its forms, and what else is not compressed yet by its very format. */
static const char *const usual_types[] = {
    "text/*",
    "application/*+json",
    "application/*+xml",
    "application/javascript",
    "application/json",
    "application/jsonl",
    "application/rtf",
    "application/vnd.ms-fontobject",
    "application/wasm",
    "application/x-javascript",
    "application/x-ndjson",
    "application/xml",
    "application/yaml",
    "font/otf",
    "font/ttf",
    "image/bmp",
    "image/svg+xml",
    "image/vnd.microsoft.icon",
    "image/x-icon",
};

static bool refuse_coding(struct settings_reader *reader, const struct field_item *item)
{
    struct suggest suggest = suggest_start(item->text);
    for (enum coding coding = 0; coding < CODING_COUNT; ++coding)
        suggest_offer(&suggest, coding_name(coding));
    char phrase[SUGGEST_PHRASE_BYTES];
    return error_set_at(reader->error, item->place, "'codings' wants 'zstd', 'br' and 'gzip', not '%s'%s",
                        wording_quote(reader->arena, item->text), suggest_phrase(&suggest, phrase));
}

static bool add_coding(struct settings_reader *reader, const struct field_item *item,
                       struct compression_settings *compression)
{
    enum coding coding = 0;
    while (coding < CODING_COUNT && !slice_equals(coding_name(coding), item->text))
        ++coding;
    if (coding == CODING_COUNT)
        return refuse_coding(reader, item);
    for (size_t i = 0; i < compression->coding_count; ++i) {
        if (compression->codings[i] == coding)
            return error_set_at(reader->error, item->place, "'codings' names '%s' twice",
                                wording_quote(reader->arena, item->text));
    }
    compression->codings[compression->coding_count++] = coding;
    return true;
}

static bool read_codings(struct settings_reader *reader, const struct field_value *value,
                         struct compression_settings *compression)
{
    if (!value->written) {
        const enum coding usual[] = {CODING_ZSTD, CODING_BROTLI, CODING_GZIP};
        memcpy(compression->codings, usual, sizeof(usual));
        compression->coding_count = CODING_COUNT;
        return true;
    }
    if (value->count == 0)
        return error_set_at(reader->error, value->place, "'codings' is an empty list: write 'compress: no' instead");
    for (size_t i = 0; i < value->count; ++i) {
        if (!add_coding(reader, &value->list[i], compression))
            return false;
    }
    return true;
}

static bool is_name_part(struct slice part)
{
    for (size_t i = 0; i < part.length; ++i) {
        char c = ascii_lower(part.data[i]);
        if (!(c >= 'a' && c <= 'z') && !ascii_is_digit(c) && strchr("!#$&-^_.+", c) == NULL)
            return false;
    }
    return part.length != 0;
}

/* TYPE or NAME of a pattern; for NAME "*+SUFFIX" is fine. */
static bool is_pattern_part(struct slice part, bool is_name)
{
    if (slice_equals(part, SLICE("*")))
        return true;
    bool has_suffix = is_name && slice_starts_with(part, SLICE("*+"));
    return is_name_part(has_suffix ? slice_skip(part, 2) : part);
}

static bool read_type(struct settings_reader *reader, const struct field_item *written, struct field_item *type)
{
    struct slice text = arena_copy(reader->arena, written->text);
    for (size_t i = 0; i < text.length; ++i)
        ((char *)(uintptr_t)text.data)[i] = ascii_lower(text.data[i]);
    *type = (struct field_item){text, written->place};
    size_t slash = slice_find(text, '/');
    if (slash != text.length && is_pattern_part(slice_of(text.data, slash), false) &&
        is_pattern_part(slice_skip(text, slash + 1), true))
        return true;
    return error_set_at(reader->error, written->place,
                        "'types' wants media types such as text/html, text/* or application/*+json, not '%s'",
                        wording_quote(reader->arena, written->text));
}

static bool read_types(struct settings_reader *reader, const struct field_value *value,
                       struct compression_settings *compression)
{
    const size_t usual_count = sizeof(usual_types) / sizeof(usual_types[0]);
    compression->type_count = value->written ? value->count : usual_count;
    struct field_item *types = arena_zalloc(reader->arena, compression->type_count * sizeof(*types));
    compression->types = types;
    if (compression->type_count == 0)
        return error_set_at(reader->error, value->place, "'types' is an empty list: write 'compress: no' instead");
    for (size_t i = 0; i < compression->type_count; ++i) {
        if (!value->written)
            types[i].text = slice_from_text(usual_types[i]);
        else if (!read_type(reader, &value->list[i], &types[i]))
            return false;
    }
    return true;
}

static bool read_level_word(struct settings_reader *reader, const struct node *node, int *word)
{
    struct suggest suggest = suggest_start(node->text);
    for (*word = 0; *word < LEVEL_WORDS; ++*word) {
        if (slice_equals(node->text, slice_from_text(level_words[*word])))
            return true;
        suggest_offer(&suggest, slice_from_text(level_words[*word]));
    }
    char phrase[SUGGEST_PHRASE_BYTES];
    return error_set_at(
        reader->error, node->place,
        "'level' wants fast, normal, best, or a mapping such as { gzip: 5, br: 4, zstd: 3 }, not '%s'%s",
        wording_quote(reader->arena, node->text), suggest_phrase(&suggest, phrase));
}

static bool read_level(struct settings_reader *reader, const struct field_value *value,
                       struct compression_settings *compression)
{
    const struct node *node = value->written ? value->node : NULL;
    struct field_value values[LEVELS_FIELDS];
    int word;
    if (node != NULL && !value_check_present(reader, node, "level"))
        return false;
    if (node != NULL && node->kind == NODE_SEQUENCE)
        return error_set_at(reader->error, node->place, "'level' wants a word or a mapping, not a list");
    if (node != NULL && node->kind == NODE_SCALAR) {
        if (!read_level_word(reader, node, &word))
            return false;
        for (int i = 0; i < CODING_COUNT; ++i)
            compression->levels[i] = word_levels[i][word];
        return true;
    }
    if (!fields_read(level_fields, LEVELS_FIELDS, node, value->place, "'level'", reader->source, reader->arena, values,
                     reader->error))
        return false;
    for (int i = 0; i < CODING_COUNT; ++i)
        compression->levels[i] = (int)values[i].integer;
    return true;
}

bool compress_read(struct settings_reader *reader, const struct node *node,
                   const struct compression_settings **compression)
{
    struct field_value values[COMPRESS_FIELDS];
    *compression = NULL;
    if (node == NULL)
        return true;
    enum switch_word word = value_switch(node);
    if (word == SWITCH_OFF)
        return true;
    if (!value_check_present(reader, node, "compress"))
        return false;
    if (word == SWITCH_NONE && node->kind != NODE_MAPPING)
        return error_set_at(reader->error, node->place,
                            "'compress' wants yes, no or a mapping such as { codings: [br, gzip] }");
    const struct node *mapping = word == SWITCH_ON ? NULL : node;
    if (!fields_read(fields, COMPRESS_FIELDS, mapping, node->place, "'compress'", reader->source, reader->arena, values,
                     reader->error))
        return false;
    struct compression_settings *own = arena_zalloc(reader->arena, sizeof(*own));
    *compression = own;
    own->min_length_bytes = values[COMPRESS_MIN_LENGTH].integer;
    return read_codings(reader, &values[COMPRESS_CODINGS], own) && read_types(reader, &values[COMPRESS_TYPES], own) &&
           read_level(reader, &values[COMPRESS_LEVEL], own);
}
