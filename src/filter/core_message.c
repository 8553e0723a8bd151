#include "filter/core_calls.h"

static bool may_change_request(const struct exchange *exchange, const char *call)
{
    if (!is_in_working_hook(exchange))
        return refuse_call(exchange, call, "the exchange is over");
    if (exchange->phase != EXCHANGE_REQUEST_HEAD && exchange->phase != EXCHANGE_REQUEST_BODY)
        return refuse_call(exchange, call, "the request has gone on already");
    return true;
}

static bool may_change_response(const struct exchange *exchange, const char *call)
{
    if (!is_in_working_hook(exchange))
        return refuse_call(exchange, call, "the exchange is over");
    if (exchange->state->is_head_sent)
        return refuse_call(exchange, call, "the response's head has been sent");
    return true;
}

/* Only printable ASCII without the marks that end this part of a target. */
static bool is_target_part(struct slice text, const char *excluded)
{
    for (size_t i = 0; i < text.length; ++i) {
        char c = text.data[i];
        if (c <= ' ' || c > '~' || strchr(excluded, c) != NULL)
            return false;
    }
    return true;
}

static bool has_good_escapes(struct slice text)
{
    for (size_t i = 0; i < text.length; ++i) {
        if (text.data[i] == '%' && ascii_escaped(slice_skip(text, i)) <= 0)
            return false;
    }
    return true;
}

/* RFC 3986 section 3.2.2 without user information: letters, digits and the marks of names, addresses and ports. */
static bool is_authority(struct slice text)
{
    static const char marks[] = "-._~!$&'()*+,;=%:[]";
    for (size_t i = 0; i < text.length; ++i) {
        char c = ascii_lower(text.data[i]);
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && (c == '\0' || strchr(marks, c) == NULL))
            return false;
    }
    return text.length != 0;
}

static struct slice keep(struct exchange *exchange, struct slice text)
{
    return arena_copy(&exchange->arena, text);
}

struct flexilib_text core_method(const struct flexilib_exchange *seen)
{
    return text_of(exchange_of_const(seen)->request.method);
}

bool core_set_method(struct flexilib_exchange *seen, const char *data, size_t length)
{
    struct exchange *exchange = exchange_of(seen);
    struct slice method = slice_of(data, length);
    if (!may_change_request(exchange, "set_method"))
        return false;
    if (!header_is_name(method))
        return refuse_call(exchange, "set_method", "a method is one word without separators");
    if (slice_equals(method, SLICE("CONNECT")) || slice_equals(method, SLICE("TRACE")))
        return refuse_call(exchange, "set_method", "CONNECT and TRACE are not forwarded");
    exchange->request.method = keep(exchange, method);
    return true;
}

struct flexilib_text core_scheme(const struct flexilib_exchange *seen)
{
    return text_of(exchange_of_const(seen)->request.scheme);
}

struct flexilib_text core_authority(const struct flexilib_exchange *seen)
{
    return text_of(exchange_of_const(seen)->request.authority);
}

bool core_set_authority(struct flexilib_exchange *seen, const char *data, size_t length)
{
    struct exchange *exchange = exchange_of(seen);
    struct slice authority = slice_of(data, length);
    if (!may_change_request(exchange, "set_authority"))
        return false;
    if (!is_authority(authority))
        return refuse_call(exchange, "set_authority", "HOST or HOST:PORT is needed");
    exchange->request.authority = keep(exchange, authority);
    exchange->request.has_new_authority = true;
    return true;
}

struct flexilib_text core_path(const struct flexilib_exchange *seen)
{
    return text_of(exchange_of_const(seen)->request.path);
}

bool core_set_path(struct flexilib_exchange *seen, const char *data, size_t length)
{
    struct exchange *exchange = exchange_of(seen);
    struct slice path = slice_of(data, length);
    if (!may_change_request(exchange, "set_path"))
        return false;
    if (path.length == 0 || path.data[0] != '/')
        return refuse_call(exchange, "set_path", "a path begins with '/'");
    if (!is_target_part(path, "?#") || !has_good_escapes(path))
        return refuse_call(exchange, "set_path", "it holds what has to be escaped, or a broken escape");
    exchange->request.path = keep(exchange, path);
    return true;
}

struct flexilib_text core_query(const struct flexilib_exchange *seen)
{
    return text_of(exchange_of_const(seen)->request.query);
}

bool core_set_query(struct flexilib_exchange *seen, const char *data, size_t length)
{
    struct exchange *exchange = exchange_of(seen);
    struct slice query = slice_of(data, length);
    if (!may_change_request(exchange, "set_query"))
        return false;
    if (!is_target_part(query, "#"))
        return refuse_call(exchange, "set_query", "it holds what has to be escaped");
    exchange->request.query = keep(exchange, query);
    exchange->request.has_query = length != 0;
    return true;
}

