#include "config/address.h"
#include "config/merge.h"
#include "config/settings_reader.h"
#include "config/wording.h"

#include <sys/un.h>

enum {
    LISTENER_ADDRESS = 0,
    LISTENER_NAME,
    LISTENER_TLS,
    LISTENER_HTTP2,
    LISTENER_HTTPS_ONLY,
    LISTENER_PROXY_PROTOCOL,
    LISTENER_HALF_CLOSE,
    LISTENER_MAX_CONNECTIONS,
    LISTENER_BACKLOG, /* and the three below, as listener_socket_read wants them */
    LISTENER_MODE,
    LISTENER_OWNER,
    LISTENER_GROUP,
    LISTENER_FIELDS,
};

static const struct field fields[LISTENER_FIELDS] = {
    [LISTENER_ADDRESS] = {.name = "address",
                          .type = FIELD_TEXT,
                          .required = true,
                          .summary = "a port, ADDRESS:PORT, [IPV6]:PORT or unix:/PATH"},
    [LISTENER_NAME] = {.name = "name", .type = FIELD_TEXT, .summary = "what routes call it"},
    [LISTENER_TLS] = {.name = "tls", .type = FIELD_NODE, .summary = "the certificates by which it speaks https"},
    [LISTENER_HTTP2] = {.name = "http2",
                        .type = FIELD_BOOL,
                        .fallback = "yes",
                        .summary = "whether it speaks HTTP/2 too"},
    [LISTENER_HTTPS_ONLY] = {.name = "https_only",
                             .type = FIELD_BOOL,
                             .fallback = "yes",
                             .summary = "whether the setting of that name holds for it"},
    [LISTENER_PROXY_PROTOCOL] = {.name = "proxy_protocol",
                                 .type = FIELD_NODE,
                                 .summary = "whose connections tell by the PROXY protocol whom they are from"},
    [LISTENER_HALF_CLOSE] = {.name = "half_close",
                             .type = FIELD_BOOL,
                             .fallback = "no",
                             .summary = "whether clients that send no more still wait for their response"},
    [LISTENER_MAX_CONNECTIONS] = {.name = "max_connections",
                                  .type = FIELD_INTEGER,
                                  .fallback = "0",
                                  .maximum = INT32_MAX,
                                  .summary = "how many clients may be connected to it; 0: any number"},
    [LISTENER_BACKLOG] = {.name = "backlog",
                          .type = FIELD_INTEGER,
                          .fallback = "4096",
                          .minimum = 1,
                          .maximum = INT32_MAX,
                          .summary = "how many connections may wait to be accepted"},
    [LISTENER_MODE] = {.name = "mode", .type = FIELD_TEXT, .summary = "of a unix socket's file: who may connect"},
    [LISTENER_OWNER] = {.name = "owner", .type = FIELD_TEXT, .summary = "of a unix socket's file: its user"},
    [LISTENER_GROUP] = {.name = "group", .type = FIELD_TEXT, .summary = "of a unix socket's file: its group"},
};

static bool refuse(struct settings_reader *reader, const struct node *node, const char *sentence)
{
    return error_set_at(reader->error, node->place, "'%s' %s", wording_quote(reader->arena, node->text), sentence);
}

static bool read_unix_path(struct settings_reader *reader, const struct node *node, struct listener_settings *listener)
{
    struct slice written = slice_skip(node->text, strlen("unix:"));
    if (written.length == 0)
        return refuse(reader, node, "lacks the path of its socket: write unix:/PATH");
    listener->is_unix = true;
    listener->host = slice_from_text(node_path(node, written, reader->arena));
    if (listener->host.length >= sizeof(((struct sockaddr_un *)NULL)->sun_path))
        return refuse(reader, node, "is too long for a socket: its absolute path may have 107 bytes");
    return true;
}

bool listener_address_read(struct settings_reader *reader, const struct node *node, struct listener_settings *listener)
{
    uint64_t number;
    if (slice_starts_with(node->text, SLICE("unix:")))
        return read_unix_path(reader, node, listener);
    if (slice_parse_number(node->text, &number)) {
        listener->host = SLICE("0.0.0.0");
        return address_parse_port(node->text, &listener->port) ||
               error_set_at(reader->error, node->place, "a port must be from 0 to 65535, not %s",
                            wording_quote(reader->arena, node->text));
    }
    if (memmem(node->text.data, node->text.length, "://", 3) != NULL)
        return refuse(reader, node, "is a URL: write just ADDRESS:PORT");
    if (slice_starts_with(node->text, SLICE("$")))
        return refuse(reader, node, "is no variable: write ${NAME} or ${NAME:-default}");
    struct address address;
    const char *problem = address_split(node->text, &address);
    if (problem != NULL)
        return refuse(reader, node, problem);
    bool is_numeric = address_normalize(address.host, reader->arena, &listener->host);
    if (is_numeric && !address.has_port)
        return refuse(reader, node, "lacks a port: write ADDRESS:PORT");
    listener->port = address.port;
    return is_numeric || refuse(reader, node,
                                "is not a numeric address: write the address to listen on, such as 127.0.0.1:8069 or "
                                "0.0.0.0:8069");
}

