#include "filter/request_parts.h"

static struct slice find_authority(const struct request_head *request)
{
    bool is_client = request->client_authority.length != 0 && !request->has_new_authority;
    return is_client ? request->client_authority : request->authority;
}

/* Where the port's colon stands, or the length. */
static size_t find_port(struct slice authority)
{
    size_t length = authority.length;
    while (length != 0 && ascii_is_digit(authority.data[length - 1]))
        --length;
    bool has_port = length != 0 && authority.data[length - 1] == ':';
    return has_port ? length - 1 : authority.length;
}

struct slice request_host(const struct request_head *request)
{
    struct slice authority = find_authority(request);
    return slice_of(authority.data, find_port(authority));
}

struct slice request_port(const struct request_head *request)
{
    struct slice authority = find_authority(request);
    struct slice rest = slice_skip(authority, find_port(authority));
    if (rest.length > 1)
        return slice_skip(rest, 1);
    return slice_equals(request->scheme, SLICE("https")) ? SLICE("443") : SLICE("80");
}

/* Takes one character off what a form has written. Broken escapes stand for themselves. */
static char take_character(struct slice *written)
{
    int escaped = ascii_escaped(*written);
    char c = escaped >= 0 ? (char)escaped : written->data[0] == '+' ? ' ' : written->data[0];
    *written = slice_skip(*written, escaped >= 0 ? 3 : 1);
    return c;
}

static bool is_name(struct slice written, struct slice name)
{
    size_t i = 0;
    while (written.length != 0 && i < name.length && take_character(&written) == name.data[i])
        ++i;
    return written.length == 0 && i == name.length;
}

static struct slice decode(struct slice written, struct arena *arena)
{
    if (slice_find(written, '%') == written.length && slice_find(written, '+') == written.length)
        return written;
    char *value = arena_alloc(arena, written.length);
    size_t length = 0;
    while (written.length != 0) {
        char c = take_character(&written);
        if ((unsigned char)c < ' ' || c == 0x7f)
            return SLICE_NONE;
        value[length++] = c;
    }
    return slice_of(value, length);
}

struct slice request_parameter(const struct request_head *request, struct slice name, struct arena *arena)
{
    struct slice rest = request->query;
    while (rest.length != 0) {
        size_t end = slice_find(rest, '&');
        struct slice pair = slice_of(rest.data, end);
        size_t equals = slice_find(pair, '=');
        if (is_name(slice_of(pair.data, equals), name))
            return equals == pair.length ? SLICE_NONE : decode(slice_skip(pair, equals + 1), arena);
        rest = slice_skip(rest, end == rest.length ? end : end + 1);
    }
    return SLICE_NONE;
}
