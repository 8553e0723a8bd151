#ifndef FLEXILIB_EXTENSIONS_HPP
#define FLEXILIB_EXTENSIONS_HPP

/* FlexiLib's extensions as members of a filter: each is made of the Setup, and its constructor throws, which refuses
 * the configuration, where this FlexiLib has none. What they mean stands in flexilib/ext/NAME.h.
 *
 *     flexilib::Dictionary seen;
 *     explicit Limit(const flexilib::Setup &setup) : Filter(setup), seen(setup, "seen") {} */

#include <flexilib/exchange.hpp>
#include <flexilib/ext/dictionary.h>
#include <flexilib/ext/metrics.h>
#include <flexilib/ext/offload.h>
#include <flexilib/fetch.hpp>
#include <flexilib/filter.hpp>
#include <flexilib/timer.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace flexilib
{

/* Work that takes long, on FlexiLib's pool. */
class Offload
{
public:
    explicit Offload(const Setup &setup)
        : core(setup.core()), table(setup.extension<flexilib_offload>(FLEXILIB_OFFLOAD))
    {
    }

    /* return offload.run(exchange, [] { return something_that_takes_long(); }): pauses, and on_resume takes what the
     * work returned or threw. Fails where the pool's queue is full. The work knows nothing of the exchange. */
    template <class Work>
    Answer run(Exchange &exchange, Work &&work) const
    {
        detail::Parcel *job = detail::make_job(std::forward<Work>(work)).release();
        if (table->run(core, exchange.resumer().ticket(), work_on, job, detail::Parcel::drop))
            return Answer::Pause;
        delete job;
        return Answer::Fail;
    }

private:
    static void work_on(void *job) { static_cast<detail::Job *>(static_cast<detail::Parcel *>(job))->run(); }

    const flexilib_core *core;
    const flexilib_offload *table;
};

/* Values that all workers and generations share. [any thread] */
class Dictionary
{
public:
    Dictionary(const Setup &setup, std::string_view name)
        : table(setup.extension<flexilib_dictionary>(FLEXILIB_DICTIONARY)),
          opened(table->open(setup.core(), name.data(), name.size()))
    {
        if (opened == nullptr)
            throw std::runtime_error("a dictionary's name has 1 to 64 bytes");
    }

    std::optional<std::string> get(std::string_view key) const
    {
        std::string value(256, '\0');
        for (;;) {
            std::size_t length = 0;
            if (!table->get(opened, key.data(), key.size(), value.data(), value.size(), &length))
                return std::nullopt;
            bool is_whole = length <= value.size();
            value.resize(length);
            if (is_whole)
                return value;
        }
    }
    bool set(std::string_view key, std::string_view value, std::chrono::milliseconds ttl = {}) const
    {
        return table->set(opened, key.data(), key.size(), value.data(), value.size(), detail::in_ms(ttl));
    }
    bool add(std::string_view key, std::string_view value, std::chrono::milliseconds ttl = {}) const
    {
        return table->add(opened, key.data(), key.size(), value.data(), value.size(), detail::in_ms(ttl));
    }
    bool replace(std::string_view key, std::string_view was, std::string_view value,
                 std::chrono::milliseconds ttl = {}) const
    {
        return table->replace(opened, key.data(), key.size(), was.data(), was.size(), value.data(), value.size(),
                              detail::in_ms(ttl));
    }
    /* The sum. */
    std::optional<std::int64_t> increment(std::string_view key, std::int64_t change,
                                          std::chrono::milliseconds ttl = {}) const
    {
        std::int64_t sum = 0;
        bool is_done = table->increment(opened, key.data(), key.size(), change, detail::in_ms(ttl), &sum);
        return is_done ? std::optional(sum) : std::nullopt;
    }
    bool remove(std::string_view key) const { return table->remove(opened, key.data(), key.size()); }

private:
    const flexilib_dictionary *table;
    const flexilib_dictionary_name *opened;
};

/* One set of a metric's label values. [any thread] */
class Series
{
public:
    Series(const flexilib_metrics *table, const flexilib_series *series) : table(table), series(series) {}
    void add(double amount = 1) const { table->add(series, amount); }
    void set(double value) const { table->set(series, value); }
    void observe(double value) const { table->observe(series, value); }

private:
    const flexilib_metrics *table;
    const flexilib_series *series;
};

/* A declared metric: flexilib::Metric hits(setup, FLEXILIB_METRICS_COUNTER, "hits_total", "Hits.", {"path"}). */
class Metric
{
public:
    Metric(const Setup &setup, std::int32_t kind, std::string_view name, std::string_view help,
           const std::vector<std::string_view> &labels = {}, const std::vector<double> &buckets = {},
           std::size_t most_series = 0)
        : table(setup.extension<flexilib_metrics>(FLEXILIB_METRICS)), label_count(labels.size())
    {
        std::vector<flexilib_text> names = texts_of(labels);
        flexilib_metric_declaration declaration{};
        declaration.kind = kind;
        declaration.name = {name.data(), name.size()};
        declaration.help = {help.data(), help.size()};
        declaration.labels = names.data();
        declaration.label_count = names.size();
        declaration.buckets = buckets.data();
        declaration.bucket_count = buckets.size();
        declaration.most_series = most_series;
        metric = table->declare(setup.core(), &declaration);
        if (metric == nullptr)
            throw std::runtime_error("metric '" + std::string(name) + "' cannot be declared");
    }

    /* As many values as it has labels. */
    Series series(const std::vector<std::string_view> &values = {}) const
    {
        if (values.size() != label_count)
            throw std::logic_error("a metric's series needs a value for each label");
        return {table, table->series(metric, texts_of(values).data())};
    }

private:
    static std::vector<flexilib_text> texts_of(const std::vector<std::string_view> &views)
    {
        std::vector<flexilib_text> texts;
        for (std::string_view view : views)
            texts.push_back({view.data(), view.size()});
        return texts;
    }

    const flexilib_metrics *table;
    const flexilib_metric *metric;
    std::size_t label_count;
};

} // namespace flexilib

#endif
