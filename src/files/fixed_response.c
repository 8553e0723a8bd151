#include "files/fixed_response.h"

#include "base/text.h"
#include "filter/request_parts.h"
#include "filter/status.h"

struct fixed_response {
    struct exchange *exchange;
    struct slice body;
    void (*on_over)(struct exchange *exchange);
};

static void deliver(void *source)
{
    struct fixed_response *response = source;
    response->on_over(response->exchange);
    exchange_response_body(response->exchange, response->body, true);
}

static void let_go(void *source)
{
}

static const struct response_source_calls calls = {.pull = deliver, .cancel = let_go};

/* A filter may have put anything into path and query. */
static void add_escaped(struct text *out, struct slice value)
{
    for (size_t i = 0; i < value.length; ++i) {
        unsigned char c = (unsigned char)value.data[i];
        if (c <= ' ' || c >= 0x7f || strchr("\"<>\\", c) != NULL)
            text_print(out, "%%%02X", (unsigned)c);
        else
            text_add_char(out, (char)c);
    }
}

static void add_query(struct text *out, const struct request_head *request)
{
    struct slice before = text_slice(out);
    if (!request->has_query)
        return;
    if (slice_find(before, '?') == before.length)
        text_add_char(out, '?');
    add_escaped(out, request->query);
}

struct slice redirect_location(const struct redirect_settings *redirect, const struct request_head *request,
                               struct arena *arena)
{
    struct text out = TEXT_INIT;
    bool lacks_host = false;
    for (size_t i = 0; i < redirect->part_count; ++i) {
        const struct redirect_part *part = &redirect->parts[i];
        switch (part->kind) {
        case REDIRECT_PART_TEXT:
            text_add(&out, part->text);
            break;
        case REDIRECT_PART_SCHEME:
            text_add(&out, request->scheme);
            break;
        case REDIRECT_PART_HOST:
            lacks_host = lacks_host || request_host(request).length == 0;
            add_escaped(&out, request_host(request));
            break;
        case REDIRECT_PART_PATH:
            add_escaped(&out, request->path);
            break;
        case REDIRECT_PART_QUERY:
            add_query(&out, request);
            break;
        }
    }
    struct slice location = lacks_host ? SLICE_NONE : arena_copy(arena, text_slice(&out));
    text_finish(&out);
    return location;
}

struct response_source fixed_response_send(struct exchange *exchange, int status, struct slice body,
                                           void (*on_over)(struct exchange *exchange))
{
    struct fixed_response *response = arena_alloc(&exchange->arena, sizeof(*response));
    *response = (struct fixed_response){exchange, body, on_over};
    exchange->response.status = status;
    exchange->response.body_length = (int64_t)body.length;
    exchange_response_head(exchange);
    return (struct response_source){&calls, response};
}

static void add_header(struct exchange *exchange, struct slice name, struct slice value)
{
    headers_add(&exchange->response.headers, &exchange->arena, name, value);
}

struct response_source fixed_response_redirect(struct exchange *exchange, const struct redirect_settings *redirect,
                                               void (*on_over)(struct exchange *exchange))
{
    struct slice location = redirect_location(redirect, &exchange->request, &exchange->arena);
    if (location.length == 0) {
        exchange_answer(exchange, 400, "the request names no host");
        return RESPONSE_SOURCE_NONE;
    }
    add_header(exchange, SLICE("location"), location);
    add_header(exchange, SLICE("content-type"), SLICE("text/plain"));
    struct slice body = arena_print(&exchange->arena, "%d %s\n", redirect->status, status_phrase(redirect->status));
    return fixed_response_send(exchange, redirect->status, body, on_over);
}

static struct response_source start_respond(struct exchange *exchange, const struct respond_settings *respond,
                                            void (*on_over)(struct exchange *exchange))
{
    for (size_t i = 0; i < respond->header_count; ++i)
        add_header(exchange, respond->headers[i].name, respond->headers[i].value);
    if (respond->body.length != 0 && headers_find(&exchange->response.headers, SLICE("content-type")) == NULL)
        add_header(exchange, SLICE("content-type"), SLICE("text/plain; charset=utf-8"));
    return fixed_response_send(exchange, respond->status, respond->body, on_over);
}

struct response_source fixed_response_start(struct exchange *exchange, const struct plan_route *route,
                                            void (*on_over)(struct exchange *exchange))
{
    if (route->target == PLAN_REDIRECT)
        return fixed_response_redirect(exchange, route->redirect, on_over);
    return start_respond(exchange, route->respond, on_over);
}
