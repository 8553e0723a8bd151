#ifndef FLEXILIB_THREADS_HPP
#define FLEXILIB_THREADS_HPP

/* Threads of a filter's own, which have ended when the filter's destructor returns, as the contract asks. For a filter
 * that needs few; work that comes with every request belongs on FlexiLib's pool (Offload). Declare it as the last
 * member: it is destroyed first, while what the threads use is still there. */

#include <flexilib/exchange.hpp>
#include <flexilib/result.hpp>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

namespace flexilib
{

class Threads
{
public:
    ~Threads()
    {
        std::unique_lock lock(mutex);
        is_idle.wait(lock, [this] { return count == 0; });
    }

    /* return threads.run(exchange, [] { return something_that_takes_long(); }): pauses; on_resume takes what the work
     * returned or threw. The work does not touch the exchange. */
    template <class Work>
    Answer run(Exchange &exchange, Work &&work)
    {
        std::unique_ptr<detail::Job> job = detail::make_job(std::forward<Work>(work));
        enter();
        try {
            std::thread([this, resumer = exchange.resumer(), job = std::move(job)]() mutable {
                job->run();
                resumer.send(std::move(job));
                leave();
            }).detach();
        } catch (...) {
            leave();
            throw;
        }
        return Answer::Pause;
    }

private:
    void enter()
    {
        std::lock_guard lock(mutex);
        ++count;
    }
    void leave()
    {
        std::lock_guard lock(mutex);
        --count;
        is_idle.notify_all();
    }

    std::mutex mutex;
    std::condition_variable is_idle;
    unsigned count = 0;
};

} // namespace flexilib

#endif
