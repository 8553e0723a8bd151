#include "dispatch/access_line.h"

enum {
    MOST_REQUEST_LINE_BYTES = 3072,
    MOST_NAME_BYTES = 200,
};

static void add_number(struct text *out, uint64_t number, size_t least_digits)
{
    char digits[20];
    size_t start = sizeof(digits);
    while (number != 0 || sizeof(digits) - start < least_digits) {
        digits[--start] = (char)('0' + number % 10);
        number /= 10;
    }
    text_add(out, slice_of(digits + start, sizeof(digits) - start));
}

static void add_milliseconds(struct text *out, uint64_t time_us)
{
    add_number(out, time_us / 1000, 1);
    text_add_char(out, '.');
    add_number(out, time_us % 1000, 3);
    text_add(out, SLICE("ms"));
}

static bool is_plain(char c)
{
    return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

static void add_all_escaped(struct text *out, struct slice raw)
{
    static const char digits[] = "0123456789ABCDEF";
    while (raw.length != 0) {
        size_t plain = 0;
        while (plain < raw.length && is_plain(raw.data[plain]))
            ++plain;
        text_add(out, slice_of(raw.data, plain));
        raw = slice_skip(raw, plain);
        if (raw.length == 0)
            break;
        unsigned char c = (unsigned char)raw.data[0];
        text_add(out, slice_of((char[]){'\\', 'x', digits[c >> 4], digits[c & 15]}, 4));
        raw = slice_skip(raw, 1);
    }
}

static void cut_off(struct text *out, size_t start, size_t most_bytes)
{
    if (out->length - start <= most_bytes)
        return;
    out->length = start + most_bytes;
    text_add(out, SLICE("..."));
}

void access_line_add_escaped(struct text *out, struct slice raw, size_t most_bytes)
{
    size_t start = out->length;
    if (raw.length > most_bytes)
        raw.length = most_bytes + 1;
    add_all_escaped(out, raw);
    cut_off(out, start, most_bytes);
}

static void add_request_line(struct text *out, const struct request_head *request)
{
    size_t start = out->length;
    struct slice target = request->raw_target;
    if (target.length > MOST_REQUEST_LINE_BYTES)
        target.length = MOST_REQUEST_LINE_BYTES;
    add_all_escaped(out, request->method);
    text_add_char(out, ' ');
    add_all_escaped(out, target);
    text_add(out, request->is_http2 ? SLICE(" HTTP/2.") : SLICE(" HTTP/1."));
    add_number(out, request->is_http2 ? 0 : request->minor_version, 1);
    cut_off(out, start, MOST_REQUEST_LINE_BYTES);
}

static void add_peer(struct text *out, const struct exchange *exchange)
{
    struct slice address = exchange->peer_address;
    if (slice_equals(address, SLICE("unix:"))) {
        text_add(out, address);
        return;
    }
    bool is_v6 = slice_find(address, ':') < address.length;
    text_add(out, is_v6 ? SLICE("[") : SLICE(""));
    text_add(out, address);
    text_add(out, is_v6 ? SLICE("]") : SLICE(""));
    if (exchange->peer_port == 0)
        return;
    text_add_char(out, ':');
    add_number(out, exchange->peer_port, 1);
}

static void add_word(struct text *out, const char *label, struct slice word)
{
    text_add(out, slice_from_text(label));
    access_line_add_escaped(out, word.length != 0 ? word : SLICE("-"), MOST_NAME_BYTES);
}

static void add_forwarding(struct text *out, const struct exchange_forwarding *forwarding)
{
    if (forwarding->upstream.length == 0)
        return;
    add_word(out, " upstream ", forwarding->upstream);
    add_word(out, " server ", forwarding->server);
    text_add(out, SLICE(" tries "));
    add_number(out, forwarding->tries, 1);
    text_add(out, SLICE(" waited "));
    add_milliseconds(out, forwarding->waited_us);
    text_add(out, SLICE(" answered "));
    if (forwarding->is_answered)
        add_milliseconds(out, forwarding->answered_us);
    else
        text_add_char(out, '-');
}

static void add_tls(struct text *out, struct exchange_tls *tls)
{
    if (tls == NULL)
        return;
    text_add(out, SLICE(" tls "));
    text_add(out, tls->find(tls, FLEXILIB_TLS_VERSION));
}

/* Where other programs write the user's name. */
static void add_client_name(struct text *out, struct slice name)
{
    const char *quote = name.length == 0 ? "" : "\"";
    text_add(out, slice_from_text(quote));
    add_all_escaped(out, name.length == 0 ? SLICE("-") : name);
    text_add(out, slice_from_text(quote));
}

/* From the client to the memory. */
static void add_original(struct text *out, const struct exchange *exchange, struct slice client_name,
                         const struct expansion_times *times)
{
    add_peer(out, exchange);
    text_add(out, SLICE(" - "));
    add_client_name(out, client_name);
    text_add(out, SLICE(" \""));
    add_request_line(out, &exchange->request);
    text_add(out, SLICE("\" "));
    add_number(out, (uint64_t)exchange->response.status, 1);
    text_add(out, SLICE(" ttfb "));
    add_milliseconds(out, times->first_byte_us);
    text_add_char(out, ' ');
    add_number(out, exchange->response_bytes, 1);
    text_add(out, SLICE(" ttlb "));
    add_milliseconds(out, times->last_byte_us);
    text_add(out, SLICE(" (pre-alloc: "));
    add_number(out, exchange->arena.ready_bytes, 1);
    text_add(out, SLICE(", alloc: "));
    add_number(out, exchange->arena.taken_bytes, 1);
    text_add_char(out, ')');
}

void access_line_add_original(struct text *out, const struct exchange *exchange, const struct expansion_times *times)
{
    add_original(out, exchange, SLICE_NONE, times);
    text_add_char(out, '\n');
}

void access_line_add(struct text *out, struct slice time, const struct exchange *exchange,
                     const struct expansion_times *times)
{
    text_add(out, time);
    text_add_char(out, ' ');
    text_add(out, exchange->id);
    text_add_char(out, ' ');
    add_original(out, exchange, exchange->client_name, times);
    add_tls(out, exchange->tls);
    add_forwarding(out, &exchange->forwarding);
    text_add_char(out, '\n');
}
