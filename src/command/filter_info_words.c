#include "command/filter_info_words.h"

struct type_words {
    const char *name;
    const char *phrase;
};

static const struct type_words types[] = {
    [FLEXILIB_OPTION_BOOL] = {"bool", "yes or no"},
    [FLEXILIB_OPTION_INTEGER] = {"integer", "a whole number"},
    [FLEXILIB_OPTION_DURATION] = {"duration", "a duration"},
    [FLEXILIB_OPTION_SIZE] = {"size", "a size"},
    [FLEXILIB_OPTION_TEXT] = {"text", "a text"},
    [FLEXILIB_OPTION_LIST] = {"list", "a list of texts"},
    [FLEXILIB_OPTION_MAP] = {"map", "a mapping of texts"},
    [FLEXILIB_OPTION_SECRET] = {"secret", "a secret text"},
    [FLEXILIB_OPTION_FILE] = {"file", "the path of a file"},
    [FLEXILIB_OPTION_NUMBER] = {"number", "a number"},
    [FLEXILIB_OPTION_CHOICE] = {"choice", "one of"},
    [FLEXILIB_OPTION_REGEX] = {"regex", "a regular expression"},
    [FLEXILIB_OPTION_TEMPLATE] = {"template", "a text with {placeholders}"},
    [FLEXILIB_OPTION_UPSTREAM] = {"upstream", "the name of an upstream"},
    [FLEXILIB_OPTION_RANGES] = {"ranges", "addresses and networks"},
    [FLEXILIB_OPTION_DIRECTORY] = {"directory", "the path of a folder"},
    [FLEXILIB_OPTION_TABLE] = {"table", "a mapping"},
    [FLEXILIB_OPTION_LIST_OF] = {"list_of", "a list"},
    [FLEXILIB_OPTION_MAP_OF] = {"map_of", "a mapping of names"},
    [FLEXILIB_OPTION_ANY] = {"any", "anything"},
};

/* A library that is open has no type that is not here. */
const char *filter_info_type_name(flexilib_option_type type)
{
    return types[type].name;
}

const char *filter_info_type_phrase(flexilib_option_type type)
{
    return types[type].phrase;
}

const char *filter_info_hook(const struct flexilib_filter *filter, int number)
{
    const struct {
        const char *name;
        bool is_there;
    } hooks[FILTER_INFO_HOOKS] = {
        {"on_request_head", filter->on_request_head != NULL},
        {"on_request_body", filter->on_request_body != NULL},
        {"on_response_head", filter->on_response_head != NULL},
        {"on_response_body", filter->on_response_body != NULL},
        {"on_reply_body", filter->on_reply_body != NULL},
        {"on_resume", filter->on_resume != NULL},
        {"on_end", filter->on_end != NULL},
    };
    return hooks[number].is_there ? hooks[number].name : NULL;
}

const char *filter_info_flag(const struct flexilib_filter *filter, int number)
{
    static const struct {
        const char *name;
        uint32_t bit;
    } flags[FILTER_INFO_FLAGS] = {
        {"blocking", FLEXILIB_BLOCKING},
        {"concurrent", FLEXILIB_CONCURRENT},
        {"exclusive", FLEXILIB_EXCLUSIVE},
        {"observing", FLEXILIB_OBSERVES},
    };
    return (filter->flags & flags[number].bit) != 0 ? flags[number].name : NULL;
}
