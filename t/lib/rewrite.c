/* Makes bodies upper case and puts a text behind them, so that their length changes. */

#include <flexilib/filter.h>

#include <stdlib.h>

enum {
    OPTION_APPEND,
    OPTION_REQUEST,
    OPTION_COUNT,
};

static const struct flexilib_option options[] = {
    [OPTION_APPEND] = {"append", FLEXILIB_OPTION_TEXT, .fallback = "", .summary = "what stands behind the body"},
    [OPTION_REQUEST] = {"request", FLEXILIB_OPTION_BOOL, .fallback = "no", .summary = "requests' bodies too"},
};

struct rewriter {
    const struct flexilib_core *core;
    struct flexilib_text append;
    bool has_requests;
};

static bool create(const struct flexilib_core *core, const struct flexilib_value *values, void **filter)
{
    struct rewriter *rewriter = malloc(sizeof(*rewriter));
    *rewriter = (struct rewriter){core, values[OPTION_APPEND].text, values[OPTION_REQUEST].boolean};
    *filter = rewriter;
    return true;
}

static void rewrite(const struct rewriter *rewriter, struct flexilib_exchange *exchange, const char *data,
                    size_t length, bool last)
{
    char upper[4096];
    while (length != 0) {
        size_t count = length < sizeof(upper) ? length : sizeof(upper);
        for (size_t i = 0; i < count; ++i)
            upper[i] = (char)(data[i] >= 'a' && data[i] <= 'z' ? data[i] - 'a' + 'A' : data[i]);
        rewriter->core->write(exchange, upper, count);
        data += count;
        length -= count;
    }
    if (last)
        rewriter->core->write(exchange, rewriter->append.data, rewriter->append.length);
}

static flexilib_answer on_request_body(void *filter, struct flexilib_exchange *exchange, const char *data,
                                       size_t length, bool last)
{
    const struct rewriter *rewriter = filter;
    if (rewriter->has_requests)
        rewrite(rewriter, exchange, data, length, last);
    else
        rewriter->core->pass(exchange);
    return FLEXILIB_CONTINUE;
}

static flexilib_answer on_response_body(void *filter, struct flexilib_exchange *exchange, const char *data,
                                        size_t length, bool last)
{
    rewrite(filter, exchange, data, length, last);
    return FLEXILIB_CONTINUE;
}

static const struct flexilib_filter filters[] = {
    {"rewrite", "makes bodies upper case", "1", options, OPTION_COUNT, create, free, .on_request_body = on_request_body,
     .on_response_body = on_response_body},
};

FLEXILIB_LIBRARY(filters);
