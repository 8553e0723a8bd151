/* A handler: answers by itself. */

#include <flexilib.hpp>

#include <string>

struct Greeter final : flexilib::Filter {
    static constexpr flexilib::Option options[] = {
        flexilib::option::text("greeting", "what is said").fallback("Hello"),
    };

    std::string greeting;

    explicit Greeter(const flexilib::Setup &setup) : Filter(setup), greeting(setup["greeting"].text()) {}

    flexilib::Answer on_request_head(flexilib::Exchange &exchange) override
    {
        return exchange.reply(200, "text/plain", greeting + ", you asked for " + std::string(exchange.path()) + "\n");
    }
};

static constexpr flexilib_filter filters[] = {flexilib::filter<Greeter>("answer", "answers by itself", "1.0")};

FLEXILIB_LIBRARY(filters);
