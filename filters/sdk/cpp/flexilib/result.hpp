#ifndef FLEXILIB_RESULT_HPP
#define FLEXILIB_RESULT_HPP

/* What ends a pause: a Resumer, which any thread may use, and the Result that it hands to on_resume. Whatever becomes
 * of the exchange, the value is destroyed exactly once, on the loop thread. */

#include <flexilib/filter.h>

#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <typeinfo>
#include <utility>

namespace flexilib
{

namespace detail
{

/* How a value of any type travels through core->resume. */
class Parcel
{
public:
    virtual ~Parcel() = default;
    virtual const std::type_info &type() const noexcept = 0;
    /* The value; throws what has been thrown instead of making one. */
    virtual void *open() = 0;

    static void drop(void *parcel) noexcept { delete static_cast<Parcel *>(parcel); }
};

template <class T>
class Value final : public Parcel
{
public:
    explicit Value(T &&value) : value(std::move(value)) {}
    const std::type_info &type() const noexcept override { return typeid(T); }
    void *open() override { return &value; }

private:
    T value;
};

/* Work to be done on another thread, and then what it returned or threw. */
class Job : public Parcel
{
public:
    virtual void run() noexcept = 0;
};

struct Nothing {
};

template <class Work>
class JobOf final : public Job
{
    using Returned = std::invoke_result_t<Work &>;
    using Stored = std::conditional_t<std::is_void_v<Returned>, Nothing, std::decay_t<Returned>>;

public:
    explicit JobOf(Work &&work) : work(std::move(work)) {}

    void run() noexcept override
    {
        try {
            if constexpr (std::is_void_v<Returned>)
                work(), value.emplace();
            else
                value.emplace(work());
        } catch (...) {
            problem = std::current_exception();
        }
    }

    const std::type_info &type() const noexcept override { return typeid(Stored); }

    void *open() override
    {
        if (problem)
            std::rethrow_exception(problem);
        return &*value;
    }

private:
    Work work;
    std::optional<Stored> value;
    std::exception_ptr problem;
};

template <class Work>
std::unique_ptr<Job> make_job(Work &&work)
{
    using Kept = std::decay_t<Work>;
    return std::make_unique<JobOf<Kept>>(Kept(std::forward<Work>(work)));
}

} // namespace detail

/* What on_resume is given. False where there is no value, as after a timer. */
class Result
{
public:
    explicit Result(detail::Parcel *parcel) : parcel(parcel) {}

    explicit operator bool() const noexcept { return parcel != nullptr; }

    template <class T>
    bool holds() const noexcept
    {
        return parcel && parcel->type() == typeid(T);
    }

    /* The value, moved out. Throws std::bad_cast where it is of another type, and whatever the work threw that should
     * have made it. */
    template <class T>
    T take()
    {
        return std::move(*static_cast<T *>(find(typeid(T))));
    }

    /* For work that returns nothing: throws what it threw. */
    void check()
    {
        if (parcel)
            parcel->open();
    }

private:
    void *find(const std::type_info &type)
    {
        if (!parcel)
            throw std::bad_cast();
        void *value = parcel->open();
        if (parcel->type() != type)
            throw std::bad_cast();
        return value;
    }

    std::unique_ptr<detail::Parcel> parcel;
};

/* Ends the pause of the hook that made it. Can be copied and given to any thread; what comes second, or too late, is
 * harmless. Must not be used after the filter's destructor has returned. */
class Resumer
{
public:
    Resumer(const flexilib_core *core, uint64_t ticket) : core(core), ticket_number(ticket) {}

    void resume() const { core->resume(core, ticket_number, nullptr, nullptr); }

    template <class T>
    void resume(T value) const
    {
        send(std::make_unique<detail::Value<T>>(std::move(value)));
    }

    /* The parcel as it is: what SDK classes use. */
    void send(std::unique_ptr<detail::Parcel> parcel) const
    {
        core->resume(core, ticket_number, parcel.release(), detail::Parcel::drop);
    }

    uint64_t ticket() const noexcept { return ticket_number; }

private:
    const flexilib_core *core;
    uint64_t ticket_number;
};

} // namespace flexilib

#endif
