#include "config/address.h"
#include "config/server_url.h"
#include "config/settings_reader.h"
#include "config/wording.h"

bool value_check_kind(struct settings_reader *reader, const struct node *node, const char *key, enum node_kind kind,
                      const char *wanted)
{
    if (!value_check_present(reader, node, key))
        return false;
    return node->kind == kind ||
           error_set_at(reader->error, node->place, "'%s' wants %s, not %s", key, wanted, node_kind_phrase(node));
}

bool value_check_present(struct settings_reader *reader, const struct node *node, const char *key)
{
    return node->kind != NODE_SCALAR || !node->is_null ||
           error_set_at(reader->error, node->place, "'%s' has no value", key);
}

enum switch_word value_switch(const struct node *node)
{
    static const char *const words[] = {"no", "yes", "false", "true", "off", "on"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); ++i) {
        if (node->kind == NODE_SCALAR && slice_equals_nocase(node->text, slice_from_text(words[i])))
            return i % 2 == 0 ? SWITCH_OFF : SWITCH_ON;
    }
    return SWITCH_NONE;
}

const struct node *value_wrap(struct value_alone *alone, const char *key, const struct node *value)
{
    alone->key = (struct node){.kind = NODE_SCALAR, .place = value->place, .text = slice_from_text(key)};
    alone->keys[0] = &alone->key;
    alone->items[0] = (struct node *)value;
    alone->mapping = (struct node){.kind = NODE_MAPPING,
                                   .place = value->place,
                                   .file = value->file,
                                   .items = alone->items,
                                   .keys = alone->keys,
                                   .count = 1};
    return &alone->mapping;
}

static bool refuse_host(struct settings_reader *reader, struct place place, const char *key, const char *written)
{
    return error_set_at(reader->error, place, "'%s' wants a host such as example.com or example.com:8080, not '%s'",
                        key, written);
}

bool value_read_host(struct settings_reader *reader, struct place place, const char *key, struct slice text,
                     struct slice *host)
{
    struct address address;
    struct slice numeric;
    const char *written = wording_quote(reader->arena, text);
    if (text.length == 0 || slice_find(text, '/') != text.length)
        return refuse_host(reader, place, key, written);
    const char *problem = address_split(text, &address);
    if (problem != NULL)
        return error_set_at(reader->error, place, "'%s': '%s' %s", key, written, problem);
    if (address.has_port && address.port == 0)
        return error_set_at(reader->error, place, "'%s': '%s' has port 0, which no server has", key, written);
    *host = text;
    if (!address.is_bracketed)
        return server_url_is_host(address.host) || refuse_host(reader, place, key, written);
    if (slice_find(address.host, ':') == address.host.length ||
        !address_normalize(address.host, reader->arena, &numeric))
        return error_set_at(reader->error, place, "'%s': '%s' holds no IPv6 address between its brackets", key,
                            written);
    *host = address.has_port ? arena_print(reader->arena, "[%.*s]:%u", SLICE_ARG(numeric), (unsigned)address.port)
                             : arena_print(reader->arena, "[%.*s]", SLICE_ARG(numeric));
    return true;
}

static bool is_name_character(char c, bool allows_dots)
{
    char lower = ascii_lower(c);
    return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           (c == '.' && allows_dots);
}

bool name_check(struct settings_reader *reader, const struct node *node, const char *what, bool allows_dots)
{
    bool is_name = node->text.length != 0;
    for (size_t i = 0; i < node->text.length; ++i)
        is_name = is_name && is_name_character(node->text.data[i], allows_dots);
    return is_name ||
           error_set_at(reader->error, node->place, "'%s' cannot be the name of %s: letters, digits, '-'%s and '_' can",
                        wording_quote(reader->arena, node->text), what, allows_dots ? ", '.'" : "");
}
