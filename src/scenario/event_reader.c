#include "scenario/event_reader.h"

#include "base/suggest.h"
#include "config/field_value.h"
#include "config/wording.h"
#include "filter/headers.h"
#include "http/request_rules.h"
#include "scenario/event_details.h"
#include "scenario/event_forms.h"

/* What an event is made of before its details are read. */
struct first_key {
    const struct node *key;
    const struct node *value; /* NULL: nothing is written */
    const struct event_form *form;
};

static bool refuse_verb(const struct event_reader *reader, const struct node *key)
{
    struct suggest suggest = suggest_start(key->text);
    struct arena *arena = reader->arena;
    for (const struct event_form *form = event_forms; form->verb != NULL; ++form) {
        if (form->party == EVENT_BY_NOBODY)
            suggest_offer(&suggest, slice_from_text(form->verb));
        if (form->party & EVENT_BY_CLIENT)
            suggest_offer(&suggest, arena_print(arena, "client %s", form->verb));
        if (form->party & EVENT_BY_UPSTREAM)
            suggest_offer(&suggest, arena_print(arena, "upstream %s", form->verb));
    }
    char phrase[SUGGEST_PHRASE_BYTES];
    return error_set_at(reader->error, key->place,
                        "'%s' is no event: it begins with who does what, as 'client sends'%s",
                        wording_quote(arena, key->text), suggest_phrase(&suggest, phrase));
}

/* "bob" of "client bob", "shop" of "shop"; what stands in front of the verb. */
static struct slice cut_verb(struct slice text, const char *verb)
{
    size_t length = strlen(verb);
    bool is_there = slice_ends_with(text, slice_from_text(verb)) && text.length > length + 1 &&
                    text.data[text.length - length - 1] == ' ';
    return is_there ? slice_of(text.data, text.length - length - 1) : SLICE_NONE;
}

static bool is_client_name(struct slice party)
{
    return slice_equals(party, SLICE("client")) || slice_starts_with(party, SLICE("client "));
}

static bool check_upstream(const struct event_reader *reader, const struct node *key, struct slice party)
{
    struct suggest suggest = suggest_start(party);
    suggest_offer(&suggest, SLICE("client"));
    if (reader->has_handler && slice_equals(party, SLICE("upstream")))
        return error_set_at(reader->error, key->place, "nothing is forwarded where there is a 'handler'");
    for (size_t i = 0; i < reader->settings->upstream_count; ++i) {
        if (slice_equals(reader->settings->upstreams[i]->name, party))
            return true;
        suggest_offer(&suggest, reader->settings->upstreams[i]->name);
    }
    char phrase[SUGGEST_PHRASE_BYTES];
    return error_set_at(reader->error, key->place,
                        "'%s' is neither 'client', nor 'upstream', nor one of those under 'upstreams'%s",
                        wording_quote(reader->arena, party), suggest_phrase(&suggest, phrase));
}

static bool check_party(const struct event_reader *reader, const struct first_key *first, struct event *event)
{
    const struct event_form *form = first->form;
    event->is_client = is_client_name(event->party);
    if (event->is_client && (form->party & EVENT_BY_CLIENT))
        return true;
    if (event->is_client)
        return error_set_at(reader->error, first->key->place, "'%s' is what an upstream does, not a client",
                            form->verb);
    if (!check_upstream(reader, first->key, event->party))
        return false;
    return (form->party & EVENT_BY_UPSTREAM) != 0 ||
           error_set_at(reader->error, first->key->place, "'%s' is what a client does, not an upstream", form->verb);
}

/* Finds who does what in the key's text. */
static bool find_form(const struct event_reader *reader, struct first_key *first, struct event *event)
{
    for (const struct event_form *form = event_forms; form->verb != NULL; ++form) {
        first->form = form;
        if (form->party == EVENT_BY_NOBODY) {
            if (slice_equals(first->key->text, slice_from_text(form->verb)))
                return true;
            continue;
        }
        event->party = cut_verb(first->key->text, form->verb);
        if (event->party.length != 0)
            return check_party(reader, first, event);
    }
    return refuse_verb(reader, first->key);
}

static bool refuse_value(const struct event_reader *reader, const struct first_key *first, const char *wanted)
{
    const struct node *value = first->value;
    struct place place = value == NULL ? first->key->place : value->place;
    if (value == NULL || value->is_null)
        return error_set_at(reader->error, place, "'%.*s' wants %s", SLICE_ARG(first->key->text), wanted);
    const char *seen = value->kind == NODE_SCALAR
                           ? arena_print(reader->arena, "'%s'", wording_quote(reader->arena, value->text)).data
                           : node_kind_phrase(value);
    return error_set_at(reader->error, place, "'%.*s' wants %s, not %s", SLICE_ARG(first->key->text), wanted, seen);
}

static bool check_target(const struct event_reader *reader, const struct first_key *first, const struct event *event)
{
    struct request_head request = {0};
    if (event->kind != EVENT_SEND || slice_equals(event->target, SLICE("*")))
        return true;
    struct request_refusal refusal = request_rules_take_path(&request, event->target, reader->arena);
    return refusal.status == 0 || error_set_at(reader->error, first->value->place,
                                               "FlexiLib itself answers this target with %d (%s): no filter sees it",
                                               refusal.status, refusal.reason);
}

