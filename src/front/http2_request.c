#include "front/http2_request.h"

#include "base/alloc.h"
#include "config/settings.h"
#include "front/request_fields.h"
#include "http/head_text.h"
#include "http/trailers.h"

#include <stdlib.h>

enum {
    FIELD_COST_BYTES = 32, /* RFC 9113 section 6.5.2 */
    SPARE_FIELDS = 8,      /* room for what filters and the client add */
    FIRST_FIELDS = 16,     /* as many there is room for at first */
};

static bool is_cookie(struct slice name)
{
    return slice_equals(name, SLICE("cookie"));
}

bool http2_fields_count(struct http2_fields *fields, const struct settings *settings, const struct header *field)
{
    bool joins_cookie = is_cookie(field->name) && fields->has_cookie;
    bool is_pseudo = field->name.length != 0 && field->name.data[0] == ':';
    if (fields->is_too_large)
        return false;
    fields->bytes += field->name.length + field->value.length + FIELD_COST_BYTES;
    fields->field_count += !joins_cookie && !is_pseudo;
    fields->is_too_large =
        fields->bytes > (size_t)settings->head_limit_bytes || fields->field_count > (size_t)settings->header_limit;
    return !fields->is_too_large;
}

/* Not in the arena, which would keep every list that was too short. */
static struct header *make_room(struct headers *list)
{
    if (list->count == list->capacity) {
        list->capacity = list->capacity == 0 ? FIRST_FIELDS : 2 * list->capacity;
        list->items = mem_realloc(list->items, list->capacity * sizeof(list->items[0]));
    }
    return &list->items[list->count++];
}

/* Name and value in one piece: most are short. */
static struct header copy_field(struct arena *arena, const struct header *field)
{
    char *text = arena_alloc(arena, field->name.length + field->value.length);
    struct slice name = slice_of(text, field->name.length), value = slice_of(text + name.length, field->value.length);
    head_put(head_put(text, field->name), field->value);
    return (struct header){.name = name, .value = value};
}

void http2_fields_add(struct http2_fields *fields, struct arena *arena, const struct settings *settings,
                      const struct header *field)
{
    if (!http2_fields_count(fields, settings, field))
        return;
    fields->has_cookie = fields->has_cookie || is_cookie(field->name);
    *make_room(&fields->list) = copy_field(arena, field);
}

void http2_fields_finish(struct http2_fields *fields)
{
    free(fields->list.items);
    fields->list = (struct headers){0};
}

/* What the fields have said so far. */
struct judgement {
    struct request_head *request;
    struct http2_framing *framing;
    struct slice method, scheme, authority, path, protocol, host;
    bool has_method, has_scheme, has_authority, has_path, has_protocol, has_host;
    bool has_regular; /* so that no pseudo-field may follow */
    size_t cookie_count, cookie_bytes;
};

static struct request_refusal note_pseudo(struct judgement *judgement, const struct header *field)
{
    const struct {
        struct slice name;
        struct slice *value;
        bool *is_there;
    } known[] = {
        {SLICE(":method"), &judgement->method, &judgement->has_method},
        {SLICE(":scheme"), &judgement->scheme, &judgement->has_scheme},
        {SLICE(":authority"), &judgement->authority, &judgement->has_authority},
        {SLICE(":path"), &judgement->path, &judgement->has_path},
        {SLICE(":protocol"), &judgement->protocol, &judgement->has_protocol},
    };
    if (judgement->has_regular)
        return REQUEST_REFUSED(400, "a pseudo-field behind other fields");
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); ++i) {
        if (!slice_equals(field->name, known[i].name))
            continue;
        if (*known[i].is_there)
            return REQUEST_REFUSED(400, "a pseudo-field twice");
        *known[i].is_there = true;
        *known[i].value = field->value;
        return REQUEST_ACCEPTED;
    }
    return REQUEST_REFUSED(400, "an unknown pseudo-field");
}

static bool has_upper_case(struct slice name)
{
    for (size_t i = 0; i < name.length; ++i) {
        if (name.data[i] >= 'A' && name.data[i] <= 'Z')
            return true;
    }
    return false;
}

static struct request_refusal note_host(struct judgement *judgement, struct slice value)
{
    if (judgement->has_host)
        return REQUEST_REFUSED(400, "more than one Host field");
    judgement->has_host = true;
    judgement->host = value;
    return REQUEST_ACCEPTED;
}

