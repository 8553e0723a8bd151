#include "http/head_parser.h"

#include "http/request_rules.h"

enum {
    MOST_EMPTY_LINES = 4,
};

/* Exported by libh2o, but in no header that it installs. Its struct phr_header is laid out as our struct header is. */
int phr_parse_request(const char *data, size_t length, const char **method, size_t *method_length, const char **target,
                      size_t *target_length, int *minor_version, struct header *fields, size_t *field_count,
                      size_t seen);
int phr_parse_headers(const char *data, size_t length, struct header *fields, size_t *field_count, size_t seen);

_Static_assert(sizeof(struct header) == 4 * sizeof(size_t) && offsetof(struct header, name.data) == 0 &&
                   offsetof(struct header, name.length) == sizeof(size_t) &&
                   offsetof(struct header, value.data) == 2 * sizeof(size_t) &&
                   offsetof(struct header, value.length) == 3 * sizeof(size_t),
               "a header is name, its length, value, its length");

static enum head_result refuse(const char **reason, const char *phrase)
{
    *reason = phrase;
    return HEAD_BAD;
}

/* Finds the empty line that ends a head, looking only at bytes that are new. */
static enum head_result find_end(struct slice data, size_t seen, size_t *length, const char **reason)
{
    size_t i = seen > 3 ? seen - 3 : 0;
    for (;; ++i) {
        i += slice_find(slice_skip(data, i), '\n');
        if (i == data.length)
            return HEAD_INCOMPLETE;
        if (i == 0 || data.data[i - 1] != '\r')
            return refuse(reason, "a line ends in a bare LF");
        if (data.length - i > 2 && data.data[i + 1] == '\r' && data.data[i + 2] == '\n')
            break;
    }
    *length = i + 3;
    return HEAD_OK;
}

/* What picohttpparser lets pass in fields. */
static enum head_result check_fields(struct parsed_head *head, const char **reason)
{
    for (size_t i = 0; i < head->field_count; ++i) {
        struct header *field = &head->fields[i];
        if (field->name.data == NULL)
            return refuse(reason, "a header line is folded");
        field->value = slice_trim(field->value);
    }
    return HEAD_OK;
}

/* Parses the field lines in data, which ends in an empty line. */
static enum head_result parse_fields(struct slice data, struct parsed_head *head, const char **reason)
{
    size_t count = head->field_capacity;
    int used = phr_parse_headers(data.data, data.length, head->fields, &count, 0);
    if (used == -1 && count == head->field_capacity) {
        *reason = "too many header fields";
        return HEAD_TOO_MANY_FIELDS;
    }
    if (used < 0 || (size_t)used != data.length)
        return refuse(reason, "a header line is malformed");
    head->field_count = count;
    return check_fields(head, reason);
}

/* Passes over empty lines: some clients send one behind a body (RFC 9112 section 2.2). */
static enum head_result skip_empty_lines(struct slice data, size_t *skipped, const char **reason)
{
    size_t i = 0;
    while (data.length - i >= 2 && data.data[i] == '\r' && data.data[i + 1] == '\n') {
        i += 2;
        if (i > 2 * MOST_EMPTY_LINES)
            return refuse(reason, "too many empty lines before the request");
    }
    *skipped = i;
    if (i == data.length || (data.data[i] == '\r' && i + 1 == data.length))
        return HEAD_INCOMPLETE;
    if (data.data[i] == '\r' || data.data[i] == '\n')
        return refuse(reason, "an empty line before the request is not CRLF");
    return HEAD_OK;
}

/* Whether a request line that did not parse asks for HTTP/2 or another version that does not begin with 1. */
static bool names_other_version(struct slice data)
{
    struct slice target = slice_skip(data, slice_find(data, ' '));
    target = slice_skip(target, target.length == 0 ? 0 : 1);
    struct slice version = slice_skip(target, slice_find(target, ' '));
    const struct slice start = SLICE(" HTTP/");
    if (version.length < start.length + 2 || !slice_starts_with(version, start))
        return false;
    const char *major = version.data + start.length;
    return ascii_is_digit(major[0]) && major[0] != '1' && major[1] == '.';
}

