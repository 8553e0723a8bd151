#ifndef T_CONFORMANCE_OPTIONS_HPP
#define T_CONFORMANCE_OPTIONS_HPP

/* A handler that takes an option of each type and replies with what it was given, a line for each. */

#include <flexilib.hpp>

#include <sstream>
#include <stdexcept>
#include <thread>

namespace option = flexilib::option;

enum class Colour { red, green, blue };

class Given final : public flexilib::Filter
{
    static constexpr const char *colours[] = {"red", "green", "blue", nullptr};
    static constexpr flexilib::Option limits[] = {
        option::number("rate", "so many").required(),
        option::text("label", "a name").fallback("none"),
    };
    static constexpr flexilib::Option rule[] = {option::table(nullptr, limits, "a limit")};
    static constexpr flexilib::Option weight[] = {option::integer(nullptr, "a weight")};

public:
    static constexpr flexilib::Option options[] = {
        option::boolean("bool", "yes or no"),
        option::integer("integer", "a whole number").between(-5, 99),
        option::duration("duration", "a time").fallback("1s"),
        option::size("size", "a size"),
        option::text("text", "a text"),
        option::list("list", "texts"),
        option::map("map", "texts by name"),
        option::secret("secret", "a secret"),
        option::file("file", "a file"),
        option::number("number", "a number"),
        option::choice("choice", colours, "a colour"),
        option::regex("regex", "a pattern"),
        option::expansion("template", "a template"),
        option::upstream("upstream", "an upstream"),
        option::ranges("ranges", "networks"),
        option::directory("directory", "a folder"),
        option::table("table", limits, "a table"),
        option::list_of("list-of", rule, "tables"),
        option::map_of("map-of", weight, "numbers by name"),
        option::any("any", "a tree"),
    };

    explicit Given(const flexilib::Setup &setup) : Filter(setup), setup(setup)
    {
        if (setup["text"].text() == "evil")
            setup["text"].refuse("it is evil");
        if (setup["text"].text() == "throw")
            throw std::runtime_error("has thrown: mischief");
        if (setup["text"].text().substr(0, 4) == "late")
            get_ready_later(setup);
        for (const flexilib::Value &item : setup["list-of"].items()) {
            if (item["rate"].number() > 1000)
                item["rate"].refuse("1000 is the most");
        }
    }

    flexilib::Answer on_request_head(flexilib::Exchange &exchange) override
    {
        std::ostringstream page;
        for (const flexilib::Option &option : options) {
            page << option.name << '=';
            if (setup[option.name])
                print(page, exchange, option.name, setup[option.name]);
            page << '\n';
        }
        return exchange.reply(200, "text/plain", page.str());
    }

    ~Given()
    {
        if (thread.joinable())
            thread.join();
    }

private:
    flexilib::Setup setup;
    std::thread thread;

    /* "late" is ready later, "late TEXT" will not be, for that reason. */
    void get_ready_later(const flexilib::Setup &setup)
    {
        std::string sentence(setup["text"].text());
        setup.defer_ready();
        thread =
            std::thread([this, sentence] { set_ready(sentence.substr(std::min<std::size_t>(5, sentence.size()))); });
    }

    static void print_limits(std::ostream &page, const flexilib::Value &value)
    {
        page << value["rate"].number() << '/' << value["label"].text();
    }

    static void print_node(std::ostream &page, const flexilib_node &node)
    {
        if (node.kind == FLEXILIB_NODE_NULL)
            page << "null";
        if (node.kind == FLEXILIB_NODE_SCALAR)
            page << flexilib::view(node.text);
        if (node.kind != FLEXILIB_NODE_LIST && node.kind != FLEXILIB_NODE_MAP)
            return;
        bool is_list = node.kind == FLEXILIB_NODE_LIST;
        page << (is_list ? '[' : '{');
        for (std::size_t i = 0; i < node.count; ++i) {
            page << (i == 0 ? "" : ",");
            if (!is_list)
                page << flexilib::view(node.names[i]) << ':';
            print_node(page, node.items[i]);
        }
        page << (is_list ? ']' : '}');
    }

    template <class List, class Print>
    static void join(std::ostream &page, const List &list, Print &&print)
    {
        const char *comma = "";
        for (const auto &item : list) {
            page << comma;
            print(item);
            comma = ",";
        }
    }

    static void print_map_of(std::ostream &page, const flexilib::Value &value)
    {
        std::vector<flexilib::Value> items = value.items();
        std::size_t index = 0;
        join(page, value.list(), [&](std::string_view name) { page << name << ':' << items[index++].integer(); });
    }

    static void print(std::ostream &page, flexilib::Exchange &exchange, std::string_view name,
                      const flexilib::Value &value)
    {
        if (name == "bool")
            page << (value.boolean() ? "yes" : "no");
        else if (name == "integer" || name == "size")
            page << value.integer();
        else if (name == "duration")
            page << value.duration().count();
        else if (name == "number")
            page << value.number();
        else if (name == "choice")
            page << static_cast<int>(value.choice<Colour>()) << ' ' << value.text();
        else if (name == "directory")
            page << value.text().substr(value.text().rfind('/'));
        else if (name == "list")
            join(page, value.list(), [&](std::string_view text) { page << text; });
        else if (name == "map")
            join(page, value.map(), [&](const auto &pair) { page << pair.first << ':' << pair.second; });
        else
            print_later_kinds(page, exchange, name, value);
    }

    static void print_later_kinds(std::ostream &page, flexilib::Exchange &exchange, std::string_view name,
                                  const flexilib::Value &value)
    {
        if (name == "regex")
            page << value.regex().match("abc123def").at(1);
        else if (name == "template")
            page << exchange.expand(value.expansion());
        else if (name == "ranges")
            page << (value.ranges().contain("10.1.2.3") ? "in" : "out");
        else if (name == "table")
            print_limits(page, value);
        else if (name == "list-of")
            join(page, value.items(), [&](const flexilib::Value &item) { print_limits(page, item); });
        else if (name == "map-of")
            print_map_of(page, value);
        else if (name == "any")
            print_node(page, *value.node());
        else
            page << value.text();
    }
};

#endif
