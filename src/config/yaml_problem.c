#include "config/yaml_problem.h"

#include "config/text_position.h"
#include "config/wording.h"

struct rule {
    /* Parts of what libyaml says. NULL fits anything. */
    const char *context;
    const char *problem;
    const char *sentence;
    /* The sentence is about where the construct begins, not about where reading got stuck. */
    bool is_about_context;
};

static const struct rule rules[] = {
    {NULL, "tab character", "a tab stands where only spaces may: YAML is indented with spaces", false},
    {"quoted scalar", "end of stream", "this quote is never closed", true},
    {"quoted scalar", "document indicator", "this quote is never closed", true},
    {"quoted scalar", "escape character",
     "this '\\' escape is unknown: write '\\\\' for a backslash, or use single quotes", false},
    {"quoted scalar", "hexdecimal", "this '\\' escape wants hexadecimal digits", false},
    {"quoted scalar", "Unicode", "this '\\' escape is no character", false},
    {"simple key", "':'", "a ':' is missing after this key", true},
    {"alias", NULL, "a text that begins with '*' must stand in quotes", true},
    {"anchor", NULL, "a text that begins with '&' must stand in quotes", true},
    {"block scalar", NULL, "after '|' or '>' the text begins on the next line", false},
    {"directive", NULL, "a line that begins with '%' is a directive, which is not used here", true},
    {"tag", NULL, "a text that begins with '!' must stand in quotes", true},
    {"flow sequence", NULL, "a ',' or the closing ']' is missing here", false},
    {"flow mapping", NULL, "a ',' or the closing '}' is missing here", false},
    {"block mapping", "expected key", "a 'key: value' is wanted here; check the indentation", false},
    {"block collection", NULL, "a list item that begins with '-' is wanted here; check the indentation", false},
    {NULL, "mapping values",
     "a ':' cannot stand here: put a text that holds ': ' in quotes, or check the indentation and the line before",
     false},
    {NULL, "mapping keys", "a '?' cannot stand here: put the text in quotes, or check the indentation", false},
    {NULL, "block sequence entries",
     "a '-' cannot stand here: put the text in quotes, or begin the list on a line of "
     "its own",
     false},
    {NULL, "<document start>", "the document has ended before this; check the indentation and the brackets", false},
    {NULL, "undefined tag handle", "a text that begins with '!' must stand in quotes", false},
    {NULL, "node content", "a value is missing here", false},
};

static bool holds(const char *text, const char *part)
{
    return part == NULL || (text != NULL && strstr(text, part) != NULL);
}

static const struct rule *find_rule(const yaml_parser_t *parser)
{
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); ++i) {
        if (holds(parser->context, rules[i].context) && holds(parser->problem, rules[i].problem))
            return &rules[i];
    }
    return NULL;
}

/* What people write in flow collections, or in place of one, without thinking of YAML: variables, whose "{" libyaml
 * takes for the beginning of a mapping, and IPv6 addresses. */
