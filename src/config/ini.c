#include "config/ini.h"

#include "base/file.h"
#include "config/wording.h"

#include <errno.h>
#include <stdlib.h>

struct ini {
    struct settings_reader *reader;
    const struct source_text *text;
    struct name_index rules; /* of struct place */
    size_t capacity;
};

/* Everything is found in the line as it stands in the file, so that its place is known. */
static struct place place_of(const struct ini *ini, unsigned line, struct slice whole, struct slice part)
{
    return (struct place){ini->text, line, (unsigned)(part.data - whole.data) + 1};
}

static struct slice take_word(struct slice *rest)
{
    size_t end = 0;
    while (end < rest->length && rest->data[end] != ' ' && rest->data[end] != '\t')
        ++end;
    struct slice word = slice_of(rest->data, end);
    *rest = slice_trim(slice_skip(*rest, end));
    return word;
}

static struct pattern_list make_list(struct arena *arena, struct slice text, struct place place)
{
    struct pattern *pattern = arena_alloc(arena, sizeof(*pattern));
    *pattern = (struct pattern){PATTERN_PREFIX, arena_copy(arena, text), place};
    return (struct pattern_list){pattern, 1};
}

/* Reads `HEADER: VALUEPREFIX PATHPREFIX`. */
static bool read_header_rule(struct ini *ini, struct slice key, size_t colon, struct route_settings *route)
{
    struct arena *arena = ini->reader->arena;
    struct slice name = slice_trim(slice_of(key.data, colon));
    struct slice rest = slice_trim(slice_skip(key, colon + 1));
    struct slice value = take_word(&rest);
    struct slice path = take_word(&rest);
    if (!pattern_is_token(name))
        return error_set_at(ini->reader->error, route->place, "'%s' cannot be a header's name",
                            wording_quote(arena, name));
    if (path.length == 0 || rest.length != 0)
        return error_set_at(ini->reader->error, route->place,
                            "a header rule is 'HEADER: VALUEPREFIX PATHPREFIX = LIBRARY', with just two words after "
                            "the ':'");
    struct header_condition *condition = arena_zalloc(arena, sizeof(*condition));
    condition->name = arena_copy(arena, name);
    condition->values = make_list(arena, value, route->place);
    condition->place = route->place;
    route->match.headers = condition;
    route->match.header_count = 1;
    route->match.paths = make_list(arena, path, route->place);
    return true;
}

static bool read_key(struct ini *ini, struct slice key, struct route_settings *route)
{
    struct arena *arena = ini->reader->arena;
    size_t colon = slice_find(key, ':');
    route->match.place = route->place;
    route->match.is_raw_target = true;
    if (key.data[0] != '/' && colon != key.length)
        return read_header_rule(ini, key, colon, route);
    route->match.paths = make_list(arena, key, route->place);
    return true;
}

static bool note_rule(struct ini *ini, struct slice key, struct place place)
{
    struct arena *arena = ini->reader->arena;
    struct place *kept = arena_alloc(arena, sizeof(*kept));
    *kept = place;
    const struct place *first = name_index_add(&ini->rules, arena, arena_copy(arena, key), kept);
    return first == NULL || error_set_at(ini->reader->error, place, "'%s' stands here twice (first in line %u)",
                                         wording_quote(arena, key), first->line);
}

static bool read_library(struct ini *ini, struct slice text, struct place place, struct route_settings *route)
{
    struct node start_folder = {.kind = NODE_SCALAR, .place = place};
    if (text.length == 0)
        return error_set_at(ini->reader->error, place, "a library is missing after the '='");
    if (slice_find(text, '\0') != text.length)
        return error_set_at(ini->reader->error, place, "a library's path cannot hold a NUL character");
    route->target = TARGET_HANDLER;
    route->handler.place = place;
    step_resolve(ini->reader, &start_folder, arena_copy(ini->reader->arena, text), &route->handler);
    return true;
}

static struct route_settings *add_route(struct ini *ini, struct place place)
{
    struct settings *settings = ini->reader->settings;
    settings->routes = arena_grow(ini->reader->arena, settings->routes, settings->route_count, &ini->capacity,
                                  sizeof(*settings->routes));
    struct route_settings *route = &settings->routes[settings->route_count++];
    *route = (struct route_settings){.place = place};
    route->name = arena_print(ini->reader->arena, "%s:%u", ini->text->path, place.line);
    return route;
}

static bool read_line(struct ini *ini, unsigned number, struct slice whole)
{
    struct slice line = slice_of(whole.data, slice_find(whole, '#'));
    line.length -= line.length != 0 && line.data[line.length - 1] == '\r';
    line = slice_trim(line);
    if (line.length == 0)
        return true;
    struct place place = place_of(ini, number, whole, line);
    size_t equals = slice_find(line, '=');
    struct slice key = slice_trim(slice_of(line.data, equals));
    if (equals == line.length)
        return error_set_at(ini->reader->error, place, "a '=' is missing: a line is 'PREFIX = LIBRARY'");
    if (key.length == 0)
        return error_set_at(ini->reader->error, place, "a path prefix is missing before the '='");
    struct slice rest = slice_skip(line, equals + 1);
    struct slice library = slice_trim(rest);
    if (library.length == 0)
        library = slice_of(line.data + equals, 0);
    struct route_settings *route = add_route(ini, place);
    return note_rule(ini, key, place) && read_key(ini, key, route) &&
           read_library(ini, library, place_of(ini, number, whole, library), route);
}

bool ini_read(struct settings_reader *reader, const char *path)
{
    struct source_text *text = arena_zalloc(reader->arena, sizeof(*text));
    struct ini ini = {.reader = reader, .text = text};
    char *absolute = file_absolute(NULL, path);
    text->path = arena_copy(reader->arena, slice_from_text(path)).data;
    if (!source_read_text(reader->source, absolute, &text->content)) {
        int number = errno;
        source_want(reader->source, WATCH_FILE, absolute);
        free(absolute);
        return error_set(reader->error, "cannot read '%s': %s", text->path, source_refusal(number));
    }
    free(absolute);
    struct slice rest = text->content;
    for (unsigned number = 1; rest.length != 0; ++number) {
        size_t end = slice_find(rest, '\n');
        if (!read_line(&ini, number, slice_of(rest.data, end)))
            return false;
        rest = slice_skip(rest, end < rest.length ? end + 1 : end);
    }
    return true;
}
