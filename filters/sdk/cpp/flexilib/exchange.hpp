#ifndef FLEXILIB_EXCHANGE_HPP
#define FLEXILIB_EXCHANGE_HPP

/* One request and its response, as a hook sees it. An Exchange lives as long as the call that was given it: what
 * outlives the hook is a Resumer, or the state. Texts stay valid until the exchange ends, a body's piece until the hook
 * returns. Calls that return false have changed nothing and said why in the log. */

#include <flexilib/filter.h>
#include <flexilib/options.hpp>
#include <flexilib/result.hpp>

#include <cstddef>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <typeinfo>

namespace flexilib
{

/* What a hook answers. */
enum class Answer : flexilib_answer {
    Continue = FLEXILIB_CONTINUE,
    Pause = FLEXILIB_PAUSE,
    Reply = FLEXILIB_REPLY,
    Fail = FLEXILIB_FAIL,
};

struct Field {
    std::string_view name, value;
};

namespace detail
{

/* The state of an exchange, whose type only the filter knows. */
class State
{
public:
    virtual ~State() = default;
};

template <class T>
class StateOf final : public State
{
public:
    T value{};
};

} // namespace detail

/* One half of an exchange: exchange.request() or exchange.response(). */
class Half
{
public:
    Half(const flexilib_core *core, flexilib_exchange *exchange, flexilib_half half)
        : core(core), exchange(exchange), half(half)
    {
    }

    /* The value of the first field of that name. */
    std::optional<std::string_view> header(std::string_view name) const
    {
        flexilib_text value{};
        if (!core->header(exchange, half, name.data(), name.size(), &value))
            return std::nullopt;
        return view(value);
    }

    bool set_header(std::string_view name, std::string_view value)
    {
        return core->set_header(exchange, half, name.data(), name.size(), value.data(), value.size());
    }
    bool add_header(std::string_view name, std::string_view value)
    {
        return core->add_header(exchange, half, name.data(), name.size(), value.data(), value.size());
    }
    std::size_t remove_header(std::string_view name)
    {
        return core->remove_header(exchange, half, name.data(), name.size());
    }

    /* All fields, in order: for (flexilib::Field field : exchange.request().headers()). */
    class Headers;
    Headers headers() const;

    /* In the head hook: one call of the body hook with the whole body; the head is held till then. */
    bool collect(std::uint64_t limit_bytes) { return core->collect(exchange, half, limit_bytes); }
    /* In the head hook: the head stays changeable until the body hook has passed or written something. */
    bool hold_head() { return core->hold_head(exchange, half); }
    /* In the head hook: the body comes without its Content-Encoding. */
    bool decode() { return core->decode(exchange, half); }
    /* In the head hook: the body is none of the filter's business. */
    bool skip_body() { return core->skip_body(exchange, half); }

private:
    const flexilib_core *core;
    flexilib_exchange *exchange;
    flexilib_half half;
};

class Half::Headers
{
public:
    explicit Headers(const Half &half) : half(half) {}

    class Iterator
    {
    public:
        Iterator(const Half &half, std::size_t index) : half(half), index(index) {}
        Field operator*() const
        {
            flexilib_pair field{};
            half.core->header_at(half.exchange, half.half, index, &field);
            return {view(field.name), view(field.value)};
        }
        Iterator &operator++() { return ++index, *this; }
        bool operator!=(const Iterator &other) const { return index != other.index; }

    private:
        Half half;
        std::size_t index;
    };

    std::size_t size() const { return half.core->header_count(half.exchange, half.half); }
    Iterator begin() const { return {half, 0}; }
    Iterator end() const { return {half, size()}; }

private:
    Half half;
};

inline Half::Headers Half::headers() const
{
    return Headers(*this);
}

class Exchange
{
public:
    Exchange(const flexilib_core *core, flexilib_exchange *exchange) : core(core), exchange(exchange) {}
    Exchange(const Exchange &) = delete;
    Exchange &operator=(const Exchange &) = delete;

    Half request() { return {core, exchange, FLEXILIB_REQUEST}; }
    Half response() { return {core, exchange, FLEXILIB_RESPONSE}; }

