#include "base/suggest.h"
#include "config/settings_reader.h"
#include "config/wording.h"

#include <stdlib.h>

enum {
    REDIRECT_TO = 0,
    REDIRECT_STATUS,
    REDIRECT_FIELDS,
};

static const char *const statuses[] = {"301", "302", "303", "307", "308", NULL};

#define USUAL_STATUS 302

static const struct field fields[REDIRECT_FIELDS] = {
    [REDIRECT_TO] = {.name = "to",
                     .type = FIELD_TEXT,
                     .required = true,
                     .summary = "a URL or a path; {scheme}, {host}, {path} and {query} are the request's"},
    [REDIRECT_STATUS] = {.name = "status",
                         .type = FIELD_CHOICE,
                         .fallback = "302",
                         .choices = statuses,
                         .summary = "301 and 308 are for good; 307 and 308 keep the method"},
};

static const char *const placeholders[] = {
    [REDIRECT_PART_SCHEME] = "scheme",
    [REDIRECT_PART_HOST] = "host",
    [REDIRECT_PART_PATH] = "path",
    [REDIRECT_PART_QUERY] = "query",
};

/* The template as it is read: where it stands, and what is left of it. */
struct location_reader {
    struct settings_reader *reader;
    struct place place;
    struct slice rest;
    struct redirect_part *parts;
    size_t count, capacity;
};

static void add_part(struct location_reader *location, enum redirect_part_kind kind, struct slice text)
{
    location->parts = arena_grow(location->reader->arena, location->parts, location->count, &location->capacity,
                                 sizeof(*location->parts));
    location->parts[location->count++] = (struct redirect_part){kind, text};
}

static bool refuse_placeholder(struct location_reader *location, struct slice name)
{
    struct suggest suggest = suggest_start(name);
    for (size_t i = REDIRECT_PART_SCHEME; i <= REDIRECT_PART_QUERY; ++i)
        suggest_offer(&suggest, slice_from_text(placeholders[i]));
    char phrase[SUGGEST_PHRASE_BYTES];
    const char *hint = suggest_phrase(&suggest, phrase);
    return error_set_at(location->reader->error, location->place, "'{%s}' stands for nothing here%s",
                        wording_quote(location->reader->arena, name),
                        hint[0] != '\0' ? hint : " (possible: '{scheme}', '{host}', '{path}', '{query}')");
}

static bool ends_in_slash(const struct location_reader *location)
{
    const struct redirect_part *last = location->count == 0 ? NULL : &location->parts[location->count - 1];
    return last != NULL && last->kind == REDIRECT_PART_TEXT && slice_ends_with(last->text, SLICE("/"));
}

static bool read_placeholder(struct location_reader *location)
{
    size_t end = slice_find(location->rest, '}');
    if (end == location->rest.length)
        return error_set_at(location->reader->error, location->place, "'%s' is never closed: a '}' is missing",
                            wording_quote(location->reader->arena, location->rest));
    struct slice name = slice_of(location->rest.data + 1, end - 1);
    location->rest = slice_skip(location->rest, end + 1);
    for (int i = REDIRECT_PART_SCHEME; i <= REDIRECT_PART_QUERY; ++i) {
        if (!slice_equals(name, slice_from_text(placeholders[i])))
            continue;
        /* "//name" would lead to another host, which whoever asks could choose */
        if (i == REDIRECT_PART_PATH && ends_in_slash(location))
            return error_set_at(location->reader->error, location->place,
                                "'{path}' begins with '/' itself: leave out the one before it");
        add_part(location, (enum redirect_part_kind)i, SLICE_NONE);
        return true;
    }
    return refuse_placeholder(location, name);
}

static bool is_url_character(char c)
{
    return c > ' ' && c < 0x7f && strchr("\"<>\\^`{|}", c) == NULL;
}

static bool read_text(struct location_reader *location)
{
    size_t length = 0;
    while (length < location->rest.length && is_url_character(location->rest.data[length]))
        ++length;
    if (length == 0)
        return error_set_at(
            location->reader->error, location->place, "'%s' holds a character that no URL may: write it as %%%02X",
            wording_quote(location->reader->arena, location->rest), (unsigned)(unsigned char)location->rest.data[0]);
    add_part(location, REDIRECT_PART_TEXT, slice_of(location->rest.data, length));
    location->rest = slice_skip(location->rest, length);
    return true;
}

static bool begins_with_scheme(struct slice text)
{
    size_t end = slice_find(text, ':');
    for (size_t i = 0; i < end; ++i) {
        char lower = ascii_lower(text.data[i]);
        bool is_letter = lower >= 'a' && lower <= 'z';
        if (!is_letter && (i == 0 || lower == '\0' || strchr("0123456789+-.", lower) == NULL))
            return false;
    }
    return end != 0 && slice_starts_with(slice_skip(text, end), SLICE("://"));
}

/* A browser takes anything else as relative to what it asked for, which is hardly ever what was meant. */
static bool is_whole(struct slice to)
{
    struct slice scheme = SLICE("{scheme}://");
    return slice_starts_with(to, SLICE("/")) || slice_starts_with(to, SLICE("{path}")) ||
           slice_starts_with(to, scheme) || begins_with_scheme(to);
}

static bool read_location(struct settings_reader *reader, struct place place, struct slice to,
                          struct redirect_settings *redirect)
{
    struct location_reader location = {.reader = reader, .place = place, .rest = to};
    if (to.length == 0)
        return error_set_at(reader->error, place, "a URL or a path to redirect to is missing here");
    while (location.rest.length != 0) {
        if (!(location.rest.data[0] == '{' ? read_placeholder(&location) : read_text(&location)))
            return false;
    }
    redirect->parts = location.parts;
    redirect->part_count = location.count;
    if (is_whole(to))
        return true;
    return error_set_at(reader->error, place, "'%s' is neither a URL nor a path: write https://HOST/... or /...",
                        wording_quote(reader->arena, to));
}

bool redirect_read(struct settings_reader *reader, const struct node *node, struct route_settings *route)
{
    struct redirect_settings *redirect = arena_zalloc(reader->arena, sizeof(*redirect));
    struct slice to = node->text;
    struct place place = node->place;
    route->target = TARGET_REDIRECT;
    route->redirect = redirect;
    redirect->status = USUAL_STATUS;
    if (node->kind == NODE_SEQUENCE)
        return error_set_at(reader->error, node->place, "'redirect' is a URL or a mapping, not a list");
    if (node->kind == NODE_MAPPING) {
        struct field_value values[REDIRECT_FIELDS];
        if (!fields_read(fields, REDIRECT_FIELDS, node, node->place, "'redirect'", reader->source, reader->arena,
                         values, reader->error))
            return false;
        redirect->status = atoi(statuses[values[REDIRECT_STATUS].integer]);
        to = values[REDIRECT_TO].text;
        place = values[REDIRECT_TO].place;
    }
    return read_location(reader, place, node->kind == NODE_SCALAR && node->is_null ? SLICE_NONE : to, redirect);
}
