/* Three filters that differ in what they are marked with and which hooks they have, and in words that a terminal should
 * not obey. */

#include <flexilib/filter.h>

static flexilib_answer go_on(void *filter, struct flexilib_exchange *exchange)
{
    return FLEXILIB_CONTINUE;
}

static flexilib_answer pass_over(void *filter, struct flexilib_exchange *exchange, const char *data, size_t length,
                                 bool last)
{
    return FLEXILIB_CONTINUE;
}

static flexilib_answer resume(void *filter, struct flexilib_exchange *exchange, void *result)
{
    return FLEXILIB_CONTINUE;
}

static void end(void *filter, struct flexilib_exchange *exchange)
{
}

static bool quiesce(void *filter)
{
    return true;
}

static void wake(void *filter)
{
}

static const struct flexilib_option odd[] = {
    {.name = "odd", .type = FLEXILIB_OPTION_TEXT, .fallback = "", .summary = "a \033[31mred\033[0m \xff \"word\""},
};

static const struct flexilib_filter filters[] = {
    {.name = "plain"},
    {.name = "busy",
     .flags = FLEXILIB_BLOCKING | FLEXILIB_CONCURRENT | FLEXILIB_OBSERVES,
     .on_request_head = go_on,
     .on_request_body = pass_over,
     .on_response_head = go_on,
     .on_response_body = pass_over,
     .on_reply_body = go_on,
     .on_resume = resume,
     .on_end = end},
    {.name = "lonely",
     .flags = FLEXILIB_EXCLUSIVE,
     .options = odd,
     .option_count = 1,
     .quiesce = quiesce,
     .wake = wake},
};

FLEXILIB_LIBRARY(filters);