static struct request_refusal note_length(struct judgement *judgement, struct slice value)
{
    uint64_t length;
    if (judgement->framing->content_length != -1)
        return REQUEST_REFUSED(400, "more than one Content-Length field");
    if (!slice_parse_number(value, &length) || length > INT64_MAX)
        return REQUEST_REFUSED(400, "the Content-Length is no number");
    judgement->framing->content_length = (int64_t)length;
    return REQUEST_ACCEPTED;
}

/* RFC 9113 section 8.2.2. */
static struct request_refusal note_dropped(struct slice name)
{
    if (slice_equals(name, SLICE("keep-alive")))
        return REQUEST_REFUSED(400, "a field that belongs to HTTP/1");
    return REQUEST_ACCEPTED;
}

static struct request_refusal note_te(struct judgement *judgement, struct slice value)
{
    if (!slice_equals_nocase(value, SLICE("trailers")))
        return REQUEST_REFUSED(400, "a field that belongs to HTTP/1");
    judgement->request->takes_trailers = true;
    return REQUEST_ACCEPTED;
}

static struct request_refusal note_trailer(struct judgement *judgement, struct arena *arena, struct slice value)
{
    struct slice *names = &judgement->request->trailer_names;
    *names = trailers_announce(arena, *names, value);
    return REQUEST_ACCEPTED;
}

static struct request_refusal note_field(struct judgement *judgement, struct arena *arena, const struct header *field)
{
    switch (request_field_classify(field->name)) {
    case REQUEST_FIELD_HOST:
        return note_host(judgement, field->value);
    case REQUEST_FIELD_CONNECTION:
    case REQUEST_FIELD_PROXY_CONNECTION:
    case REQUEST_FIELD_TRANSFER_ENCODING:
    case REQUEST_FIELD_UPGRADE:
        return REQUEST_REFUSED(400, "a field that belongs to HTTP/1");
    case REQUEST_FIELD_CONTENT_LENGTH:
        return note_length(judgement, field->value);
    case REQUEST_FIELD_EXPECT:
        if (!slice_equals_nocase(field->value, SLICE("100-continue")))
            return REQUEST_REFUSED(417, "the expectation cannot be met");
        judgement->framing->expects_continue = true;
        return REQUEST_ACCEPTED;
    case REQUEST_FIELD_DROPPED:
        return note_dropped(field->name);
    case REQUEST_FIELD_TE:
        return note_te(judgement, field->value);
    case REQUEST_FIELD_TRAILER:
        return note_trailer(judgement, arena, field->value);
    case REQUEST_FIELD_PLAIN:
        break;
    }
    if (is_cookie(field->name)) {
        judgement->cookie_bytes += field->value.length + 2;
        if (judgement->cookie_count++ != 0)
            return REQUEST_ACCEPTED;
    }
    headers_add(&judgement->request->headers, arena, field->name, field->value);
    return REQUEST_ACCEPTED;
}

static struct request_refusal judge_field(struct judgement *judgement, struct arena *arena, const struct header *field)
{
    if (field->name.length != 0 && field->name.data[0] == ':')
        return note_pseudo(judgement, field);
    judgement->has_regular = true;
    if (!header_is_name(field->name) || has_upper_case(field->name))
        return REQUEST_REFUSED(400, "a field's name is malformed");
    if (!header_is_value(field->value))
        return REQUEST_REFUSED(400, "a field's value is malformed");
    return note_field(judgement, arena, field);
}

/* RFC 9113 section 8.2.3: those behind us expect one. */
static void join_cookies(const struct judgement *judgement, const struct http2_fields *fields, struct arena *arena)
{
    if (judgement->cookie_count < 2)
        return;
    char *text = arena_alloc(arena, judgement->cookie_bytes);
    char *end = text;
    for (size_t i = 0; i < fields->list.count; ++i) {
        const struct header *field = &fields->list.items[i];
        if (!is_cookie(field->name) || field->value.length == 0)
            continue;
        if (end != text) {
            memcpy(end, "; ", 2);
            end += 2;
        }
        memcpy(end, field->value.data, field->value.length);
        end += field->value.length;
    }
    headers_find(&judgement->request->headers, SLICE("cookie"))->value = slice_of(text, (size_t)(end - text));
}

