#include "command/filter_line.h"

#include "base/suggest.h"

struct option {
    const char *name;
    unsigned bit;
    bool has_value;
};

static const struct option options[] = {
    {"--json", FILTER_LINE_JSON, false},
    {"--filter", FILTER_LINE_FILTER, true},
    {"--options", FILTER_LINE_OPTIONS, true},
};

enum {
    OPTION_COUNT = sizeof(options) / sizeof(options[0]),
};

static bool refuse_option(struct slice name, unsigned allowed, struct error *error)
{
    char phrase[SUGGEST_PHRASE_BYTES];
    struct suggest suggest = suggest_start(name);
    for (size_t i = 0; i < OPTION_COUNT; ++i) {
        if ((options[i].bit & allowed) != 0)
            suggest_offer(&suggest, slice_from_text(options[i].name));
    }
    return error_set(error, "unknown option '%.*s'%s", SLICE_ARG(name), suggest_phrase(&suggest, phrase));
}

static const struct option *find_option(struct slice name, unsigned allowed)
{
    for (size_t i = 0; i < OPTION_COUNT; ++i) {
        if ((options[i].bit & allowed) != 0 && slice_equals(slice_from_text(options[i].name), name))
            return &options[i];
    }
    return NULL;
}

static bool set_value(const char **place, const struct option *option, const char *value, struct error *error)
{
    if (value == NULL)
        return error_set(error, "%s needs a value", option->name);
    if (*place != NULL)
        return error_set(error, "%s stands there twice", option->name);
    *place = value;
    return true;
}

/* Reads `--name`, `--name VALUE` or `--name=VALUE`. */
static bool read_option(char ***next, unsigned allowed, struct filter_line *line, struct error *error)
{
    const char *text = *(*next)++;
    struct slice argument = slice_from_text(text);
    size_t equals = slice_find(argument, '=');
    struct slice name = slice_of(text, equals);
    const struct option *option = find_option(name, allowed);
    bool has_equals = equals != argument.length;
    if (option == NULL)
        return refuse_option(name, allowed, error);
    if (has_equals && !option->has_value)
        return error_set(error, "%s takes no value", option->name);
    if (!option->has_value) {
        line->is_json = true;
        return true;
    }
    const char *value = has_equals ? text + equals + 1 : **next;
    *next += !has_equals && value != NULL;
    return set_value(option->bit == FILTER_LINE_FILTER ? &line->filter : &line->options, option, value, error);
}

bool filter_line_parse(char **arguments, unsigned allowed, struct filter_line *line, struct error *error)
{
    *line = (struct filter_line){0};
    while (*arguments != NULL) {
        if ((*arguments)[0] == '-') {
            if (!read_option(&arguments, allowed, line, error))
                return false;
            continue;
        }
        if (line->library != NULL)
            return error_set(error, "'%s' is one too many: one library at a time", *arguments);
        line->library = *arguments++;
    }
    return (line->library != NULL && line->library[0] != '\0') || error_set(error, "a library is missing");
}
