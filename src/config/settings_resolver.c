#include "config/address.h"
#include "config/settings_reader.h"
#include "config/wording.h"

enum {
    HOUR_MS = 3600 * 1000,
    DNS_PORT = 53,
};

enum {
    RESOLVER_SERVERS = 0,
    RESOLVER_TIMEOUT,
    RESOLVER_FIELDS,
};

static const struct field fields[RESOLVER_FIELDS] = {
    [RESOLVER_SERVERS] = {.name = "servers", .type = FIELD_LIST, .summary = "name servers: ADDRESS[:PORT]"},
    [RESOLVER_TIMEOUT] = {.name = "timeout",
                          .type = FIELD_DURATION,
                          .fallback = "1.5s",
                          .minimum = 1,
                          .maximum = HOUR_MS,
                          .summary = "until a name server is asked again, or the next one is"},
};

static bool refuse(struct settings_reader *reader, const struct field_item *item, const char *sentence)
{
    return error_set_at(reader->error, item->place, "'%s' %s", wording_quote(reader->arena, item->text), sentence);
}

static bool add_server(struct settings_reader *reader, const struct field_item *item)
{
    struct slice *servers = &reader->settings->resolver.servers, numeric;
    struct address address = {.host = item->text};
    if (item->text.length == 0)
        return error_set_at(reader->error, item->place, "a name server's address is missing here");
    bool is_bare = address_normalize(item->text, reader->arena, &numeric);
    const char *problem = is_bare ? NULL : address_split(item->text, &address);
    if (problem != NULL)
        return refuse(reader, item, problem);
    if (!address_normalize(address.host, reader->arena, &numeric))
        return refuse(reader, item,
                      "is not a numeric address: a name server is written ADDRESS or ADDRESS:PORT, such "
                      "as 127.0.0.1:53");
    if (address.has_port && address.port == 0)
        return refuse(reader, item, "has a port that is not a number from 1 to 65535");
    bool is_v6 = slice_find(numeric, ':') != numeric.length;
    *servers = arena_print(reader->arena, "%.*s%s%s%.*s%s:%u", SLICE_ARG(*servers), servers->length != 0 ? "," : "",
                           is_v6 ? "[" : "", SLICE_ARG(numeric), is_v6 ? "]" : "",
                           (unsigned)(address.has_port ? address.port : DNS_PORT));
    return true;
}

bool resolver_read(struct settings_reader *reader, const struct field_value *value)
{
    const struct node *mapping = value->node;
    struct field_value values[RESOLVER_FIELDS];
    if (mapping != NULL &&
        !value_check_kind(reader, mapping, "resolver", NODE_MAPPING, "a mapping with 'servers' or 'timeout'"))
        return false;
    if (!fields_read(fields, RESOLVER_FIELDS, mapping, mapping == NULL ? PLACE_NONE : mapping->place, "the resolver",
                     reader->source, reader->arena, values, reader->error))
        return false;
    reader->settings->resolver.timeout_ms = values[RESOLVER_TIMEOUT].integer;
    const struct field_value *servers = &values[RESOLVER_SERVERS];
    if (servers->written && servers->count == 0)
        return error_set_at(reader->error, servers->place, "'servers' wants at least one name server");
    for (size_t i = 0; i < servers->count; ++i) {
        if (!add_server(reader, &servers->list[i]))
            return false;
    }
    return true;
}
