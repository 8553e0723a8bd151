#include "command/filter_info_json.h"

#include "command/filter_info_words.h"
#include "command/json_text.h"
#include "filter/library.h"

#include <jansson.h>
#include <stdlib.h>

static json_t *describe_options(const struct flexilib_option *options, size_t count);

static json_t *give_text(const char *written)
{
    return json_text(slice_from_text(written == NULL ? "" : written));
}

static json_t *list_choices(const struct flexilib_option *option)
{
    json_t *list = json_array();
    for (size_t i = 0; option->choices[i] != NULL; ++i)
        json_array_append_new(list, give_text(option->choices[i]));
    return list;
}

/* What an option or an item of one may be. */
static void describe_type(json_t *object, const struct flexilib_option *option)
{
    json_object_set_new(object, "type", json_string(filter_info_type_name(option->type)));
    if (option->minimum != 0 || option->maximum != 0) {
        json_object_set_new(object, "minimum", json_integer(option->minimum));
        if (option->maximum != INT64_MAX)
            json_object_set_new(object, "maximum", json_integer(option->maximum));
    }
    if (option->type == FLEXILIB_OPTION_CHOICE)
        json_object_set_new(object, "choices", list_choices(option));
    if (option->type == FLEXILIB_OPTION_TABLE)
        json_object_set_new(object, "options", describe_options(option->fields, option->field_count));
    if (option->type != FLEXILIB_OPTION_LIST_OF && option->type != FLEXILIB_OPTION_MAP_OF)
        return;
    json_t *items = json_object();
    describe_type(items, option->fields);
    json_object_set_new(object, "items", items);
}

static json_t *describe_option(const struct flexilib_option *option)
{
    json_t *object = json_object();
    json_object_set_new(object, "name", give_text(option->name));
    describe_type(object, option);
    json_object_set_new(object, "required", json_boolean(option->required));
    json_object_set_new(object, "default", option->fallback == NULL ? json_null() : give_text(option->fallback));
    json_object_set_new(object, "summary", give_text(option->summary));
    return object;
}

static json_t *describe_options(const struct flexilib_option *options, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; ++i)
        json_array_append_new(list, describe_option(&options[i]));
    return list;
}

static json_t *list_words(const struct flexilib_filter *filter,
                          const char *(*word)(const struct flexilib_filter *filter, int number), int count)
{
    json_t *list = json_array();
    for (int i = 0; i < count; ++i) {
        if (word(filter, i) != NULL)
            json_array_append_new(list, json_string(word(filter, i)));
    }
    return list;
}

static json_t *describe_filter(const struct flexilib_filter *filter)
{
    json_t *object = json_object();
    json_object_set_new(object, "name", give_text(filter->name));
    json_object_set_new(object, "summary", give_text(filter->summary));
    json_object_set_new(object, "version", give_text(filter->version));
    json_object_set_new(object, "flags", list_words(filter, filter_info_flag, FILTER_INFO_FLAGS));
    json_object_set_new(object, "hooks", list_words(filter, filter_info_hook, FILTER_INFO_HOOKS));
    json_object_set_new(object, "options", describe_options(filter->options, filter->option_count));
    return object;
}

void filter_info_json(const char *path, const struct library *library, struct text *out)
{
    char contract[32];
    json_t *object = json_object();
    json_t *filters = json_array();
    if (library_is_original(library))
        snprintf(contract, sizeof(contract), "original");
    else
        snprintf(contract, sizeof(contract), "%d.%u", FLEXILIB_ABI_MAJOR, (unsigned)library_abi_minor(library));
    for (size_t i = 0; i < library_filter_count(library); ++i)
        json_array_append_new(filters, describe_filter(library_filter(library, i)));
    json_object_set_new(object, "library", give_text(path));
    json_object_set_new(object, "contract", json_string(contract));
    json_object_set_new(object, "filters", filters);
    char *written = json_dumps(object, JSON_INDENT(2));
    if (written == NULL)
        abort();
    text_print(out, "%s\n", written);
    free(written);
    json_decref(object);
}
