/* A template and a request: the template is the first line of the input; then follow query, Host, Cookie, two fields of
 * the name x, traceparent and the client's address, one a line. */

#include "dispatch/access_format.h"
#include "filter/exchange_state.h"
#include "filter/trace.h"
#include "fuzz.h"

enum {
    MOST_TEMPLATE_BYTES = 500, /* as much as a line has room for in any case */
};

static bool has_control(struct slice text)
{
    for (size_t i = 0; i < text.length; ++i) {
        if (((unsigned char)text.data[i] < ' ' && text.data[i] != '\t') || text.data[i] == 0x7f)
            return true;
    }
    return false;
}

static void add_field(struct exchange *exchange, const char *name, struct slice value)
{
    if (value.length != 0 && header_is_value(value))
        headers_add(&exchange->request.headers, &exchange->arena, slice_from_text(name), value);
}

static void fill(struct exchange *exchange, struct slice *data)
{
    static const char *const names[] = {"Cookie", "X", "x", "Traceparent"};
    struct slice query = slice_next_item(data, '\n'), host = slice_next_item(data, '\n');
    exchange->request = (struct request_head){.method = SLICE("GET"),
                                              .scheme = SLICE("http"),
                                              .path = SLICE("/"),
                                              .raw_target = SLICE("/"),
                                              .authority = has_control(host) ? SLICE_NONE : host,
                                              .query = has_control(query) ? SLICE_NONE : query,
                                              .has_query = query.length != 0,
                                              .minor_version = 1};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); ++i)
        add_field(exchange, names[i], slice_next_item(data, '\n'));
    struct slice address = slice_next_item(data, '\n');
    exchange->peer_address = has_control(address) ? SLICE_NONE : address;
}

static void check_line(struct access_log_settings settings, struct exchange *exchange, const char *start,
                       const char *end)
{
    static const struct expansion_times times = {.first_byte_us = 1};
    struct text out = TEXT_INIT;
    struct access_format *format = access_format_create(&settings);
    access_format_add(format, &out, SLICE("NOW"), exchange, &times);
    struct slice line = text_slice(&out);
    CLAIM(line.length < 4096 && slice_starts_with(line, slice_from_text(start)));
    CLAIM(slice_ends_with(line, slice_from_text(end)) && slice_find(line, '\n') + 1 == line.length);
    access_format_destroy(format);
    text_finish(&out);
}

static void check_template(const struct template *template, struct slice written, struct exchange *exchange)
{
    const struct expansion expansion = {.exchange = exchange, .arena = &exchange->arena};
    struct slice said = expansion_text(&expansion, template);
    CLAIM(!has_control(said) || has_control(written));
    if (written.length > MOST_TEMPLATE_BYTES || has_control(written) || template->count == 0)
        return;
    const struct access_log_field field = {SLICE("a"), template};
    check_line((struct access_log_settings){.line = template}, exchange, "", "\n");
    check_line((struct access_log_settings){.fields = &field, .field_count = 1}, exchange, "{\"a\":", "}\n");
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct slice data = slice_of((const char *)bytes, size);
    struct exchange_state inside = {0};
    struct exchange exchange = {.state = &inside};
    struct error error = ERROR_INIT;
    arena_init(&exchange.arena, 0);
    size_t end = slice_find(data, '\n');
    struct node node = {.kind = NODE_SCALAR, .text = slice_of(data.data, end)};
    data = slice_skip(data, end == data.length ? end : end + 1);
    fill(&exchange, &data);
    const struct template *template = template_read(&node, &exchange.arena, &error);
    CLAIM((template == NULL) == error.is_set);
    if (template != NULL)
        check_template(template, node.text, &exchange);
    CLAIM(trace_id(&exchange).length == EXCHANGE_TRACE_DIGITS);
    arena_finish(&exchange.arena);
    return 0;
}