static bool read_request_line(const struct event_reader *reader, const struct first_key *first, struct event *event)
{
    static const char wanted[] = "a method and a target, as GET /path?query";
    const struct node *value = first->value;
    if (value == NULL || value->kind != NODE_SCALAR || value->is_null)
        return refuse_value(reader, first, wanted);
    size_t blank = slice_find(value->text, ' ');
    event->method = slice_of(value->text.data, blank);
    event->target = slice_trim(slice_skip(value->text, blank));
    bool is_path = slice_starts_with(event->target, SLICE("/")) || slice_equals(event->target, SLICE("*"));
    if (!header_is_name(event->method) || !is_path || !request_rules_is_target(event->target))
        return refuse_value(reader, first, wanted);
    return check_target(reader, first, event);
}

static bool read_status(const struct event_reader *reader, const struct first_key *first, int least,
                        struct event *event)
{
    const struct node *value = first->value;
    uint64_t number;
    bool is_status = value != NULL && value->kind == NODE_SCALAR && slice_parse_number(value->text, &number) &&
                     number >= (uint64_t)least && number <= 599;
    if (!is_status)
        return refuse_value(reader, first, least == 200 ? "a status from 200 to 599" : "a status, or 'nothing'");
    event->status = (int)number;
    return true;
}

static bool is_nothing(const struct node *value)
{
    return value != NULL && value->kind == NODE_SCALAR && slice_equals(value->text, SLICE("nothing"));
}

/* The body, where that is what the first key tells. */
static bool read_more(const struct event_reader *reader, const struct first_key *first, struct event *event)
{
    if (first->value == NULL)
        return refuse_value(reader, first, "what comes next of the body");
    const struct content_reader content = {reader->source, reader->arena, reader->error, first->key->text.data,
                                           event->kind == EVENT_SEE_MORE};
    return content_read(&content, first->value, &event->body);
}

static bool read_line(const struct event_reader *reader, const struct first_key *first, struct event *event)
{
    if (first->value == NULL || first->value->kind == NODE_SEQUENCE)
        return refuse_value(reader, first, "what stands in a line of the log");
    const struct content_reader content = {reader->source, reader->arena, reader->error, first->key->text.data, true};
    return content_read(&content, first->value, &event->line);
}

static bool read_duration(const struct event_reader *reader, const struct first_key *first, struct event *event)
{
    const struct field field = {.name = first->key->text.data, .type = FIELD_DURATION};
    struct field_value value = {0};
    struct field_reader fields = {.source = reader->source, .arena = reader->arena, .error = reader->error, .part = ""};
    if (first->value == NULL)
        return refuse_value(reader, first, "a duration, as 250ms or 30s");
    if (!field_value_read(&fields, &field, first->value, &value))
        return false;
    event->duration_ms = value.integer;
    return true;
}

static bool read_value(const struct event_reader *reader, const struct first_key *first, struct event *event)
{
    event->sees_nothing = event->kind == EVENT_SEE && is_nothing(first->value);
    if (event->sees_nothing)
        return true;
    switch (event->kind) {
    case EVENT_SEND:
        return read_request_line(reader, first, event);
    case EVENT_SEE:
        return event->is_client ? read_status(reader, first, 100, event) : read_request_line(reader, first, event);
    case EVENT_ANSWER:
        return read_status(reader, first, 200, event);
    case EVENT_SEND_MORE:
    case EVENT_SEE_MORE:
        return read_more(reader, first, event);
    case EVENT_PASS_TIME:
        return read_duration(reader, first, event);
    case EVENT_LOG:
        return read_line(reader, first, event);
    default:
        event->status = first->form->status;
        return first->value == NULL || first->value->is_null ||
               error_set_at(reader->error, first->value->place, "'%.*s' takes no value", SLICE_ARG(first->key->text));
    }
}

/* What stands behind the first key, as a mapping of its own. */
static struct node make_rest(const struct node *node)
{
    struct node rest = *node;
    if (node->kind == NODE_SCALAR)
        return (struct node){.kind = NODE_MAPPING, .place = node->place, .file = node->file};
    ++rest.keys;
    ++rest.items;
    --rest.count;
    return rest;
}

bool event_read(const struct event_reader *reader, const struct node *node, struct event *event)
{
    bool is_scalar = node->kind == NODE_SCALAR && !node->is_null;
    if (!is_scalar && (node->kind != NODE_MAPPING || node->count == 0))
        return error_set_at(reader->error, node->place,
                            "an event is a mapping that begins with who does what, as 'client sends: GET /', not %s",
                            node_kind_phrase(node));
    struct first_key first = {.key = is_scalar ? node : node->keys[0], .value = is_scalar ? NULL : node->items[0]};
    if (!find_form(reader, &first, event))
        return false;
    event->kind = first.form->kind;
    event->place = first.key->place;
    struct node rest = make_rest(node);
    return read_value(reader, &first, event) &&
           event_details_read(reader, first.form->details, first.key, &rest, event);
}
