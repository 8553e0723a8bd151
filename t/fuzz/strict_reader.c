#include "strict_reader.h"

#include "fuzz.h"

enum {
    MOST_PLAIN_HEAD_BYTES = 8 * 1024,
    MOST_PLAIN_FIELDS = 64,
    MOST_PLAIN_DIGITS = 5,
    MOST_PLAIN_HOST_BYTES = 259, /* a name as long as DNS has them, and a port */
    MOST_DIGITS = 16,
};

/* The worst that was found so far. */
static void note(enum strict_verdict *verdict, bool is_found, enum strict_verdict found)
{
    if (is_found && *verdict < found)
        *verdict = found;
}

static bool is_alphanumeric(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_one_of(char c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

static bool is_token(struct slice text)
{
    for (size_t i = 0; i < text.length; ++i) {
        if (!is_alphanumeric(text.data[i]) && !is_one_of(text.data[i], "!#$%&'*+-.^_`|~"))
            return false;
    }
    return text.length != 0;
}

static bool is_number(struct slice text)
{
    for (size_t i = 0; i < text.length; ++i) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
    }
    return text.length != 0;
}

static int hexadecimal(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static size_t find_text(struct slice text, const char *wanted, size_t length)
{
    const char *found = text.length == 0 ? NULL : memmem(text.data, text.length, wanted, length);
    return found == NULL ? text.length : (size_t)(found - text.data);
}

/* Takes a line with its CRLF; false where there is no whole one. */
static bool take_line(struct slice *input, struct slice *line)
{
    size_t end = find_text(*input, "\r\n", 2);
    if (end == input->length)
        return false;
    *line = slice_of(input->data, end);
    *input = slice_skip(*input, end + 2);
    return true;
}

static struct slice trim(struct slice text)
{
    while (text.length != 0 && is_one_of(text.data[0], " \t"))
        text = slice_skip(text, 1);
    while (text.length != 0 && is_one_of(text.data[text.length - 1], " \t"))
        --text.length;
    return text;
}

/* Decodes what need not be encoded; false where it cannot be a path. */
static bool decode(struct slice raw, struct text *out)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < raw.length; ++i) {
        char c = raw.data[i];
        if (c != '%') {
            char escaped[3] = {'%', digits[(c >> 4) & 15], digits[c & 15]};
            bool is_escaped = is_one_of(c, "\"<>[]^`{|}");
            if (c == '\\')
                return false;
            text_add(out, is_escaped ? slice_of(escaped, 3) : slice_of(&c, 1));
            continue;
        }
        int high = i + 2 < raw.length ? hexadecimal(raw.data[i + 1]) : -1;
        int low = i + 2 < raw.length ? hexadecimal(raw.data[i + 2]) : -1;
        char value = (char)(high * 16 + low);
        if (high < 0 || low < 0 || value == 0)
            return false;
        char encoded[3] = {'%', digits[high & 15], digits[low & 15]};
        bool is_free = is_alphanumeric(value) || is_one_of(value, "-._~");
        text_add(out, is_free ? slice_of(&value, 1) : slice_of(encoded, 3));
        i += 2;
    }
    return true;
}

static void drop_segment(struct text *path)
{
    while (path->length != 0 && path->data[path->length - 1] != '/')
        --path->length;
    if (path->length > 1)
        --path->length;
    while (path->length > 1 && path->data[path->length - 1] != '/')
        --path->length;
}

/* Slashes become one, "." and ".." are followed. path ends in "/" before each segment. */
static void resolve(struct slice decoded, struct text *path)
{
    text_clear(path);
    text_add(path, SLICE("/"));
    for (size_t start = 1; start < decoded.length;) {
        struct slice rest = slice_skip(decoded, start);
        size_t end = find_text(rest, "/", 1);
        struct slice segment = slice_of(rest.data, end);
        bool is_followed = end < rest.length;
        start += end + 1;
        if (segment.length == 0 || slice_equals(segment, SLICE(".")))
            continue;
        if (slice_equals(segment, SLICE(".."))) {
            drop_segment(path);
            continue;
        }
        text_add(path, segment);
        if (is_followed)
            text_add(path, SLICE("/"));
    }
}

static enum strict_verdict read_path(struct strict_request *request, struct slice raw)
{
    struct text decoded = TEXT_INIT;
    bool is_good = decode(raw, &decoded);
    if (is_good)
        resolve(text_slice(&decoded), &request->path);
    text_finish(&decoded);
    return is_good ? STRICT_PLAIN : STRICT_BAD;
}

