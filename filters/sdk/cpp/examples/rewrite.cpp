/* Changes heads and bodies of both halves: requests arrive in lower case, responses in upper case, with a tail. */

#include <flexilib.hpp>

#include <string>

struct Rewrite final : flexilib::Filter {
    static constexpr flexilib::Option options[] = {
        flexilib::option::text("tail", "what is added to responses").fallback(""),
    };

    std::string tail;

    explicit Rewrite(const flexilib::Setup &setup) : Filter(setup), tail(setup["tail"].text()) {}

    flexilib::Answer on_request_head(flexilib::Exchange &exchange) override
    {
        exchange.request().set_header("x-rewritten", "request");
        return flexilib::Answer::Continue;
    }

    flexilib::Answer on_request_body(flexilib::Exchange &exchange, std::string_view piece, bool last) override
    {
        return change(exchange, piece, 'A', 'Z');
    }

    flexilib::Answer on_response_head(flexilib::Exchange &exchange) override
    {
        exchange.response().set_header("x-rewritten", "response");
        return flexilib::Answer::Continue;
    }

    flexilib::Answer on_response_body(flexilib::Exchange &exchange, std::string_view piece, bool last) override
    {
        flexilib::Answer answer = change(exchange, piece, 'a', 'z');
        if (last)
            exchange.write(tail);
        return answer;
    }

private:
    /* Letters between first and last change their case. */
    static flexilib::Answer change(flexilib::Exchange &exchange, std::string_view piece, char first, char last)
    {
        std::string text(piece);
        for (char &c : text)
            c = c >= first && c <= last ? static_cast<char>(c ^ 0x20) : c;
        exchange.write(text);
        return flexilib::Answer::Continue;
    }
};

static constexpr flexilib_filter filters[] = {flexilib::filter<Rewrite>("rewrite", "changes both halves", "1.0")};

FLEXILIB_LIBRARY(filters);
