#include "http/http1_response.h"

enum {
    MOST_CONNECTION_OPTIONS = 32,
};

/* The fields by which a message is framed, as they were found. */
struct framing_fields {
    size_t length_count, coding_count;
    uint64_t length;
    bool is_length_good;
    struct slice coding;
    size_t option_count; /* of Connection and Proxy-Connection */
    bool wants_close, wants_keep_alive;
};

static bool refuse(const char **reason, const char *phrase)
{
    *reason = phrase;
    return false;
}

static void note_options(struct framing_fields *fields, struct slice value)
{
    while (value.length != 0) {
        struct slice option = slice_next_item(&value, ',');
        if (slice_equals_nocase(option, SLICE("close")))
            fields->wants_close = true;
        else if (slice_equals_nocase(option, SLICE("keep-alive")))
            fields->wants_keep_alive = true;
        ++fields->option_count;
    }
}

static void count_options(struct framing_fields *fields, struct slice value)
{
    for (; value.length != 0; ++fields->option_count)
        slice_next_item(&value, ',');
}

static void note_field(struct framing_fields *fields, const struct header *field)
{
    switch (field->name.length) {
    case 10:
        if (slice_equals_nocase(field->name, SLICE("connection")))
            note_options(fields, field->value);
        break;
    case 16:
        if (slice_equals_nocase(field->name, SLICE("proxy-connection")))
            count_options(fields, field->value);
        break;
    case 14:
        if (slice_equals_nocase(field->name, SLICE("content-length"))) {
            ++fields->length_count;
            fields->is_length_good =
                slice_parse_number(field->value, &fields->length) && fields->length <= (uint64_t)INT64_MAX;
        }
        break;
    case 17:
        if (slice_equals_nocase(field->name, SLICE("transfer-encoding"))) {
            ++fields->coding_count;
            fields->coding = field->value;
        }
        break;
    default:
        break;
    }
}

static bool check_framing(const struct framing_fields *fields, unsigned minor_version, const char **reason)
{
    if (fields->coding_count != 0 && fields->length_count != 0)
        return refuse(reason, "it has both Content-Length and Transfer-Encoding");
    if (fields->length_count > 1)
        return refuse(reason, "it has more than one Content-Length");
    if (fields->length_count == 1 && !fields->is_length_good)
        return refuse(reason, "its Content-Length is not a number of bytes");
    if (fields->coding_count != 0 && minor_version == 0)
        return refuse(reason, "it has a Transfer-Encoding in HTTP/1.0");
    if (fields->coding_count > 1 ||
        (fields->coding_count == 1 && !slice_equals_nocase(fields->coding, SLICE("chunked"))))
        return refuse(reason, "its Transfer-Encoding is not just chunked");
    if (fields->option_count > MOST_CONNECTION_OPTIONS)
        return refuse(reason, "its Connection field names too much");
    return true;
}

static enum body_framing choose_framing(const struct framing_fields *fields, int status, struct slice method)
{
    if (status == 204 || status == 304 || slice_equals(method, SLICE("HEAD")))
        return BODY_NONE;
    if (fields->coding_count != 0)
        return BODY_CHUNKED;
    return fields->length_count != 0 ? BODY_LENGTH : BODY_UNTIL_CLOSE;
}

/* A server that says 204 and announces a body all the same may well send one. */
static bool is_body_doubtful(const struct framing_fields *fields, int status)
{
    return status == 204 && (fields->coding_count != 0 || (fields->length_count != 0 && fields->length != 0));
}

/* The other side must be where we are: at the one protocol that was asked for. */
static bool judge_switch(const struct parsed_head *head, struct slice upgrade, const char **reason)
{
    const struct header *found = NULL;
    if (upgrade.length == 0)
        return refuse(reason, "it switches to a protocol that nobody asked for");
    if (head->minor_version == 0)
        return refuse(reason, "it switches the protocol in HTTP/1.0");
    for (size_t i = 0; i < head->field_count; ++i) {
        if (!slice_equals_nocase(head->fields[i].name, SLICE("upgrade")))
            continue;
        if (found != NULL)
            return refuse(reason, "it switches to more than one protocol");
        found = &head->fields[i];
    }
    if (found == NULL || !slice_equals_nocase(found->value, upgrade))
        return refuse(reason, "it switches to another protocol than was asked for");
    return true;
}

