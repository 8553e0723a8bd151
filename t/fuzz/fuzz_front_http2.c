#include "front_world.h"
#include "fuzz.h"
#include "http2_frames.h"

#include <nghttp2/nghttp2.h>

/* Frames of a client, in pieces, through the whole proxy: what a server behind sees must be what the frames say, stream
 * by stream, written as HTTP/1.1 and read strictly; and the client gets nothing but well-formed frames. The input's
 * first two bytes say how the others are sent: as frames are, or as a list of frames whose fields are not packed yet.
 */

enum {
    MOST_INPUT_BYTES = 8 * 1024,
    MOST_STREAMS = 16,
    MOST_FIELDS = 128, /* that are sent; of such as are not crumbs of cookies, more than the proxy takes */
    FRAME_HEAD_BYTES = 9,
    KNOWN_FIELD = 0x80, /* in place of a name's length: a whole field of the list below */
    PATH_BYTES = 256,
};

/* The input's first byte. */
enum {
    WAY_EARLY = 1 << 0, /* the server answers before it has the body */
    WAY_RAW = 1 << 1,   /* what follows are bytes of frames */
};

enum {
    END_STREAM = 1,
    END_HEADERS = 4,
};

static const struct header known_fields[] = {
    {{":method", 7}, {"GET", 3}},
    {{":method", 7}, {"POST", 4}},
    {{":scheme", 7}, {"http", 4}},
    {{":authority", 10}, {"a", 1}},
    {{":path", 5}, {"/", 1}},
    {{":path", 5}, {"/b/../c?d", 9}},
    {{"host", 4}, {"a", 1}},
    {{"content-length", 14}, {"5", 1}},
    {{"content-length", 14}, {"0", 1}},
    {{"te", 2}, {"trailers", 8}},
    {{"cookie", 6}, {"a=b", 3}},
    {{"cookie", 6}, {"", 0}},
    {{"transfer-encoding", 17}, {"chunked", 7}},
    {{"connection", 10}, {"close", 5}},
    {{"expect", 6}, {"100-continue", 12}},
    {{":method", 7}, {"HEAD", 4}},
    {{"x-a", 3}, {"b\r\nc: d", 7}},
    {{"x-a", 3}, {"b", 1}},
    {{":method", 7}, {"CONNECT", 7}},
    {{":protocol", 9}, {"websocket", 9}},
    {{"host", 4}, {"b", 1}},
    {{":authority", 10}, {"b", 1}},
    {{"content-length", 14}, {"6", 1}},
    {{"X-A", 3}, {"b", 1}},
    {{":path", 5}, {"*", 1}},
    {{":path", 5}, {"/ HTTP/1.1", 10}},
    {{"upgrade", 7}, {"websocket", 9}},
    {{"via", 3}, {"1.1 flexilib", 12}},
    {{"max-forwards", 12}, {"0", 1}},
    {{":method", 7}, {"OPTIONS", 7}},
    {{"x_forwarded_for", 15}, {"x", 1}},
    {{"trailer", 7}, {"x-a", 3}},
};

/* What the frames of one stream have said. */
struct stream {
    bool is_open, is_over, is_broken; /* broken: whatever comes for it, it is no whole request */
    bool has_trailers, is_used;
    struct header fields[MOST_FIELDS];
    size_t field_count;
    struct header trailers[MOST_FIELDS];
    size_t trailer_count;
    struct text body;
};

struct reading {
    struct stream streams[MOST_STREAMS]; /* number 2 * index + 1 */
    bool is_clear;                       /* there is no reason to refuse anything */
    bool is_dead;                        /* the connection has to end here */
    int last_index;                      /* of the newest stream */
    struct stream *unfinished;           /* CONTINUATION is to follow */
    bool ends_stream;
};

static unsigned take_byte(struct slice *input)
{
    if (input->length == 0)
        return 0;
    unsigned char byte = (unsigned char)input->data[0];
    *input = slice_skip(*input, 1);
    return byte;
}

static struct slice take_text(struct slice *input, size_t length)
{
    if (length > input->length)
        length = input->length;
    struct slice text = slice_of(input->data, length);
    *input = slice_skip(*input, length);
    return text;
}

