#include "filter/library_options.h"

#include "config/wording.h"
#include "filter/library_entry.h"
#include "filter/options.h"

enum {
    MOST_OPTIONS = 1024, /* of one filter, nested ones included */
    MOST_CHOICES = 1024,
    DEEPEST_LEVEL = 8,
};

/* A table that is being copied. */
struct level {
    unsigned depth;
    const char *holder; /* the name of the option that it belongs to, or NULL */
    bool is_nameless;   /* it is the one option of a list or a mapping */
};

static bool read_table(struct library_options_reader *reader, const struct flexilib_option **options, size_t count,
                       const struct level *level);

static bool is_list(const struct flexilib_option *option)
{
    return option->type == FLEXILIB_OPTION_LIST_OF || option->type == FLEXILIB_OPTION_MAP_OF;
}

static bool is_nested(const struct flexilib_option *option)
{
    return is_list(option) || option->type == FLEXILIB_OPTION_TABLE;
}

static bool check_name(const struct library_options_reader *reader, const struct flexilib_option *options, size_t index)
{
    const char *name = options[index].name;
    if (name == NULL)
        return error_set(reader->error, "%s: option %zu of filter '%s' has no name", reader->path, index + 1,
                         reader->filter);
    if (!library_entry_is_word(name, "-_"))
        return error_set(reader->error, "%s: option '%s' of filter '%s': a name is made of a-z, 0-9, '-' and '_'",
                         reader->path, wording_quote(reader->arena, slice_from_text(name)), reader->filter);
    for (size_t i = 0; i < index; ++i) {
        if (strcmp(options[i].name, name) == 0)
            return error_set(reader->error, "%s: filter '%s' has two options '%s'", reader->path, reader->filter, name);
    }
    return true;
}

static bool refuse(const struct library_options_reader *reader, const struct flexilib_option *option,
                   const char *sentence)
{
    return error_set(reader->error, "%s: option '%s' of filter '%s' %s", reader->path, option->name, reader->filter,
                     sentence);
}

/* Types that came with members of their own need a library that has these. */
static bool check_type(const struct library_options_reader *reader, const struct flexilib_option *option)
{
    bool is_later = option->type >= FLEXILIB_OPTION_NUMBER;
    size_t option_end = offsetof(struct flexilib_option, field_count) + sizeof(option->field_count);
    size_t value_end = offsetof(struct flexilib_value, node) + sizeof(((struct flexilib_value *)NULL)->node);
    if (!options_know_type(option->type))
        return error_set(reader->error, "%s: option '%s' of filter '%s' has type %d, which this FlexiLib does not know",
                         reader->path, option->name, reader->filter, (int)option->type);
    if (is_later && (reader->option_size < option_end || reader->value_size < value_end))
        return error_set(reader->error,
                         "%s: option '%s' of filter '%s' has type %d, for which its flexilib_option and flexilib_value "
                         "are too small: rebuild it against the flexilib/filter.h that has this type",
                         reader->path, option->name, reader->filter, (int)option->type);
    return true;
}

static bool check_choices(const struct library_options_reader *reader, const struct flexilib_option *option)
{
    size_t count = 0;
    while (option->choices != NULL && option->choices[count] != NULL && count <= MOST_CHOICES)
        ++count;
    if (count == 0)
        return refuse(reader, option, "is a choice without choices");
    return count <= MOST_CHOICES || refuse(reader, option, "has more than 1024 choices: they end with a NULL");
}

static bool check_meaning(const struct library_options_reader *reader, const struct flexilib_option *option)
{
    if (option->type == FLEXILIB_OPTION_CHOICE && !check_choices(reader, option))
        return false;
    if (option->minimum > option->maximum)
        return refuse(reader, option, "has a minimum above its maximum, so no value will do");
    if (option->fallback != NULL && (is_nested(option) || option->type == FLEXILIB_OPTION_ANY))
        return refuse(reader, option, "has a fallback, which its type cannot have");
    if (is_list(option) && option->field_count != 1)
        return refuse(reader, option, "needs fields of count 1: what its items are");
    return true;
}

/* Whatever is in members that the type does not use, or an older library does not have, is not looked at again. */
static void clear_unused(struct flexilib_option *option)
{
    if (option->type != FLEXILIB_OPTION_CHOICE)
        option->choices = NULL;
    if (is_nested(option))
        return;
    option->fields = NULL;
    option->field_count = 0;
}

static bool read_option(struct library_options_reader *reader, struct flexilib_option *options, size_t index,
                        const struct level *level)
{
    struct flexilib_option *option = &options[index];
    if (level->is_nameless)
        option->name = level->holder;
    if ((!level->is_nameless && !check_name(reader, options, index)) || !check_type(reader, option) ||
        !check_meaning(reader, option))
        return false;
    clear_unused(option);
    struct level inner = {level->depth + 1, option->name, is_list(option)};
    return !is_nested(option) || read_table(reader, &option->fields, option->field_count, &inner);
}

static bool check_table(struct library_options_reader *reader, const struct flexilib_option *options, size_t count,
                        const struct level *level)
{
    if (level->depth > DEEPEST_LEVEL)
        return error_set(reader->error, "%s: filter '%s' has options that are nested more than %d levels deep",
                         reader->path, reader->filter, DEEPEST_LEVEL);
    if (count <= MOST_OPTIONS)
        reader->option_count += count;
    if (count > MOST_OPTIONS || reader->option_count > MOST_OPTIONS)
        return error_set(reader->error, "%s: filter '%s' says that it has %zu options, but %d are the most",
                         reader->path, reader->filter, count, MOST_OPTIONS);
    if (options != NULL && count != 0)
        return true;
    if (level->holder == NULL)
        return error_set(reader->error, "%s: filter '%s' says that it has %zu options, but gives no table",
                         reader->path, reader->filter, count);
    return error_set(reader->error, "%s: option '%s' of filter '%s' is a table without fields", reader->path,
                     level->holder, reader->filter);
}

static bool read_table(struct library_options_reader *reader, const struct flexilib_option **options, size_t count,
                       const struct level *level)
{
    if (!check_table(reader, *options, count, level))
        return false;
    struct flexilib_option *copies =
        library_entry_copy_items(reader->arena, *options, count, reader->option_size, sizeof(*copies));
    *options = copies;
    for (size_t i = 0; i < count; ++i) {
        if (!read_option(reader, copies, i, level))
            return false;
    }
    return true;
}

bool library_options_read(struct library_options_reader *reader, struct flexilib_filter *filter)
{
    struct level top = {.depth = 1};
    return filter->option_count == 0 || read_table(reader, &filter->options, filter->option_count, &top);
}