static enum strict_verdict read_target(struct strict_request *request)
{
    struct slice target = request->target;
    enum strict_verdict verdict = STRICT_PLAIN;
    for (size_t i = 0; i < target.length; ++i) {
        note(&verdict, target.data[i] <= ' ' || target.data[i] > '~' || target.data[i] == '#', STRICT_BAD);
        note(&verdict, !is_alphanumeric(target.data[i]) && !is_one_of(target.data[i], "/?=&-_.~"), STRICT_ODD);
    }
    if (target.length == 0 || verdict == STRICT_BAD)
        return STRICT_BAD;
    if (target.data[0] != '/') {
        /* the server behind never sees the absolute form */
        size_t start = find_text(target, "://", 3);
        if (start == target.length)
            return slice_equals(target, SLICE("*")) ? STRICT_ODD : STRICT_BAD;
        target = slice_skip(target, start + 3);
        for (start = 0; start < target.length && !is_one_of(target.data[start], "/?"); ++start)
            continue;
        request->host = slice_of(target.data, start);
        target = slice_skip(target, start);
        verdict = STRICT_ODD;
    }
    size_t end = find_text(target, "?", 1);
    request->has_query = end < target.length;
    request->query = slice_skip(target, request->has_query ? end + 1 : end);
    note(&verdict, read_path(request, slice_of(target.data, end)), STRICT_BAD);
    return verdict;
}

static enum strict_verdict read_request_line(struct strict_request *request, struct slice line)
{
    enum strict_verdict verdict = STRICT_PLAIN;
    size_t first = find_text(line, " ", 1);
    struct slice rest = slice_skip(line, first == line.length ? first : first + 1);
    size_t second = find_text(rest, " ", 1);
    struct slice version = slice_skip(rest, second == rest.length ? second : second + 1);
    request->method = slice_of(line.data, first);
    request->target = slice_of(rest.data, second);
    if (!is_token(request->method) || version.length != 8 || memcmp(version.data, "HTTP/1.", 7) != 0 ||
        !is_number(slice_skip(version, 7)))
        return STRICT_BAD;
    request->minor_version = (unsigned)(version.data[7] - '0');
    request->may_end_connection = request->minor_version == 0;
    note(&verdict, request->minor_version > 1, STRICT_ODD);
    note(&verdict, slice_equals(request->method, SLICE("CONNECT")), STRICT_BAD);
    note(&verdict, slice_equals(request->method, SLICE("TRACE")), STRICT_BAD);
    note(&verdict, slice_equals(request->method, SLICE("OPTIONS")), STRICT_ODD);
    return verdict;
}

/* A TAB is none where text may stand (RFC 9110, 5.5). */
static bool is_control(char c)
{
    return (c >= 0 && c < ' ' && c != '\t') || c == 0x7f;
}

static enum strict_verdict read_field(struct slice line, struct header *field)
{
    enum strict_verdict verdict = STRICT_PLAIN;
    size_t colon = find_text(line, ":", 1);
    field->name = slice_of(line.data, colon);
    field->value = trim(slice_skip(line, colon == line.length ? colon : colon + 1));
    note(&verdict, colon == line.length || !is_token(field->name), STRICT_BAD);
    for (size_t i = 0; i < field->value.length; ++i) {
        char c = field->value.data[i];
        note(&verdict, is_control(c), STRICT_BAD);
        note(&verdict, c < 0, STRICT_ODD);
    }
    return verdict;
}

static enum strict_verdict read_host(struct strict_request *request, struct slice value)
{
    enum strict_verdict verdict = STRICT_PLAIN;
    if (request->host.data == NULL)
        request->host = value;
    for (size_t i = 0; i < value.length; ++i) {
        note(&verdict, !is_alphanumeric(value.data[i]) && !is_one_of(value.data[i], ".-"), STRICT_ODD);
        note(&verdict, is_one_of(value.data[i], " \t@/\\?#,\""), STRICT_BAD);
    }
    note(&verdict, value.length > MOST_PLAIN_HOST_BYTES, STRICT_ODD);
    note(&verdict, value.length == 0, STRICT_BAD);
    return verdict;
}