static void add_number(struct text *out, size_t value)
{
    text_add_char(out, (char)(value < 127 ? value : 127));
    if (value < 127)
        return;
    for (value -= 127; value >= 128; value >>= 7)
        text_add_char(out, (char)((value & 127) | 128));
    text_add_char(out, (char)value);
}

static void add_frame(struct text *out, unsigned type, unsigned flags, unsigned stream, struct slice payload)
{
    char head[FRAME_HEAD_BYTES] = {0, (char)(payload.length >> 8), (char)payload.length, (char)type, (char)flags};
    head[8] = (char)stream;
    text_add(out, slice_of(head, sizeof(head)));
    text_add(out, payload);
}

/* A field that never enters a table. */
static void pack_field(struct text *out, const struct header *field)
{
    text_add_char(out, 0);
    add_number(out, field->name.length);
    text_add(out, field->name);
    add_number(out, field->value.length);
    text_add(out, field->value);
}

static struct header take_field(struct slice *input)
{
    unsigned length = take_byte(input);
    if (length >= KNOWN_FIELD)
        return known_fields[(length - KNOWN_FIELD) % (sizeof(known_fields) / sizeof(known_fields[0]))];
    struct header field = {.name = take_text(input, length)};
    field.value = take_text(input, take_byte(input));
    return field;
}

/* Takes the fields in data, packs them, and notes what they say. Those that cannot be noted are not sent either. */
static void take_fields(struct stream *stream, struct slice data, struct text *packed)
{
    while (data.length != 0) {
        struct header field = take_field(&data);
        if (stream != NULL) {
            size_t *count = stream->has_trailers ? &stream->trailer_count : &stream->field_count;
            struct header *fields = stream->has_trailers ? stream->trailers : stream->fields;
            if (*count == MOST_FIELDS)
                return;
            fields[(*count)++] = field;
        }
        pack_field(packed, &field);
    }
}

static struct stream *find_stream(struct reading *reading, unsigned number)
{
    return number % 2 == 1 ? &reading->streams[number / 2] : NULL;
}

static void end_fields(struct reading *reading)
{
    struct stream *stream = reading->unfinished;
    reading->unfinished = NULL;
    if (stream == NULL)
        return;
    stream->is_over = stream->is_over || reading->ends_stream;
    if (stream->has_trailers && !reading->ends_stream)
        stream->is_broken = true;
}

static void read_headers(struct reading *reading, unsigned number, unsigned flags, struct slice data,
                         struct text *packed)
{
    struct stream *stream = find_stream(reading, number);
    if (stream == NULL)
        reading->is_dead = true;
    else if (stream->is_over || (!stream->is_open && (int)number / 2 < reading->last_index))
        stream = NULL; /* of a stream that is closed: nothing comes of it */
    reading->is_clear = reading->is_clear && stream != NULL;
    if (stream != NULL) {
        if (stream->is_open && stream->has_trailers)
            stream->is_broken = true;
        stream->has_trailers = stream->is_open;
        stream->is_open = true;
        if ((int)number / 2 > reading->last_index)
            reading->last_index = (int)number / 2;
    }
    take_fields(stream, data, packed);
    reading->unfinished = stream;
    reading->ends_stream = (flags & END_STREAM) != 0;
    if ((flags & END_HEADERS) != 0)
        end_fields(reading);
    else
        reading->is_clear = false;
}

static void read_data(struct reading *reading, unsigned number, unsigned flags, struct slice data)
{
    struct stream *stream = find_stream(reading, number);
    if (stream == NULL || !stream->is_open || stream->is_over) {
        reading->is_dead = stream == NULL || (int)number / 2 > reading->last_index;
        reading->is_clear = false;
        return;
    }
    if (stream->has_trailers)
        stream->is_broken = true;
    text_add(&stream->body, data);
    stream->is_over = (flags & END_STREAM) != 0;
}

