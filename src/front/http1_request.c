#include "front/http1_request.h"

#include "front/request_fields.h"
#include "http/head_text.h"
#include "http/trailers.h"

enum {
    NAMED_FIELDS_LIMIT = 32,  /* how many fields Connection may name */
    SPARE_FIELDS = 8,         /* room for what filters and the client add */
    GUESS_LIMIT_BYTES = 1024, /* how much of a bad request line the log shows */
};

/* What the fields have said so far. */
struct judgement {
    struct request_head *request;
    struct http1_framing *framing;
    size_t head_bytes;
    bool has_host, has_length, has_coding;
    bool says_close, says_keep_alive, says_upgrade, says_te, asks_trailers;
    struct slice upgrade;
    char *upgrade_list; /* NULL as long as one field says it all */
    struct slice host;
    struct slice named[NAMED_FIELDS_LIMIT]; /* by Connection and Proxy-Connection */
    size_t named_count;
};

static struct request_refusal note_host(struct judgement *judgement, struct slice value)
{
    if (judgement->has_host)
        return REQUEST_REFUSED(400, "more than one Host field");
    judgement->has_host = true;
    judgement->host = value;
    return request_rules_is_authority(value) ? REQUEST_ACCEPTED : REQUEST_REFUSED(400, "the Host field is no host");
}

static struct request_refusal note_length(struct judgement *judgement, struct slice value)
{
    if (judgement->has_length)
        return REQUEST_REFUSED(400, "more than one Content-Length field");
    judgement->has_length = true;
    if (!slice_parse_number(value, &judgement->framing->content_length))
        return REQUEST_REFUSED(400, "the Content-Length is no number");
    return REQUEST_ACCEPTED;
}

/* A coding that exists but that we do not speak, applied before chunked as it has to be. */
static bool is_foreign_coding(struct slice value)
{
    static const char *const codings[] = {"gzip", "x-gzip", "deflate", "compress", "x-compress"};
    struct slice first = slice_next_item(&value, ',');
    if (!slice_equals_nocase(slice_trim(value), SLICE("chunked")))
        return false;
    for (size_t i = 0; i < sizeof(codings) / sizeof(codings[0]); ++i) {
        if (slice_equals_nocase(first, slice_from_text(codings[i])))
            return true;
    }
    return false;
}

static struct request_refusal note_coding(struct judgement *judgement, struct slice value)
{
    if (judgement->has_coding)
        return REQUEST_REFUSED(400, "more than one Transfer-Encoding field");
    judgement->has_coding = true;
    if (judgement->request->minor_version == 0)
        return REQUEST_REFUSED(400, "a Transfer-Encoding in HTTP/1.0");
    if (is_foreign_coding(value))
        return REQUEST_REFUSED(501, "the Transfer-Encoding is not supported");
    if (!slice_equals_nocase(value, SLICE("chunked")))
        return REQUEST_REFUSED(400, "the Transfer-Encoding is not chunked");
    judgement->framing->is_chunked = true;
    return REQUEST_ACCEPTED;
}

static bool is_lifetime(struct slice option)
{
    return slice_equals_nocase(option, SLICE("close")) || slice_equals_nocase(option, SLICE("keep-alive"));
}

static struct request_refusal note_named(struct judgement *judgement, struct slice value)
{
    while (value.length != 0) {
        struct slice option = slice_next_item(&value, ',');
        if (option.length == 0 || is_lifetime(option) || request_field_classify(option) != REQUEST_FIELD_PLAIN ||
            request_field_is_protected(option))
            continue;
        if (judgement->named_count == NAMED_FIELDS_LIMIT)
            return REQUEST_REFUSED(400, "Connection names too many fields");
        judgement->named[judgement->named_count++] = option;
    }
    return REQUEST_ACCEPTED;
}

static struct request_refusal note_connection(struct judgement *judgement, struct slice value)
{
    struct slice options = value;
    while (options.length != 0) {
        struct slice option = slice_next_item(&options, ',');
        if (slice_equals_nocase(option, SLICE("close")))
            judgement->says_close = true;
        else if (slice_equals_nocase(option, SLICE("keep-alive")))
            judgement->says_keep_alive = true;
        else if (slice_equals_nocase(option, SLICE("upgrade")))
            judgement->says_upgrade = true;
        else if (slice_equals_nocase(option, SLICE("te")))
            judgement->says_te = true;
    }
    return note_named(judgement, value);
}

