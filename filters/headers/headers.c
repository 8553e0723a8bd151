/* headers: changes header fields of the request on its way in and of the response on its way out. Of each half, fields
 * are removed first, then set, then added. Values are templates; where one comes out empty, or as what no field can
 * hold, the field is not set, and what was there by its name is gone.
 *
 *     filters:
 *       - headers:
 *           request_set: { x-user: "{jwt.sub}" }
 *           response_remove: [server, x-powered-by]
 *           response_add: { link: "</style.css>; rel=preload" } */

#include "shared/field_name.h"

#include <flexilib/filter.h>

#include <stdlib.h>
#include <string.h>

enum {
    OPTION_REQUEST_REMOVE,
    OPTION_REQUEST_SET,
    OPTION_REQUEST_ADD,
    OPTION_RESPONSE_REMOVE,
    OPTION_RESPONSE_SET,
    OPTION_RESPONSE_ADD,
    OPTION_COUNT,
};

static const struct flexilib_option value_item[] = {
    {.type = FLEXILIB_OPTION_TEMPLATE},
};

static const struct flexilib_option options[] = {
    [OPTION_REQUEST_REMOVE] = {"request_remove", FLEXILIB_OPTION_LIST, .summary = "request fields to take out"},
    [OPTION_REQUEST_SET] = {"request_set", FLEXILIB_OPTION_MAP_OF, .fields = value_item, .field_count = 1,
                            .summary = "request fields to set, replacing others"},
    [OPTION_REQUEST_ADD] = {"request_add", FLEXILIB_OPTION_MAP_OF, .fields = value_item, .field_count = 1,
                            .summary = "request fields to add"},
    [OPTION_RESPONSE_REMOVE] = {"response_remove", FLEXILIB_OPTION_LIST, .summary = "response fields to take out"},
    [OPTION_RESPONSE_SET] = {"response_set", FLEXILIB_OPTION_MAP_OF, .fields = value_item, .field_count = 1,
                             .summary = "response fields to set, replacing others"},
    [OPTION_RESPONSE_ADD] = {"response_add", FLEXILIB_OPTION_MAP_OF, .fields = value_item, .field_count = 1,
                             .summary = "response fields to add"},
};

struct headers {
    const struct flexilib_core *core;
    struct flexilib_value values[OPTION_COUNT]; /* what they point to lives as long as the filter */
};

static bool is_value(struct flexilib_text value)
{
    for (size_t i = 0; i < value.length; ++i) {
        unsigned char c = (unsigned char)value.data[i];
        bool is_blank = c == ' ' || c == '\t';
        if ((c < 0x20 && c != '\t') || c == 0x7f || (is_blank && (i == 0 || i == value.length - 1)))
            return false;
    }
    return true;
}

static bool check_name(const struct flexilib_core *core, int32_t option, struct flexilib_text name)
{
    if (!field_name_is_token(name))
        core->refuse(core, option, FLEXILIB_ARG("a field's name is made of letters, digits and '-', without blanks"));
    else if (field_name_is_reserved(name))
        core->refuse(core, option, FLEXILIB_ARG("fields that frame a message, and the host, are not for filters"));
    else
        return true;
    return false;
}

static bool check_option(const struct flexilib_core *core, int32_t option, const struct flexilib_value *value)
{
    for (size_t i = 0; i < value->count; ++i) {
        if (!check_name(core, option, value->list[i]))
            return false;
        if (value->values == NULL || is_value(value->values[i].text))
            continue;
        core->refuse(core, option, FLEXILIB_ARG("a field's value has no control characters and no blanks at its ends"));
        return false;
    }
    return true;
}

static bool create(const struct flexilib_core *core, const struct flexilib_value *values, void **filter)
{
    for (int32_t i = 0; i < OPTION_COUNT; ++i) {
        if (!check_option(core, i, &values[i]))
            return false;
    }
    struct headers *headers = malloc(sizeof(*headers));
    if (headers == NULL)
        return false;
    headers->core = core;
    memcpy(headers->values, values, sizeof(headers->values));
    *filter = headers;
    return true;
}

static bool is_alias(struct flexilib_text name, struct flexilib_text written)
{
    return field_name_is_alike(name, written) && !field_name_is_same(name, written);
}

/* Programs behind a CGI-like interface cannot tell the two apart: what is removed or replaced here must not come back
 * to them by the other name. */
static void remove_aliases(const struct flexilib_core *core, struct flexilib_exchange *exchange, flexilib_half half,
                           struct flexilib_text name)
{
    struct flexilib_pair field;
    size_t at = 0;
    while (half == FLEXILIB_REQUEST && core->header_at(exchange, half, at, &field)) {
        if (is_alias(name, field.name))
            core->remove_header(exchange, half, field.name.data, field.name.length);
        else
            ++at;
    }
}

typedef bool (*change_field)(struct flexilib_exchange *exchange, flexilib_half half, const char *name,
                             size_t name_length, const char *value, size_t value_length);

static void change_fields(const struct flexilib_core *core, struct flexilib_exchange *exchange, flexilib_half half,
                          const struct flexilib_value *fields, change_field change)
{
    for (size_t i = 0; i < fields->count; ++i) {
        struct flexilib_text name = fields->list[i], value = core->expand(exchange, fields->values[i].expansion);
        bool is_done = value.length != 0 && change(exchange, half, name.data, name.length, value.data, value.length);
        if (change != core->set_header)
            continue;
        if (!is_done)
            core->remove_header(exchange, half, name.data, name.length);
        remove_aliases(core, exchange, half, name);
    }
}

/* first is the number of the half's first option: remove, set, add. */
static flexilib_answer change(const struct headers *headers, struct flexilib_exchange *exchange, flexilib_half half,
                              int first)
{
    const struct flexilib_core *core = headers->core;
    const struct flexilib_value *removed = &headers->values[first];
    for (size_t i = 0; i < removed->count; ++i) {
        core->remove_header(exchange, half, removed->list[i].data, removed->list[i].length);
        remove_aliases(core, exchange, half, removed->list[i]);
    }
    change_fields(core, exchange, half, removed + 1, core->set_header);
    change_fields(core, exchange, half, removed + 2, core->add_header);
    return FLEXILIB_CONTINUE;
}

static flexilib_answer on_request_head(void *filter, struct flexilib_exchange *exchange)
{
    return change(filter, exchange, FLEXILIB_REQUEST, OPTION_REQUEST_REMOVE);
}

static flexilib_answer on_response_head(void *filter, struct flexilib_exchange *exchange)
{
    return change(filter, exchange, FLEXILIB_RESPONSE, OPTION_RESPONSE_REMOVE);
}

static const struct flexilib_filter filters[] = {
    {
        .name = "headers",
        .summary = "sets, adds and removes header fields",
        .version = "1.0",
        .options = options,
        .option_count = OPTION_COUNT,
        .create = create,
        .destroy = free,
        .on_request_head = on_request_head,
        .on_response_head = on_response_head,
    },
};

FLEXILIB_LIBRARY(filters);