    std::string_view method() const { return view(core->method(exchange)); }
    bool set_method(std::string_view method) { return core->set_method(exchange, method.data(), method.size()); }
    std::string_view scheme() const { return view(core->scheme(exchange)); }
    bool set_scheme(std::string_view scheme) { return core->set_scheme(exchange, scheme.data(), scheme.size()); }
    std::string_view authority() const { return view(core->authority(exchange)); }
    bool set_authority(std::string_view host) { return core->set_authority(exchange, host.data(), host.size()); }
    std::string_view path() const { return view(core->path(exchange)); }
    bool set_path(std::string_view path) { return core->set_path(exchange, path.data(), path.size()); }
    std::string_view query() const { return view(core->query(exchange)); }
    bool set_query(std::string_view query) { return core->set_query(exchange, query.data(), query.size()); }
    bool set_upstream(std::string_view name) { return core->set_upstream(exchange, name.data(), name.size()); }

    /* 0 before there is a response. */
    int status() const { return core->status(exchange); }
    bool set_status(int status) { return core->set_status(exchange, status); }

    std::string_view peer_address() const { return view(core->peer_address(exchange)); }
    std::uint16_t peer_port() const { return core->peer_port(exchange); }
    std::string_view route() const { return view(core->route(exchange)); }
    std::string_view request_id() const { return view(core->request_id(exchange)); }
    std::string_view trace_id() const { return view(core->trace_id(exchange)); }

    /* A FLEXILIB_TLS_... fact; nothing where it is not there. */
    std::optional<std::string_view> tls(flexilib_tls_fact fact) const
    {
        flexilib_text value{};
        return core->tls(exchange, fact, &value) ? std::optional(view(value)) : std::nullopt;
    }

    std::optional<std::string_view> attribute(std::string_view name) const
    {
        flexilib_text value{};
        bool is_there = core->attribute(exchange, name.data(), name.size(), &value);
        return is_there ? std::optional(view(value)) : std::nullopt;
    }
    bool set_attribute(std::string_view name, std::string_view value)
    {
        return core->set_attribute(exchange, name.data(), name.size(), value.data(), value.size());
    }

    /* What the template says for this exchange now. */
    std::string_view expand(const Template &expansion) { return view(core->expand(exchange, expansion.get())); }

    /* The filter's own object for this exchange: made when it is first asked for, destroyed when the exchange ends. */
    template <class T>
    T &state()
    {
        static_assert(alignof(T) <= alignof(std::max_align_t), "core->allocate aligns no further");
        auto *state = static_cast<detail::State *>(core->state(exchange));
        if (state == nullptr) {
            state = new (core->allocate(exchange, sizeof(detail::StateOf<T>))) detail::StateOf<T>;
            core->set_state(exchange, state);
        }
        return dynamic_cast<detail::StateOf<T> &>(*state).value;
    }

    /* Sets the whole response: return exchange.reply(404, "text/plain", "not here\n"); */
    Answer reply(int status, std::string_view type, std::string_view body)
    {
        return when(core->reply(exchange, status, type.data(), type.size(), body.data(), body.size()));
    }
    /* The same for a long body, which is kept and not copied. */
    Answer reply_owned(int status, std::string_view type, std::string body)
    {
        auto *kept = new std::string(std::move(body));
        auto release = [](void *data) { delete static_cast<std::string *>(data); };
        return when(
            core->reply_lent(exchange, status, type.data(), type.size(), kept->data(), kept->size(), release, kept));
    }
    /* The same for a body that on_reply_body writes by and by. */
    Answer reply_stream(int status, std::string_view type)
    {
        return when(core->reply_stream(exchange, status, type.data(), type.size()));
    }
    /* In on_reply_body: that was all. */
    bool end_reply() { return core->end_reply(exchange); }

    /* In a body hook: sends on what it was given, or bytes of its own. */
    bool pass() { return core->pass(exchange); }
    bool write(std::string_view data) { return core->write(exchange, data.data(), data.size()); }

    /* Ends the pause that this hook is about to ask for by Answer::Pause. */
    Resumer resumer() { return {core, core->ticket(exchange)}; }

    void log(flexilib_level level, std::string_view line) const
    {
        core->log(core, exchange, level, line.data(), line.size());
    }

    flexilib_exchange *get() const noexcept { return exchange; }

private:
    static Answer when(bool is_set) { return is_set ? Answer::Reply : Answer::Fail; }

    const flexilib_core *core;
    flexilib_exchange *exchange;
};

} // namespace flexilib

#endif