/* Takes one frame of a list: type, flags, stream, length, payload. */
static void take_frame(struct slice *input, struct reading *reading, struct text *out)
{
    unsigned type = take_byte(input) % 12, flags = take_byte(input), number = take_byte(input) % (2 * MOST_STREAMS);
    struct slice data = take_text(input, take_byte(input));
    struct text packed = TEXT_INIT;
    bool is_continued = type == NGHTTP2_CONTINUATION && reading->unfinished != NULL;
    if ((reading->unfinished != NULL && !is_continued) || (type == NGHTTP2_CONTINUATION && !is_continued))
        reading->is_dead = true;
    if (is_continued && find_stream(reading, number) != reading->unfinished)
        reading->is_dead = true;
    if (reading->is_dead)
        reading->unfinished = NULL;
    if (type == NGHTTP2_HEADERS && !reading->is_dead) {
        flags &= END_STREAM | END_HEADERS;
        read_headers(reading, number, flags, data, &packed);
    } else if (type == NGHTTP2_CONTINUATION && !reading->is_dead) {
        take_fields(reading->unfinished, data, &packed);
        if ((flags & END_HEADERS) != 0)
            end_fields(reading);
    } else if (type == NGHTTP2_DATA && !reading->is_dead) {
        flags &= END_STREAM;
        read_data(reading, number, flags, data);
        text_add(&packed, data);
    } else {
        reading->is_clear = false;
        text_add(&packed, data);
    }
    add_frame(out, type, flags, number, text_slice(&packed));
    text_finish(&packed);
}

static bool has_byte(struct slice text, const char *set)
{
    for (size_t i = 0; i < text.length; ++i) {
        if (text.data[i] == '\0' || strchr(set, text.data[i]) != NULL)
            return true;
    }
    return false;
}

static const struct header *find_field(const struct stream *stream, const char *name)
{
    for (size_t i = 0; i < stream->field_count; ++i) {
        if (slice_equals(stream->fields[i].name, slice_from_text(name)))
            return &stream->fields[i];
    }
    return NULL;
}

/* RFC 8441: becomes a GET, and what follows is no body. */
static bool is_websocket(const struct stream *stream)
{
    const struct header *method = find_field(stream, ":method"), *protocol = find_field(stream, ":protocol");
    return method != NULL && protocol != NULL && slice_equals(method->value, SLICE("CONNECT")) &&
           slice_equals_nocase(protocol->value, SLICE("websocket")) && find_field(stream, "content-length") == NULL;
}

static bool is_pseudo(const struct header *field)
{
    return field->name.length != 0 && field->name.data[0] == ':';
}

/* Pseudo-fields come first, once, and are known. */
static bool is_pseudo_fine(const struct stream *stream, size_t index)
{
    static const char *const names[] = {":method", ":scheme", ":authority", ":path", ":protocol"};
    const struct header *field = &stream->fields[index];
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); ++i) {
        if (slice_equals(field->name, slice_from_text(names[i])) && find_field(stream, names[i]) == field)
            return (i != 4 || is_websocket(stream)) && (index == 0 || is_pseudo(&stream->fields[index - 1]));
    }
    return false;
}

