#ifndef FLEXILIB_FILTER_HPP
#define FLEXILIB_FILTER_HPP

/* The base of all filters, and what makes the contract's table of a class. Only hooks that the class overrides are in
 * the table, so a filter that does not look at bodies does not slow them down. */

#include <flexilib/exchange.hpp>
#include <flexilib/filter.h>
#include <flexilib/options.hpp>
#include <flexilib/result.hpp>

#include <array>
#include <exception>
#include <iterator>
#include <string>
#include <string_view>
#include <type_traits>

namespace flexilib
{

/* The hooks, as filter.h explains them. on_end is the end of the exchange, not of the filter: that is the destructor.
 */
class Filter
{
public:
    static constexpr std::array<Option, 0> options{};
    static constexpr std::uint32_t flags = 0; /* FLEXILIB_BLOCKING and the like */

    explicit Filter(const Setup &setup) : core_table(setup.core()) {}
    Filter(const Filter &) = delete;
    Filter &operator=(const Filter &) = delete;

    virtual Answer on_request_head(Exchange &) { return Answer::Continue; }
    virtual Answer on_request_body(Exchange &, std::string_view, bool) { return Answer::Continue; }
    virtual Answer on_response_head(Exchange &) { return Answer::Continue; }
    virtual Answer on_response_body(Exchange &, std::string_view, bool) { return Answer::Continue; }
    virtual Answer on_reply_body(Exchange &) { return Answer::Continue; }
    virtual Answer on_resume(Exchange &, Result) { return Answer::Continue; }
    virtual void on_end(Exchange &) {}
    virtual bool quiesce() { return false; }
    virtual void wake() {}

    const flexilib_core *core() const noexcept { return core_table; }

    void log(flexilib_level level, std::string_view line) const
    {
        core_table->log(core_table, nullptr, level, line.data(), line.size());
    }

    /* After setup.defer_ready(): requests can be served, or, with a sentence, they never can. [any thread] */
    void set_ready(std::string_view sentence = {}) const
    {
        core_table->set_ready(core_table, sentence.empty() ? nullptr : sentence.data(), sentence.size());
    }

protected:
    ~Filter() = default;

private:
    const flexilib_core *core_table;
};

namespace detail
{

inline void report(const flexilib_core *core, const flexilib_exchange *exchange, const char *where,
                   const char *what) noexcept
{
    try {
        std::string line = std::string(where) + " has thrown: " + what;
        core->log(core, exchange, FLEXILIB_ERROR, line.data(), line.size());
    } catch (...) {
        core->log(core, exchange, FLEXILIB_ERROR, FLEXILIB_ARG("has thrown, and memory is gone"));
    }
}

/* Runs code of a filter's; whatever it throws is logged, and the result is `failure` then. */
template <class Call, class T>
T guard(const flexilib_core *core, const flexilib_exchange *exchange, const char *where, T failure,
        Call &&call) noexcept
{
    try {
        return call();
    } catch (const std::exception &problem) {
        report(core, exchange, where, problem.what());
    } catch (...) {
        report(core, exchange, where, "something that is no std::exception");
    }
    return failure;
}

/* The functions of the table, for a filter of class F. */
template <class F>
struct Hooks {
    static bool create(const flexilib_core *core, const flexilib_value *values, void **filter)
    {
        try {
            *filter = new F(Setup(core, std::data(F::options), std::size(F::options), values));
            return true;
        } catch (const Refused &) {
            return false;
        } catch (const std::exception &problem) {
            std::string_view sentence = problem.what();
            core->refuse(core, -1, sentence.data(), sentence.size());
        } catch (...) {
            core->refuse(core, -1, FLEXILIB_ARG("its constructor has thrown something that is no std::exception"));
        }
        return false;
    }

    static void destroy(void *filter) { delete static_cast<F *>(filter); }

    template <class Call>
    static flexilib_answer run(void *data, flexilib_exchange *handle, const char *hook, Call &&call)
    {
        F &filter = *static_cast<F *>(data);
        Exchange exchange(filter.core(), handle);
        return static_cast<flexilib_answer>(
            guard(filter.core(), handle, hook, Answer::Fail, [&] { return call(filter, exchange); }));
    }

