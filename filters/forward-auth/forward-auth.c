/* forward-auth: asks a service whether a request may pass, before it goes on.
 *
 *     filters:
 *       - forward-auth:
 *           upstream: login
 *           path: /verify
 *           copy: [x-user, x-groups]
 *
 * The service is told of the request by X-Forwarded-Method, -Proto, -Host, -Uri and -For, and by the fields in `send`.
 * What it answers with 2xx lets the request pass, with the fields in `copy`; any other answer goes to the client. See
 * README.md beside this file. */

#include "shared/field_name.h"

#include <flexilib/ext/fetch.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    OPTION_UPSTREAM,
    OPTION_PATH,
    OPTION_METHOD,
    OPTION_HOST,
    OPTION_SEND,
    OPTION_COPY,
    OPTION_COPY_RESPONSE,
    OPTION_TIMEOUT,
    OPTION_COUNT,
};

enum {
    MOST_BODY_BYTES = 1024 * 1024,
    FIRST_BUFFER_BYTES = 1024,
};

static const struct flexilib_option options[] = {
    [OPTION_UPSTREAM] = {"upstream", FLEXILIB_OPTION_UPSTREAM, .required = true, .summary = "who is asked"},
    [OPTION_PATH] = {"path", FLEXILIB_OPTION_TEMPLATE, .fallback = "/", .summary = "for what"},
    [OPTION_METHOD] = {"method", FLEXILIB_OPTION_TEXT, .fallback = "GET", .summary = "by which method, without a body"},
    [OPTION_HOST] = {"host", FLEXILIB_OPTION_TEMPLATE, .summary = "as which Host; else the server's own name"},
    [OPTION_SEND] = {"send", FLEXILIB_OPTION_LIST, .summary = "request fields it is sent; else all of them"},
    [OPTION_COPY] = {"copy", FLEXILIB_OPTION_LIST,
                     .summary = "fields of its answer that the request goes on with, in place of the client's"},
    [OPTION_COPY_RESPONSE] = {"copy_response", FLEXILIB_OPTION_LIST, .fallback = "set-cookie",
                              .summary = "fields of its answer that are added to the response"},
    [OPTION_TIMEOUT] = {"timeout", FLEXILIB_OPTION_DURATION, .fallback = "5s", .minimum = 1, .maximum = 600000,
                        .summary = "how long it may take; then the request fails"},
};

struct forward_auth {
    const struct flexilib_core *core;
    const struct flexilib_fetch *fetch;
    struct flexilib_value values[OPTION_COUNT]; /* what they point to lives as long as the filter */
};

struct buffer {
    char *data;
    size_t length, capacity;
};

/* The service's answer, as it comes; it outlives the exchange where that ends first. */
struct answer {
    struct forward_auth *filter;
    uint64_t ticket;
    int32_t failure, status;
    bool is_broken;       /* there was no memory, or the body was too large */
    struct buffer fields; /* names and values, each with its length in front */
    struct buffer body;
};

static bool check_names(const struct flexilib_core *core, const struct flexilib_value *values)
{
    for (int32_t option = OPTION_SEND; option <= OPTION_COPY_RESPONSE; ++option) {
        for (size_t i = 0; i < values[option].count; ++i) {
            if (!field_name_is_token(values[option].list[i]))
                core->refuse(core, option, FLEXILIB_ARG("a field's name is made of letters, digits and '-'"));
            else if (field_name_is_reserved(values[option].list[i]))
                core->refuse(core, option,
                             FLEXILIB_ARG("fields that frame a message, and the host, are not for filters"));
            else
                continue;
            return false;
        }
    }
    if (field_name_is_token(values[OPTION_METHOD].text))
        return true;
    core->refuse(core, OPTION_METHOD, FLEXILIB_ARG("a method is one word"));
    return false;
}

