#include "front/http1_request.h"
#include "fuzz.h"
#include "http/http1_response.h"

enum {
    FIELDS = 24,
};

typedef enum head_result parse(struct slice data, size_t seen, struct parsed_head *head, const char **reason);

static void check_fields(const struct parsed_head *head)
{
    CLAIM(head->field_count <= FIELDS);
    for (size_t i = 0; i < head->field_count; ++i)
        CLAIM(header_is_name(head->fields[i].name) && header_is_value(head->fields[i].value));
}

/* What comes in pieces is understood as what comes at once. */
static void parse_in_pieces(struct slice data, size_t step, parse *parser, enum head_result whole, size_t length)
{
    struct header fields[FIELDS];
    struct parsed_head head = {.fields = fields, .field_capacity = FIELDS};
    const char *reason = NULL;
    enum head_result result = HEAD_INCOMPLETE;
    for (size_t seen = 0, end = step; result == HEAD_INCOMPLETE && seen < data.length; seen = end, end += step) {
        if (end > data.length)
            end = data.length;
        result = parser(slice_of(data.data, end), seen, &head, &reason);
    }
    CLAIM((result == HEAD_OK) == (whole == HEAD_OK));
    CLAIM(result != HEAD_OK || head.length == length);
    CLAIM(whole != HEAD_INCOMPLETE || result == HEAD_INCOMPLETE);
}

static void build_request(const struct parsed_head *head, struct slice data)
{
    struct arena arena;
    struct request_head request = {0};
    struct http1_framing framing = {0};
    arena_init(&arena, 0);
    struct request_refusal refusal =
        http1_request_build(head, slice_of(data.data, head->length), &arena, &request, &framing);
    if (refusal.status == 0) {
        CLAIM(header_is_name(request.method));
        CLAIM(framing.is_server_wide || (request.path.length != 0 && request.path.data[0] == '/'));
        for (size_t i = 0; i < request.headers.count; ++i)
            CLAIM(!header_is_hop_by_hop(request.headers.items[i].name));
    } else {
        CLAIM(refusal.status >= 400 && refusal.status <= 599 && refusal.reason != NULL);
    }
    arena_finish(&arena);
}

static void build_response(const struct parsed_head *head, struct slice data)
{
    struct arena arena;
    struct http1_response response = {0};
    struct response_head out = {0};
    const char *reason = NULL;
    arena_init(&arena, 0);
    if (!http1_response_judge(head, SLICE("GET"), SLICE("websocket"), &response, &reason)) {
        CLAIM(reason != NULL);
    } else if (!response.is_interim) {
        http1_response_build(head, slice_of(data.data, head->length), &response, &arena, &out);
        CLAIM((out.status >= 200 && out.status <= 599) || response.is_switch);
        for (size_t i = 0; i < out.headers.count; ++i)
            CLAIM(!header_is_hop_by_hop(out.headers.items[i].name));
    }
    arena_finish(&arena);
}

static void try_parser(struct slice data, parse *parser)
{
    struct header fields[FIELDS];
    struct parsed_head head = {.fields = fields, .field_capacity = FIELDS};
    const char *reason = NULL;
    enum head_result result = parser(data, 0, &head, &reason);
    CLAIM(result == HEAD_OK || result == HEAD_INCOMPLETE || reason != NULL);
    CLAIM(result != HEAD_OK || (head.length >= 4 && head.length <= data.length));
    for (size_t step = 1; step < 4; ++step)
        parse_in_pieces(data, step, parser, result, head.length);
    if (result != HEAD_OK)
        return;
    check_fields(&head);
    if (parser == head_parse_request)
        build_request(&head, data);
    else
        build_response(&head, data);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct slice data = slice_of((const char *)bytes, size);
    struct arena arena;
    struct request_head guessed = {0};
    try_parser(data, head_parse_request);
    try_parser(data, head_parse_response);
    arena_init(&arena, 0);
    http1_request_guess(data, &arena, &guessed);
    CLAIM(guessed.method.length != 0 && guessed.raw_target.length != 0);
    arena_finish(&arena);
    return 0;
}