bool http1_response_judge(const struct parsed_head *head, struct slice method, struct slice upgrade,
                          struct http1_response *response, const char **reason)
{
    *response = (struct http1_response){.body_length = -1};
    if (head->status == 101) {
        response->is_switch = true;
        return judge_switch(head, upgrade, reason);
    }
    if (head->status < 200) {
        response->is_interim = true;
        return true;
    }
    struct framing_fields fields = {0};
    for (size_t i = 0; i < head->field_count; ++i)
        note_field(&fields, &head->fields[i]);
    if (!check_framing(&fields, head->minor_version, reason))
        return false;
    if (slice_equals(method, SLICE("CONNECT")))
        return refuse(reason, "it answers CONNECT, which opens no tunnel here");
    response->framing = choose_framing(&fields, head->status, method);
    if (fields.length_count == 1 && head->status != 204)
        response->body_length = (int64_t)fields.length;
    response->keep_alive = !fields.wants_close && (head->minor_version != 0 || fields.wants_keep_alive) &&
                           response->framing != BODY_UNTIL_CLOSE && !is_body_doubtful(&fields, head->status);
    return true;
}

/* Proxy-Connection means the same to those who use it. */
static bool names_fields(struct slice name)
{
    return (name.length == 10 && slice_equals_nocase(name, SLICE("connection"))) ||
           (name.length == 16 && slice_equals_nocase(name, SLICE("proxy-connection")));
}

static bool is_named_by_connection(const struct parsed_head *head, struct slice name)
{
    for (size_t i = 0; i < head->field_count; ++i) {
        if (!names_fields(head->fields[i].name))
            continue;
        struct slice options = head->fields[i].value;
        while (options.length != 0) {
            if (slice_equals_nocase(slice_next_item(&options, ','), name))
                return true;
        }
    }
    return false;
}

/* Whether anything is named but what becomes of the connection: seldom, so the fields need not be compared with it. */
static bool has_named_fields(const struct parsed_head *head)
{
    for (size_t i = 0; i < head->field_count; ++i) {
        struct framing_fields fields = {0};
        if (names_fields(head->fields[i].name))
            note_options(&fields, head->fields[i].value);
        if (fields.option_count > (size_t)fields.wants_close + (size_t)fields.wants_keep_alive)
            return true;
    }
    return false;
}

void http1_response_note_named(const struct parsed_head *head, struct arena *arena, struct trailer_section *section)
{
    if (!has_named_fields(head))
        return;
    struct slice *named = arena_alloc(arena, MOST_CONNECTION_OPTIONS * sizeof(*named));
    for (size_t i = 0; i < head->field_count; ++i) {
        struct slice options = names_fields(head->fields[i].name) ? head->fields[i].value : SLICE_NONE;
        while (options.length != 0 && section->named_count < MOST_CONNECTION_OPTIONS)
            named[section->named_count++] = arena_copy(arena, slice_next_item(&options, ','));
    }
    section->named = named;
}

static void continue_via(struct headers *headers, struct arena *arena, unsigned minor_version)
{
    const struct slice own = minor_version == 0 ? SLICE("1.0 flexilib") : SLICE("1.1 flexilib");
    for (size_t i = headers->count; i-- != 0;) {
        struct slice *value = &headers->items[i].value;
        if (!slice_equals_nocase(headers->items[i].name, SLICE("via")))
            continue;
        *value = value->length == 0 ? own : arena_print(arena, "%.*s, %s", SLICE_ARG(*value), own.data);
        return;
    }
    headers_add(headers, arena, SLICE("Via"), own);
}

void http1_response_build(const struct parsed_head *head, struct slice text, const struct http1_response *response,
                          struct arena *arena, struct response_head *out)
{
    const char *copy = arena_copy(arena, slice_of(text.data, head->length)).data;
    bool has_named = has_named_fields(head);
    *out = (struct response_head){.status = head->status, .body_length = response->body_length};
    /* room for all of them and Via at once */
    out->headers.capacity = head->field_count + 1;
    out->headers.items = arena_alloc(arena, out->headers.capacity * sizeof(struct header));
    for (size_t i = 0; i < head->field_count; ++i) {
        const struct header *field = &head->fields[i];
        if (slice_equals_nocase(field->name, SLICE("trailer")) && response->framing == BODY_CHUNKED)
            out->trailer_names = trailers_announce(arena, out->trailer_names, field->value);
        if (header_is_hop_by_hop(field->name) || (has_named && is_named_by_connection(head, field->name)))
            continue;
        struct slice name = slice_of(copy + (field->name.data - text.data), field->name.length);
        struct slice value = slice_of(copy + (field->value.data - text.data), field->value.length);
        headers_add(&out->headers, arena, name, value);
    }
    continue_via(&out->headers, arena, head->minor_version);
}
