/* A handler that pauses, and is resumed from another thread. */

#include <flexilib.hpp>

#include <string>

struct Wait final : flexilib::Filter {
    flexilib::Threads threads;

    using Filter::Filter;

    flexilib::Answer on_request_head(flexilib::Exchange &exchange) override
    {
        return threads.run(exchange, [] { return std::string("worked out elsewhere\n"); });
    }

    flexilib::Answer on_resume(flexilib::Exchange &exchange, flexilib::Result result) override
    {
        return exchange.reply(200, "text/plain", result.take<std::string>());
    }
};

static constexpr flexilib_filter filters[] = {flexilib::filter<Wait>("wait", "waits for a thread", "1.0")};

FLEXILIB_LIBRARY(filters);