static bool create(const struct flexilib_core *core, const struct flexilib_value *values, void **filter)
{
    const struct flexilib_fetch *fetch = core->extension(core, FLEXILIB_FETCH);
    if (fetch == NULL) {
        core->refuse(core, -1,
                     FLEXILIB_ARG("requests of a filter's own are not there for one that is isolated or blocking"));
        return false;
    }
    struct forward_auth *made = check_names(core, values) ? malloc(sizeof(*made)) : NULL;
    if (made == NULL)
        return false;
    made->core = core;
    made->fetch = fetch;
    memcpy(made->values, values, sizeof(made->values));
    *filter = made;
    return true;
}

static bool is_listed(const struct flexilib_value *list, struct flexilib_text name)
{
    for (size_t i = 0; i < list->count; ++i) {
        if (field_name_is_same(list->list[i], name))
            return true;
    }
    return false;
}

/* Room is doubled, so that a body may come byte by byte. */
static bool append(struct buffer *buffer, const void *added, size_t length)
{
    size_t capacity = buffer->capacity;
    while (capacity < buffer->length + length)
        capacity = capacity == 0 ? FIRST_BUFFER_BYTES : 2 * capacity;
    if (capacity != buffer->capacity) {
        char *grown = realloc(buffer->data, capacity);
        if (grown == NULL)
            return false;
        buffer->data = grown;
        buffer->capacity = capacity;
    }
    memcpy(buffer->data + buffer->length, added, length);
    buffer->length += length;
    return true;
}

static void append_text(struct answer *answer, struct flexilib_text text)
{
    if (!append(&answer->fields, &text.length, sizeof(text.length)) || !append(&answer->fields, text.data, text.length))
        answer->is_broken = true;
}

static void on_head(void *data, int32_t status, const struct flexilib_pair *fields, size_t field_count)
{
    struct answer *answer = data;
    answer->status = status;
    for (size_t i = 0; i < field_count && !answer->is_broken; ++i) {
        append_text(answer, fields[i].name);
        if (!answer->is_broken)
            append_text(answer, fields[i].value);
    }
}

/* The body of a yes is of no interest. */
static bool on_body(void *data, const char *piece, size_t length)
{
    struct answer *answer = data;
    bool is_yes = answer->status >= 200 && answer->status < 300;
    if (!is_yes && !answer->is_broken)
        answer->is_broken = answer->body.length + length > MOST_BODY_BYTES || !append(&answer->body, piece, length);
    return true;
}

static void free_answer(void *data)
{
    struct answer *answer = data;
    free(answer->fields.data);
    free(answer->body.data);
    free(answer);
}

static void on_over(void *data, int32_t failure)
{
    struct answer *answer = data;
    const struct flexilib_core *core = answer->filter->core;
    answer->failure = failure;
    core->resume(core, answer->ticket, answer, free_answer);
}

/* The next field of the answer, from that byte on; false at the end. */
static bool take_field(const struct answer *answer, size_t *at, struct flexilib_pair *field)
{
    struct flexilib_text *texts[] = {&field->name, &field->value};
    if (*at >= answer->fields.length)
        return false;
    for (size_t i = 0; i < 2; ++i) {
        memcpy(&texts[i]->length, answer->fields.data + *at, sizeof(texts[i]->length));
        texts[i]->data = answer->fields.data + *at + sizeof(texts[i]->length);
        *at += sizeof(texts[i]->length) + texts[i]->length;
    }
    return true;
}

struct field_list {
    struct flexilib_pair *items;
    size_t count;
};

static void add_field(struct field_list *list, struct flexilib_text name, struct flexilib_text value)
{
    list->items[list->count++] = (struct flexilib_pair){name, value};
}

static struct flexilib_text write_uri(const struct flexilib_core *core, struct flexilib_exchange *exchange)
{
    struct flexilib_text path = core->path(exchange), query = core->query(exchange);
    char *uri = core->allocate(exchange, path.length + 1 + query.length);
    memcpy(uri, path.data, path.length);
    if (query.length == 0)
        return (struct flexilib_text){uri, path.length};
    uri[path.length] = '?';
    memcpy(uri + path.length + 1, query.data, query.length);
    return (struct flexilib_text){uri, path.length + 1 + query.length};
}

/* What is said of the request here takes the place of what the client may have said, by these or by other names that
 * services listen to. What is about a body, or makes an answer depend on what the client has already, is left out. */
