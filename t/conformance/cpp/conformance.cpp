/* The conformance filters in C++. */

#include "options.hpp"
#include "script.hpp"

#include <flexilib.hpp>

#include <functional>
#include <map>
#include <optional>
#include <stdexcept>

using flexilib::Answer;
using flexilib::Exchange;

/* What the filter knows of an exchange. */
struct Memory {
    int count = 0;
    std::string result;
};

/* A hook that follows the script. */
struct Scene {
    Exchange &exchange;
    Memory &memory;
    flexilib::Half half; /* where refusals are told */
    std::string_view piece;
    bool last = false;
    Answer answer = Answer::Continue;
    int count = 0;

    flexilib::Half half_of(const std::string &name)
    {
        return name == "request" ? exchange.request() : exchange.response();
    }
};

static std::string upper(std::string_view text)
{
    std::string changed(text);
    for (char &c : changed)
        c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return changed;
}

/* mode: FLEXILIB_BLOCKING and the like. */
template <std::uint32_t mode>
class Conformance final : public flexilib::Filter
{
    using Verb = std::function<bool(Conformance &, Scene &, const Words &)>;
    using Getter = std::function<std::string(Conformance &, Scene &, const Words &)>;

public:
    static constexpr std::uint32_t flags = mode;
    static constexpr flexilib::Option options[] = {
        option::text("script", "the field with the script").fallback("x-do"),
        option::expansion("expansion", "what `expansion` tells"),
        option::regex("pattern", "what `match` looks for"),
        option::ranges("ranges", "what `in-ranges` looks in"),
        option::list("extensions", "which are used").fallback("[]"),
    };

    explicit Conformance(const flexilib::Setup &setup)
        : Filter(setup), script(setup["script"].text()), expansion(setup["expansion"].expansion()),
          pattern(setup["pattern"].regex()), ranges(setup["ranges"].ranges())
    {
        for (std::string_view name : setup["extensions"].list())
            open_extension(setup, name);
    }

    Answer on_request_head(Exchange &exchange) override
    {
        Scene scene = enter(exchange, exchange.request());
        return act(scene, "request-head");
    }
    Answer on_request_body(Exchange &exchange, std::string_view piece, bool last) override
    {
        return act_on_body(enter(exchange, exchange.request()), "request-body", piece, last);
    }
    Answer on_response_head(Exchange &exchange) override
    {
        Scene scene = enter(exchange, exchange.response());
        return act(scene, "response-head");
    }
    Answer on_response_body(Exchange &exchange, std::string_view piece, bool last) override
    {
        return act_on_body(enter(exchange, exchange.response()), "response-body", piece, last);
    }
    Answer on_reply_body(Exchange &exchange) override
    {
        Scene scene = enter(exchange, exchange.response());
        return act(scene, "reply-body");
    }
    Answer on_resume(Exchange &exchange, flexilib::Result result) override
    {
        Scene scene = enter(exchange, exchange.response());
        scene.memory.result = text_of(result);
        return act(scene, "resume");
    }
    void on_end(Exchange &exchange) override
    {
        Scene scene = enter(exchange, exchange.response());
        act(scene, "end");
    }

private:
    std::string script;
    flexilib::Template expansion;
    flexilib::Regex pattern;
    flexilib::Ranges ranges;
    std::optional<flexilib::Timer> timer;
    std::optional<flexilib::Offload> offload;
    std::optional<flexilib::Fetch> fetch;
    std::optional<flexilib::Dictionary> dictionary;
    std::optional<flexilib::Metric> counter, gauge, histogram;
    flexilib::Threads threads;

    void open_extension(const flexilib::Setup &setup, std::string_view name)
    {
        if (name == "timer")
            timer.emplace(setup);
        else if (name == "offload")
            offload.emplace(setup);
        else if (name == "fetch")
            fetch.emplace(setup);
        else if (name == "dictionary")
            dictionary.emplace(setup, "conformance");
        else
            declare_metrics(setup);
    }

