#ifndef FLEXILIB_TIMER_HPP
#define FLEXILIB_TIMER_HPP

/* Things that happen later, on the loop thread. */

#include <flexilib/exchange.hpp>
#include <flexilib/ext/timer.h>
#include <flexilib/filter.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_map>

namespace flexilib
{

namespace detail
{

/* 0 is no short time but none at all; what is over already is as short as can be. */
inline std::uint64_t in_ms(std::chrono::milliseconds time)
{
    return time.count() < 0 ? 1 : static_cast<std::uint64_t>(time.count());
}

} // namespace detail

class Timer
{
public:
    explicit Timer(const Setup &setup) : core(setup.core()), table(setup.extension<flexilib_timer>(FLEXILIB_TIMER)) {}
    Timer(const Timer &) = delete;
    Timer &operator=(const Timer &) = delete;
    ~Timer()
    {
        for (auto &entry : entries)
            table->stop(core, entry.first);
    }

    /* return timer.pause(exchange, 10ms): on_resume is called with an empty Result. */
    Answer pause(Exchange &exchange, std::chrono::milliseconds delay) const
    {
        resume_after(exchange.resumer(), delay);
        return Answer::Pause;
    }
    /* Ends a pause that something else may end before. */
    void resume_after(const Resumer &resumer, std::chrono::milliseconds delay) const
    {
        table->resume_after(core, resumer.ticket(), detail::in_ms(delay));
    }

    /* Calls it after `delay` and then each `repeat`, if that is more than 0. What it throws is logged. */
    std::uint64_t start(std::chrono::milliseconds delay, std::chrono::milliseconds repeat, std::function<void()> call)
    {
        bool is_single = repeat.count() <= 0;
        auto entry = std::make_unique<Entry>(Entry{this, std::move(call), 0, is_single});
        Entry *data = entry.get();
        data->number = table->start(core, detail::in_ms(delay), is_single ? 0 : detail::in_ms(repeat), on_time, data);
        entries.emplace(data->number, std::move(entry));
        return data->number;
    }
    /* False where it has ended. Also from within the call. */
    bool stop(std::uint64_t number)
    {
        entries.erase(number);
        return table->stop(core, number);
    }

    std::chrono::milliseconds now() const { return std::chrono::milliseconds(table->now_ms()); }

private:
    struct Entry {
        Timer *timer;
        std::function<void()> call;
        std::uint64_t number;
        bool is_single;
    };

    /* The call may stop its own timer, so what it runs is held here meanwhile. */
    static void on_time(void *, void *data)
    {
        auto *entry = static_cast<Entry *>(data);
        Timer *timer = entry->timer;
        auto found = timer->entries.find(entry->number);
        std::uint64_t number = entry->number;
        std::unique_ptr<Entry> held = std::move(found->second);
        detail::guard(timer->core, nullptr, "a timer", false, [&] { return held->call(), true; });
        found = timer->entries.find(number);
        if (found == timer->entries.end())
            return;
        if (held->is_single)
            timer->entries.erase(found);
        else
            found->second = std::move(held);
    }

    const flexilib_core *core;
    const flexilib_timer *table;
    std::unordered_map<std::uint64_t, std::unique_ptr<Entry>> entries;
};

} // namespace flexilib

#endif
