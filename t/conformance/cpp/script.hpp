#ifndef T_CONFORMANCE_SCRIPT_HPP
#define T_CONFORMANCE_SCRIPT_HPP

/* The language of t/lib/FlexiLib/Test/Conformance.pm. */

#include <string>
#include <string_view>
#include <vector>

inline std::vector<std::string_view> split(std::string_view text, char mark)
{
    std::vector<std::string_view> parts;
    for (std::size_t start = 0; start <= text.size();) {
        std::size_t end = std::min(text.find(mark, start), text.size());
        parts.push_back(text.substr(start, end - start));
        start = end + 1;
    }
    return parts;
}

inline std::string unescape(std::string_view text)
{
    std::string plain;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%') {
            plain += static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16));
            i += 2;
        } else {
            plain += text[i];
        }
    }
    return plain;
}

/* The words of a command; those that are not there are empty. */
class Words
{
public:
    explicit Words(std::vector<std::string> words) : words(std::move(words)) {}
    const std::string &operator[](std::size_t index) const
    {
        static const std::string empty;
        return index < words.size() ? words[index] : empty;
    }
    long long number(std::size_t index) const { return std::stoll((*this)[index]); }

private:
    std::vector<std::string> words;
};

/* The commands for a hook, in order, without the hook's name. */
inline std::vector<Words> commands_for(std::string_view script, std::string_view hook)
{
    std::vector<Words> commands;
    for (std::string_view line : split(script, ';')) {
        line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
        std::vector<std::string_view> parts = split(line, ' ');
        if (parts[0] != hook)
            continue;
        std::vector<std::string> words;
        for (std::size_t i = 1; i < parts.size(); ++i)
            words.push_back(unescape(parts[i]));
        commands.emplace_back(std::move(words));
    }
    return commands;
}

#endif
