/* replace: finds texts in bodies and puts others in their places, while the body streams by.
 *
 *     filters:
 *       - replace:
 *           rules:
 *             - { from: "http://shop.internal", to: "https://{host}" }
 *             - { from: "<!-- banner -->", to: "" }
 *
 * Compressed bodies are decoded first. A body is never held in memory: what is kept back is less than the longest text
 * that is looked for. */

#include "scanner.h"
#include "shared/field_name.h"

#include <flexilib/filter.h>

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    OPTION_RULES,
    OPTION_IN,
    OPTION_TYPES,
    OPTION_IGNORE_CASE,
    OPTION_COUNT,
};

enum {
    RULE_FROM,
    RULE_TO,
    RULE_OPTION_COUNT,
};

enum {
    MOST_RULES = 256,
    LONGEST_TEXT_BYTES = 4096,
    /* What one piece may grow to: all of it is written at once, and what is put in may be a client's to say. */
    MOST_GROWTH = 32,
    LEAST_ROOM_BYTES = 1024 * 1024,
};

static const struct flexilib_option rule_options[] = {
    [RULE_FROM] = {"from", FLEXILIB_OPTION_TEXT, .required = true, .summary = "what is looked for, byte for byte"},
    [RULE_TO] = {"to", FLEXILIB_OPTION_TEMPLATE, .fallback = "", .summary = "what stands in its place"},
};

static const struct flexilib_option rule_table[] = {
    {NULL, FLEXILIB_OPTION_TABLE, .fields = rule_options, .field_count = RULE_OPTION_COUNT},
};

static const char *const halves[] = {"response", "request", NULL};

static const struct flexilib_option options[] = {
    [OPTION_RULES] = {"rules", FLEXILIB_OPTION_LIST_OF, .required = true, .fields = rule_table, .field_count = 1,
                      .summary = "what is replaced; where two begin at one byte, the first in the list"},
    [OPTION_IN] = {"in", FLEXILIB_OPTION_CHOICE, .fallback = "response", .choices = halves, .summary = "whose body"},
    [OPTION_TYPES] = {"types", FLEXILIB_OPTION_LIST, .fallback = "text/html",
                      .summary =
                          "media types of bodies that are looked at; text/* means all that begin so, * all bodies"},
    [OPTION_IGNORE_CASE] = {"ignore_case", FLEXILIB_OPTION_BOOL, .fallback = "no",
                            .summary = "letters from a to z are found in either case"},
};

struct replace {
    const struct flexilib_core *core;
    struct flexilib_value values[OPTION_COUNT]; /* what they point to lives as long as the filter */
    flexilib_half half;
    struct rules rules;
    struct rule items[]; /* without what stands in their places, which each exchange finds for itself */
};

/* What an exchange has under way, in its own memory. */
struct job {
    const struct flexilib_core *core;
    struct flexilib_exchange *exchange;
    struct rules rules;
    struct scanner scanner;
    size_t room; /* how much more may be written for the piece at hand */
    bool is_too_much;
};

static bool refuse(const struct flexilib_core *core, const struct flexilib_value *value, const char *sentence)
{
    core->refuse_value(core, value, sentence, strlen(sentence));
    return false;
}

static bool read_rules(struct replace *replace, const struct flexilib_value *list)
{
    for (size_t i = 0; i < list->count; ++i) {
        const struct flexilib_value *from = &list->values[i].values[RULE_FROM];
        if (from->text.length == 0 || from->text.length > LONGEST_TEXT_BYTES)
            return refuse(replace->core, from, "a text of 1 to 4096 bytes is needed");
        replace->items[i] = (struct rule){.from = from->text.data, .from_length = from->text.length};
    }
    replace->rules = (struct rules){
        .items = replace->items, .count = list->count, .ignores_case = replace->values[OPTION_IGNORE_CASE].boolean};
    rules_prepare(&replace->rules);
    return true;
}

