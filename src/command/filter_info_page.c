#include "command/filter_info_page.h"

#include "base/arena.h"
#include "base/characters.h"
#include "command/filter_info_words.h"
#include "config/wording.h"
#include "filter/library.h"

#include <inttypes.h>

enum {
    INDENT = 2,
};

/* Texts of a library, without what a terminal might obey. */
static void add_clean(struct text *out, const char *written)
{
    struct slice text = slice_from_text(written == NULL ? "" : written);
    while (text.length != 0) {
        size_t length = character_length(text);
        struct slice character = slice_of(text.data, length == 0 ? 1 : length);
        if (length == 0 || character_is_control(character))
            text_add_char(out, '?');
        else
            text_add(out, character);
        text = slice_skip(text, character.length);
    }
}

static void add_blanks(struct text *out, size_t count)
{
    text_print(out, "%*s", (int)count, "");
}

static bool is_bounded(const struct flexilib_option *option)
{
    return option->minimum != 0 || option->maximum != 0;
}

static void add_number(struct text *out, const struct flexilib_option *option, int64_t number)
{
    struct arena scratch;
    arena_init(&scratch, 0);
    if (option->type == FLEXILIB_OPTION_DURATION)
        text_print(out, "%s", wording_duration(&scratch, number));
    else if (option->type == FLEXILIB_OPTION_SIZE)
        text_print(out, "%s", wording_size(&scratch, number));
    else
        text_print(out, "%" PRId64, number);
    arena_finish(&scratch);
}

static void add_bounds(struct text *out, const struct flexilib_option *option)
{
    text_print(out, option->maximum == INT64_MAX ? ", at least " : " from ");
    add_number(out, option, option->minimum);
    if (option->maximum == INT64_MAX)
        return;
    text_print(out, " to ");
    add_number(out, option, option->maximum);
}

static void add_choices(struct text *out, const struct flexilib_option *option)
{
    for (size_t i = 0; option->choices[i] != NULL; ++i) {
        text_print(out, i == 0 ? " " : ", ");
        add_clean(out, option->choices[i]);
    }
}

static void add_options(struct text *out, const struct flexilib_option *options, size_t count, size_t indent);

static bool is_list(const struct flexilib_option *option)
{
    return option->type == FLEXILIB_OPTION_LIST_OF || option->type == FLEXILIB_OPTION_MAP_OF;
}

/* "a size from 1KB to 1MB", "one of red, green" */
static void add_type(struct text *out, const struct flexilib_option *option)
{
    text_print(out, "%s", filter_info_type_phrase(option->type));
    if (option->type == FLEXILIB_OPTION_CHOICE)
        add_choices(out, option);
    if (is_bounded(option))
        add_bounds(out, option);
}

static void add_items(struct text *out, const struct flexilib_option *option)
{
    for (; is_list(option); option = option->fields) {
        text_print(out, option->type == FLEXILIB_OPTION_LIST_OF ? "; each item: " : "; each value: ");
        add_type(out, option->fields);
    }
}

static const struct flexilib_option *find_table(const struct flexilib_option *option)
{
    while (is_list(option))
        option = option->fields;
    return option->type == FLEXILIB_OPTION_TABLE ? option : NULL;
}

/* A default that does not stand out from the sentence around it is put in quotes. */
static void add_fallback(struct text *out, const char *fallback)
{
    bool is_quoted = fallback[0] == '\0' || strpbrk(fallback, " ,;") != NULL;
    text_print(out, "; by default %s", is_quoted ? "\"" : "");
    add_clean(out, fallback);
    if (is_quoted)
        text_add_char(out, '"');
}

static void add_option(struct text *out, const struct flexilib_option *option, size_t indent, size_t width)
{
    add_blanks(out, indent);
    text_print(out, "%-*s", (int)width, option->name);
    add_type(out, option);
    if (option->required)
        text_print(out, ", required");
    if (option->fallback != NULL)
        add_fallback(out, option->fallback);
    add_items(out, option);
    text_add_char(out, '\n');
    if (option->summary != NULL && option->summary[0] != '\0') {
        add_blanks(out, indent + width);
        add_clean(out, option->summary);
        text_add_char(out, '\n');
    }
    const struct flexilib_option *table = find_table(option);
    if (table != NULL)
        add_options(out, table->fields, table->field_count, indent + width);
}

static void add_options(struct text *out, const struct flexilib_option *options, size_t count, size_t indent)
{
    size_t width = 0;
    for (size_t i = 0; i < count; ++i) {
        size_t length = strlen(options[i].name) + INDENT;
        width = length > width ? length : width;
    }
    for (size_t i = 0; i < count; ++i)
        add_option(out, &options[i], indent, width);
}

/* "  hooks: a, b", where there are any. */
static void add_words(struct text *out, const char *title, const struct flexilib_filter *filter,
                      const char *(*word)(const struct flexilib_filter *filter, int number), int count)
{
    const char *separator = title;
    for (int i = 0; i < count; ++i) {
        if (word(filter, i) == NULL)
            continue;
        text_print(out, "%s%s", separator, word(filter, i));
        separator = ", ";
    }
    if (separator != title)
        text_add_char(out, '\n');
}

static void add_filter(struct text *out, const struct flexilib_filter *filter)
{
    text_print(out, "\n%s", filter->name);
    if (filter->version != NULL && filter->version[0] != '\0') {
        text_add_char(out, ' ');
        add_clean(out, filter->version);
    }
    if (filter->summary != NULL && filter->summary[0] != '\0') {
        text_print(out, ": ");
        add_clean(out, filter->summary);
    }
    text_add_char(out, '\n');
    add_words(out, "  is ", filter, filter_info_flag, FILTER_INFO_FLAGS);
    add_words(out, "  has ", filter, filter_info_hook, FILTER_INFO_HOOKS);
    text_print(out, filter->option_count == 0 ? "  takes no options\n" : "  takes these options:\n");
    add_options(out, filter->options, filter->option_count, 2 * INDENT);
}

void filter_info_page(const char *path, const struct library *library, struct text *out)
{
    size_t count = library_filter_count(library);
    text_print(out, "%s: %zu filter%s, for ", path, count, count == 1 ? "" : "s");
    if (library_is_original(library))
        text_print(out, "the original FlexiLib\n");
    else
        text_print(out, "filter contract %d.%u\n", FLEXILIB_ABI_MAJOR, (unsigned)library_abi_minor(library));
    for (size_t i = 0; i < count; ++i)
        add_filter(out, library_filter(library, i));
}