    void declare_metrics(const flexilib::Setup &setup)
    {
        using Labels = std::vector<std::string_view>;
        counter.emplace(setup, FLEXILIB_METRICS_COUNTER, "conformance_total", "What scripts count.", Labels{"label"});
        gauge.emplace(setup, FLEXILIB_METRICS_GAUGE, "conformance_level", "What scripts count.");
        histogram.emplace(setup, FLEXILIB_METRICS_HISTOGRAM, "conformance_size", "What scripts count.", Labels{},
                          std::vector<double>{1, 10});
    }

    /* A timer that comes again and again, until it has come often enough. */
    bool tick(Scene &scene, const std::string &count)
    {
        using namespace std::chrono_literals;
        auto number = std::make_shared<std::uint64_t>(0);
        auto resumer = scene.exchange.resumer();
        *number = timer->start(-1ms, 1ms, [this, number, resumer, count, left = std::stoi(count)]() mutable {
            if (--left != 0)
                return;
            resumer.resume("ticked " + count);
            timer->stop(*number);
        });
        scene.answer = Answer::Pause;
        return timer->now() > 0ms;
    }

    /* Sends a body in two pieces, and takes the answer as it comes. */
    class Upload final : public flexilib::FetchEvents
    {
    public:
        explicit Upload(const flexilib::Resumer &resumer) : resumer(resumer) {}
        void on_head(int status, const std::vector<flexilib::Field> &) override { text = std::to_string(status) + ' '; }
        bool on_body(std::string_view piece) override { return text += piece, true; }
        void on_over(int failure) override
        {
            resumer.resume(failure == 0 ? text : "failed with " + std::to_string(failure));
        }

    private:
        flexilib::Resumer resumer;
        std::string text;
    };

    std::uint64_t start(Scene &scene, const Words &words, const char *method, bool streams_body)
    {
        flexilib::FetchRequest request;
        request.upstream = words[1];
        request.path = words[2];
        request.method = method;
        request.streams_body = streams_body;
        auto number = fetch->start(&scene.exchange, request, std::make_unique<Upload>(scene.exchange.resumer()));
        if (number != 0)
            scene.answer = Answer::Pause;
        return number;
    }

    bool upload(Scene &scene, const Words &words)
    {
        auto number = start(scene, words, "POST", true);
        bool is_written = number != 0 && fetch->write(number, words[3]) && fetch->write(number, words[3]);
        fetch->finish(number);
        return is_written;
    }

    static std::string text_of(flexilib::Result &result)
    {
        if (!result)
            return "nothing";
        if (!result.holds<flexilib::FetchResponse>())
            return result.take<std::string>();
        auto response = result.take<flexilib::FetchResponse>();
        if (response.failure != 0)
            return "failed with " + std::to_string(response.failure);
        return std::to_string(response.status) + ' ' + response.body;
    }

    bool ask(Scene &scene, const Words &words)
    {
        flexilib::FetchRequest request;
        request.upstream = words[1];
        request.path = words[2];
        request.headers = {{"x-fetched", "yes"}};
        Answer answer = fetch->ask(scene.exchange, request);
        scene.answer = answer == Answer::Pause ? answer : Answer::Continue;
        return answer == Answer::Pause;
    }

    static Scene enter(Exchange &exchange, flexilib::Half half)
    {
        return {exchange, exchange.state<Memory>(), half, {}};
    }

    Answer act(Scene &scene, std::string_view hook)
    {
        std::string_view text = scene.exchange.request().header(script).value_or("");
        for (const Words &words : commands_for(text, hook)) {
            auto verb = verbs().find(words[0]);
            if (verb == verbs().end())
                throw std::runtime_error("there is no verb '" + words[0] + "'");
            if (!verb->second(*this, scene, words))
                scene.half.add_header("x-refused", words[0]);
            ++scene.count;
        }
        return scene.answer;
    }

    Answer act_on_body(Scene scene, std::string_view hook, std::string_view piece, bool last)
    {
        scene.piece = piece;
        scene.last = last;
        act(scene, hook);
        if (scene.count == 0)
            scene.exchange.pass();
        return scene.answer;
    }

