#include "scenario/event_details.h"

#include "config/wording.h"
#include "filter/headers.h"
#include "scenario/event_forms.h"

enum {
    KEY_HEADERS = 0,
    KEY_ONLY_HEADERS,
    KEY_BODY,
    KEY_UNFINISHED,
    KEY_BROKEN,
    KEY_FROM,
    KEY_SCHEME,
    KEY_TLS,
    KEY_ATTRIBUTES,
    KEY_COUNT,
};

struct detail {
    struct field field;
    unsigned detail; /* enum event_detail that it belongs to */
};

static const char *const schemes[] = {"http", "https", NULL};

static const struct detail details[KEY_COUNT] = {
    [KEY_HEADERS] = {{.name = "headers", .type = FIELD_NODE, .summary = "fields that are there, or are not"},
                     DETAIL_FIELDS},
    [KEY_ONLY_HEADERS] = {{.name = "only_headers", .type = FIELD_NODE, .summary = "all fields that there are"},
                          DETAIL_ONLY_FIELDS},
    [KEY_BODY] = {{.name = "body", .type = FIELD_NODE, .summary = "the body, or its beginning"}, DETAIL_BODY},
    [KEY_UNFINISHED] = {{.name = "unfinished", .type = FIELD_BOOL, .summary = "more of the body follows"},
                        DETAIL_UNFINISHED},
    [KEY_BROKEN] = {{.name = "broken", .type = FIELD_BOOL, .summary = "the response is cut there"}, DETAIL_BROKEN},
    [KEY_FROM] = {{.name = "from", .type = FIELD_TEXT, .summary = "the client's address"}, DETAIL_ORIGIN},
    [KEY_SCHEME] = {{.name = "scheme", .type = FIELD_CHOICE, .choices = schemes, .summary = "http or https"},
                    DETAIL_ORIGIN},
    [KEY_TLS] = {{.name = "tls", .type = FIELD_NODE, .summary = "what is known of the client's TLS"}, DETAIL_ORIGIN},
    [KEY_ATTRIBUTES] = {{.name = "attributes", .type = FIELD_NODE, .summary = "what filters have set by names"},
                        DETAIL_ATTRIBUTES},
};

static const struct {
    const char *name;
    flexilib_tls_fact fact;
} tls_facts[] = {
    {"version", FLEXILIB_TLS_VERSION},
    {"cipher", FLEXILIB_TLS_CIPHER},
    {"protocol", FLEXILIB_TLS_PROTOCOL},
    {"server_name", FLEXILIB_TLS_SERVER_NAME},
    {"resumed", FLEXILIB_TLS_RESUMED},
    {"client_verified", FLEXILIB_TLS_CLIENT_VERIFIED},
    {"client_subject", FLEXILIB_TLS_CLIENT_SUBJECT},
    {"client_issuer", FLEXILIB_TLS_CLIENT_ISSUER},
    {"client_serial", FLEXILIB_TLS_CLIENT_SERIAL},
    {"client_fingerprint", FLEXILIB_TLS_CLIENT_FINGERPRINT},
    {"client_names", FLEXILIB_TLS_CLIENT_NAMES},
    {"client_not_before", FLEXILIB_TLS_CLIENT_NOT_BEFORE},
    {"client_not_after", FLEXILIB_TLS_CLIENT_NOT_AFTER},
    {"client_der", FLEXILIB_TLS_CLIENT_DER},
    {"client_pem", FLEXILIB_TLS_CLIENT_PEM},
    {"client_cert", FLEXILIB_TLS_CLIENT_CERT},
};

enum {
    TLS_FACT_COUNT = sizeof(tls_facts) / sizeof(tls_facts[0]),
};

static bool is_seen(const struct event *event)
{
    return event->kind == EVENT_SEE;
}

/* Content-Length and Transfer-Encoding may be told of a message that is sent, as they say whether its length is known
 * beforehand; the others that frame messages are no filter's business. */
static bool check_name(const struct event_reader *reader, const struct node *key, const struct event *event)
{
    struct slice name = key->text;
    if (!header_is_name(name))
        return error_set_at(reader->error, key->place, "'%s' cannot be the name of a field",
                            wording_quote(reader->arena, name));
    bool is_framing = slice_equals_nocase(name, SLICE("content-length")) ||
                      (slice_equals_nocase(name, SLICE("transfer-encoding")) && !is_seen(event));
    return is_framing || slice_equals_nocase(name, SLICE("host")) || !header_is_hop_by_hop(name) ||
           error_set_at(reader->error, key->place,
                        "'%s' belongs to a connection: filters never see it, nor do scenarios",
                        wording_quote(reader->arena, name));
}

static bool read_rule(const struct event_reader *reader, const struct node *key, const struct node *value,
                      const struct event *event, struct field_rule *rule)
{
    const struct content_reader content = {reader->source, reader->arena, reader->error, key->text.data,
                                           is_seen(event)};
    *rule = (struct field_rule){.name = key->text, .place = key->place};
    if (value->kind == NODE_SCALAR && value->is_null)
        return is_seen(event) ||
               error_set_at(reader->error, value->place, "'%s' has no value", wording_quote(reader->arena, key->text));
    bool is_list = value->kind == NODE_SEQUENCE;
    rule->value_count = is_list ? value->count : 1;
    struct content *values = arena_alloc(reader->arena, rule->value_count * sizeof(*values));
    rule->values = values;
    for (size_t i = 0; i < rule->value_count; ++i) {
        const struct node *item = is_list ? value->items[i] : value;
        if (!content_read(&content, item, &values[i]))
            return false;
        if (!is_seen(event) && !header_is_value(content_join(&values[i], reader->arena)))
            return error_set_at(reader->error, item->place,
                                "no field can have this value: it holds a control character, or a blank at an end");
    }
    return true;
}

