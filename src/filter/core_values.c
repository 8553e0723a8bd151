#include "filter/core_calls.h"
#include "filter/expansion.h"
#include "filter/trace.h"

/* The contract knows exchanges that filters must not change; ours are not constant. */
struct flexilib_text core_trace_id(const struct flexilib_exchange *seen)
{
    return text_of(trace_id((struct exchange *)seen));
}

bool core_set_attribute(struct flexilib_exchange *seen, const char *name, size_t name_length, const char *value,
                        size_t value_length)
{
    struct exchange *exchange = exchange_of(seen);
    if (working_half(exchange) == NULL)
        return refuse_call(exchange, "set_attribute", "the exchange is over");
    const char *problem = attributes_set(&exchange->attributes, exchange_memory(exchange), slice_of(name, name_length),
                                         slice_of(value, value_length));
    return problem == NULL || refuse_call(exchange, "set_attribute", problem);
}

bool core_attribute(const struct flexilib_exchange *seen, const char *name, size_t name_length,
                    struct flexilib_text *value)
{
    const struct attribute *attribute =
        attributes_find(&exchange_of_const(seen)->attributes, slice_of(name, name_length));
    if (attribute == NULL)
        return false;
    *value = text_of(attribute->value);
    return true;
}

struct flexilib_text core_expand(struct flexilib_exchange *seen, const struct flexilib_template *template)
{
    struct exchange *exchange = exchange_of(seen);
    const struct expansion expansion = {.exchange = exchange, .arena = exchange_memory(exchange)};
    return text_of(expansion_text(&expansion, (const struct template *)template));
}