static bool create(const struct flexilib_core *core, const struct flexilib_value *values, void **filter)
{
    const struct flexilib_value *list = &values[OPTION_RULES];
    if (list->count == 0 || list->count > MOST_RULES)
        return refuse(core, list, "1 to 256 rules are needed");
    struct replace *replace = calloc(1, sizeof(*replace) + list->count * sizeof(replace->items[0]));
    if (replace == NULL)
        return false;
    replace->core = core;
    memcpy(replace->values, values, sizeof(replace->values));
    replace->half = values[OPTION_IN].integer == 0 ? FLEXILIB_RESPONSE : FLEXILIB_REQUEST;
    if (!read_rules(replace, list)) {
        free(replace);
        return false;
    }
    *filter = replace;
    return true;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Whether a media type is the one wanted, which may be "text/" and a star. Both compare without case. */
static bool is_type(struct flexilib_text type, struct flexilib_text wanted)
{
    size_t length = 0;
    while (length < type.length && type.data[length] != ';' && !is_blank(type.data[length]))
        ++length;
    if (wanted.length != 0 && wanted.data[wanted.length - 1] == '*')
        return length >= wanted.length - 1 && strncasecmp(type.data, wanted.data, wanted.length - 1) == 0;
    return length == wanted.length && strncasecmp(type.data, wanted.data, length) == 0;
}

static bool has_type(const struct replace *replace, const struct flexilib_exchange *exchange)
{
    const struct flexilib_value *types = &replace->values[OPTION_TYPES];
    struct flexilib_text type = {"", 0};
    bool is_told = replace->core->header(exchange, replace->half, FLEXILIB_ARG("content-type"), &type);
    /* "not modified" need not tell the type of what is not, and may be about a body that was changed here */
    if (!is_told && replace->half == FLEXILIB_RESPONSE && replace->core->status(exchange) == 304)
        return true;
    for (size_t i = 0; i < types->count; ++i) {
        if (is_type(type, types->list[i]))
            return true;
    }
    return false;
}

static void write_on(void *target, const char *data, size_t length)
{
    struct job *job = target;
    job->is_too_much = job->is_too_much || length > job->room;
    if (job->is_too_much)
        return;
    job->room -= length;
    job->core->write(job->exchange, data, length);
}

static struct job *make_job(const struct replace *replace, struct flexilib_exchange *exchange)
{
    const struct flexilib_core *core = replace->core;
    const struct flexilib_value *list = &replace->values[OPTION_RULES];
    struct rule *items = core->allocate(exchange, list->count * sizeof(*items));
    for (size_t i = 0; i < list->count; ++i) {
        struct flexilib_text to = core->expand(exchange, list->values[i].values[RULE_TO].expansion);
        items[i] = replace->items[i];
        items[i].to = to.data;
        items[i].to_length = to.length;
    }
    struct job *job = core->allocate(exchange, sizeof(*job));
    *job = (struct job){.core = core, .exchange = exchange, .rules = replace->rules};
    job->rules.items = items;
    job->scanner = (struct scanner){.rules = &job->rules,
                                    .held = core->allocate(exchange, 2 * replace->rules.longest),
                                    .write = write_on,
                                    .target = job};
    return job;
}

/* What was said of the bytes as they were is not true of those that go out (RFC 9110 section 8.8.1, RFC 9530). */
static void mend_head(const struct replace *replace, struct flexilib_exchange *exchange)
{
    static const struct flexilib_text gone[] = {{FLEXILIB_ARG("content-md5")},
                                                {FLEXILIB_ARG("digest")},
                                                {FLEXILIB_ARG("content-digest")},
                                                {FLEXILIB_ARG("repr-digest")},
                                                {FLEXILIB_ARG("accept-ranges")}};
    const struct flexilib_core *core = replace->core;
    struct flexilib_text tag;
    for (size_t i = 0; i < sizeof(gone) / sizeof(gone[0]); ++i)
        core->remove_header(exchange, replace->half, gone[i].data, gone[i].length);
    if (!core->header(exchange, replace->half, FLEXILIB_ARG("etag"), &tag) ||
        (tag.length >= 2 && memcmp(tag.data, "W/", 2) == 0))
        return;
    char *weak = core->allocate(exchange, tag.length + 2);
    memcpy(weak, "W/", 2);
    memcpy(weak + 2, tag.data, tag.length);
    core->set_header(exchange, replace->half, FLEXILIB_ARG("etag"), weak, tag.length + 2);
}

/* Takes what stands in front of the next comma, and the comma, off the list. */
static struct flexilib_text take_item(struct flexilib_text *rest)
{
    const char *comma = memchr(rest->data, ',', rest->length);
    struct flexilib_text item = {rest->data, comma == NULL ? rest->length : (size_t)(comma - rest->data)};
    size_t taken = comma == NULL ? item.length : item.length + 1;
    rest->data += taken;
    rest->length -= taken;
    while (item.length != 0 && is_blank(item.data[0])) {
        ++item.data;
        --item.length;
    }
    while (item.length != 0 && is_blank(item.data[item.length - 1]))
        --item.length;
    return item;
}

static bool is_known(struct flexilib_text coding)
{
    static const struct flexilib_text known[] = {
        {FLEXILIB_ARG("gzip")}, {FLEXILIB_ARG("x-gzip")}, {FLEXILIB_ARG("deflate")},
        {FLEXILIB_ARG("br")},   {FLEXILIB_ARG("zstd")},
    };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); ++i) {
        if (field_name_is_same(known[i], coding))
            return true;
    }
    return false;
}

