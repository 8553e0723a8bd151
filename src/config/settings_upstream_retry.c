#include "base/suggest.h"
#include "config/settings_reader.h"
#include "config/wording.h"

enum {
    MOST_TRIES = 16,
    LEAST_STATUS = 400,
};

enum {
    RETRY_TRIES = 0,
    RETRY_ON,
    RETRY_METHODS,
    RETRY_BUDGET,
    RETRY_FIELDS,
};

static const struct field fields[RETRY_FIELDS] = {
    [RETRY_TRIES] = {.name = "tries",
                     .type = FIELD_INTEGER,
                     .fallback = "2",
                     .minimum = 1,
                     .maximum = MOST_TRIES,
                     .summary = "most tries for a request, the first included"},
    [RETRY_ON] = {.name = "on",
                  .type = FIELD_LIST,
                  .fallback = "failure",
                  .summary = "after what: failure, timeout, and statuses such as 503"},
    [RETRY_METHODS] = {.name = "methods", .type = FIELD_NODE, .summary = "of which requests; else the idempotent ones"},
    [RETRY_BUDGET] = {.name = "budget",
                      .type = FIELD_INTEGER,
                      .fallback = "20",
                      .minimum = 0,
                      .maximum = 100,
                      .summary = "how many retries there may be for a hundred requests"},
};

static bool refuse_reason(struct settings_reader *reader, const struct field_item *item)
{
    struct suggest suggest = suggest_start(item->text);
    suggest_offer(&suggest, SLICE("failure"));
    suggest_offer(&suggest, SLICE("timeout"));
    char phrase[SUGGEST_PHRASE_BYTES];
    return error_set_at(reader->error, item->place,
                        "'on' wants 'failure', 'timeout' or statuses such as 503 and 5xx, not '%s'%s",
                        wording_quote(reader->arena, item->text), suggest_phrase(&suggest, phrase));
}

static bool read_reasons(struct settings_reader *reader, const struct field_value *value, struct retry_settings *retry)
{
    struct status_range *statuses = arena_zalloc(reader->arena, value->count * sizeof(*statuses));
    retry->statuses.items = statuses;
    if (value->count == 0)
        return error_set_at(reader->error, value->place, "'on' is an empty list: write 'retry: no' instead");
    for (size_t i = 0; i < value->count; ++i) {
        const struct field_item *item = &value->list[i];
        if (slice_equals(item->text, SLICE("failure")))
            retry->on_failure = true;
        else if (slice_equals(item->text, SLICE("timeout")))
            retry->on_timeout = true;
        else if (item->text.length == 0 || !ascii_is_digit(item->text.data[0]))
            return refuse_reason(reader, item);
        else if (!status_parse(reader, item->place, item->text, "on", LEAST_STATUS, &statuses[retry->statuses.count++]))
            return false;
    }
    return true;
}

static bool read_methods(struct settings_reader *reader, const struct node *node, struct retry_settings *retry)
{
    struct pattern_reader patterns = {reader->arena, reader->error};
    if (node == NULL)
        return true;
    bool is_list = node->kind == NODE_SEQUENCE;
    retry->method_count = is_list ? node->count : 1;
    if (retry->method_count == 0)
        return error_set_at(reader->error, node->place, "'methods' is an empty list: write 'retry: no' instead");
    struct field_item *items = arena_zalloc(reader->arena, retry->method_count * sizeof(*items));
    retry->methods = items;
    for (size_t i = 0; i < retry->method_count; ++i) {
        const struct node *item = is_list ? node->items[i] : node;
        struct pattern pattern;
        if (item->kind != NODE_SCALAR)
            return error_set_at(reader->error, item->place, "'methods' wants a text or a list of texts, not %s",
                                is_list ? "a list of others" : node_kind_phrase(item));
        if (!pattern_read_method(&patterns, item, &pattern))
            return false;
        items[i] = (struct field_item){pattern.text, pattern.place};
    }
    return true;
}

bool upstream_retry_read(struct settings_reader *reader, const struct node *node, struct upstream_settings *upstream)
{
    struct field_value values[RETRY_FIELDS];
    struct retry_settings *retry = &upstream->retry;
    enum switch_word word = node == NULL ? SWITCH_ON : value_switch(node);
    retry->tries = 1;
    if (word == SWITCH_OFF)
        return true;
    if (node != NULL && !value_check_present(reader, node, "retry"))
        return false;
    if (word == SWITCH_NONE && node->kind != NODE_MAPPING)
        return error_set_at(reader->error, node->place, "'retry' wants yes, no or a mapping such as { tries: 2 }");
    const struct node *mapping = word == SWITCH_ON ? NULL : node;
    if (!fields_read(fields, RETRY_FIELDS, mapping, upstream->place, "'retry'", reader->source, reader->arena, values,
                     reader->error))
        return false;
    retry->tries = (uint32_t)values[RETRY_TRIES].integer;
    retry->budget_percent = (uint32_t)values[RETRY_BUDGET].integer;
    return read_reasons(reader, &values[RETRY_ON], retry) && read_methods(reader, values[RETRY_METHODS].node, retry);
}