static enum strict_verdict read_meaning(struct strict_request *request, const struct header *field, unsigned *hosts)
{
    static const char *const odd[] = {"expect", "max-forwards", "via", "upgrade", "connection", "te", "trailer"};
    struct slice name = field->name, value = field->value;
    if (slice_equals_nocase(name, SLICE("host")))
        return ++*hosts > 1 ? STRICT_BAD : read_host(request, value);
    if (slice_equals_nocase(name, SLICE("content-length"))) {
        bool is_first = !request->has_length;
        request->has_length = true;
        return !is_first || !is_number(value)     ? STRICT_BAD
               : value.length > MOST_PLAIN_DIGITS ? STRICT_ODD
                                                  : STRICT_PLAIN;
    }
    if (slice_equals_nocase(name, SLICE("transfer-encoding"))) {
        bool is_first = !request->is_chunked;
        request->is_chunked = true;
        bool is_good = is_first && slice_equals_nocase(value, SLICE("chunked")) && request->minor_version != 0;
        return is_good ? STRICT_PLAIN : STRICT_BAD;
    }
    if (slice_equals_nocase(name, SLICE("connection"))) {
        request->ends_connection = request->ends_connection || slice_equals_nocase(value, SLICE("close"));
        request->may_end_connection = true;
    }
    for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); ++i) {
        if (slice_equals_nocase(name, slice_from_text(odd[i])))
            return STRICT_ODD;
    }
    return STRICT_PLAIN;
}

static enum strict_verdict read_fields(struct strict_request *request, struct slice text)
{
    enum strict_verdict verdict = STRICT_PLAIN;
    struct slice line;
    unsigned hosts = 0;
    while (take_line(&text, &line) && line.length != 0) {
        if (request->field_count == STRICT_MOST_FIELDS)
            return STRICT_BAD;
        struct header *field = &request->fields[request->field_count++];
        enum strict_verdict found = read_field(line, field);
        note(&verdict, true, found);
        if (found != STRICT_BAD)
            note(&verdict, true, read_meaning(request, field, &hosts));
    }
    note(&verdict, hosts == 0, request->minor_version == 0 ? STRICT_ODD : STRICT_BAD);
    note(&verdict, request->has_length && request->is_chunked, STRICT_BAD);
    note(&verdict, request->field_count > MOST_PLAIN_FIELDS, STRICT_ODD);
    return verdict;
}

static enum strict_verdict read_head(struct slice head, struct strict_request *request)
{
    enum strict_verdict verdict = STRICT_PLAIN;
    struct slice line;
    for (size_t i = 0; i < head.length; ++i) {
        bool is_pair = head.data[i] == '\r' ? head.data[i + 1] == '\n' : i != 0 && head.data[i - 1] == '\r';
        note(&verdict, head.data[i] == '\0' || (is_one_of(head.data[i], "\r\n") && !is_pair), STRICT_BAD);
    }
    CLAIM(take_line(&head, &line));
    note(&verdict, true, read_request_line(request, line));
    if (verdict != STRICT_BAD)
        note(&verdict, true, read_target(request));
    if (verdict != STRICT_BAD)
        note(&verdict, true, read_fields(request, head));
    note(&verdict, head.length > MOST_PLAIN_HEAD_BYTES, STRICT_ODD);
    request->has_head = verdict != STRICT_BAD;
    return verdict;
}

static const struct header *find_field(const struct strict_request *request, struct slice name)
{
    for (size_t i = 0; i < request->field_count; ++i) {
        if (slice_equals_nocase(request->fields[i].name, name))
            return &request->fields[i];
    }
    return NULL;
}

/* Adds the body's next bytes, as far as they have come. */
static enum strict_verdict take_bytes(struct slice *input, size_t length, struct text *body)
{
    bool is_whole = input->length >= length;
    struct slice part = slice_of(input->data, is_whole ? length : input->length);
    text_add(body, part);
    *input = slice_skip(*input, part.length);
    return is_whole ? STRICT_PLAIN : STRICT_PARTIAL;
}

/* What is no line yet may be one later, unless it holds a bare LF, or a CR in front of anything else. */
static enum strict_verdict judge_unfinished(struct slice text)
{
    size_t cr = find_text(text, "\r", 1);
    bool is_bad = find_text(text, "\n", 1) != text.length || cr + 1 < text.length;
    return is_bad ? STRICT_BAD : STRICT_PARTIAL;
}

static enum strict_verdict take_chunk_size(struct slice *input, size_t *size)
{
    enum strict_verdict verdict = STRICT_PLAIN;
    struct slice line;
    size_t digits = 0;
    *size = 0;
    if (!take_line(input, &line))
        return judge_unfinished(*input);
    for (; digits < line.length && hexadecimal(line.data[digits]) >= 0; ++digits)
        *size = *size * 16 + (size_t)hexadecimal(line.data[digits]);
    note(&verdict, digits == 0 || digits > MOST_DIGITS, STRICT_BAD);
    note(&verdict, digits != line.length,
         line.data[digits < line.length ? digits : 0] == ';' ? STRICT_ODD : STRICT_BAD);
    for (size_t i = digits; i < line.length; ++i)
        note(&verdict, is_control(line.data[i]), STRICT_BAD);
    return verdict;
}