/* RFC 9113 sections 8.2 and 8.3, as far as HTTP/1 does not forbid the same. */
static bool is_field_fine(const struct stream *stream, size_t index)
{
    static const char *const forbidden[] = {"connection", "keep-alive", "proxy-connection", "transfer-encoding",
                                            "upgrade"};
    const struct header *field = &stream->fields[index];
    struct slice value = field->value;
    bool is_padded = value.length != 0 &&
                     (has_byte(slice_of(value.data, 1), " \t") || has_byte(slice_skip(value, value.length - 1), " \t"));
    if (is_padded || has_byte(value, "\r\n") || has_byte(field->name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ\r\n "))
        return false;
    if (is_pseudo(field))
        return is_pseudo_fine(stream, index);
    if (has_byte(field->name, ":"))
        return false;
    for (size_t i = 0; i < sizeof(forbidden) / sizeof(forbidden[0]); ++i) {
        if (slice_equals(field->name, slice_from_text(forbidden[i])))
            return false;
    }
    return !slice_equals(field->name, SLICE("te")) || slice_equals_nocase(value, SLICE("trailers"));
}

/* Writes the fields that have a line of their own in HTTP/1, and the cookies' crumbs together too. */
static void write_fields(const struct stream *stream, struct text *out)
{
    struct text cookies = TEXT_INIT;
    for (size_t i = 0; i < stream->field_count; ++i) {
        const struct header *field = &stream->fields[i];
        if (is_pseudo(field) || slice_equals(field->name, SLICE("host")) ||
            slice_equals(field->name, SLICE("content-length")))
            continue;
        text_print(out, "%.*s: %.*s\r\n", SLICE_ARG(field->name), SLICE_ARG(field->value));
        if (slice_equals(field->name, SLICE("cookie")) && field->value.length != 0)
            text_print(&cookies, "%s%.*s", cookies.length == 0 ? "" : "; ", SLICE_ARG(field->value));
    }
    if (cookies.length != 0)
        text_print(out, "Cookie: %.*s\r\n", (int)cookies.length, cookies.data);
    text_finish(&cookies);
}

static size_t count_fields(const struct stream *stream, const char *name)
{
    size_t count = 0;
    for (size_t i = 0; i < stream->field_count; ++i)
        count += slice_equals(stream->fields[i].name, slice_from_text(name));
    return count;
}

/* Writes the head as HTTP/1.1 has it; false where that would be malformed already. */
static bool write_head(const struct stream *stream, struct text *out)
{
    const struct header *method = find_field(stream, ":method"), *path = find_field(stream, ":path");
    const struct header *authority = find_field(stream, ":authority"), *host = find_field(stream, "host");
    bool is_fine = method != NULL && path != NULL && find_field(stream, ":scheme") != NULL &&
                   count_fields(stream, "host") < 2 && count_fields(stream, "content-length") < 2 &&
                   (authority != NULL || host != NULL);
    for (size_t i = 0; i < stream->field_count; ++i)
        is_fine = is_fine && is_field_fine(stream, i);
    if (!is_fine || path->value.length == 0 || (path->value.data[0] != '/' && !slice_equals(path->value, SLICE("*"))))
        return false;
    if (authority != NULL && host != NULL && !slice_equals_nocase(authority->value, host->value))
        return false;
    authority = authority != NULL ? authority : host;
    text_print(out, "%.*s %.*s HTTP/1.1\r\nHost: %.*s\r\n",
               SLICE_ARG(is_websocket(stream) ? SLICE("GET") : method->value), SLICE_ARG(path->value),
               SLICE_ARG(authority->value));
    write_fields(stream, out);
    text_add(out, SLICE("\r\n"));
    return true;
}

/* Whether all is there that the length announces, if one is; what comes behind it is not part of the body, whatever
 * becomes of the stream. */
static bool is_length_met(const struct stream *stream, size_t *length)
{
    const struct header *field = find_field(stream, "content-length");
    *length = stream->body.length;
    if (field == NULL)
        return stream->is_over && !stream->is_broken;
    *length = 0;
    for (size_t i = 0; i < field->value.length; ++i) {
        if (field->value.data[i] < '0' || field->value.data[i] > '9' || *length > MOST_INPUT_BYTES)
            return false;
        *length = *length * 10 + (size_t)(field->value.data[i] - '0');
    }
    return field->value.length != 0 && *length <= stream->body.length;
}

/* What a stream asks for, as a strict reader of HTTP/1 sees it; whole: the server may see all of it. */
static enum strict_verdict read_stream(const struct stream *stream, struct strict_request *request, bool *is_whole,
                                       struct text *head)
{
    text_clear(head);
    strict_request_finish(request);
    if (!stream->is_open || !write_head(stream, head))
        return STRICT_BAD;
    struct slice input = text_slice(head);
    enum strict_verdict verdict = strict_read_request(&input, request);
    if (verdict >= STRICT_PARTIAL || input.length != 0)
        return STRICT_BAD;
    memcpy(request->trailers, stream->trailers, sizeof(stream->trailers));
    request->trailer_count = stream->trailer_count;
    *is_whole = is_websocket(stream);
    if (*is_whole)
        return STRICT_ODD;
    size_t length;
    *is_whole = is_length_met(stream, &length);
    text_add(&request->body, slice_of(stream->body.data, *is_whole ? length : stream->body.length));
    bool is_odd = stream->has_trailers || find_field(stream, "content-length") != NULL;
    return is_odd ? STRICT_ODD : verdict;
}

/* Finds the stream that a request of the server's comes from, which no other does. */
static bool claim_stream(struct reading *reading, const struct strict_request *seen, bool is_seen_whole)
{
    static struct strict_request sent;
    struct text head = TEXT_INIT;
    bool is_found = false;
    for (size_t i = 0; i < MOST_STREAMS && !is_found; ++i) {
        struct stream *stream = &reading->streams[i];
        bool is_sent_whole;
        if (stream->is_used || read_stream(stream, &sent, &is_sent_whole, &head) == STRICT_BAD)
            continue;
        is_found = world_is_same(seen, is_seen_whole, &sent, is_sent_whole) && slice_equals(seen->host, sent.host) &&
                   world_are_trailers_known(seen, &sent) && world_are_fields_known(seen, sent.fields, sent.field_count);
        stream->is_used = is_found;
    }
    strict_request_finish(&sent);
    text_finish(&head);
    return is_found;
}

/* How much a request says of where it comes from. */
static int rank(const struct strict_request *seen, bool is_whole)
{
    return !is_whole ? 0 : seen->trailer_count == 0 ? 1 : 2;
}

/* Those that say most come first, as others may be those of several streams. */
static void compare(struct reading *reading)
{
    static struct strict_request seen;
    for (int wanted = 2; wanted >= 0; --wanted) {
        for (size_t i = 0; i < world_request_count(); ++i) {
            bool is_whole = world_read_request(i, &seen) < STRICT_PARTIAL;
            if (rank(&seen, is_whole) == wanted && seen.has_head)
                CLAIM(claim_stream(reading, &seen, is_whole));
        }
    }
    strict_request_finish(&seen);
}

/* Where nothing is odd, everything must have come. */
static void check_completeness(struct reading *reading)
{
    static struct strict_request sent;
    struct text head = TEXT_INIT;
    bool is_clear = reading->is_clear && !reading->is_dead;
    for (size_t i = 0; i < MOST_STREAMS && is_clear; ++i) {
        bool is_whole = false;
        if (reading->streams[i].is_open)
            is_clear = read_stream(&reading->streams[i], &sent, &is_whole, &head) == STRICT_PLAIN && is_whole;
    }
    for (size_t i = 0; i < MOST_STREAMS && is_clear; ++i)
        CLAIM(reading->streams[i].is_used == reading->streams[i].is_open);
    strict_request_finish(&sent);
    text_finish(&head);
}

static void make_frames(struct slice input, bool is_raw, struct reading *reading, struct text *frames)
{
    text_add(frames, SLICE("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
    if (is_raw)
        text_add(frames, input);
    else
        add_frame(frames, NGHTTP2_SETTINGS, 0, 0, SLICE_NONE);
    while (!is_raw && input.length != 0)
        take_frame(&input, reading, frames);
    reading->is_clear = reading->is_clear && reading->unfinished == NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const struct reading fresh = {.is_clear = true, .last_index = -1};
    if (size < 3 || size > MOST_INPUT_BYTES)
        return 0;
    struct reading *reading = malloc(sizeof(*reading));
    struct text frames = TEXT_INIT;
    bool is_raw = (bytes[0] & WAY_RAW) != 0;
    /* files of the tree end so */
    if (bytes[size - 1] == '\n')
        --size;
    *reading = fresh;
    make_frames(slice_of((const char *)bytes + 2, size - 2), is_raw, reading, &frames);
    world_begin((bytes[0] & WAY_EARLY) != 0);
    world_send(text_slice(&frames), bytes[1]);
    world_settle();
    http2_frames_check(world_answers());
    if (is_raw) {
        CLAIM(world_request_count() <= http2_frames_count_heads(slice_skip(text_slice(&frames), 24)));
    } else {
        compare(reading);
        check_completeness(reading);
    }
    world_end();
    for (size_t i = 0; i < MOST_STREAMS; ++i)
        text_finish(&reading->streams[i].body);
    free(reading);
    text_finish(&frames);
    return 0;
}