    static flexilib_answer request_head(void *data, flexilib_exchange *handle)
    {
        return run(data, handle, "on_request_head",
                   [](F &f, Exchange &exchange) { return f.on_request_head(exchange); });
    }
    static flexilib_answer request_body(void *data, flexilib_exchange *handle, const char *piece, size_t length,
                                        bool last)
    {
        return run(data, handle, "on_request_body", [&](F &f, Exchange &exchange) {
            return f.on_request_body(exchange, {piece, length}, last);
        });
    }
    static flexilib_answer response_head(void *data, flexilib_exchange *handle)
    {
        return run(data, handle, "on_response_head",
                   [](F &f, Exchange &exchange) { return f.on_response_head(exchange); });
    }
    static flexilib_answer response_body(void *data, flexilib_exchange *handle, const char *piece, size_t length,
                                         bool last)
    {
        return run(data, handle, "on_response_body", [&](F &f, Exchange &exchange) {
            return f.on_response_body(exchange, {piece, length}, last);
        });
    }
    static flexilib_answer reply_body(void *data, flexilib_exchange *handle)
    {
        return run(data, handle, "on_reply_body", [](F &f, Exchange &exchange) { return f.on_reply_body(exchange); });
    }
    static flexilib_answer resume(void *data, flexilib_exchange *handle, void *parcel)
    {
        Result result(static_cast<Parcel *>(parcel));
        return run(data, handle, "on_resume",
                   [&](F &f, Exchange &exchange) { return f.on_resume(exchange, std::move(result)); });
    }
    static void end(void *data, flexilib_exchange *handle)
    {
        run(data, handle, "on_end", [](F &f, Exchange &exchange) { return f.on_end(exchange), Answer::Continue; });
        auto *state = static_cast<State *>(static_cast<F *>(data)->core()->state(handle));
        if (state != nullptr)
            state->~State();
    }
    static bool quiesce(void *data)
    {
        F &filter = *static_cast<F *>(data);
        return guard(filter.core(), nullptr, "quiesce", false, [&] { return filter.quiesce(); });
    }
    static void wake(void *data)
    {
        F &filter = *static_cast<F *>(data);
        guard(filter.core(), nullptr, "wake", false, [&] { return filter.wake(), true; });
    }
};

template <class Mine, class Default>
constexpr bool is_overridden = !std::is_same_v<Mine, Default>;

} // namespace detail

/* The entry for a class in the library's array of filters. */
template <class F>
constexpr flexilib_filter filter(const char *name, const char *summary, const char *version = "")
{
    using detail::is_overridden;
    using Hooks = detail::Hooks<F>;
    static_assert(std::is_base_of_v<Filter, F>, "a filter is derived from flexilib::Filter");
    static_assert(sizeof(Option) == sizeof(flexilib_option), "an option table is an array of flexilib_option");
    flexilib_filter table{};
    table.name = name;
    table.summary = summary;
    table.version = version;
    table.options = std::data(F::options);
    table.option_count = std::size(F::options);
    table.create = Hooks::create;
    table.destroy = Hooks::destroy;
    if constexpr (is_overridden<decltype(&F::on_request_head), decltype(&Filter::on_request_head)>)
        table.on_request_head = Hooks::request_head;
    if constexpr (is_overridden<decltype(&F::on_request_body), decltype(&Filter::on_request_body)>)
        table.on_request_body = Hooks::request_body;
    if constexpr (is_overridden<decltype(&F::on_response_head), decltype(&Filter::on_response_head)>)
        table.on_response_head = Hooks::response_head;
    if constexpr (is_overridden<decltype(&F::on_response_body), decltype(&Filter::on_response_body)>)
        table.on_response_body = Hooks::response_body;
    if constexpr (is_overridden<decltype(&F::on_reply_body), decltype(&Filter::on_reply_body)>)
        table.on_reply_body = Hooks::reply_body;
    if constexpr (is_overridden<decltype(&F::on_resume), decltype(&Filter::on_resume)>)
        table.on_resume = Hooks::resume;
    table.on_end = Hooks::end; /* destroys the state */
    table.flags = F::flags;
    if constexpr (is_overridden<decltype(&F::quiesce), decltype(&Filter::quiesce)>)
        table.quiesce = Hooks::quiesce;
    if constexpr (is_overridden<decltype(&F::wake), decltype(&Filter::wake)>)
        table.wake = Hooks::wake;
    return table;
}

} // namespace flexilib

#endif
