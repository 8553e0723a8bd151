#include "config/pattern.h"

#include "config/path_spelling.h"
#include "config/wording.h"

static bool refuse(const struct pattern_reader *reader, const struct node *node, const char *sentence)
{
    return error_set_at(reader->error, node->place, "'%s' %s", wording_quote(reader->arena, node->text), sentence);
}

static bool is_letter_or_digit(char c)
{
    char lower = ascii_lower(c);
    return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9');
}

bool pattern_is_token(struct slice text)
{
    for (size_t i = 0; i < text.length; ++i) {
        char c = text.data[i];
        if (!is_letter_or_digit(c) && (c == '\0' || strchr("!#$%&'*+-.^_`|~", c) == NULL))
            return false;
    }
    return text.length != 0;
}

static bool is_empty(const struct node *node)
{
    return node->is_null || node->text.length == 0;
}

bool pattern_check_path(const struct pattern_reader *reader, struct place place, const char *what, struct slice path,
                        bool is_incomplete)
{
    const char *written = wording_quote(reader->arena, path);
    if (path.length == 0 || path.data[0] != '/')
        return error_set_at(reader->error, place, "%s '%s' must begin with '/'", what, written);
    struct slice spelling;
    const char *problem = path_spelling(path, is_incomplete, reader->arena, &spelling);
    if (problem != NULL)
        return error_set_at(reader->error, place, "%s '%s' %s", what, written, problem);
    if (slice_equals(path, spelling))
        return true;
    return error_set_at(reader->error, place, "%s '%s' can never match: requests are matched in the form '%s'", what,
                        written, wording_quote(reader->arena, spelling));
}

bool pattern_read_path(const struct pattern_reader *reader, const struct node *node, struct pattern *pattern)
{
    if (is_empty(node))
        return error_set_at(reader->error, node->place, "a path is missing here (every path begins with '/')");
    struct slice text = node->text;
    pattern->place = node->place;
    pattern->kind = PATTERN_SEGMENT;
    if (text.data[0] == '=') {
        pattern->kind = PATTERN_EXACT;
        text = slice_skip(text, 1);
    } else if (text.data[text.length - 1] == '*') {
        pattern->kind = PATTERN_PREFIX;
        --text.length;
    } else if (text.data[text.length - 1] == '/') {
        pattern->kind = PATTERN_PREFIX;
    }
    pattern->text = text;
    if (pattern->kind != PATTERN_EXACT && slice_find(text, '*') != text.length)
        return refuse(reader, node, "has a '*' that is not at its end, the only place where it stands for anything");
    return pattern_check_path(reader, node->place, "the path", text, pattern->kind == PATTERN_PREFIX);
}

static struct slice lower(struct arena *arena, struct slice text)
{
    char *copy = (char *)arena_copy(arena, text).data;
    for (size_t i = 0; i < text.length; ++i)
        copy[i] = ascii_lower(copy[i]);
    return slice_of(copy, text.length);
}

static bool check_host(const struct pattern_reader *reader, const struct node *node, struct slice text)
{
    size_t colons = 0;
    for (size_t i = 0; i < text.length; ++i) {
        char c = text.data[i];
        colons += c == ':';
        if (c == '*')
            return refuse(reader, node,
                          "has a '*' in a place where it means nothing: '*.example.com' and 'shop*' are possible");
        if (!is_letter_or_digit(c) && (c == '\0' || strchr("-._:", c) == NULL))
            return refuse(reader, node, "is not a host name (write others in their 'xn--' form)");
    }
    if (colons == 1)
        return refuse(reader, node,
                      "has a port, but hosts are matched without it (use 'listener' to tell ports apart)");
    return true;
}

static bool is_bracketed(struct slice text)
{
    return text.length > 2 && text.data[0] == '[' && text.data[text.length - 1] == ']';
}

bool pattern_read_host(const struct pattern_reader *reader, const struct node *node, struct pattern *pattern)
{
    if (is_empty(node))
        return error_set_at(reader->error, node->place, "a host is missing here");
    struct slice text = node->text;
    pattern->place = node->place;
    pattern->kind = PATTERN_EXACT;
    if (text.data[0] == '=') {
        text = slice_skip(text, 1);
    } else if (slice_starts_with(text, SLICE("*."))) {
        pattern->kind = PATTERN_SUFFIX;
        text = slice_skip(text, 1);
    } else if (text.data[text.length - 1] == '*') {
        pattern->kind = PATTERN_PREFIX;
        --text.length;
    }
    if (pattern->kind == PATTERN_EXACT && is_bracketed(text))
        text = slice_of(text.data + 1, text.length - 2);
    bool has_final_dot = pattern->kind != PATTERN_PREFIX && text.length > 1 && text.data[text.length - 1] == '.';
    pattern->text = lower(reader->arena, slice_of(text.data, text.length - has_final_dot));
    if (text.length < 1 + (pattern->kind == PATTERN_SUFFIX) && pattern->kind != PATTERN_PREFIX)
        return refuse(reader, node, "is not a host name");
    return check_host(reader, node, text);
}

bool pattern_read_header(const struct pattern_reader *reader, const struct node *node, struct pattern *pattern)
{
    struct slice text = node->text;
    pattern->place = node->place;
    pattern->kind = PATTERN_PREFIX;
    pattern->text = text;
    if (node->is_null) {
        pattern->kind = PATTERN_ABSENT;
        pattern->text = SLICE_NONE;
    } else if (slice_starts_with(text, SLICE("="))) {
        pattern->kind = PATTERN_EXACT;
        pattern->text = slice_skip(text, 1);
    }
    for (size_t i = 0; i < pattern->text.length; ++i) {
        unsigned char c = (unsigned char)pattern->text.data[i];
        if ((c < ' ' && c != '\t') || c == 0x7f)
            return refuse(reader, node, "holds a control character, which no header may");
    }
    struct slice trimmed = slice_trim(pattern->text);
    if (trimmed.data != pattern->text.data ||
        (pattern->kind == PATTERN_EXACT && trimmed.length != pattern->text.length))
        return refuse(reader, node, "can never match: headers have no blanks at their ends");
    return true;
}

bool pattern_read_method(const struct pattern_reader *reader, const struct node *node, struct pattern *pattern)
{
    static const char *const known[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};
    *pattern = (struct pattern){PATTERN_EXACT, node->text, node->place};
    if (is_empty(node))
        return error_set_at(reader->error, node->place, "a method is missing here");
    if (!pattern_is_token(node->text))
        return refuse(reader, node, "is not a method");
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); ++i) {
        struct slice name = slice_from_text(known[i]);
        if (slice_equals_nocase(node->text, name) && !slice_equals(node->text, name))
            return error_set_at(reader->error, node->place,
                                "methods have their case: '%s' is not a method (did you "
                                "mean '%s'?)",
                                wording_quote(reader->arena, node->text), known[i]);
    }
    return true;
}

bool pattern_read_listener(const struct pattern_reader *reader, const struct node *node, struct pattern *pattern)
{
    *pattern = (struct pattern){PATTERN_EXACT, node->text, node->place};
    return !is_empty(node) || error_set_at(reader->error, node->place, "a listener's name is missing here");
}
