/* my-filter: gives responses a field that tells who has seen them.
 *
 *     filters: [{ my-filter: { text: hello } }] */

#include <flexilib.hpp>

#include <string>

struct Marker final : flexilib::Filter {
    static constexpr flexilib::Option options[] = {
        flexilib::option::text("text", "what the field says").fallback("hello"),
    };

    std::string text;

    explicit Marker(const flexilib::Setup &setup) : Filter(setup), text(setup["text"].text()) {}

    flexilib::Answer on_response_head(flexilib::Exchange &exchange) override
    {
        exchange.response().set_header("x-my-filter", text);
        return flexilib::Answer::Continue;
    }
};

static constexpr flexilib_filter filters[] = {flexilib::filter<Marker>("my-filter", "gives responses a field", "0.1")};

FLEXILIB_LIBRARY(filters);
