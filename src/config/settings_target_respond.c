#include "config/settings_reader.h"
#include "config/wording.h"

enum {
    LEAST_STATUS = 200,
    MOST_STATUS = 599,
};

enum {
    RESPOND_STATUS = 0,
    RESPOND_HEADERS,
    RESPOND_BODY,
    RESPOND_FIELDS,
};

static const struct field fields[RESPOND_FIELDS] = {
    [RESPOND_STATUS] = {.name = "status",
                        .type = FIELD_INTEGER,
                        .fallback = "200",
                        .minimum = LEAST_STATUS,
                        .maximum = MOST_STATUS,
                        .summary = "the response's status"},
    [RESPOND_HEADERS] = {.name = "headers", .type = FIELD_MAP, .summary = "the response's header fields"},
    [RESPOND_BODY] = {.name = "body", .type = FIELD_TEXT, .summary = "the response's body"},
};

/* Fields that say where a response ends, or what becomes of the connection. */
static bool is_framing(struct slice name)
{
    static const char *const names[] = {"connection", "content-length", "keep-alive",        "proxy-connection",
                                        "te",         "trailer",        "transfer-encoding", "upgrade"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); ++i) {
        if (slice_equals_nocase(name, slice_from_text(names[i])))
            return true;
    }
    return false;
}

static bool is_header_value(struct slice value)
{
    for (size_t i = 0; i < value.length; ++i) {
        unsigned char c = (unsigned char)value.data[i];
        if ((c < ' ' && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

static bool check_header(struct settings_reader *reader, const struct field_pair *header)
{
    if (!pattern_is_token(header->name))
        return error_set_at(reader->error, header->name_place, "'%s' cannot be a header's name",
                            wording_quote(reader->arena, header->name));
    if (is_framing(header->name))
        return error_set_at(reader->error, header->name_place,
                            "'%s' cannot be given: FlexiLib itself frames responses and keeps connections",
                            wording_quote(reader->arena, header->name));
    if (!is_header_value(header->value))
        return error_set_at(reader->error, header->value_place, "'%s' holds a control character, which no header may",
                            wording_quote(reader->arena, header->value));
    return slice_trim(header->value).length == header->value.length ||
           error_set_at(reader->error, header->value_place, "'%s' begins or ends with a blank, which no header may",
                        wording_quote(reader->arena, header->value));
}

static bool read_mapping(struct settings_reader *reader, const struct node *node, struct respond_settings *respond)
{
    struct field_value values[RESPOND_FIELDS];
    if (!fields_read(fields, RESPOND_FIELDS, node, node->place, "'respond'", reader->source, reader->arena, values,
                     reader->error))
        return false;
    *respond = (struct respond_settings){
        .status = (int)values[RESPOND_STATUS].integer,
        .headers = values[RESPOND_HEADERS].map,
        .header_count = values[RESPOND_HEADERS].count,
        .body = values[RESPOND_BODY].text,
    };
    for (size_t i = 0; i < respond->header_count; ++i) {
        if (!check_header(reader, &respond->headers[i]))
            return false;
    }
    bool is_bodiless = respond->status == 204 || respond->status == 205 || respond->status == 304;
    return !is_bodiless || respond->body.length == 0 ||
           error_set_at(reader->error, values[RESPOND_BODY].place, "a response with status %d has no body",
                        respond->status);
}

bool respond_read(struct settings_reader *reader, const struct node *node, struct route_settings *route)
{
    struct respond_settings *respond = arena_zalloc(reader->arena, sizeof(*respond));
    route->target = TARGET_RESPOND;
    route->respond = respond;
    if (node->kind == NODE_MAPPING)
        return read_mapping(reader, node, respond);
    uint64_t status;
    if (node->kind != NODE_SCALAR || node->is_null)
        return error_set_at(reader->error, node->place, "'respond' wants a status or a mapping, not %s",
                            node_kind_phrase(node));
    if (!slice_parse_number(node->text, &status) || status < LEAST_STATUS || status > MOST_STATUS)
        return error_set_at(reader->error, node->place,
                            "'respond' wants a status from %d to %d, or a mapping with 'body', not '%s'", LEAST_STATUS,
                            MOST_STATUS, wording_quote(reader->arena, node->text));
    respond->status = (int)status;
    return true;
}
