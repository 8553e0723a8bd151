#ifndef FLEXILIB_OPTIONS_HPP
#define FLEXILIB_OPTIONS_HPP

/* Options: how a filter declares what it takes, and how its constructor reads what it was given.
 *
 *     static constexpr flexilib::Option options[] = {
 *         flexilib::option::text("greeting", "what is said").fallback("Hello"),
 *         flexilib::option::duration("patience", "how long it waits").between(1, 60000).required(),
 *     };
 *     explicit Filter(const flexilib::Setup &setup) : flexilib::Filter(setup), greeting(setup["greeting"].text()) {}
 *
 * Texts and everything else that a value points to live as long as the filter. */

#include <flexilib/filter.h>

#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace flexilib
{

inline std::string_view view(flexilib_text text)
{
    return {text.data, text.length};
}

/* An entry of the option table, made by the functions of flexilib::option. */
struct Option : flexilib_option {
    constexpr Option(const char *name, flexilib_option_type type, const char *summary)
        : flexilib_option{name, type, false, nullptr, 0, 0, summary, nullptr, nullptr, 0}
    {
    }

    constexpr Option required() const
    {
        Option option = *this;
        option.flexilib_option::required = true;
        return option;
    }
    /* The default, as a scalar in YAML. */
    constexpr Option fallback(const char *value) const
    {
        Option option = *this;
        option.flexilib_option::fallback = value;
        return option;
    }
    constexpr Option between(std::int64_t least, std::int64_t most) const
    {
        Option option = *this;
        option.minimum = least;
        option.maximum = most;
        return option;
    }
};

namespace option
{

constexpr Option boolean(const char *name, const char *summary)
{
    return {name, FLEXILIB_OPTION_BOOL, summary};
}
constexpr Option integer(const char *name, const char *summary)
{
    return {name, FLEXILIB_OPTION_INTEGER, summary};
}
constexpr Option number(const char *name, const char *summary)
{
    return {name, FLEXILIB_OPTION_NUMBER, summary};
}
constexpr Option duration(const char *name, const char *summary)
{
    return {name, FLEXILIB_OPTION_DURATION, summary};
}
constexpr Option size(const char *name, const char *summary)
{
    return {name, FLEXILIB_OPTION_SIZE, summary};
}
constexpr Option text(const char *name, const char *summary)
{
    return {name, FLEXILIB_OPTION_TEXT, summary};
}
constexpr Option secret(const char *name, const char *summary)
{
    return {name, FLEXILIB_OPTION_SECRET, summary};
}
constexpr Option file(const char *name, const char *summary)
{
    return {name, FLEXILIB_OPTION_FILE, summary};
}
constexpr Option directory(const char *name, const char *summary)
{
    return {name, FLEXILIB_OPTION_DIRECTORY, summary};
}
constexpr Option upstream(const char *name, const char *summary)
{
    return {name, FLEXILIB_OPTION_UPSTREAM, summary};
}
constexpr Option list(const char *name, const char *summary)
{
    return {name, FLEXILIB_OPTION_LIST, summary};
}
constexpr Option map(const char *name, const char *summary)
{
    return {name, FLEXILIB_OPTION_MAP, summary};
}
constexpr Option regex(const char *name, const char *summary)
{
    return {name, FLEXILIB_OPTION_REGEX, summary};
}
constexpr Option expansion(const char *name, const char *summary)
{
    return {name, FLEXILIB_OPTION_TEMPLATE, summary};
}
constexpr Option ranges(const char *name, const char *summary)
{
    return {name, FLEXILIB_OPTION_RANGES, summary};
}
constexpr Option any(const char *name, const char *summary)
{
    return {name, FLEXILIB_OPTION_ANY, summary};
}

/* choices: an array of names that ends with nullptr. */
constexpr Option choice(const char *name, const char *const *choices, const char *summary)
{
    Option option(name, FLEXILIB_OPTION_CHOICE, summary);
    option.choices = choices;
    return option;
}

template <std::size_t count>
constexpr Option table(const char *name, const Option (&fields)[count], const char *summary)
{
    Option option(name, FLEXILIB_OPTION_TABLE, summary);
    option.fields = fields;
    option.field_count = count;
    return option;
}

/* item: an array of one Option, whose name is nullptr. */
constexpr Option list_of(const char *name, const Option (&item)[1], const char *summary)
{
    Option option(name, FLEXILIB_OPTION_LIST_OF, summary);
    option.fields = item;
    option.field_count = 1;
    return option;
}
constexpr Option map_of(const char *name, const Option (&item)[1], const char *summary)
{
    Option option(name, FLEXILIB_OPTION_MAP_OF, summary);
    option.fields = item;
    option.field_count = 1;
    return option;
}

} // namespace option

/* A text with placeholders, for exchange.expand. */
class Template
{
public:
    explicit Template(const flexilib_template *expansion = nullptr) : expansion(expansion) {}
    const flexilib_template *get() const noexcept { return expansion; }

private:
    const flexilib_template *expansion;
};

/* A compiled regular expression. */
class Regex
{
public:
    Regex(const flexilib_core *core, const flexilib_regex *regex) : core(core), regex(regex) {}

    /* The groups of the first match from that byte on, the whole match first; empty where nothing matches. */
    std::vector<std::string_view> match(std::string_view text, std::size_t from = 0) const
    {
        flexilib_text groups[32] = {};
        std::size_t count = core->match(regex, text.data(), text.size(), from, groups, 32);
        std::vector<std::string_view> found;
        for (std::size_t i = 0; i < count && i < 32; ++i)
            found.push_back(view(groups[i]));
        return found;
    }

private:
    const flexilib_core *core;
    const flexilib_regex *regex;
};

/* Addresses and networks. */
class Ranges
{
public:
    Ranges(const flexilib_core *core, const flexilib_ranges *ranges) : core(core), ranges(ranges) {}
    bool contain(std::string_view address) const { return core->in_ranges(ranges, address.data(), address.size()); }

private:
    const flexilib_core *core;
    const flexilib_ranges *ranges;
};

namespace detail
{

/* Ends a constructor when FlexiLib has been told why. */
struct Refused : std::runtime_error {
    using std::runtime_error::runtime_error;
};

} // namespace detail

/* What stands in the configuration for one option, or for a part of one. */
class Value
{
public:
    Value(const flexilib_core *core, const flexilib_option *option, const flexilib_value *value, std::int32_t index)
        : core(core), option(option), value(value), index(index)
    {
    }

    /* Whether it was written, or has a fallback. */
    explicit operator bool() const { return value->present; }

    bool boolean() const { return value->boolean; }
    std::int64_t integer() const { return value->integer; }
    double number() const { return value->number; }
    std::chrono::milliseconds duration() const { return std::chrono::milliseconds(value->integer); }
    std::string_view text() const { return view(value->text); }
    Template expansion() const { return Template(value->expansion); }
    Regex regex() const { return {core, value->regex}; }
    Ranges ranges() const { return {core, value->ranges}; }
    const flexilib_node *node() const { return value->node; }
    /* Which of the choices it is. */
    template <class Enum>
    Enum choice() const
    {
        return static_cast<Enum>(value->integer);
    }

    std::vector<std::string_view> list() const
    {
        std::vector<std::string_view> texts;
        for (std::size_t i = 0; i < value->count; ++i)
            texts.push_back(view(value->list[i]));
        return texts;
    }
    std::vector<std::pair<std::string_view, std::string_view>> map() const
    {
        std::vector<std::pair<std::string_view, std::string_view>> pairs;
        for (std::size_t i = 0; i < value->count; ++i)
            pairs.emplace_back(view(value->map[i].name), view(value->map[i].value));
        return pairs;
    }

    /* Of a table: the value of one of its keys. */
    Value operator[](std::string_view name) const
    {
        for (std::size_t i = 0; i < option->field_count; ++i) {
            if (name == option->fields[i].name)
                return {core, &option->fields[i], &value->values[i], -1};
        }
        throw std::logic_error("there is no option '" + std::string(name) + "'");
    }
    /* Of a list_of or map_of: each value; names of a map_of are in list(). */
    std::vector<Value> items() const
    {
        std::vector<Value> items;
        for (std::size_t i = 0; i < value->count; ++i)
            items.emplace_back(core, &option->fields[0], &value->values[i], -1);
        return items;
    }

    /* Ends the constructor: a sentence, lower case, no full stop, which appears with the value's place in the file. */
    [[noreturn]] void refuse(const std::string &sentence) const
    {
        if (index >= 0)
            core->refuse(core, index, sentence.data(), sentence.size());
        else
            core->refuse_value(core, value, sentence.data(), sentence.size());
        throw detail::Refused(sentence);
    }

private:
    const flexilib_core *core;
    const flexilib_option *option;
    const flexilib_value *value;
    std::int32_t index;
};

/* What a filter's constructor is given: the core and the options. */
class Setup
{
public:
    Setup(const flexilib_core *core, const flexilib_option *options, std::size_t count, const flexilib_value *values)
        : core_table(core), options(options), count(count), values(values)
    {
    }

    Value operator[](std::string_view name) const
    {
        for (std::size_t i = 0; i < count; ++i) {
            if (name == options[i].name)
                return {core_table, &options[i], &values[i], static_cast<std::int32_t>(i)};
        }
        throw std::logic_error("there is no option '" + std::string(name) + "'");
    }

    /* Something has to be done before requests can be served: the worker waits for Filter::set_ready. */
    void defer_ready() const { core_table->defer_ready(core_table); }

    const flexilib_core *core() const noexcept { return core_table; }

    /* An extension's table; throws where this FlexiLib has none of that id. */
    template <class Table>
    const Table *extension(const char *id) const
    {
        const void *table = core_table->extension(core_table, id);
        if (table == nullptr)
            throw std::runtime_error(std::string("this FlexiLib has no ") + id + " for it");
        return static_cast<const Table *>(table);
    }

private:
    const flexilib_core *core_table;
    const flexilib_option *options;
    std::size_t count;
    const flexilib_value *values;
};

} // namespace flexilib

#endif
