#include "base/suggest.h"
#include "config/settings_reader.h"
#include "config/wording.h"

enum {
    MATCH_LISTENER = 0,
    MATCH_HOST,
    MATCH_PATH,
    MATCH_METHOD,
    MATCH_METHODS,
    MATCH_HEADERS,
    MATCH_FIELDS,
};

static const struct field fields[MATCH_FIELDS] = {
    [MATCH_LISTENER] = {.name = "listener", .type = FIELD_NODE, .summary = "names of listeners"},
    [MATCH_HOST] = {.name = "host", .type = FIELD_NODE, .summary = "hosts: NAME, *.NAME or PREFIX*"},
    [MATCH_PATH] = {.name = "path", .type = FIELD_NODE, .summary = "paths: /SEGMENTS, /PREFIX* or =/EXACT"},
    [MATCH_METHOD] = {.name = "method", .type = FIELD_NODE, .summary = "the same as methods"},
    [MATCH_METHODS] = {.name = "methods", .type = FIELD_NODE, .summary = "methods, such as GET"},
    [MATCH_HEADERS] = {.name = "headers", .type = FIELD_NODE, .summary = "names to PREFIX, =EXACT or ~ (absent)"},
};

typedef bool (*read_pattern)(const struct pattern_reader *reader, const struct node *node, struct pattern *pattern);

/* Reads one pattern or a list of them. */
static bool read_list(struct settings_reader *reader, const struct node *node, const char *key, read_pattern read_one,
                      struct pattern_list *list)
{
    struct pattern_reader patterns = {reader->arena, reader->error};
    bool is_list = node->kind == NODE_SEQUENCE;
    size_t count = is_list ? node->count : 1;
    if (count == 0)
        return error_set_at(reader->error, node->place, "'%s' is an empty list, which never matches", key);
    struct pattern *items = arena_zalloc(reader->arena, count * sizeof(*items));
    *list = (struct pattern_list){items, count};
    for (size_t i = 0; i < count; ++i) {
        const struct node *item = is_list ? node->items[i] : node;
        if (item->kind != NODE_SCALAR)
            return error_set_at(reader->error, item->place, "'%s' wants a text or a list of texts, not %s", key,
                                is_list ? "a list of others" : node_kind_phrase(item));
        if (!read_one(&patterns, item, &items[i]))
            return false;
    }
    return true;
}

bool paths_read(struct settings_reader *reader, const struct node *node, const char *key, struct pattern_list *paths)
{
    return read_list(reader, node, key, pattern_read_path, paths);
}

static bool read_header(struct settings_reader *reader, const struct node *key, const struct node *node,
                        struct header_condition *condition)
{
    condition->name = key->text;
    condition->place = key->place;
    if (!pattern_is_token(key->text))
        return error_set_at(reader->error, key->place, "'%s' cannot be a header's name",
                            wording_quote(reader->arena, key->text));
    return read_list(reader, node, key->text.data, pattern_read_header, &condition->values);
}

static bool read_headers(struct settings_reader *reader, const struct node *node, struct match_settings *match)
{
    if (node->kind != NODE_MAPPING)
        return error_set_at(reader->error, node->place, "'headers' wants a mapping of names to values, not %s",
                            node->is_null ? "nothing" : node_kind_phrase(node));
    struct header_condition *headers = arena_zalloc(reader->arena, node->count * sizeof(*headers));
    match->headers = headers;
    match->header_count = node->count;
    for (size_t i = 0; i < node->count; ++i) {
        if (!read_header(reader, node->keys[i], node->items[i], &headers[i]))
            return false;
    }
    return true;
}

static bool check_listeners(struct settings_reader *reader, const struct match_settings *match)
{
    for (size_t i = 0; i < match->listeners.count; ++i) {
        const struct pattern *pattern = &match->listeners.items[i];
        if (name_index_find(&reader->listeners, pattern->text) != NULL)
            continue;
        struct suggest suggest = suggest_start(pattern->text);
        for (size_t j = 0; j < reader->settings->listener_count; ++j)
            suggest_offer(&suggest, reader->settings->listeners[j].name);
        char phrase[SUGGEST_PHRASE_BYTES];
        const char *hint = suggest_phrase(&suggest, phrase);
        return error_set_at(reader->error, pattern->place, "listener '%s' is not defined%s",
                            wording_quote(reader->arena, pattern->text),
                            hint[0] != '\0' ? hint : " (under 'listen', 'name' gives a listener its name)");
    }
    return true;
}

static bool read_methods(struct settings_reader *reader, const struct field_value *values, struct match_settings *match)
{
    const struct node *one = values[MATCH_METHOD].node, *many = values[MATCH_METHODS].node;
    if (one != NULL && many != NULL)
        return error_set_at(reader->error, one->place, "'method' and 'methods' are the same: write only one of them");
    if (one != NULL)
        return read_list(reader, one, "method", pattern_read_method, &match->methods);
    return many == NULL || read_list(reader, many, "methods", pattern_read_method, &match->methods);
}

static bool read_mapping(struct settings_reader *reader, const struct node *node, struct match_settings *match)
{
    struct field_value values[MATCH_FIELDS];
    if (!fields_read(fields, MATCH_FIELDS, node, node->place, "a match", reader->source, reader->arena, values,
                     reader->error))
        return false;
    const struct node *listener = values[MATCH_LISTENER].node, *host = values[MATCH_HOST].node;
    const struct node *path = values[MATCH_PATH].node, *headers = values[MATCH_HEADERS].node;
    return (listener == NULL || read_list(reader, listener, "listener", pattern_read_listener, &match->listeners)) &&
           (host == NULL || read_list(reader, host, "host", pattern_read_host, &match->hosts)) &&
           (path == NULL || read_list(reader, path, "path", pattern_read_path, &match->paths)) &&
           read_methods(reader, values, match) && (headers == NULL || read_headers(reader, headers, match)) &&
           check_listeners(reader, match);
}

bool match_read(struct settings_reader *reader, const struct node *node, struct match_settings *match)
{
    match->place = node->place;
    if (node->kind == NODE_MAPPING)
        return read_mapping(reader, node, match);
    return read_list(reader, node, "match", pattern_read_path, &match->paths);
}