    static const std::map<std::string, Getter> &getters()
    {
        static const std::map<std::string, Getter> getters = {
            {"method", [](auto &, Scene &s, auto &) { return std::string(s.exchange.method()); }},
            {"scheme", [](auto &, Scene &s, auto &) { return std::string(s.exchange.scheme()); }},
            {"authority", [](auto &, Scene &s, auto &) { return std::string(s.exchange.authority()); }},
            {"path", [](auto &, Scene &s, auto &) { return std::string(s.exchange.path()); }},
            {"query", [](auto &, Scene &s, auto &) { return std::string(s.exchange.query()); }},
            {"route", [](auto &, Scene &s, auto &) { return std::string(s.exchange.route()); }},
            {"address", [](auto &, Scene &s, auto &) { return std::string(s.exchange.peer_address()); }},
            {"has-port", [](auto &, Scene &s, auto &) { return s.exchange.peer_port() != 0 ? "yes" : "no"; }},
            {"request-id", [](auto &, Scene &s, auto &) { return std::string(s.exchange.request_id()); }},
            {"trace-id", [](auto &, Scene &s, auto &) { return std::string(s.exchange.trace_id()); }},
            {"status", [](auto &, Scene &s, auto &) { return std::to_string(s.exchange.status()); }},
            {"count", [](auto &, Scene &s, auto &) { return std::to_string(++s.memory.count); }},
            {"result", [](auto &, Scene &s, auto &) { return s.memory.result; }},
            {"header",
             [](auto &, Scene &s, auto &w) { return std::string(s.half_of(w[4]).header(w[5]).value_or("-")); }},
            {"headers", [](auto &, Scene &s, auto &w) { return names_of(s.half_of(w[4])); }},
            {"attribute",
             [](auto &, Scene &s, auto &w) { return std::string(s.exchange.attribute(w[4]).value_or("-")); }},
            {"tls",
             [](auto &, Scene &s, auto &w) {
                 auto fact = static_cast<flexilib_tls_fact>(w.number(4));
                 return std::string(s.exchange.tls(fact).value_or("-"));
             }},
            {"expansion", [](auto &f, Scene &s, auto &) { return std::string(s.exchange.expand(f.expansion)); }},
            {"match", [](auto &f, Scene &, auto &w) { return groups_of(f.pattern.match(w[4])); }},
            {"in-ranges", [](auto &f, Scene &, auto &w) { return f.ranges.contain(w[4]) ? "yes" : "no"; }},
        };
        return getters;
    }

    static std::string names_of(flexilib::Half half)
    {
        std::string names;
        for (flexilib::Field field : half.headers())
            names += (names.empty() ? "" : ",") + std::string(field.name);
        return names;
    }

    static std::string groups_of(const std::vector<std::string_view> &groups)
    {
        std::string list = groups.empty() ? "-" : std::string(groups[0]);
        for (std::size_t i = 1; i < groups.size(); ++i)
            list += '|' + std::string(groups[i]);
        return list;
    }

    static bool decide(Scene &scene, Answer answer)
    {
        scene.answer = answer;
        return answer != Answer::Fail;
    }

    /* A reply that was refused is answered nevertheless, for the core to blame it. */
    static bool decide_reply(Scene &scene, Answer answer)
    {
        scene.answer = Answer::Reply;
        return answer == Answer::Reply;
    }