static bool is_kept_back(struct flexilib_text name)
{
    static const struct flexilib_text names[] = {{FLEXILIB_ARG("x-forwarded-method")},
                                                 {FLEXILIB_ARG("x-forwarded-proto")},
                                                 {FLEXILIB_ARG("x-forwarded-host")},
                                                 {FLEXILIB_ARG("x-forwarded-uri")},
                                                 {FLEXILIB_ARG("x-forwarded-for")},
                                                 {FLEXILIB_ARG("x-original-method")},
                                                 {FLEXILIB_ARG("x-original-uri")},
                                                 {FLEXILIB_ARG("x-original-url")},
                                                 {FLEXILIB_ARG("x-rewrite-url")},
                                                 {FLEXILIB_ARG("content-type")},
                                                 {FLEXILIB_ARG("content-encoding")},
                                                 {FLEXILIB_ARG("expect")},
                                                 {FLEXILIB_ARG("range")},
                                                 {FLEXILIB_ARG("if-range")},
                                                 {FLEXILIB_ARG("if-match")},
                                                 {FLEXILIB_ARG("if-none-match")},
                                                 {FLEXILIB_ARG("if-modified-since")},
                                                 {FLEXILIB_ARG("if-unmodified-since")}};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); ++i) {
        if (field_name_is_alike(names[i], name))
            return true;
    }
    return false;
}

static void collect_fields(const struct forward_auth *auth, struct flexilib_exchange *exchange, struct field_list *list)
{
    const struct flexilib_core *core = auth->core;
    const size_t own_count = 5;
    struct flexilib_pair field;
    size_t most = own_count + core->header_count(exchange, FLEXILIB_REQUEST);
    list->items = core->allocate(exchange, most * sizeof(list->items[0]));
    add_field(list, FLEXILIB_TEXT("x-forwarded-method"), core->method(exchange));
    add_field(list, FLEXILIB_TEXT("x-forwarded-proto"), core->scheme(exchange));
    add_field(list, FLEXILIB_TEXT("x-forwarded-host"), core->authority(exchange));
    add_field(list, FLEXILIB_TEXT("x-forwarded-uri"), write_uri(core, exchange));
    /* who is connected by a unix socket has no address */
    if (!field_name_is_same(core->peer_address(exchange), FLEXILIB_TEXT("unix:")))
        add_field(list, FLEXILIB_TEXT("x-forwarded-for"), core->peer_address(exchange));
    for (size_t i = 0; core->header_at(exchange, FLEXILIB_REQUEST, i, &field); ++i) {
        bool is_sent = !auth->values[OPTION_SEND].present || is_listed(&auth->values[OPTION_SEND], field.name);
        if (is_sent && !is_kept_back(field.name))
            add_field(list, field.name, field.value);
    }
}

static struct flexilib_text expand(const struct forward_auth *auth, struct flexilib_exchange *exchange, int option)
{
    if (!auth->values[option].present)
        return (struct flexilib_text){"", 0};
    return auth->core->expand(exchange, auth->values[option].expansion);
}

/* Takes out what the client says by the names that are the service's. Also where it will not be asked at last. */
static void remove_copied(const struct forward_auth *auth, struct flexilib_exchange *exchange)
{
    const struct flexilib_value *copied = &auth->values[OPTION_COPY];
    struct flexilib_pair field;
    size_t at = 0;
    while (auth->core->header_at(exchange, FLEXILIB_REQUEST, at, &field)) {
        size_t i = 0;
        while (i < copied->count && !field_name_is_alike(copied->list[i], field.name))
            ++i;
        if (i == copied->count)
            ++at;
        else
            auth->core->remove_header(exchange, FLEXILIB_REQUEST, field.name.data, field.name.length);
    }
}