/* All but the address. */
static bool read_keys(struct settings_reader *reader, const struct node *node, struct field_value *values,
                      struct listener_settings *listener)
{
    if (!fields_read(fields, LISTENER_FIELDS, node, node->place, "a listener", reader->source, reader->arena, values,
                     reader->error))
        return false;
    listener->name = values[LISTENER_NAME].text;
    listener->speaks_http2 = values[LISTENER_HTTP2].boolean;
    listener->is_https_only = values[LISTENER_HTTPS_ONLY].boolean;
    listener->max_connections = values[LISTENER_MAX_CONNECTIONS].integer;
    listener->keeps_half_closed = values[LISTENER_HALF_CLOSE].boolean;
    if (values[LISTENER_NAME].written && !name_check(reader, values[LISTENER_NAME].node, "a listener", true))
        return false;
    if (!listener_tls_read(reader, values[LISTENER_TLS].node, listener) ||
        !listener_proxy_read(reader, values[LISTENER_PROXY_PROTOCOL].node, listener))
        return false;
    return listener->tls == NULL || !values[LISTENER_HTTPS_ONLY].written ||
           error_set_at(reader->error, values[LISTENER_HTTPS_ONLY].place,
                        "'https_only' is for listeners without 'tls': this one speaks nothing but https");
}

static bool read_listener(struct settings_reader *reader, const struct node *node, struct listener_settings *listener)
{
    struct field_value values[LISTENER_FIELDS] = {0};
    listener->place = node->place;
    if (node->kind == NODE_SEQUENCE)
        return error_set_at(reader->error, node->place, "a listener is an address or a mapping, not a list");
    if (node->kind == NODE_MAPPING) {
        if (!read_keys(reader, node, values, listener))
            return false;
        node = values[LISTENER_ADDRESS].node;
    }
    if (node->is_null || node->text.length == 0)
        return error_set_at(reader->error, node->place, "a listener's address is missing here");
    return listener_address_read(reader, node, listener) &&
           listener_socket_read(reader, &values[LISTENER_BACKLOG], listener);
}

static bool note_name(struct settings_reader *reader, const struct listener_settings *listener)
{
    if (listener->name.length == 0)
        return true;
    const struct listener_settings *first = name_index_add(&reader->listeners, reader->arena, listener->name, listener);
    return first == NULL || error_set_at(reader->error, listener->place, "listener '%s' is defined twice (first in %s)",
                                         wording_quote(reader->arena, listener->name),
                                         merge_first_place(reader->arena, first->place, listener->place));
}

static bool note_address(struct settings_reader *reader, struct name_index *addresses,
                         const struct listener_settings *listener)
{
    if (!listener->is_unix && listener->port == 0)
        return true;
    bool is_v6 = !listener->is_unix && slice_find(listener->host, ':') != listener->host.length;
    struct slice text = listener->is_unix ? arena_print(reader->arena, "unix:%.*s", SLICE_ARG(listener->host))
                                          : arena_print(reader->arena, is_v6 ? "[%.*s]:%u" : "%.*s:%u",
                                                        SLICE_ARG(listener->host), (unsigned)listener->port);
    const struct listener_settings *first = name_index_add(addresses, reader->arena, text, listener);
    return first == NULL || error_set_at(reader->error, listener->place, "'%s' is listened on twice (first in %s)",
                                         wording_quote(reader->arena, text),
                                         merge_first_place(reader->arena, first->place, listener->place));
}

bool listeners_read(struct settings_reader *reader, const struct field_value *value)
{
    const struct node *node = value->node;
    bool is_list = node != NULL && node->kind == NODE_SEQUENCE;
    size_t count = is_list ? node->count : 1;
    struct listener_settings *listeners = arena_zalloc(reader->arena, count * sizeof(*listeners));
    struct name_index addresses = {0};
    for (size_t i = 0; i < count; ++i)
        listeners[i].speaks_http2 = listeners[i].is_https_only = true;
    reader->settings->listeners = listeners;
    reader->settings->listener_count = count;
    if (node == NULL)
        return environment_listener(reader, &listeners[0]);
    if (node->kind == NODE_SCALAR && node->is_null)
        return error_set_at(reader->error, node->place, "'listen' has no value");
    if (count == 0)
        return error_set_at(reader->error, node->place, "'listen' is an empty list, so nobody could connect");
    for (size_t i = 0; i < count; ++i) {
        if (!read_listener(reader, is_list ? node->items[i] : node, &listeners[i]) ||
            !note_name(reader, &listeners[i]) || !note_address(reader, &addresses, &listeners[i]))
            return false;
    }
    return true;
}
