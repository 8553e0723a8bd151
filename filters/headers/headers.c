/* headers: changes header fields of the request on its way in and of the response on its way out. Of each half, fields
 * are removed first, then set, then added.
 *
 *     filters:
 *       - headers:
 *           request_set: { x-from: edge }
 *           response_remove: [server, x-powered-by]
 *           response_add: { link: "</style.css>; rel=preload" } */

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

static const struct flexilib_option options[] = {
    [OPTION_REQUEST_REMOVE] = {"request_remove", FLEXILIB_OPTION_LIST, .summary = "request fields to take out"},
    [OPTION_REQUEST_SET] = {"request_set", FLEXILIB_OPTION_MAP, .summary = "request fields to set, replacing others"},
    [OPTION_REQUEST_ADD] = {"request_add", FLEXILIB_OPTION_MAP, .summary = "request fields to add"},
    [OPTION_RESPONSE_REMOVE] = {"response_remove", FLEXILIB_OPTION_LIST, .summary = "response fields to take out"},
    [OPTION_RESPONSE_SET] = {"response_set", FLEXILIB_OPTION_MAP,
                             .summary = "response fields to set, replacing others"},
    [OPTION_RESPONSE_ADD] = {"response_add", FLEXILIB_OPTION_MAP, .summary = "response fields to add"},
};

struct headers {
    const struct flexilib_core *core;
    struct flexilib_value values[OPTION_COUNT]; /* what they point to lives as long as the filter */
};

static bool is_name(struct flexilib_text name)
{
    static const char others[] = "!#$%&'*+-.^_`|~";
    for (size_t i = 0; i < name.length; ++i) {
        char c = name.data[i];
        bool is_word = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!is_word && (c == '\0' || strchr(others, c) == NULL))
            return false;
    }
    return name.length != 0;
}

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

/* FlexiLib would refuse these for every request; better to say so at the start. */
static bool is_reserved(struct flexilib_text name)
{
    static const char *const reserved[] = {"connection",        "content-length",   "host",
                                           "keep-alive",        "proxy-connection", "te",
                                           "transfer-encoding", "trailer",          "upgrade"};
    for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); ++i) {
        size_t at = 0;
        while (at < name.length && (name.data[at] | 0x20) == (reserved[i][at] | 0x20) && reserved[i][at] != '\0')
            ++at;
        if (at == name.length && reserved[i][at] == '\0')
            return true;
    }
    return false;
}

static bool check_name(const struct flexilib_core *core, int32_t option, struct flexilib_text name)
{
    if (!is_name(name))
        core->refuse(core, option, FLEXILIB_ARG("a field's name is made of letters, digits and '-', without blanks"));
    else if (is_reserved(name))
        core->refuse(core, option, FLEXILIB_ARG("fields that frame a message, and the host, are not for filters"));
    else
        return true;
    return false;
}

static bool check_option(const struct flexilib_core *core, int32_t option, const struct flexilib_value *value)
{
    for (size_t i = 0; i < value->count; ++i) {
        if (!check_name(core, option, value->map == NULL ? value->list[i] : value->map[i].name))
            return false;
        if (value->map == NULL || is_value(value->map[i].value))
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

/* first is the number of the half's first option: remove, set, add. */
static flexilib_answer change(const struct headers *headers, struct flexilib_exchange *exchange, flexilib_half half,
                              int first)
{
    const struct flexilib_core *core = headers->core;
    const struct flexilib_value *removed = &headers->values[first];
    const struct flexilib_value *set = removed + 1, *added = removed + 2;
    for (size_t i = 0; i < removed->count; ++i)
        core->remove_header(exchange, half, removed->list[i].data, removed->list[i].length);
    for (size_t i = 0; i < set->count; ++i)
        core->set_header(exchange, half, set->map[i].name.data, set->map[i].name.length, set->map[i].value.data,
                         set->map[i].value.length);
    for (size_t i = 0; i < added->count; ++i)
        core->add_header(exchange, half, added->map[i].name.data, added->map[i].name.length, added->map[i].value.data,
                         added->map[i].value.length);
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
