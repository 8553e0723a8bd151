#ifndef FLEXILIB_FETCH_HPP
#define FLEXILIB_FETCH_HPP

/* Requests of a filter's own, to an upstream of the configuration: whole responses, for which the exchange pauses; or
 * streams of events, for everything else. */

#include <flexilib/exchange.hpp>
#include <flexilib/ext/fetch.h>
#include <flexilib/filter.hpp>
#include <flexilib/timer.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace flexilib
{

struct FetchRequest {
    std::string_view upstream;
    std::string_view path;
    std::string_view method = {};
    std::string_view authority = {};
    std::vector<Field> headers = {};
    std::string_view body = {};
    bool streams_body = false;
    std::chrono::milliseconds timeout = {};
};

/* What has become of a fetch. */
struct FetchResponse {
    int failure = 0; /* 0, the status that a client would have been answered, or FLEXILIB_FETCH_CANCELLED */
    int status = 0;
    std::vector<std::pair<std::string, std::string>> headers;
    std::string body;
    bool is_cut = false; /* the body was longer than the limit */
};

/* What is told of a fetch, on the loop thread. What is thrown here is logged. */
class FetchEvents
{
public:
    virtual ~FetchEvents() = default;
    virtual void on_head([[maybe_unused]] int status, [[maybe_unused]] const std::vector<Field> &headers) {}
    /* False: no more until Fetch::more. */
    virtual bool on_body([[maybe_unused]] std::string_view piece) { return true; }
    /* After write has returned false for want of room: there is some again. */
    virtual void on_room() {}
    /* The last one; the object is destroyed after it. */
    virtual void on_over([[maybe_unused]] int failure) {}
};

class Fetch
{
public:
    explicit Fetch(const Setup &setup) : core(setup.core()), table(setup.extension<flexilib_fetch>(FLEXILIB_FETCH)) {}

    /* return fetch.ask(exchange, {"backend", "/path"}): pauses, and on_resume takes a FetchResponse. Fails where the
     * request cannot be made. */
    Answer ask(Exchange &exchange, const FetchRequest &request, std::size_t limit_bytes = 1 << 20) const
    {
        auto whole = std::make_unique<Whole>(exchange.resumer(), limit_bytes);
        return start(&exchange, request, std::move(whole)) != 0 ? Answer::Pause : Answer::Fail;
    }

    /* Starts one for an exchange, with which it ends, or for the filter itself (nullptr). Its number, or 0. */
    std::uint64_t start(Exchange *exchange, const FetchRequest &request, std::unique_ptr<FetchEvents> events) const
    {
        std::vector<flexilib_pair> fields;
        for (const Field &field : request.headers)
            fields.push_back({text_of(field.name), text_of(field.value)});
        flexilib_fetch_request asked{};
        asked.size = sizeof(asked);
        asked.upstream = text_of(request.upstream);
        asked.method = text_of(request.method);
        asked.authority = text_of(request.authority);
        asked.path = text_of(request.path);
        asked.fields = fields.data();
        asked.field_count = fields.size();
        asked.body = text_of(request.body);
        asked.streams_body = request.streams_body;
        asked.timeout_ms = detail::in_ms(request.timeout);
        auto running = std::make_unique<Running>(Running{core, std::move(events), false, {}});
        std::uint64_t number =
            table->start(core, exchange == nullptr ? nullptr : exchange->get(), &asked, &calls, running.get());
        if (number != 0)
            running.release(); /* on_over destroys it */
        return number;
    }

    /* False where nobody takes it any more, or too much would wait: see FetchEvents::on_room. */
    bool write(std::uint64_t fetch, std::string_view data) const
    {
        return table->write(core, fetch, data.data(), data.size());
    }
    void finish(std::uint64_t fetch) const { table->finish(core, fetch); }
    void more(std::uint64_t fetch) const { table->more(core, fetch); }
    bool cancel(std::uint64_t fetch) const { return table->cancel(core, fetch); }

private:
    struct Running {
        const flexilib_core *core;
        std::unique_ptr<FetchEvents> events;
        bool is_busy;
        std::optional<int> failure; /* told while it was busy, by whoever has cancelled it from within */
    };

    /* Collects a response, with which it ends a pause. */
    class Whole final : public FetchEvents
    {
    public:
        Whole(const Resumer &resumer, std::size_t limit_bytes) : resumer(resumer), limit_bytes(limit_bytes) {}

        void on_head(int status, const std::vector<Field> &headers) override
        {
            response.status = status;
            for (const Field &field : headers)
                response.headers.emplace_back(field.name, field.value);
        }
        bool on_body(std::string_view piece) override
        {
            std::string_view kept = piece.substr(0, limit_bytes - response.body.size());
            response.body += kept;
            response.is_cut = response.is_cut || kept.size() < piece.size();
            return true;
        }
        void on_over(int failure) override
        {
            response.failure = failure;
            resumer.resume(std::move(response));
        }

    private:
        Resumer resumer;
        std::size_t limit_bytes;
        FetchResponse response;
    };

    static flexilib_text text_of(std::string_view view) { return {view.data(), view.size()}; }

    template <class Call>
    static bool tell(void *data, const char *where, Call &&call)
    {
        auto *running = static_cast<Running *>(data);
        running->is_busy = true;
        bool result = detail::guard(running->core, nullptr, where, true, [&] { return call(*running->events); });
        running->is_busy = false;
        if (running->failure)
            end(running, *running->failure);
        return result;
    }
    static void head(void *data, std::int32_t status, const flexilib_pair *fields, std::size_t count)
    {
        tell(data, "on_head of a fetch", [&](FetchEvents &events) {
            std::vector<Field> headers;
            for (std::size_t i = 0; i < count; ++i)
                headers.push_back({view(fields[i].name), view(fields[i].value)});
            return events.on_head(status, headers), true;
        });
    }
    static bool body(void *data, const char *piece, std::size_t length)
    {
        return tell(data, "on_body of a fetch", [&](FetchEvents &events) { return events.on_body({piece, length}); });
    }
    static void room(void *data)
    {
        tell(data, "on_room of a fetch", [&](FetchEvents &events) { return events.on_room(), true; });
    }
    static void over(void *data, std::int32_t failure)
    {
        auto *running = static_cast<Running *>(data);
        if (running->is_busy)
            running->failure = failure;
        else
            end(running, failure);
    }
    static void end(Running *running, int failure)
    {
        detail::guard(running->core, nullptr, "on_over of a fetch", true,
                      [&] { return running->events->on_over(failure), true; });
        delete running;
    }

    static constexpr flexilib_fetch_events calls = {sizeof(flexilib_fetch_events), head, body, over, room};

    const flexilib_core *core;
    const flexilib_fetch *table;
};

} // namespace flexilib

#endif
