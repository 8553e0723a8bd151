/* Answers with its version, which whoever measures writes into a copy of the library, over the digits. */

#include <flexilib.hpp>

#include <string>

static const volatile char version[] = "cpp 00000000\n";

struct Version final : flexilib::Filter {
    explicit Version(const flexilib::Setup &setup) : Filter(setup)
    {
    }

    flexilib::Answer on_request_head(flexilib::Exchange &exchange) override
    {
        std::string text;
        for (std::size_t i = 0; i < sizeof(version) - 1; ++i)
            text += version[i];
        return exchange.reply(200, "text/plain", text);
    }
};

static constexpr flexilib_filter filters[] = {flexilib::filter<Version>("version", "answers with its version", "1.0")};

FLEXILIB_LIBRARY(filters);
