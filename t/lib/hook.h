#ifndef T_LIB_HOOK_H
#define T_LIB_HOOK_H

/* The option by which a test says in which hook a library is to do its worst. */

#include <flexilib/filter.h>

#include <string.h>

enum hook {
    HOOK_REQUEST_HEAD = 0,
    HOOK_REQUEST_BODY,
    HOOK_RESPONSE_HEAD,
    HOOK_RESPONSE_BODY,
    HOOK_END,
    HOOK_COUNT,
};

#define HOOK_OPTION                                                                                                    \
    {                                                                                                                  \
        "hook", FLEXILIB_OPTION_TEXT, .fallback = "request_head",                                                      \
                                      .summary = "request_head, request_body, response_head, response_body or end"     \
    }

/* Returns HOOK_COUNT, after refusing, where the text names no hook. */
static inline enum hook hook_parse(const struct flexilib_core *core, int32_t option, struct flexilib_text text)
{
    static const char *const names[HOOK_COUNT] = {"request_head", "request_body", "response_head", "response_body",
                                                  "end"};
    for (int i = 0; i < HOOK_COUNT; ++i) {
        if (strlen(names[i]) == text.length && memcmp(names[i], text.data, text.length) == 0)
            return (enum hook)i;
    }
    core->refuse(core, option, FLEXILIB_ARG("no such hook"));
    return HOOK_COUNT;
}

static inline bool path_begins_with(const struct flexilib_core *core, const struct flexilib_exchange *exchange,
                                    const char *prefix)
{
    struct flexilib_text path = core->path(exchange);
    size_t length = strlen(prefix);
    return path.length >= length && memcmp(path.data, prefix, length) == 0;
}

#endif
