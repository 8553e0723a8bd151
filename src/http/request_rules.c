#include "http/request_rules.h"

#include "plan/path.h"

struct request_refusal request_rules_check_method(struct slice method)
{
    if (slice_equals(method, SLICE("CONNECT")) || slice_equals(method, SLICE("TRACE")))
        return REQUEST_REFUSED(405, "the method is not allowed");
    return REQUEST_ACCEPTED;
}

static bool is_host_byte(char c)
{
    return ascii_is_digit(c) || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z') ||
           (c != '\0' && strchr("-._~", c) != NULL);
}

static bool is_address_byte(char c)
{
    return ascii_is_digit(c) || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'f') || c == ':' || c == '.';
}

static bool is_port(struct slice text)
{
    uint64_t port = 0;
    return text.length == 0 || (slice_parse_number(text, &port) && port <= UINT16_MAX);
}

bool request_rules_is_authority(struct slice text)
{
    bool is_address = text.length != 0 && text.data[0] == '[';
    size_t end = is_address ? 1 : 0;
    while (end < text.length && (is_address ? is_address_byte(text.data[end]) : is_host_byte(text.data[end])))
        ++end;
    if (is_address) {
        if (end < 3 || end == text.length || text.data[end] != ']')
            return false;
        ++end;
    }
    if (end == 0 || text.length > REQUEST_AUTHORITY_LIMIT_BYTES)
        return false;
    struct slice rest = slice_skip(text, end);
    return rest.length == 0 || (rest.data[0] == ':' && is_port(slice_skip(rest, 1)));
}

bool request_rules_is_target(struct slice text)
{
    for (size_t i = 0; i < text.length; ++i) {
        if (text.data[i] < 0x21 || text.data[i] > 0x7e || text.data[i] == '#')
            return false;
    }
    return text.length != 0;
}

struct request_refusal request_rules_take_path(struct request_head *request, struct slice target, struct arena *arena)
{
    size_t end = slice_find(target, '?');
    struct slice path = end == 0 ? SLICE("/") : slice_of(target.data, end);
    request->has_query = end < target.length;
    request->query = request->has_query ? slice_skip(target, end + 1) : SLICE_NONE;
    if (path_canonicalize(path, arena, &request->path) != PATH_OK)
        return REQUEST_REFUSED(400, "the path is malformed");
    return REQUEST_ACCEPTED;
}