int32_t core_status(const struct flexilib_exchange *seen)
{
    return exchange_of_const(seen)->response.status;
}

bool core_set_status(struct flexilib_exchange *seen, int32_t status)
{
    struct exchange *exchange = exchange_of(seen);
    if (!may_change_response(exchange, "set_status"))
        return false;
    if (exchange->response.status == 0)
        return refuse_call(exchange, "set_status", "there is no response yet");
    if (status < 200 || status > 599)
        return refuse_call(exchange, "set_status", "a status is 200 to 599");
    exchange->response.status = status;
    return true;
}

static const struct headers *find_list(const struct exchange *exchange, flexilib_half half)
{
    if (half == FLEXILIB_REQUEST)
        return &exchange->request.headers;
    return half == FLEXILIB_RESPONSE ? &exchange->response.headers : NULL;
}

static bool may_change_list(const struct exchange *exchange, flexilib_half half, const char *call)
{
    if (half == FLEXILIB_REQUEST)
        return may_change_request(exchange, call);
    if (half == FLEXILIB_RESPONSE)
        return may_change_response(exchange, call);
    return refuse_call(exchange, call, "that is neither the request's half nor the response's");
}

size_t core_header_count(const struct flexilib_exchange *seen, flexilib_half half)
{
    const struct headers *list = find_list(exchange_of_const(seen), half);
    return list == NULL ? 0 : list->count;
}

bool core_header_at(const struct flexilib_exchange *seen, flexilib_half half, size_t index, struct flexilib_pair *field)
{
    const struct headers *list = find_list(exchange_of_const(seen), half);
    if (list == NULL || index >= list->count)
        return false;
    field->name = text_of(list->items[index].name);
    field->value = text_of(list->items[index].value);
    return true;
}

bool core_header(const struct flexilib_exchange *seen, flexilib_half half, const char *name, size_t name_length,
                 struct flexilib_text *value)
{
    const struct headers *list = find_list(exchange_of_const(seen), half);
    const struct header *found = list == NULL ? NULL : headers_find(list, slice_of(name, name_length));
    if (found == NULL)
        return false;
    *value = text_of(found->value);
    return true;
}

static bool is_good_field(const struct exchange *exchange, flexilib_half half, struct slice name, struct slice value,
                          const char *call)
{
    if (!header_is_name(name))
        return refuse_call(exchange, call, "the field's name is no token");
    if (!header_is_value(value))
        return refuse_call(exchange, call, "the field's value holds a control character, or a blank at an end");
    if (header_is_hop_by_hop(name))
        return refuse_call(exchange, call, "the field frames messages or belongs to one connection");
    if (half == FLEXILIB_REQUEST && slice_equals_nocase(name, SLICE("host")))
        return refuse_call(exchange, call, "the host is changed by set_authority");
    return true;
}

typedef void (*change_list)(struct headers *headers, struct arena *arena, struct slice name, struct slice value);

static bool change_header(struct exchange *exchange, flexilib_half half, struct slice name, struct slice value,
                          change_list change, const char *call)
{
    if (!may_change_list(exchange, half, call) || !is_good_field(exchange, half, name, value, call))
        return false;
    name = keep(exchange, name);
    value = keep(exchange, value);
    if (half == FLEXILIB_REQUEST) {
        change(&exchange->request.headers, &exchange->arena, name, value);
        return true;
    }
    change(&exchange->response.headers, &exchange->arena, name, value);
    change(&exchange->state->reply_headers, &exchange->arena, name, value);
    return true;
}

bool core_set_header(struct flexilib_exchange *seen, flexilib_half half, const char *name, size_t name_length,
                     const char *value, size_t value_length)
{
    return change_header(exchange_of(seen), half, slice_of(name, name_length), slice_of(value, value_length),
                         headers_set, "set_header");
}

bool core_add_header(struct flexilib_exchange *seen, flexilib_half half, const char *name, size_t name_length,
                     const char *value, size_t value_length)
{
    return change_header(exchange_of(seen), half, slice_of(name, name_length), slice_of(value, value_length),
                         headers_add, "add_header");
}

size_t core_remove_header(struct flexilib_exchange *seen, flexilib_half half, const char *name, size_t name_length)
{
    struct exchange *exchange = exchange_of(seen);
    struct slice removed = slice_of(name, name_length);
    if (!may_change_list(exchange, half, "remove_header"))
        return 0;
    if (half == FLEXILIB_REQUEST)
        return headers_remove(&exchange->request.headers, removed);
    headers_remove(&exchange->state->reply_headers, removed);
    return headers_remove(&exchange->response.headers, removed);
}