static enum strict_verdict take_trailers(struct slice *input, struct strict_request *request)
{
    enum strict_verdict verdict = STRICT_PLAIN;
    struct slice line;
    while (take_line(input, &line)) {
        if (line.length == 0)
            return verdict;
        if (request->trailer_count == STRICT_MOST_FIELDS)
            return STRICT_BAD;
        note(&verdict, true, STRICT_ODD);
        note(&verdict, true, read_field(line, &request->trailers[request->trailer_count++]));
        if (verdict == STRICT_BAD)
            return verdict;
    }
    return judge_unfinished(*input);
}

static enum strict_verdict take_chunks(struct slice *input, struct strict_request *request)
{
    enum strict_verdict verdict = STRICT_PLAIN;
    while (true) {
        size_t size;
        note(&verdict, true, take_chunk_size(input, &size));
        if (verdict >= STRICT_PARTIAL)
            return verdict;
        if (size == 0)
            break;
        note(&verdict, true, take_bytes(input, size, &request->body));
        if (verdict >= STRICT_PARTIAL)
            return verdict;
        if (input->length < 2)
            return input->length == 0 || input->data[0] == '\r' ? STRICT_PARTIAL : STRICT_BAD;
        if (memcmp(input->data, "\r\n", 2) != 0)
            return STRICT_BAD;
        *input = slice_skip(*input, 2);
    }
    note(&verdict, true, take_trailers(input, request));
    return verdict;
}

enum strict_verdict strict_read_request(struct slice *input, struct strict_request *request)
{
    enum strict_verdict verdict = STRICT_PLAIN;
    strict_request_finish(request);
    for (unsigned lines = 0; input->length >= 2 && memcmp(input->data, "\r\n", 2) == 0; ++lines) {
        note(&verdict, lines != 0, STRICT_ODD);
        *input = slice_skip(*input, 2);
    }
    size_t end = find_text(*input, "\r\n\r\n", 4);
    if (end == input->length)
        return STRICT_PARTIAL;
    note(&verdict, true, read_head(slice_of(input->data, end + 4), request));
    if (verdict == STRICT_BAD)
        return verdict;
    *input = slice_skip(*input, end + 4);
    if (request->is_chunked)
        note(&verdict, true, take_chunks(input, request));
    const struct header *length = find_field(request, SLICE("content-length"));
    if (length != NULL) {
        size_t bytes = 0;
        for (size_t i = 0; i < length->value.length; ++i)
            bytes = bytes > SIZE_MAX / 16 ? bytes : bytes * 10 + (size_t)(length->value.data[i] - '0');
        note(&verdict, true, take_bytes(input, bytes, &request->body));
    }
    return verdict;
}

void strict_request_finish(struct strict_request *request)
{
    text_finish(&request->path);
    text_finish(&request->body);
    *request = (struct strict_request){0};
}

static void take_response_head(struct slice *input, struct strict_request *fields)
{
    size_t end = find_text(*input, "\r\n\r\n", 4);
    struct slice head = slice_of(input->data, end + 4), line;
    CLAIM(end != input->length);
    *input = slice_skip(*input, end + 4);
    CLAIM(take_line(&head, &line) && line.length > 12);
    CLAIM(memcmp(line.data, "HTTP/1.1 ", 9) == 0 && is_number(slice_of(line.data + 9, 3)) && line.data[12] == ' ');
    for (fields->field_count = 0; take_line(&head, &line) && line.length != 0; ++fields->field_count) {
        CLAIM(fields->field_count < STRICT_MOST_FIELDS);
        CLAIM(read_field(line, &fields->fields[fields->field_count]) == STRICT_PLAIN);
    }
}

int strict_read_response(struct slice *input, bool has_body, bool is_last)
{
    struct strict_request response = {0};
    int status;
    do {
        struct slice start = *input;
        if (input->length == 0)
            return 0;
        take_response_head(input, &response);
        status = (start.data[9] - '0') * 100 + (start.data[10] - '0') * 10 + start.data[11] - '0';
    } while (status < 200);
    const struct header *length = find_field(&response, SLICE("content-length"));
    CLAIM(length != NULL && is_number(length->value) && find_field(&response, SLICE("transfer-encoding")) == NULL);
    size_t bytes = (size_t)strtoul(length->value.data, NULL, 10);
    if (has_body && !(is_last && input->length == 0)) {
        CLAIM(input->length >= bytes);
        *input = slice_skip(*input, bytes);
    }
    return status;
}