static bool read_rules(const struct event_reader *reader, const struct field_value *value, const char *key,
                       const struct event *event, const struct field_rule **result, size_t *count)
{
    const struct node *node = value->node;
    if (node->kind != NODE_MAPPING)
        return error_set_at(reader->error, node->place, "'%s' wants a mapping of names to values, not %s", key,
                            node_kind_phrase(node));
    struct field_rule *rules = arena_alloc(reader->arena, node->count * sizeof(*rules));
    *result = rules;
    *count = node->count;
    for (size_t i = 0; i < node->count; ++i) {
        if (!read_rule(reader, node->keys[i], node->items[i], event, &rules[i]))
            return false;
    }
    return true;
}

static bool read_fields(const struct event_reader *reader, const struct field_value *value, const char *key,
                        struct event *event)
{
    if (!read_rules(reader, value, key, event, &event->fields, &event->field_count))
        return false;
    for (size_t i = 0; i < event->field_count; ++i) {
        if (!check_name(reader, value->node->keys[i], event))
            return false;
    }
    return true;
}

static bool read_attributes(const struct event_reader *reader, const struct field_value *value, struct event *event)
{
    return !value->written ||
           read_rules(reader, value, "attributes", event, &event->attributes, &event->attribute_count);
}

static bool read_header_keys(const struct event_reader *reader, const struct field_value *values, struct event *event)
{
    const struct field_value *some = &values[KEY_HEADERS], *all = &values[KEY_ONLY_HEADERS];
    if (some->written && all->written)
        return error_set_at(reader->error, all->place, "'headers' and 'only_headers' exclude each other");
    event->has_all_fields = all->written;
    if (some->written)
        return read_fields(reader, some, "headers", event);
    return !all->written || read_fields(reader, all, "only_headers", event);
}

static bool read_tls(const struct event_reader *reader, const struct field_value *value, struct event *event)
{
    struct field fields[TLS_FACT_COUNT];
    struct field_value facts[TLS_FACT_COUNT];
    if (!value->written)
        return true;
    for (int i = 0; i < TLS_FACT_COUNT; ++i)
        fields[i] = (struct field){.name = tls_facts[i].name, .type = FIELD_TEXT};
    if (!fields_read(fields, TLS_FACT_COUNT, value->node, value->place, "'tls'", reader->source, reader->arena, facts,
                     reader->error))
        return false;
    struct tls_rule *rules = arena_alloc(reader->arena, TLS_FACT_COUNT * sizeof(*rules));
    event->tls = rules;
    for (int i = 0; i < TLS_FACT_COUNT; ++i) {
        if (facts[i].written)
            rules[event->tls_count++] = (struct tls_rule){tls_facts[i].fact, facts[i].text};
    }
    event->scheme = SLICE("https");
    return true;
}

static bool read_origin(const struct event_reader *reader, const struct field_value *values, struct event *event)
{
    event->address = values[KEY_FROM].text;
    if (!read_tls(reader, &values[KEY_TLS], event))
        return false;
    if (values[KEY_SCHEME].written)
        event->scheme = slice_from_text(schemes[values[KEY_SCHEME].integer]);
    return true;
}

static bool read_body(const struct event_reader *reader, const struct field_value *values, struct event *event)
{
    const struct field_value *body = &values[KEY_BODY];
    const struct content_reader content = {reader->source, reader->arena, reader->error, "body", is_seen(event)};
    event->is_unfinished = values[KEY_UNFINISHED].boolean;
    event->is_broken = values[KEY_BROKEN].boolean;
    if (event->is_broken && !event->is_client)
        return error_set_at(reader->error, values[KEY_BROKEN].place,
                            "'broken' is for responses: of a request that is given up, say 'is left'");
    if (event->is_broken && event->is_unfinished)
        return error_set_at(reader->error, values[KEY_BROKEN].place, "'unfinished' and 'broken' exclude each other");
    return !body->written || content_read(&content, body->node, &event->body);
}

/* The details that this event may have, as a table of their own, so that messages name those and no others. */
static bool read_keys(const struct event_reader *reader, unsigned allowed, const struct node *key,
                      const struct node *rest, struct field_value *values)
{
    struct field fields[KEY_COUNT];
    struct field_value found[KEY_COUNT];
    size_t count = 0;
    for (int i = 0; i < KEY_COUNT; ++i) {
        if (details[i].detail & allowed)
            fields[count++] = details[i].field;
    }
    const char *what = arena_print(reader->arena, "'%.*s'", SLICE_ARG(key->text)).data;
    if (!fields_read(fields, count, rest, key->place, what, reader->source, reader->arena, found, reader->error))
        return false;
    count = 0;
    for (int i = 0; i < KEY_COUNT; ++i)
        values[i] = details[i].detail & allowed ? found[count++] : (struct field_value){0};
    return true;
}

bool event_details_read(const struct event_reader *reader, unsigned allowed, const struct node *key,
                        const struct node *rest, struct event *event)
{
    struct field_value values[KEY_COUNT];
    if (event->sees_nothing)
        allowed &= DETAIL_BROKEN;
    return read_keys(reader, allowed, key, rest, values) && read_header_keys(reader, values, event) &&
           read_attributes(reader, &values[KEY_ATTRIBUTES], event) && read_origin(reader, values, event) &&
           read_body(reader, values, event);
}