static struct request_refusal judge_authority(struct judgement *judgement)
{
    if (!judgement->has_authority && !judgement->has_host)
        return REQUEST_REFUSED(400, "neither :authority nor Host");
    if (judgement->has_authority && judgement->has_host && !slice_equals_nocase(judgement->authority, judgement->host))
        return REQUEST_REFUSED(400, ":authority and Host differ");
    judgement->request->authority = judgement->has_authority ? judgement->authority : judgement->host;
    if (!request_rules_is_authority(judgement->request->authority))
        return REQUEST_REFUSED(400, "the :authority is no host");
    return REQUEST_ACCEPTED;
}

static struct request_refusal judge_target(struct judgement *judgement, struct arena *arena)
{
    struct request_head *request = judgement->request;
    struct slice target = judgement->path;
    if (target.length > REQUEST_TARGET_LIMIT_BYTES)
        return REQUEST_REFUSED(414, "the target is too long");
    if (slice_equals(target, SLICE("*")) && slice_equals(request->method, SLICE("OPTIONS"))) {
        request->path = target;
        judgement->framing->is_server_wide = true;
        return REQUEST_ACCEPTED;
    }
    if (!request_rules_is_target(target) || target.data[0] != '/')
        return REQUEST_REFUSED(400, "the :path is malformed");
    size_t taken_bytes = arena->taken_bytes;
    struct request_refusal refusal = request_rules_take_path(request, target, arena);
    judgement->framing->path_bytes = arena->taken_bytes - taken_bytes;
    return refusal;
}

/* RFC 8441: CONNECT with :protocol. */
static struct request_refusal judge_protocol(struct judgement *judgement)
{
    if (!slice_equals(judgement->method, SLICE("CONNECT")))
        return REQUEST_REFUSED(400, "a :protocol without CONNECT");
    if (!slice_equals_nocase(judgement->protocol, SLICE("websocket")))
        return REQUEST_REFUSED(501, "the :protocol is not known");
    if (judgement->framing->content_length != -1)
        return REQUEST_REFUSED(400, "a Content-Length with :protocol");
    judgement->framing->is_websocket = true;
    judgement->framing->expects_continue = false;
    judgement->request->method = SLICE("GET");
    judgement->request->upgrade = SLICE("websocket");
    return REQUEST_ACCEPTED;
}

static struct request_refusal judge_together(struct judgement *judgement, struct arena *arena)
{
    struct request_refusal refusal = REQUEST_ACCEPTED;
    if (!judgement->has_method || !header_is_name(judgement->method))
        return REQUEST_REFUSED(400, "the method is not a token");
    if (judgement->has_protocol)
        refusal = judge_protocol(judgement);
    else
        refusal = request_rules_check_method(judgement->method);
    if (refusal.status != 0)
        return refusal;
    if (!judgement->has_path)
        return REQUEST_REFUSED(400, "no :path");
    if (!slice_equals_nocase(judgement->scheme, SLICE("http")) &&
        !slice_equals_nocase(judgement->scheme, SLICE("https")))
        return REQUEST_REFUSED(400, "the :scheme is neither http nor https");
    refusal = judge_authority(judgement);
    return refusal.status != 0 ? refusal : judge_target(judgement, arena);
}

void http2_request_guess(const struct http2_fields *fields, struct request_head *request)
{
    const struct header *method = headers_find(&fields->list, SLICE(":method"));
    const struct header *path = headers_find(&fields->list, SLICE(":path"));
    request->is_http2 = true;
    request->minor_version = 1;
    request->method = method != NULL && header_is_name(method->value) ? method->value : SLICE("-");
    request->raw_target = path != NULL && path->value.length != 0 ? path->value : SLICE("-");
}

struct request_refusal http2_request_build(const struct http2_fields *fields, struct arena *arena,
                                           struct request_head *request, struct http2_framing *framing)
{
    struct judgement judgement = {.request = request, .framing = framing};
    struct request_refusal refusal = REQUEST_ACCEPTED;
    *framing = (struct http2_framing){.content_length = -1};
    *request = (struct request_head){.scheme = SLICE("http")};
    http2_request_guess(fields, request);
    if (fields->is_too_large)
        return REQUEST_REFUSED(431, "the head is too large");
    request->headers.capacity = fields->field_count + SPARE_FIELDS;
    request->headers.items = arena_alloc(arena, request->headers.capacity * sizeof(struct header));
    for (size_t i = 0; i < fields->list.count && refusal.status == 0; ++i)
        refusal = judge_field(&judgement, arena, &fields->list.items[i]);
    if (refusal.status == 0)
        refusal = judge_together(&judgement, arena);
    if (refusal.status == 0)
        join_cookies(&judgement, fields, arena);
    return refusal;
}
