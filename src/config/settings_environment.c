#include "config/address.h"
#include "config/settings_reader.h"
#include "config/wording.h"

enum {
    DEFAULT_PORT = 8069,
    DEFAULT_ARENA_BYTES = 4 << 10,
    MOST_ARENA_KB = 16 << 10,
    MOST_WORKERS = 256,
};

/* The variable's value; an empty one counts as none. */
static struct slice find_variable(struct settings_reader *reader, const char *name)
{
    return slice_from_text(source_environment(reader->source, name));
}

static bool refuse(struct settings_reader *reader, const char *name, const char *wanted, struct slice value)
{
    return error_set(reader->error, "the environment variable %s must be %s, not '%s'", name, wanted,
                     wording_quote(reader->arena, value));
}

static struct slice without_brackets(struct slice host)
{
    bool is_bracketed = host.length > 2 && host.data[0] == '[' && host.data[host.length - 1] == ']';
    return is_bracketed ? slice_of(host.data + 1, host.length - 2) : host;
}

bool environment_listener(struct settings_reader *reader, struct listener_settings *listener)
{
    struct slice host = find_variable(reader, "ADDRESS");
    struct slice port = find_variable(reader, "PORT");
    listener->host = SLICE("0.0.0.0");
    listener->port = DEFAULT_PORT;
    if (host.length != 0 && !address_normalize(without_brackets(host), reader->arena, &listener->host))
        return refuse(reader, "ADDRESS", "a numeric address such as 127.0.0.1", host);
    if (port.length != 0 && !address_parse_port(port, &listener->port))
        return refuse(reader, "PORT", "a port from 0 to 65535", port);
    return true;
}

bool workers_parse(struct slice text, uint32_t *workers)
{
    uint64_t number = 0;
    bool is_auto = slice_equals(text, SLICE("auto"));
    if (!is_auto && (!slice_parse_number(text, &number) || number < 1 || number > MOST_WORKERS))
        return false;
    *workers = (uint32_t)number;
    return true;
}

bool environment_workers(struct settings_reader *reader)
{
    struct slice value = find_variable(reader, "SERVER_THREAD_COUNT");
    if (value.length == 0 || workers_parse(value, &reader->settings->workers))
        return true;
    return refuse(reader, "SERVER_THREAD_COUNT", "'auto' or a number from 1 to 256", value);
}

bool environment_arena(struct settings_reader *reader)
{
    struct slice value = find_variable(reader, "RESPONSE_PREALLOCATION_KB");
    uint64_t number;
    reader->settings->arena_bytes = DEFAULT_ARENA_BYTES;
    if (value.length == 0)
        return true;
    if (!slice_parse_number(value, &number) || number > MOST_ARENA_KB)
        return refuse(reader, "RESPONSE_PREALLOCATION_KB", "a number from 0 to 16384", value);
    reader->settings->arena_bytes = (int64_t)number << 10;
    return true;
}