/* Whether the body is in one coding, which can be taken off. */
static bool is_decodable(const struct replace *replace, const struct flexilib_exchange *exchange)
{
    struct flexilib_pair field;
    size_t known_count = 0, other_count = 0;
    for (size_t i = 0; replace->core->header_at(exchange, replace->half, i, &field); ++i) {
        bool is_coding = field_name_is_same(field.name, FLEXILIB_TEXT("content-encoding"));
        while (is_coding && field.value.length != 0) {
            struct flexilib_text item = take_item(&field.value);
            if (is_known(item))
                ++known_count;
            else if (item.length != 0 && !field_name_is_same(item, FLEXILIB_TEXT("identity")))
                ++other_count;
        }
    }
    return known_count == 1 && other_count == 0;
}

static flexilib_answer let_pass(const struct replace *replace, struct flexilib_exchange *exchange)
{
    replace->core->set_state(exchange, NULL);
    replace->core->skip_body(exchange, replace->half);
    return FLEXILIB_CONTINUE;
}

/* The head of the half that is looked at. */
static flexilib_answer start(const struct replace *replace, struct flexilib_exchange *exchange)
{
    bool is_part = replace->half == FLEXILIB_RESPONSE && replace->core->status(exchange) == 206;
    if (is_part || !has_type(replace, exchange))
        return let_pass(replace, exchange);
    /* where there is just no room for it, texts that shall not get through must not do so */
    if (!replace->core->decode(exchange, replace->half))
        return is_decodable(replace, exchange) ? FLEXILIB_FAIL : let_pass(replace, exchange);
    mend_head(replace, exchange);
    replace->core->set_state(exchange, make_job(replace, exchange));
    return FLEXILIB_CONTINUE;
}

static flexilib_answer go_on(const struct replace *replace, struct flexilib_exchange *exchange, flexilib_half half,
                             struct flexilib_text piece, bool last)
{
    struct job *job = half == replace->half ? replace->core->state(exchange) : NULL;
    if (job == NULL) {
        replace->core->pass(exchange);
        return FLEXILIB_CONTINUE;
    }
    job->room = LEAST_ROOM_BYTES + MOST_GROWTH * piece.length;
    scanner_take(&job->scanner, piece.data, piece.length, last);
    if (!job->is_too_much)
        return FLEXILIB_CONTINUE;
    replace->core->log(replace->core, exchange, FLEXILIB_ERROR,
                       FLEXILIB_ARG("what is put in would make a piece of the body larger than it may become"));
    return FLEXILIB_FAIL;
}

static flexilib_answer on_request_head(void *filter, struct flexilib_exchange *exchange)
{
    const struct replace *replace = filter;
    if (replace->half == FLEXILIB_REQUEST)
        return start(replace, exchange);
    /* so that the server sends what can be read */
    replace->core->decode(exchange, FLEXILIB_RESPONSE);
    replace->core->skip_body(exchange, FLEXILIB_REQUEST);
    return FLEXILIB_CONTINUE;
}

static flexilib_answer on_request_body(void *filter, struct flexilib_exchange *exchange, const char *data,
                                       size_t length, bool last)
{
    return go_on(filter, exchange, FLEXILIB_REQUEST, (struct flexilib_text){data, length}, last);
}

static flexilib_answer on_response_head(void *filter, struct flexilib_exchange *exchange)
{
    const struct replace *replace = filter;
    if (replace->half == FLEXILIB_RESPONSE)
        return start(replace, exchange);
    replace->core->skip_body(exchange, FLEXILIB_RESPONSE);
    return FLEXILIB_CONTINUE;
}

static flexilib_answer on_response_body(void *filter, struct flexilib_exchange *exchange, const char *data,
                                        size_t length, bool last)
{
    return go_on(filter, exchange, FLEXILIB_RESPONSE, (struct flexilib_text){data, length}, last);
}

static const struct flexilib_filter filters[] = {
    {
        .name = "replace",
        .summary = "finds texts in bodies and puts others in their places",
        .version = "1.0",
        .options = options,
        .option_count = OPTION_COUNT,
        .create = create,
        .destroy = free,
        .on_request_head = on_request_head,
        .on_request_body = on_request_body,
        .on_response_head = on_response_head,
        .on_response_body = on_response_body,
    },
};

FLEXILIB_LIBRARY(filters);
