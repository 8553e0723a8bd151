#include "filter/options.h"

#include "base/text.h"
#include "filter/option_value.h"

/* Option types in the contract's numbers; a number that stands here is one that libraries may use. What is made of
 * texts later on is a text here. */
static const enum field_type field_types[] = {
    [FLEXILIB_OPTION_BOOL] = FIELD_BOOL,         [FLEXILIB_OPTION_INTEGER] = FIELD_INTEGER,
    [FLEXILIB_OPTION_DURATION] = FIELD_DURATION, [FLEXILIB_OPTION_SIZE] = FIELD_SIZE,
    [FLEXILIB_OPTION_TEXT] = FIELD_TEXT,         [FLEXILIB_OPTION_LIST] = FIELD_LIST,
    [FLEXILIB_OPTION_MAP] = FIELD_MAP,           [FLEXILIB_OPTION_SECRET] = FIELD_SECRET,
    [FLEXILIB_OPTION_FILE] = FIELD_FILE,         [FLEXILIB_OPTION_NUMBER] = FIELD_NUMBER,
    [FLEXILIB_OPTION_CHOICE] = FIELD_CHOICE,     [FLEXILIB_OPTION_REGEX] = FIELD_TEXT,
    [FLEXILIB_OPTION_TEMPLATE] = FIELD_TEMPLATE, [FLEXILIB_OPTION_UPSTREAM] = FIELD_TEXT,
    [FLEXILIB_OPTION_RANGES] = FIELD_RANGES,     [FLEXILIB_OPTION_DIRECTORY] = FIELD_FOLDER,
    [FLEXILIB_OPTION_TABLE] = FIELD_TABLE,       [FLEXILIB_OPTION_LIST_OF] = FIELD_LIST_OF,
    [FLEXILIB_OPTION_MAP_OF] = FIELD_MAP_OF,     [FLEXILIB_OPTION_ANY] = FIELD_NODE,
};

enum {
    TYPE_COUNT = sizeof(field_types) / sizeof(field_types[0]),
};

bool options_know_type(flexilib_option_type type)
{
    return type >= 0 && type < TYPE_COUNT && field_types[type] != 0;
}

bool options_have_secret(const struct flexilib_option *options, size_t count)
{
    for (size_t i = 0; i < count; ++i) {
        if (options[i].type == FLEXILIB_OPTION_SECRET || options_have_secret(options[i].fields, options[i].field_count))
            return true;
    }
    return false;
}

static struct field *describe_fields(const struct flexilib_option *options, size_t count, struct arena *arena)
{
    struct field *fields = arena_zalloc(arena, count * sizeof(*fields));
    for (size_t i = 0; i < count; ++i) {
        const struct flexilib_option *option = &options[i];
        fields[i] = (struct field){
            .name = option->name,
            .type = field_types[option->type],
            .required = option->required,
            .fallback = option->fallback,
            .minimum = option->minimum,
            .maximum = option->maximum,
            .choices = option->choices,
            .summary = option->summary == NULL ? "" : option->summary,
            .fields = describe_fields(option->fields, option->field_count, arena),
            .field_count = option->field_count,
        };
    }
    return fields;
}

bool options_read(const struct flexilib_filter *filter, size_t value_size, const struct step_settings *step,
                  const struct option_scope *scope, struct arena *arena, struct options *options, struct error *error)
{
    static const struct option_scope nothing;
    size_t count = filter->option_count;
    struct field_value *fields = arena_zalloc(arena, count * sizeof(*fields));
    struct slice what = arena_print(arena, "the options of filter '%.*s'", SLICE_ARG(step->name));
    scope = scope == NULL ? &nothing : scope;
    *options = (struct options){.value_size = value_size};
    if (!fields_read(describe_fields(filter->options, count, arena), count, step->options, step->place, what.data,
                     scope->source, arena, fields, error))
        return false;
    struct option_builder builder = {scope, arena, options, error};
    struct option_block *block = arena_alloc(arena, sizeof(*block));
    *block = (struct option_block){.fields = fields, .options = filter->options, .count = count};
    bool is_built = option_value_build_block(&builder, block);
    options->values = block->values;
    return is_built;
}

void options_finish(struct options *options)
{
    option_value_finish(options);
}

static const char *name_value(const struct option_block *block, size_t index, struct arena *arena)
{
    switch (block->type) {
    case FLEXILIB_OPTION_TABLE:
        return arena_print(arena, "option '%s' of '%s'", block->options[index].name, block->holder).data;
    case FLEXILIB_OPTION_LIST_OF:
        return arena_print(arena, "an item of option '%s'", block->holder).data;
    case FLEXILIB_OPTION_MAP_OF:
        return arena_print(arena, "an entry of option '%s'", block->holder).data;
    default:
        return arena_print(arena, "option '%s'", block->options[index].name).data;
    }
}

bool options_locate(const struct options *options, const struct flexilib_value *value, struct arena *arena,
                    struct place *place, const char **name)
{
    uintptr_t wanted = (uintptr_t)value;
    for (const struct option_block *block = options->blocks; block != NULL; block = block->next) {
        uintptr_t first = (uintptr_t)block->values;
        size_t index = (wanted - first) / options->value_size;
        if (wanted < first || index >= block->count)
            continue;
        *place = block->fields[index].place;
        *name = name_value(block, index, arena);
        return true;
    }
    return false;
}
