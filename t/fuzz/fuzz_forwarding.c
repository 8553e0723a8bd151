/* What a client and a server say of each other: one field's value in each line of the input. */

#include "fuzz.h"
#include "http/client_identity.h"
#include "http/forwarded.h"
#include "http/request_rules.h"
#include "upstream/cookie_rewrite.h"
#include "upstream/forward.h"
#include "upstream/response_rewrite.h"

static const char *const request_names[] = {"X-Forwarded-For",  "Forwarded",       "X-Forwarded-Proto",
                                            "X-Forwarded-Host", "X-Forwarded-For", "Via"};
static const char *const response_names[] = {"Location", "Set-Cookie", "Refresh", "Content-Location"};

static const struct address_range trusted[] = {{{10}, 4, 8}, {{0xfd}, 16, 8}};

static const struct field_pair domains[] = {
    {.name = {"inner", 5}, .value = {"shop.example", 12}},
    {.name = {".old", 4}, .value = {"", 0}},
};

static const struct field_pair paths[] = {{.name = {"/v1", 3}, .value = {"/api", 4}}};

static const struct forward_settings forwards[] = {
    {.maps_location = true,
     .host = HOST_SERVER,
     .forwarded = FORWARDED_BOTH,
     .cookie_domains = domains,
     .cookie_domain_count = 2,
     .cookie_paths = paths,
     .cookie_path_count = 1},
    {.maps_location = true, .strip = {"/api", 4}, .prefix = {"/v1", 3}},
    {.maps_location = true, .prefix = {"/v1", 3}, .forwarded = FORWARDED_STANDARD},
};

static bool has_line_break(struct slice text)
{
    return slice_find(text, '\r') != text.length || slice_find(text, '\n') != text.length;
}

static void fill(struct headers *headers, struct arena *arena, const char *const *names, size_t count,
                 struct slice *data)
{
    for (size_t i = 0; i < count && data->length != 0; ++i) {
        struct slice value = slice_next_item(data, '\n');
        if (value.length != 0 && header_is_value(value))
            headers_add(headers, arena, slice_from_text(names[i]), value);
    }
}

static void check_identity(struct exchange *exchange)
{
    static const struct settings settings = {.trusted_proxies = trusted, .trusted_proxy_count = 2};
    client_identity_settle(exchange, &settings);
    struct slice address = exchange->peer_address;
    for (size_t i = 0; i < address.length; ++i)
        CLAIM(ascii_hexadecimal(address.data[i]) >= 0 || address.data[i] == ':' || address.data[i] == '.');
    CLAIM(address.length >= 2);
    CLAIM(slice_equals(exchange->proxy_address, SLICE("10.0.0.1")));
    CLAIM(slice_equals(exchange->request.scheme, SLICE("http")) ||
          slice_equals(exchange->request.scheme, SLICE("https")));
    CLAIM(request_rules_is_authority(exchange->request.client_authority));
}

static void check_head(const struct exchange *exchange, const struct forward_settings *forward)
{
    struct plan_route route = {.forward = forward};
    struct text out = TEXT_INIT;
    size_t lines = 0;
    forward_build_head(exchange, &route, SLICE("inner:3000"), 0, &out);
    for (size_t i = 0; i < out.length; ++i)
        lines += out.data[i] == '\n';
    CLAIM(lines <= exchange->request.headers.count + 8);
    CLAIM(slice_ends_with(text_slice(&out), SLICE(" flexilib\r\n\r\n")));
    text_finish(&out);
}

static bool leaves_host(struct slice url)
{
    return url.length > 1 && url.data[0] == '/' && (url.data[1] == '/' || url.data[1] == '\\');
}

static void check_response(struct exchange *exchange, const struct forward_settings *forward)
{
    const struct response_origin origin = {SLICE("inner:3000"), false};
    struct headers *headers = &exchange->response.headers;
    for (size_t i = 0; i < headers->count; ++i) {
        struct slice before = headers->items[i].value;
        struct slice url = response_rewrite_url(exchange, forward, &origin, before);
        CLAIM(!has_line_break(url) && (!leaves_host(url) || leaves_host(before)));
        struct slice cookie = cookie_rewrite(before, forward, &exchange->arena);
        size_t end = slice_find(before, ';');
        CLAIM(!has_line_break(cookie) && slice_starts_with(cookie, slice_of(before.data, end)));
    }
    response_rewrite(exchange, forward, &origin);
    for (size_t i = 0; i < headers->count; ++i)
        CLAIM(!has_line_break(headers->items[i].value));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < sizeof(forwards) / sizeof(forwards[0]); ++i) {
        struct slice data = slice_of((const char *)bytes, size);
        struct exchange exchange = {.peer_address = SLICE("10.0.0.1")};
        arena_init(&exchange.arena, 0);
        exchange.request = (struct request_head){.method = SLICE("GET"),
                                                 .scheme = SLICE("http"),
                                                 .path = SLICE("/"),
                                                 .authority = SLICE("shop.example"),
                                                 .minor_version = 1};
        fill(&exchange.request.headers, &exchange.arena, request_names, 6, &data);
        fill(&exchange.response.headers, &exchange.arena, response_names, 4, &data);
        check_identity(&exchange);
        check_head(&exchange, &forwards[i]);
        (void)forwarded_is_loop(&exchange.request.headers);
        check_response(&exchange, &forwards[i]);
        arena_finish(&exchange.arena);
    }
    return 0;
}
