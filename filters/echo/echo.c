/* echo: a handler that answers with the request as it arrived here, as text. Handy as an upstream for trying things
 * out.
 *
 *     POST /path?query
 *     host: example.com
 *     x-color: blue
 *
 *     the body */

#include <flexilib/filter.h>

#include <string.h>

/* Counts when data is NULL, writes otherwise; so the same code finds out how much memory it needs. */
struct page {
    char *data;
    size_t length;
};

static void add(struct page *page, const char *data, size_t length)
{
    if (page->data != NULL && length != 0)
        memcpy(page->data + page->length, data, length);
    page->length += length;
}

static void add_field(struct page *page, struct flexilib_text name, struct flexilib_text value)
{
    add(page, name.data, name.length);
    add(page, FLEXILIB_ARG(": "));
    add(page, value.data, value.length);
    add(page, FLEXILIB_ARG("\n"));
}

static void add_head(struct page *page, const struct flexilib_core *core, struct flexilib_exchange *exchange)
{
    struct flexilib_text method = core->method(exchange);
    struct flexilib_text path = core->path(exchange);
    struct flexilib_text query = core->query(exchange);
    add(page, method.data, method.length);
    add(page, FLEXILIB_ARG(" "));
    add(page, path.data, path.length);
    if (query.length != 0)
        add(page, FLEXILIB_ARG("?"));
    add(page, query.data, query.length);
    add(page, FLEXILIB_ARG("\n"));
    if (core->authority(exchange).length != 0)
        add_field(page, FLEXILIB_TEXT("host"), core->authority(exchange));
    struct flexilib_pair field;
    for (size_t i = 0; core->header_at(exchange, FLEXILIB_REQUEST, i, &field); ++i)
        add_field(page, field.name, field.value);
    add(page, FLEXILIB_ARG("\n"));
}

static bool create(const struct flexilib_core *core, const struct flexilib_value *values, void **filter)
{
    *filter = (void *)core; /* all that the hook needs */
    return true;
}

/* The answer needs the whole body; the route says how large one may be. */
static flexilib_answer on_request_head(void *filter, struct flexilib_exchange *exchange)
{
    const struct flexilib_core *core = filter;
    return core->collect(exchange, FLEXILIB_REQUEST, UINT64_MAX) ? FLEXILIB_CONTINUE : FLEXILIB_FAIL;
}

static flexilib_answer on_request_body(void *filter, struct flexilib_exchange *exchange, const char *data,
                                       size_t length, bool last)
{
    const struct flexilib_core *core = filter;
    struct page page = {NULL, 0};
    add_head(&page, core, exchange);
    page = (struct page){core->allocate(exchange, page.length + length), 0};
    add_head(&page, core, exchange);
    add(&page, data, length);
    if (!core->reply(exchange, 200, FLEXILIB_ARG("text/plain"), page.data, page.length))
        return FLEXILIB_FAIL;
    return FLEXILIB_REPLY;
}

static const struct flexilib_filter filters[] = {
    {
        .name = "echo",
        .summary = "answers with the request as text",
        .version = "1.0",
        .create = create,
        .on_request_head = on_request_head,
        .on_request_body = on_request_body,
    },
};

FLEXILIB_LIBRARY(filters);