static bool report_missing_quotes(const struct text_position *position, struct arena *arena, struct error *error)
{
    struct slice content = position->text->content;
    size_t at = position->offset;
    if (at == 0 || at >= content.length)
        return false;
    bool is_variable = content.data[at - 1] == '$' && content.data[at] == '{';
    bool is_address = (content.data[at - 1] == '[' || content.data[at - 1] == ']') && content.data[at] == ':';
    struct place place = text_position_of_byte(position->text, at - 1);
    if (is_address)
        error_set_at(error, place, "an IPv6 address must stand in quotes, such as \"[::1]:8069\"");
    if (!is_variable)
        return is_address;
    struct slice rest = slice_skip(content, at - 1);
    rest.length = slice_find(rest, '\n');
    size_t end = slice_find(rest, '}');
    const char *written = wording_quote(arena, slice_of(rest.data, end < rest.length ? end + 1 : end));
    error_set_at(error, place, "quote it inside { } and [ ]: write \"%s\"", written);
    return true;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_word_character(char c)
{
    char lower = ascii_lower(c);
    return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

/* The offset of the line's first character that is neither blank nor the dash of a list item. */
static size_t skip_dashes(struct slice content, size_t at)
{
    while (at + 1 < content.length &&
           (content.data[at] == ' ' || (content.data[at] == '-' && content.data[at + 1] == ' ')))
        ++at;
    return at;
}

static size_t find_line(struct slice content, size_t at)
{
    while (at != 0 && content.data[at - 1] != '\n')
        --at;
    return at;
}

/* The beginning of the last line above that holds more than a comment, or of the first line. */
static size_t find_line_above(struct slice content, size_t line)
{
    while (line != 0) {
        line = find_line(content, line - 1);
        size_t at = line;
        while (at < content.length && content.data[at] != '\n' && is_blank(content.data[at]))
            ++at;
        if (content.data[at] != '\n' && content.data[at] != '#')
            break;
    }
    return line;
}

/* Where a blank is missing YAML sees a text that goes on in the next line, and libyaml blames that one. */
static bool report_missing_blank(const struct source_text *text, size_t line, struct error *error)
{
    struct slice content = text->content;
    size_t start = skip_dashes(content, line), end = start;
    while (end < content.length && is_word_character(content.data[end]))
        ++end;
    bool is_slashed = slice_starts_with(slice_skip(content, start), SLICE("//"));
    bool is_url = slice_starts_with(slice_skip(content, end), SLICE("://"));
    bool has_word = end != start && end + 1 < content.length;
    const char *sentence = NULL;
    if (is_slashed)
        sentence = "a comment begins with '#'";
    else if (has_word && content.data[start] == '-')
        sentence = "a blank is missing after this '-'";
    else if (has_word && content.data[end] == ':' && !is_url && !is_blank(content.data[end + 1]))
        sentence = "a blank is missing after this ':'";
    size_t at = is_slashed || content.data[start] == '-' ? start : end;
    if (sentence != NULL)
        error_set_at(error, text_position_of_byte(text, at), "%s", sentence);
    return sentence != NULL;
}

/* Says whether what is wrong here is a blank that is missing, and reports it. */
static bool report_blanks(const yaml_parser_t *parser, struct text_position *position, struct error *error)
{
    struct slice content = position->text->content;
    if (holds(parser->context, "simple key") && holds(parser->problem, "':'")) {
        struct text_position key;
        text_position_init(&key, position->text);
        text_position_to_character(&key, parser->context_mark.index);
        return report_missing_blank(position->text, find_line(content, key.offset), error);
    }
    if (!holds(parser->problem, "mapping values") && !holds(parser->problem, "<document start>"))
        return false;
    size_t line = find_line(content, position->offset);
    return line != 0 && report_missing_blank(position->text, find_line_above(content, line), error);
}

static void report_character(const struct text_position *position, struct arena *arena, struct error *error)
{
    struct place place = text_position_place(position);
    struct slice rest = slice_skip(position->text->content, position->offset);
    rest.length = rest.length != 0;
    if (slice_equals(rest, SLICE("\t")))
        error_set_at(error, place, "a tab stands where only spaces may: YAML is indented with spaces");
    else
        error_set_at(error, place, "a text that begins with '%s' must stand in quotes", wording_quote(arena, rest));
}

static bool report_encoding(const yaml_parser_t *parser, const struct source_text *text, struct error *error)
{
    struct place place = text_position_of_byte(text, parser->offset);
    if (holds(parser->problem, "control characters"))
        return error_set_at(error, place, "a control character (0x%02x) cannot stand in a configuration",
                            (unsigned)parser->problem_value);
    return error_set_at(error, place, "this is not UTF-8: the configuration must be saved in that encoding");
}

bool yaml_problem_report(const yaml_parser_t *parser, const struct source_text *text, struct arena *arena,
                         struct error *error)
{
    if (parser->error == YAML_READER_ERROR)
        return report_encoding(parser, text, error);
    struct text_position position;
    text_position_init(&position, text);
    text_position_to_character(&position, parser->problem_mark.index);
    if (report_missing_quotes(&position, arena, error) || report_blanks(parser, &position, error))
        return false;
    if (holds(parser->problem, "cannot start any token")) {
        report_character(&position, arena, error);
        return false;
    }
    const struct rule *rule = find_rule(parser);
    if (rule != NULL && rule->is_about_context)
        text_position_to_character(&position, parser->context_mark.index);
    return error_set_at(error, text_position_place(&position), "%s",
                        rule != NULL ? rule->sentence : "this is not YAML that can be understood");
}