    static const std::map<std::string, Verb> &verbs()
    {
        static const std::map<std::string, Verb> verbs = {
            {"set", [](auto &, Scene &s, auto &w) { return s.half_of(w[1]).set_header(w[2], w[3]); }},
            {"add", [](auto &, Scene &s, auto &w) { return s.half_of(w[1]).add_header(w[2], w[3]); }},
            {"remove", [](auto &, Scene &s, auto &w) { return s.half_of(w[1]).remove_header(w[2]) != 0; }},
            {"tell",
             [](auto &f, Scene &s, auto &w) {
                 return s.half_of(w[1]).set_header(w[2], getters().at(w[3])(f, s, w));
             }},
            {"set-method", [](auto &, Scene &s, auto &w) { return s.exchange.set_method(w[1]); }},
            {"set-scheme", [](auto &, Scene &s, auto &w) { return s.exchange.set_scheme(w[1]); }},
            {"set-authority", [](auto &, Scene &s, auto &w) { return s.exchange.set_authority(w[1]); }},
            {"set-path", [](auto &, Scene &s, auto &w) { return s.exchange.set_path(w[1]); }},
            {"set-query", [](auto &, Scene &s, auto &w) { return s.exchange.set_query(w[1]); }},
            {"set-status",
             [](auto &, Scene &s, auto &w) { return s.exchange.set_status(static_cast<int>(w.number(1))); }},
            {"set-upstream", [](auto &, Scene &s, auto &w) { return s.exchange.set_upstream(w[1]); }},
            {"set-attribute", [](auto &, Scene &s, auto &w) { return s.exchange.set_attribute(w[1], w[2]); }},
            {"collect", [](auto &, Scene &s, auto &w) { return s.half_of(w[1]).collect(w.number(2)); }},
            {"hold", [](auto &, Scene &s, auto &w) { return s.half_of(w[1]).hold_head(); }},
            {"decode", [](auto &, Scene &s, auto &w) { return s.half_of(w[1]).decode(); }},
            {"skip", [](auto &, Scene &s, auto &w) { return s.half_of(w[1]).skip_body(); }},
            {"pass", [](auto &, Scene &s, auto &) { return s.exchange.pass(); }},
            {"write", [](auto &, Scene &s, auto &w) { return s.exchange.write(w[1]); }},
            {"upper", [](auto &, Scene &s, auto &) { return s.exchange.write(upper(s.piece)); }},
            {"tail", [](auto &, Scene &s, auto &w) { return !s.last || s.exchange.write(w[1]); }},
            {"drop", [](auto &, Scene &, auto &) { return true; }},
            {"reply",
             [](auto &, Scene &s, auto &w) {
                 return decide_reply(s, s.exchange.reply(static_cast<int>(w.number(1)), w[2], w[3]));
             }},
            {"lend",
             [](auto &, Scene &s, auto &w) {
                 return decide_reply(s, s.exchange.reply_owned(static_cast<int>(w.number(1)), w[2], w[3]));
             }},
            {"stream",
             [](auto &, Scene &s, auto &w) {
                 return decide_reply(s, s.exchange.reply_stream(static_cast<int>(w.number(1)), w[2]));
             }},
            {"chunks",
             [](auto &, Scene &s, auto &w) {
                 bool is_written = s.exchange.write(w[2]);
                 return ++s.memory.count < w.number(1) ? is_written : s.exchange.end_reply();
             }},
            {"fail", [](auto &, Scene &s, auto &) { return decide(s, Answer::Fail), true; }},
            {"answer", [](auto &, Scene &s, auto &w) { return decide(s, static_cast<Answer>(w.number(1))); }},
            {"log", [](auto &, Scene &s, auto &w) { return s.exchange.log(FLEXILIB_INFO, w[1]), true; }},
            {"throw", [](auto &, Scene &, auto &w) -> bool { throw std::runtime_error(w[1]); }},
            {"pause",
             [](auto &f, Scene &s, auto &w) {
                 return decide(s, f.threads.run(s.exchange, [text = w[1]] { return text; }));
             }},
            {"timer",
             [](auto &f, Scene &s, auto &w) {
                 return decide(s, f.timer->pause(s.exchange, std::chrono::milliseconds(w.number(1))));
             }},
            {"offload",
             [](auto &f, Scene &s, auto &w) {
                 return decide(s, f.offload->run(s.exchange, [text = w[1]] { return upper(text); }));
             }},
            {"fetch", [](auto &f, Scene &s, auto &w) { return f.ask(s, w); }},
            {"tick", [](auto &f, Scene &s, auto &w) { return f.tick(s, w[1]); }},
            {"upload", [](auto &f, Scene &s, auto &w) { return f.upload(s, w); }},
            {"cancel", [](auto &f, Scene &s, auto &w) { return f.fetch->cancel(f.start(s, w, "GET", false)); }},
            {"put-new",
             [](auto &f, Scene &, auto &w) { return f.dictionary->add(w[1], w[2], std::chrono::minutes(1)); }},
            {"put-briefly",
             [](auto &f, Scene &, auto &w) {
                 bool is_past_set = f.dictionary->set("past " + w[1], w[2], std::chrono::hours(-1));
                 return f.dictionary->set(w[1], w[2], std::chrono::milliseconds(1)) && is_past_set;
             }},
            {"put-over", [](auto &f, Scene &, auto &w) { return f.dictionary->replace(w[1], w[2], w[3]); }},
            {"take-away", [](auto &f, Scene &, auto &w) { return f.dictionary->remove(w[1]); }},
            {"level",
             [](auto &f, Scene &, auto &w) {
                 f.gauge->series().set(static_cast<double>(w.number(1)));
                 return true;
             }},
            {"observe",
             [](auto &f, Scene &, auto &w) {
                 f.histogram->series().observe(static_cast<double>(w.number(1)));
                 return true;
             }},
            {"increment",
             [](auto &f, Scene &s, auto &w) {
                 auto sum = f.dictionary->increment(w[1], w.number(2));
                 s.memory.result = std::to_string(sum.value_or(0));
                 return sum.has_value();
             }},
            {"put", [](auto &f, Scene &, auto &w) { return f.dictionary->set(w[1], w[2]); }},
            {"get",
             [](auto &f, Scene &s, auto &w) {
                 auto value = f.dictionary->get(w[1]);
                 s.memory.result = value.value_or("");
                 return value.has_value();
             }},
            {"count",
             [](auto &f, Scene &, auto &w) {
                 f.counter->series({w[1]}).add(static_cast<double>(w.number(2)));
                 return true;
             }},
        };
        return verbs;
    }
};

