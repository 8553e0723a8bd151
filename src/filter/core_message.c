#include "filter/core_calls.h"
#include "filter/request_text.h"

/* The head at hand has not gone on yet: its hook is running, or it is held. */
static bool is_head_open(const struct half *half)
{
    return is_head_hook(half) || half->is_held;
}

static bool may_change_request(const struct exchange *exchange, const char *call)
{
    const struct half *half = working_half(exchange);
    if (half == NULL)
        return refuse_call(exchange, call, "the exchange is over");
    if (half->which != FLEXILIB_REQUEST || !is_head_open(half))
        return refuse_call(exchange, call, "the request has gone on already");
    return true;
}

/* Also where only a reply of the hook at hand could make use of it. */
static bool may_change_response(const struct exchange *exchange, const char *call)
{
    if (working_half(exchange) == NULL)
        return refuse_call(exchange, call, "the exchange is over");
    if (exchange->state->is_head_sent)
        return refuse_call(exchange, call, "the response's head has been sent");
    return true;
}

static bool is_response_open(const struct exchange *exchange)
{
    const struct half *half = working_half(exchange);
    return half != NULL && half->which == FLEXILIB_RESPONSE && is_head_open(half);
}

static struct slice keep(struct exchange *exchange, struct slice text)
{
    return arena_copy(exchange_memory(exchange), text);
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
    const char *fault = request_text_judge_method(method);
    if (fault != NULL)
        return refuse_call(exchange, "set_method", fault);
    exchange->request.method = keep(exchange, method);
    return true;
}

struct flexilib_text core_scheme(const struct flexilib_exchange *seen)
{
    return text_of(exchange_of_const(seen)->request.scheme);
}

/* What the client's proxy has said of it, or another filter, would go on in place of it. */
bool core_set_scheme(struct flexilib_exchange *seen, const char *data, size_t length)
{
    struct exchange *exchange = exchange_of(seen);
    struct slice scheme = slice_of(data, length);
    if (!may_change_request(exchange, "set_scheme"))
        return false;
    bool is_https = slice_equals(scheme, SLICE("https"));
    if (!is_https && !slice_equals(scheme, SLICE("http")))
        return refuse_call(exchange, "set_scheme", "a scheme is http or https");
    scheme = exchange->request.scheme = is_https ? SLICE("https") : SLICE("http");
    if (headers_find(&exchange->request.headers, SLICE("x-forwarded-proto")) != NULL)
        headers_set(&exchange->request.headers, exchange_memory(exchange), SLICE("X-Forwarded-Proto"), scheme);
    return true;
}

bool core_set_upstream(struct flexilib_exchange *seen, const char *name, size_t length)
{
    struct exchange *exchange = exchange_of(seen);
    if (!may_change_request(exchange, "set_upstream"))
        return false;
    if (exchange->upstream == NULL)
        return refuse_call(exchange, "set_upstream", "the route forwards to no upstream");
    const struct upstream_settings *chosen = runtime_find_upstream(exchange->runtime, slice_of(name, length));
    if (chosen == NULL)
        return refuse_call(exchange, "set_upstream", "there is no upstream of that name");
    exchange->upstream = chosen;
    return true;
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
    const char *fault = request_text_judge_authority(authority);
    if (fault != NULL)
        return refuse_call(exchange, "set_authority", fault);
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
    const char *fault = request_text_judge_path(path);
    if (fault != NULL)
        return refuse_call(exchange, "set_path", fault);
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
    const char *fault = request_text_judge_query(query);
    if (fault != NULL)
        return refuse_call(exchange, "set_query", fault);
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
    if (exchange->phase < EXCHANGE_RESPONSE_HEAD)
        return refuse_call(exchange, "set_status", "there is no response yet");
    if (!is_response_open(exchange))
        return refuse_call(exchange, "set_status", "the response has gone on already");
    if (status < 200 || status > 599)
        return refuse_call(exchange, "set_status", "a status is 200 to 599");
    exchange->response.status = status;
    return true;
}

/* While there is no response, its fields are those that a reply would have. */
static const struct headers *find_list(const struct exchange *exchange, flexilib_half half)
{
    const struct half *running = exchange->state->running;
    if (half == FLEXILIB_REQUEST)
        return &exchange->request.headers;
    if (half != FLEXILIB_RESPONSE)
        return NULL;
    bool has_response = exchange->phase >= EXCHANGE_RESPONSE_HEAD || running == NULL;
    return has_response ? &exchange->response.headers : &running->reply.headers;
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
        change(&exchange->request.headers, exchange_memory(exchange), name, value);
        return true;
    }
    if (is_response_open(exchange))
        change(&exchange->response.headers, exchange_memory(exchange), name, value);
    change(&exchange->state->running->reply.headers, exchange_memory(exchange), name, value);
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
    size_t count = headers_remove(&exchange->state->running->reply.headers, removed);
    return is_response_open(exchange) ? headers_remove(&exchange->response.headers, removed) : count;
}
