#include "config/address.h"
#include "config/settings_reader.h"
#include "config/wording.h"

enum {
    ADMIN_ADDRESS = 0,
    ADMIN_ACCESS_LOG,
    ADMIN_BACKLOG, /* and the three below, as listener_socket_read wants them */
    ADMIN_MODE,
    ADMIN_OWNER,
    ADMIN_GROUP,
    ADMIN_FIELDS,
};

static const char usual_host[] = "127.0.0.1", usual_address[] = "127.0.0.1:9069";
static const char variable[] = "FLEXILIB_ADMIN";

static const struct field fields[ADMIN_FIELDS] = {
    [ADMIN_ADDRESS] = {.name = "address",
                       .type = FIELD_TEXT,
                       .fallback = "127.0.0.1:9069",
                       .summary = "a port on 127.0.0.1, ADDRESS:PORT, [IPV6]:PORT or unix:/PATH"},
    [ADMIN_ACCESS_LOG] = {.name = "access_log",
                          .type = FIELD_BOOL,
                          .fallback = "no",
                          .summary = "whether its requests are in the access log"},
    [ADMIN_BACKLOG] = {.name = "backlog",
                       .type = FIELD_INTEGER,
                       .fallback = "4096",
                       .minimum = 1,
                       .maximum = INT32_MAX,
                       .summary = "how many connections may wait to be accepted"},
    [ADMIN_MODE] = {.name = "mode", .type = FIELD_TEXT, .summary = "of a unix socket's file: who may connect"},
    [ADMIN_OWNER] = {.name = "owner", .type = FIELD_TEXT, .summary = "of a unix socket's file: its user"},
    [ADMIN_GROUP] = {.name = "group", .type = FIELD_TEXT, .summary = "of a unix socket's file: its group"},
};

static bool is_alike(const struct listener_settings *a, const struct listener_settings *b)
{
    return a->is_unix == b->is_unix && slice_equals(a->host, b->host) && (a->is_unix || a->port == b->port);
}

static bool check_alone(struct settings_reader *reader, const struct listener_settings *admin)
{
    const struct settings *settings = reader->settings;
    for (size_t i = 0; i < settings->listener_count; ++i) {
        const struct listener_settings *other = &settings->listeners[i];
        if ((!admin->is_unix && admin->port == 0) || !is_alike(admin, other))
            continue;
        return error_set_at(reader->error, admin->place,
                            "'admin' has the address of a listener: whoever may reach that one would reach it too");
    }
    return true;
}

/* A port alone is on loopback, unlike a listener's: what is told here is not for everybody. */
static bool read_address(struct settings_reader *reader, const struct node *node)
{
    struct listener_settings *listener = &reader->settings->admin.listener;
    uint64_t number;
    if (node->is_null || node->text.length == 0)
        return error_set_at(reader->error, node->place, "'admin' wants an address or 'off'");
    if (!listener_address_read(reader, node, listener))
        return false;
    if (slice_parse_number(node->text, &number))
        listener->host = slice_from_text(usual_host);
    return true;
}

static bool read_usual(struct settings_reader *reader)
{
    const struct node node = {.kind = NODE_SCALAR, .text = slice_from_text(usual_address)};
    reader->settings->admin.is_usual = true;
    return read_address(reader, &node);
}

static bool read_environment(struct settings_reader *reader)
{
    struct slice value = slice_from_text(source_environment(reader->source, variable));
    struct error *error = reader->error, problem = ERROR_INIT;
    const struct node node = {.kind = NODE_SCALAR, .text = value};
    if (value.length == 0)
        return read_usual(reader);
    if (value_switch(&node) == SWITCH_OFF) {
        reader->settings->admin.is_on = false;
        return true;
    }
    reader->error = &problem;
    bool is_read = read_address(reader, &node);
    reader->error = error;
    return is_read || error_set(error, "the environment variable %s must be 'off' or an address such as %s, not '%s'",
                                variable, usual_address, wording_quote(reader->arena, value));
}

static bool read_mapping(struct settings_reader *reader, const struct node *node)
{
    struct admin_settings *admin = &reader->settings->admin;
    struct field_value values[ADMIN_FIELDS];
    if (!fields_read(fields, ADMIN_FIELDS, node, node->place, "'admin'", reader->source, reader->arena, values,
                     reader->error))
        return false;
    admin->is_logged = values[ADMIN_ACCESS_LOG].boolean;
    bool is_read =
        values[ADMIN_ADDRESS].written ? read_address(reader, values[ADMIN_ADDRESS].node) : read_environment(reader);
    return is_read && listener_socket_read(reader, &values[ADMIN_BACKLOG], &admin->listener);
}

static bool read_written(struct settings_reader *reader, const struct node *node)
{
    struct admin_settings *admin = &reader->settings->admin;
    if (node->kind == NODE_SEQUENCE)
        return error_set_at(reader->error, node->place, "'admin' is 'off', one address or a mapping, not a list");
    if (node->kind == NODE_MAPPING)
        return read_mapping(reader, node);
    enum switch_word word = value_switch(node);
    admin->is_on = word != SWITCH_OFF;
    return word == SWITCH_OFF || (word == SWITCH_ON ? read_usual(reader) : read_address(reader, node));
}

bool admin_read(struct settings_reader *reader, const struct field_value *value)
{
    struct admin_settings *admin = &reader->settings->admin;
    const struct node *node = value->node;
    *admin = (struct admin_settings){.is_on = true};
    admin->listener.place = node == NULL ? PLACE_NONE : node->place;
    if (node == NULL)
        return read_environment(reader);
    return read_written(reader, node) && (!admin->is_on || admin->is_usual || check_alone(reader, &admin->listener));
}
