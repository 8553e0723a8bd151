/* Throws through code that must not be thrown through, writes to address 0, or needs too much stack on a thread of its
 * own. */

#include <flexilib.hpp>

#include <string>
#include <thread>

namespace trouble
{

__attribute__((noinline, no_sanitize("undefined", "address"))) static void write_nowhere()
{
    volatile int *volatile nowhere = nullptr;
    *nowhere = 1;
}

static volatile bool is_lucky = false;

__attribute__((noinline)) static void fail()
{
    if (!is_lucky)
        throw std::string("nobody catches this");
}

__attribute__((noinline)) static void throw_through() noexcept
{
    fail();
    is_lucky = false;
}

static volatile int depth = 0;

__attribute__((noinline, no_sanitize("undefined", "address"))) static int overflow()
{
    volatile char room[256];
    room[0] = static_cast<char>(depth);
    depth = depth + 1;
    return depth < 0 ? 0 : overflow() + room[0];
}

static void overflow_elsewhere()
{
    std::thread([] { depth = overflow(); }).join();
}

} // namespace trouble

struct Die final : flexilib::Filter {
    explicit Die(const flexilib::Setup &setup) : Filter(setup)
    {
    }

    flexilib::Answer on_request_head(flexilib::Exchange &exchange) override
    {
        if (exchange.path() == "/cpp/null")
            trouble::write_nowhere();
        if (exchange.path() == "/cpp/throw")
            trouble::throw_through();
        if (exchange.path() == "/cpp/own-overflow")
            trouble::overflow_elsewhere();
        return flexilib::Answer::Continue;
    }
};

static constexpr flexilib_filter filters[] = {flexilib::filter<Die>("die", "ends the worker", "1.0")};

FLEXILIB_LIBRARY(filters);
