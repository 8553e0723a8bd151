#include "front/http1_writer.h"

#include "filter/status.h"
#include "http/head_text.h"
#include "http/response_rules.h"

struct http1_delivery http1_writer_plan(const struct response_head *response, bool has_body, unsigned minor_version,
                                        bool keep_alive)
{
    struct http1_delivery delivery = {.keep_alive = keep_alive};
    if (!has_body)
        delivery.ending = HTTP1_ENDING_NONE;
    else if (response->body_length >= 0)
        delivery.ending = HTTP1_ENDING_LENGTH;
    else if (minor_version >= 1)
        delivery.ending = HTTP1_ENDING_CHUNKED;
    else
        delivery.ending = HTTP1_ENDING_CLOSE;
    if (delivery.ending == HTTP1_ENDING_CLOSE)
        delivery.keep_alive = false;
    delivery.tells_keep_alive = delivery.keep_alive && minor_version == 0;
    return delivery;
}

/* The fields that are the front's own, as one text. */
struct own_fields {
    char text[256];
    size_t length;
};

static void add_own(struct own_fields *own, struct slice text)
{
    memcpy(own->text + own->length, text.data, text.length);
    own->length += text.length;
}

static void add_length(struct own_fields *own, uint64_t number)
{
    add_own(own, SLICE("Content-Length: "));
    own->length = (size_t)(head_put_number(own->text + own->length, number) - own->text);
    add_own(own, SLICE("\r\n"));
}

/* What becomes of the connection. */
static void add_connection(struct own_fields *own, const struct response_head *response,
                           const struct http1_delivery *delivery)
{
    if (response->status == 101) {
        add_own(own, SLICE("Connection: upgrade\r\nUpgrade: "));
        add_own(own, response->upgrade);
        add_own(own, SLICE("\r\n"));
    } else if (!delivery->keep_alive) {
        add_own(own, SLICE("Connection: close\r\n"));
    } else if (delivery->tells_keep_alive) {
        add_own(own, SLICE("Connection: keep-alive\r\n"));
    }
}

static void build_own_fields(struct own_fields *own, const struct response_head *response,
                             const struct http1_delivery *delivery, struct slice date)
{
    own->length = 0;
    if (headers_find(&response->headers, SLICE("date")) == NULL) {
        add_own(own, SLICE("Date: "));
        add_own(own, date);
        add_own(own, SLICE("\r\n"));
    }
    if (response_tells_length(response))
        add_length(own, (uint64_t)response->body_length);
    else if (delivery->ending == HTTP1_ENDING_CHUNKED)
        add_own(own, SLICE("Transfer-Encoding: chunked\r\n"));
    add_connection(own, response, delivery);
    add_own(own, SLICE("\r\n"));
}

/* "HTTP/1.1 200 OK" with its line end; 64 bytes are more than the longest phrase needs. */
static size_t write_status_line(char line[64], int status)
{
    struct slice phrase = slice_from_text(status_phrase(status));
    const char digits[] = {(char)('0' + status / 100), (char)('0' + status / 10 % 10), (char)('0' + status % 10), ' '};
    char *end = head_put(line, SLICE("HTTP/1.1 "));
    end = head_put(end, slice_of(digits, sizeof(digits)));
    end = head_put(end, phrase);
    end = head_put(end, SLICE("\r\n"));
    return (size_t)(end - line);
}

static struct slice write_head(struct arena *arena, const struct response_head *response, struct slice trailer_names,
                               struct slice own)
{
    char line[64];
    size_t line_length = write_status_line(line, response->status);

    size_t length = line_length + own.length;
    if (trailer_names.length != 0)
        length += sizeof("Trailer: \r\n") - 1 + trailer_names.length;
    for (size_t i = 0; i < response->headers.count; ++i)
        length += response->headers.items[i].name.length + response->headers.items[i].value.length + 4;
    char *text = arena_alloc(arena, length);
    char *end = head_put(text, slice_of(line, line_length));
    for (size_t i = 0; i < response->headers.count; ++i)
        end = head_put_field(end, response->headers.items[i].name, response->headers.items[i].value);
    if (trailer_names.length != 0)
        end = head_put_field(end, SLICE("Trailer"), trailer_names);
    head_put(end, own);
    return slice_of(text, length);
}

struct slice http1_writer_head(struct arena *arena, const struct response_head *response,
                               const struct http1_delivery *delivery, struct slice date)
{
    struct own_fields own;
    build_own_fields(&own, response, delivery, date);
    struct slice trailer_names = delivery->passes_trailers ? response->trailer_names : SLICE_NONE;
    return write_head(arena, response, trailer_names, slice_of(own.text, own.length));
}

struct slice http1_writer_interim(struct arena *arena, const struct response_head *interim)
{
    return write_head(arena, interim, SLICE_NONE, SLICE("\r\n"));
}

size_t http1_writer_chunk_start(char text[HTTP1_CHUNK_START_BYTES], size_t length)
{
    static const char digits[] = "0123456789abcdef";
    char reversed[16];
    size_t count = 0;
    do {
        reversed[count++] = digits[length & 15];
        length >>= 4;
    } while (length != 0);
    for (size_t i = 0; i < count; ++i)
        text[i] = reversed[count - 1 - i];
    text[count] = '\r';
    text[count + 1] = '\n';
    return count + 2;
}