static struct request_refusal note_expect(struct judgement *judgement, struct slice value)
{
    /* HTTP/1.0 does not know the field, so whatever sent it cannot wait for an answer */
    if (judgement->request->minor_version == 0)
        return REQUEST_ACCEPTED;
    if (!slice_equals_nocase(value, SLICE("100-continue")))
        return REQUEST_REFUSED(417, "the expectation cannot be met");
    judgement->framing->expects_continue = true;
    return REQUEST_ACCEPTED;
}

/* The list is written where a second field goes on with it; what all of them say is shorter than the head. */
static struct request_refusal note_upgrade(struct judgement *judgement, struct arena *arena, struct slice value)
{
    struct slice *upgrade = &judgement->upgrade;
    if (upgrade->length == 0) {
        *upgrade = value;
        return REQUEST_ACCEPTED;
    }
    if (judgement->upgrade_list == NULL) {
        judgement->upgrade_list = arena_alloc(arena, judgement->head_bytes);
        head_put(judgement->upgrade_list, *upgrade);
    }
    char *end = head_put(head_put(judgement->upgrade_list + upgrade->length, SLICE(", ")), value);
    *upgrade = slice_of(judgement->upgrade_list, (size_t)(end - judgement->upgrade_list));
    return REQUEST_ACCEPTED;
}

/* Which codings the client takes besides is of no interest: chunked is the only one that is ever sent. */
static struct request_refusal note_te(struct judgement *judgement, struct slice value)
{
    while (value.length != 0) {
        if (slice_equals_nocase(slice_next_item(&value, ','), SLICE("trailers")))
            judgement->asks_trailers = true;
    }
    return REQUEST_ACCEPTED;
}

static struct request_refusal note_trailer(struct judgement *judgement, struct arena *arena, struct slice value)
{
    struct slice *names = &judgement->request->trailer_names;
    *names = trailers_announce(arena, *names, value);
    return REQUEST_ACCEPTED;
}

static struct request_refusal note_field(struct judgement *judgement, struct arena *arena, struct slice name,
                                         struct slice value)
{
    switch (request_field_classify(name)) {
    case REQUEST_FIELD_HOST:
        return note_host(judgement, value);
    case REQUEST_FIELD_CONNECTION:
        return note_connection(judgement, value);
    case REQUEST_FIELD_PROXY_CONNECTION:
        return note_named(judgement, value);
    case REQUEST_FIELD_CONTENT_LENGTH:
        return note_length(judgement, value);
    case REQUEST_FIELD_TRANSFER_ENCODING:
        return note_coding(judgement, value);
    case REQUEST_FIELD_EXPECT:
        return note_expect(judgement, value);
    case REQUEST_FIELD_UPGRADE:
        return note_upgrade(judgement, arena, value);
    case REQUEST_FIELD_TE:
        return note_te(judgement, value);
    case REQUEST_FIELD_TRAILER:
        return note_trailer(judgement, arena, value);
    case REQUEST_FIELD_DROPPED:
        return REQUEST_ACCEPTED;
    case REQUEST_FIELD_PLAIN:
        break;
    }
    headers_add(&judgement->request->headers, arena, name, value);
    return REQUEST_ACCEPTED;
}

/* A request with a body is answered as an ordinary one: it would have to be read up before the switch. */
static void judge_upgrade(struct judgement *judgement)
{
    struct http1_framing *framing = judgement->framing;
    if (!judgement->says_upgrade || judgement->upgrade.length == 0 || judgement->request->minor_version == 0)
        return;
    framing->asks_upgrade = true;
    if (framing->content_length == 0 && !framing->is_chunked)
        judgement->request->upgrade = judgement->upgrade;
}

/* A TE that Connection does not name may be another hop's: RFC 9110 section 10.1.4. */
static void judge_trailers(struct judgement *judgement, struct arena *arena)
{
    struct request_head *request = judgement->request;
    struct http1_framing *framing = judgement->framing;
    request->takes_trailers = judgement->says_te && judgement->asks_trailers && request->minor_version != 0;
    if (!framing->is_chunked)
        request->trailer_names = SLICE_NONE;
    if (!framing->is_chunked || judgement->named_count == 0)
        return;
    struct slice *named = arena_alloc(arena, judgement->named_count * sizeof(*named));
    memcpy(named, judgement->named, judgement->named_count * sizeof(*named));
    framing->named = named;
    framing->named_count = judgement->named_count;
}

