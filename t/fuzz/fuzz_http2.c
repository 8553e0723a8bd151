#include "front/http2_request.h"
#include "fuzz.h"

static const struct settings settings = {.head_limit_bytes = 4096, .header_limit = 24};

/* A byte with the length of a name, the name, a byte with the length of its value, the value. */
static struct slice take_text(struct slice *data)
{
    size_t length = data->length == 0 ? 0 : (unsigned char)data->data[0];
    *data = slice_skip(*data, data->length == 0 ? 0 : 1);
    if (length > data->length)
        length = data->length;
    struct slice text = slice_of(data->data, length);
    *data = slice_skip(*data, length);
    return text;
}

/* What goes on to a server by HTTP/1 must not mean anything else there. */
static void check_request(const struct request_head *request, const struct http2_framing *framing)
{
    size_t cookies = 0;
    CLAIM(header_is_name(request->method));
    CLAIM(request_rules_check_method(request->method).status == 0);
    CLAIM(request_rules_is_authority(request->authority));
    CLAIM(request_rules_is_target(request->raw_target));
    CLAIM(framing->is_server_wide || request->path.data[0] == '/');
    CLAIM(request->upgrade.length == 0);
    for (size_t i = 0; i < request->headers.count; ++i) {
        const struct header *field = &request->headers.items[i];
        CLAIM(header_is_name(field->name) && header_is_value(field->value));
        CLAIM(!header_is_hop_by_hop(field->name) && !slice_equals_nocase(field->name, SLICE("host")));
        cookies += slice_equals_nocase(field->name, SLICE("cookie"));
    }
    CLAIM(cookies <= 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct slice data = slice_of((const char *)bytes, size);
    struct arena arena;
    struct http2_fields fields = {0};
    struct request_head request;
    struct http2_framing framing;
    arena_init(&arena, 0);
    /* files of the tree end so */
    if (slice_ends_with(data, SLICE("\n")))
        --data.length;
    while (data.length != 0) {
        struct header field = {.name = take_text(&data)};
        field.value = take_text(&data);
        http2_fields_add(&fields, &arena, &settings, &field);
    }
    struct request_refusal refusal = http2_request_build(&fields, &arena, &request, &framing);
    CLAIM(request.method.length != 0 && request.raw_target.length != 0 && request.is_http2);
    if (refusal.status == 0)
        check_request(&request, &framing);
    else
        CLAIM(refusal.status >= 400 && refusal.status <= 499 && refusal.reason != NULL);
    http2_fields_finish(&fields);
    arena_finish(&arena);
    return 0;
}