/* Looks at bodies, and logs how many bytes there were in both halves. */
class Observer final : public flexilib::Filter
{
    struct Seen {
        std::size_t request = 0, response = 0;
    };

public:
    static constexpr std::uint32_t flags = FLEXILIB_OBSERVES;
    using Filter::Filter;

    Answer on_request_body(Exchange &exchange, std::string_view piece, bool last) override
    {
        exchange.state<Seen>().request += piece.size();
        return exchange.write("!") ? Answer::Fail : Answer::Continue;
    }
    Answer on_response_body(Exchange &exchange, std::string_view piece, bool last) override
    {
        exchange.state<Seen>().response += piece.size();
        return exchange.write("!") ? Answer::Fail : Answer::Continue;
    }
    void on_end(Exchange &exchange) override
    {
        Seen &seen = exchange.state<Seen>();
        exchange.log(FLEXILIB_INFO,
                     "saw " + std::to_string(seen.request) + " and " + std::to_string(seen.response) + " bytes");
    }
};

/* A handler that streams, pauses before and after it has written something, and has no on_resume. */
class Ticker final : public flexilib::Filter
{
    flexilib::Timer timer;

public:
    explicit Ticker(const flexilib::Setup &setup) : Filter(setup), timer(setup) {}

    Answer on_request_head(Exchange &exchange) override { return exchange.reply_stream(200, "text/plain"); }
    Answer on_reply_body(Exchange &exchange) override
    {
        int turn = exchange.state<int>()++;
        if (turn == 0)
            return timer.pause(exchange, std::chrono::milliseconds(1));
        exchange.write("tick\n");
        if (turn == 2)
            return timer.pause(exchange, std::chrono::milliseconds(1));
        if (turn == 3)
            exchange.end_reply();
        return Answer::Continue;
    }
};

static constexpr flexilib_filter filters[] = {
    flexilib::filter<Conformance<0>>("conformance", "does what the request says", "1"),
    flexilib::filter<Conformance<FLEXILIB_BLOCKING | FLEXILIB_CONCURRENT>>("blocking", "does what the request says",
                                                                           "1"),
    flexilib::filter<Given>("options", "replies with its options", "1"),
    flexilib::filter<Observer>("observer", "counts bytes", "1"),
    flexilib::filter<Ticker>("ticker", "streams and pauses", "1"),
};

FLEXILIB_LIBRARY(filters);