static struct request_refusal judge_fields_together(struct judgement *judgement, struct arena *arena)
{
    struct http1_framing *framing = judgement->framing;
    if (judgement->has_length && judgement->has_coding)
        return REQUEST_REFUSED(400, "both Content-Length and Transfer-Encoding");
    if (!judgement->has_host && judgement->request->minor_version != 0)
        return REQUEST_REFUSED(400, "no Host field");
    framing->keep_alive =
        !judgement->says_close && (judgement->request->minor_version != 0 || judgement->says_keep_alive);
    for (size_t i = 0; i < judgement->named_count; ++i)
        headers_remove(&judgement->request->headers, judgement->named[i]);
    judge_upgrade(judgement);
    judge_trailers(judgement, arena);
    return REQUEST_ACCEPTED;
}

/* Takes scheme and authority off an absolute-form target; what is left is in origin form. */
static bool take_authority(struct slice *target, struct slice *authority)
{
    struct slice rest;
    if (slice_starts_with_nocase(*target, SLICE("http://")))
        rest = slice_skip(*target, sizeof("http://") - 1);
    else if (slice_starts_with_nocase(*target, SLICE("https://")))
        rest = slice_skip(*target, sizeof("https://") - 1);
    else
        return false;
    size_t end = 0;
    while (end < rest.length && rest.data[end] != '/' && rest.data[end] != '?')
        ++end;
    *authority = slice_of(rest.data, end);
    *target = slice_skip(rest, end);
    return request_rules_is_authority(*authority);
}

static struct request_refusal judge_target(struct judgement *judgement, struct arena *arena)
{
    struct request_head *request = judgement->request;
    struct slice target = request->raw_target;
    request->authority = judgement->host;
    if (target.length > REQUEST_TARGET_LIMIT_BYTES)
        return REQUEST_REFUSED(414, "the target is too long");
    bool is_options = slice_equals(request->method, SLICE("OPTIONS"));
    if (target.data[0] != '/' && !(is_options && slice_equals(target, SLICE("*")))) {
        if (!take_authority(&target, &request->authority))
            return REQUEST_REFUSED(400, "the target is malformed");
    }
    if (is_options && (target.length == 0 || target.data[0] == '*')) {
        request->path = SLICE("*");
        judgement->framing->is_server_wide = true;
        return REQUEST_ACCEPTED;
    }
    return request_rules_take_path(request, target, arena);
}

static struct slice move_slice(struct slice slice, struct slice from, struct slice to)
{
    return slice.length == 0 ? SLICE("") : slice_of(to.data + (slice.data - from.data), slice.length);
}

struct request_refusal http1_request_build(const struct parsed_head *head, struct slice text, struct arena *arena,
                                           struct request_head *request, struct http1_framing *framing)
{
    struct slice copy = arena_copy(arena, slice_of(text.data, head->length));
    struct judgement judgement = {.request = request, .framing = framing, .head_bytes = head->length};
    *framing = (struct http1_framing){0};
    *request = (struct request_head){
        .method = move_slice(head->method, text, copy),
        .scheme = SLICE("http"),
        .raw_target = move_slice(head->target, text, copy),
        .minor_version = head->minor_version,
    };
    request->headers.capacity = head->field_count + SPARE_FIELDS;
    request->headers.items = arena_alloc(arena, request->headers.capacity * sizeof(struct header));

    struct request_refusal refusal = request_rules_check_method(request->method);
    for (size_t i = 0; i < head->field_count && refusal.status == 0; ++i) {
        struct slice name = move_slice(head->fields[i].name, text, copy);
        struct slice value = move_slice(head->fields[i].value, text, copy);
        refusal = note_field(&judgement, arena, name, value);
    }
    if (refusal.status == 0)
        refusal = judge_fields_together(&judgement, arena);
    if (refusal.status == 0)
        refusal = judge_target(&judgement, arena);
    return refusal;
}

static bool is_printable(struct slice text)
{
    for (size_t i = 0; i < text.length; ++i) {
        if (text.data[i] <= ' ' || text.data[i] == '"' || (unsigned char)text.data[i] > 0x7e)
            return false;
    }
    return text.length != 0;
}

void http1_request_guess(struct slice text, struct arena *arena, struct request_head *request)
{
    *request = (struct request_head){.method = SLICE("-"), .raw_target = SLICE("-"), .minor_version = 1};
    size_t end = slice_find(text, '\n');
    struct slice line = slice_of(text.data, end < GUESS_LIMIT_BYTES ? end : GUESS_LIMIT_BYTES);
    size_t method_end = slice_find(line, ' ');
    struct slice method = slice_of(line.data, method_end);
    if (method_end == line.length || !header_is_name(method))
        return;
    request->method = arena_copy(arena, method);
    struct slice rest = slice_skip(line, method_end + 1);
    struct slice target = slice_of(rest.data, slice_find(rest, ' '));
    if (is_printable(target))
        request->raw_target = arena_copy(arena, target);
}