static flexilib_answer on_request_head(void *filter, struct flexilib_exchange *exchange)
{
    static const struct flexilib_fetch_events events = {
        .size = sizeof(events), .on_head = on_head, .on_body = on_body, .on_over = on_over};
    struct forward_auth *auth = filter;
    struct answer *answer = calloc(1, sizeof(*answer));
    struct field_list fields = {.count = 0};
    collect_fields(auth, exchange, &fields);
    remove_copied(auth, exchange);
    if (answer == NULL)
        return FLEXILIB_FAIL;
    const struct flexilib_fetch_request request = {
        .size = sizeof(request),
        .upstream = auth->values[OPTION_UPSTREAM].text,
        .method = auth->values[OPTION_METHOD].text,
        .authority = expand(auth, exchange, OPTION_HOST),
        .path = expand(auth, exchange, OPTION_PATH),
        .fields = fields.items,
        .field_count = fields.count,
        .timeout_ms = (uint64_t)auth->values[OPTION_TIMEOUT].integer,
    };
    answer->filter = auth;
    answer->ticket = auth->core->ticket(exchange);
    if (auth->fetch->start(auth->core, exchange, &request, &events, answer) != 0)
        return FLEXILIB_PAUSE;
    free_answer(answer);
    return FLEXILIB_FAIL;
}

static void copy_fields(const struct forward_auth *auth, struct flexilib_exchange *exchange,
                        const struct answer *answer)
{
    const struct flexilib_core *core = auth->core;
    const struct flexilib_value *copied = &auth->values[OPTION_COPY];
    struct flexilib_pair field;
    for (size_t at = 0; take_field(answer, &at, &field);) {
        if (is_listed(copied, field.name))
            core->add_header(exchange, FLEXILIB_REQUEST, field.name.data, field.name.length, field.value.data,
                             field.value.length);
    }
}

/* Content-Encoding and the like stay, since the body goes on as it came. */
static flexilib_answer pass_on(const struct forward_auth *auth, struct flexilib_exchange *exchange,
                               const struct answer *answer)
{
    struct flexilib_pair field;
    for (size_t at = 0; take_field(answer, &at, &field);)
        auth->core->add_header(exchange, FLEXILIB_RESPONSE, field.name.data, field.name.length, field.value.data,
                               field.value.length);
    const char *body = answer->body.data == NULL ? "" : answer->body.data;
    return auth->core->reply(exchange, answer->status, "", 0, body, answer->body.length) ? FLEXILIB_REPLY
                                                                                         : FLEXILIB_FAIL;
}

static flexilib_answer on_resume(void *filter, struct flexilib_exchange *exchange, void *result)
{
    struct forward_auth *auth = filter;
    struct answer *answer = result;
    flexilib_answer decision = FLEXILIB_FAIL;
    if (answer->failure == 0 && !answer->is_broken && answer->status >= 200 && answer->status < 300) {
        copy_fields(auth, exchange, answer);
        auth->core->set_state(exchange, answer); /* its other fields are due at the response */
        return FLEXILIB_CONTINUE;
    }
    if (answer->failure == 0 && !answer->is_broken)
        decision = pass_on(auth, exchange, answer);
    free_answer(answer);
    return decision;
}

static flexilib_answer on_response_head(void *filter, struct flexilib_exchange *exchange)
{
    struct forward_auth *auth = filter;
    const struct answer *answer = auth->core->state(exchange);
    struct flexilib_pair field;
    for (size_t at = 0; answer != NULL && take_field(answer, &at, &field);) {
        if (is_listed(&auth->values[OPTION_COPY_RESPONSE], field.name))
            auth->core->add_header(exchange, FLEXILIB_RESPONSE, field.name.data, field.name.length, field.value.data,
                                   field.value.length);
    }
    return FLEXILIB_CONTINUE;
}

static void on_end(void *filter, struct flexilib_exchange *exchange)
{
    struct forward_auth *auth = filter;
    struct answer *answer = auth->core->state(exchange);
    if (answer != NULL)
        free_answer(answer);
}

static const struct flexilib_filter filters[] = {
    {
        .name = "forward-auth",
        .summary = "asks a service whether a request may pass",
        .version = "1.0",
        .options = options,
        .option_count = OPTION_COUNT,
        .create = create,
        .destroy = free,
        .on_request_head = on_request_head,
        .on_response_head = on_response_head,
        .on_resume = on_resume,
        .on_end = on_end,
    },
};

FLEXILIB_LIBRARY(filters);