static enum head_result refuse_request_line(struct slice data, const char **reason)
{
    if (!names_other_version(data))
        return refuse(reason, "the request line is malformed");
    *reason = "the HTTP version is not 1";
    return HEAD_OTHER_VERSION;
}

/* Parses a request line at the start of data, and all of its head where is_whole. */
static enum head_result split_request(struct slice data, bool is_whole, struct parsed_head *head, const char **reason)
{
    int minor_version;
    size_t count = head->field_capacity;
    int used = phr_parse_request(data.data, data.length, &head->method.data, &head->method.length, &head->target.data,
                                 &head->target.length, &minor_version, head->fields, &count, 0);
    if (used == -2 && !is_whole)
        return HEAD_INCOMPLETE;
    if (used < 0 && minor_version == -1)
        return refuse_request_line(data, reason);
    if (used == -1 && count == head->field_capacity) {
        *reason = "too many header fields";
        return HEAD_TOO_MANY_FIELDS;
    }
    if (used < 0 || (size_t)used != data.length)
        return refuse(reason, "a header line is malformed");
    if (!header_is_name(head->method))
        return refuse(reason, "the method is not a token");
    if (!request_rules_is_target(head->target))
        return refuse(reason, "the request target holds a byte that it must not");
    head->minor_version = (unsigned)minor_version;
    head->field_count = count;
    return check_fields(head, reason);
}

enum head_result head_parse_request(struct slice data, size_t seen, struct parsed_head *head, const char **reason)
{
    size_t skipped = 0, length = 0;
    head->field_count = 0;
    enum head_result result = skip_empty_lines(data, &skipped, reason);
    if (result != HEAD_OK)
        return result;
    data = slice_skip(data, skipped);
    seen = seen > skipped ? seen - skipped : 0;
    result = find_end(data, seen, &length, reason);
    if (result == HEAD_BAD || (result == HEAD_INCOMPLETE && seen != 0))
        return result;
    if (result == HEAD_INCOMPLETE)
        return split_request(data, false, head, reason);
    head->length = skipped + length;
    return split_request(slice_of(data.data, length), true, head, reason);
}

/* Takes the status line off the front of *data, a whole head. The reason phrase may be missing, with its blank. */
static enum head_result take_status_line(struct slice *data, struct parsed_head *head, const char **reason)
{
    static const char shape[] = "HTTP/1.1 200";
    const char *line = data->data;
    size_t end = slice_find(*data, '\n') - 1;
    if (end < sizeof(shape) - 1 || line[8] != ' ' || (end > sizeof(shape) - 1 && line[sizeof(shape) - 1] != ' '))
        return refuse(reason, "the status line is malformed");
    if (line[7] != '0' && line[7] != '1')
        return refuse(reason, "the HTTP version is neither 1.0 nor 1.1");
    if (!ascii_is_digit(line[9]) || !ascii_is_digit(line[10]) || !ascii_is_digit(line[11]))
        return refuse(reason, "the status is not a number of three digits");
    if (!header_is_value(slice_trim(slice_of(line + sizeof(shape) - 1, end - (sizeof(shape) - 1)))))
        return refuse(reason, "the reason phrase holds a control character");
    head->minor_version = (unsigned)(line[7] - '0');
    head->status = (line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0');
    if (head->status < 100 || head->status > 599)
        return refuse(reason, "the status is not between 100 and 599");
    *data = slice_skip(*data, end + 2);
    return HEAD_OK;
}

enum head_result head_parse_response(struct slice data, size_t seen, struct parsed_head *head, const char **reason)
{
    const struct slice start = SLICE("HTTP/1.");
    size_t length = 0;
    head->field_count = 0;
    if (!slice_starts_with(start, slice_of(data.data, data.length < start.length ? data.length : start.length)))
        return refuse(reason, "it does not begin with HTTP/1");
    enum head_result result = find_end(data, seen, &length, reason);
    if (result != HEAD_OK)
        return result;
    head->length = length;
    data.length = length;
    result = take_status_line(&data, head, reason);
    return result == HEAD_OK ? parse_fields(data, head, reason) : result;
}
