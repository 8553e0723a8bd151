#include "filter/options.h"

#include "base/text.h"

/* Option types in the contract's numbers; a number that stands here is one that libraries may use. */
static const enum field_type field_types[] = {
    [FLEXILIB_OPTION_BOOL] = FIELD_BOOL,         [FLEXILIB_OPTION_INTEGER] = FIELD_INTEGER,
    [FLEXILIB_OPTION_DURATION] = FIELD_DURATION, [FLEXILIB_OPTION_SIZE] = FIELD_SIZE,
    [FLEXILIB_OPTION_TEXT] = FIELD_TEXT,         [FLEXILIB_OPTION_LIST] = FIELD_LIST,
    [FLEXILIB_OPTION_MAP] = FIELD_MAP,           [FLEXILIB_OPTION_SECRET] = FIELD_SECRET,
    [FLEXILIB_OPTION_FILE] = FIELD_FILE,
};

static struct field *describe_fields(const struct flexilib_filter *filter, struct arena *arena)
{
    struct field *fields = arena_zalloc(arena, filter->option_count * sizeof(*fields));
    for (size_t i = 0; i < filter->option_count; ++i) {
        const struct flexilib_option *option = &filter->options[i];
        fields[i] = (struct field){
            .name = option->name,
            .type = field_types[option->type],
            .required = option->required,
            .fallback = option->fallback,
            .minimum = option->minimum,
            .maximum = option->maximum,
            .summary = option->summary == NULL ? "" : option->summary,
        };
    }
    return fields;
}

static struct flexilib_text give_text(struct slice text)
{
    return (struct flexilib_text){text.data, text.length};
}

static void fill_list(const struct field_value *field, struct arena *arena, struct flexilib_value *value)
{
    struct flexilib_text *list = arena_alloc(arena, field->count * sizeof(*list));
    for (size_t i = 0; i < field->count; ++i)
        list[i] = give_text(field->list[i].text);
    value->list = list;
    value->count = field->count;
}

static void fill_map(const struct field_value *field, struct arena *arena, struct flexilib_value *value)
{
    struct flexilib_pair *map = arena_alloc(arena, field->count * sizeof(*map));
    for (size_t i = 0; i < field->count; ++i)
        map[i] = (struct flexilib_pair){give_text(field->map[i].name), give_text(field->map[i].value)};
    value->map = map;
    value->count = field->count;
}

static struct flexilib_value build_value(const struct field_value *field, flexilib_option_type type,
                                         struct arena *arena)
{
    struct flexilib_value value = {
        .present = field->present,
        .boolean = field->boolean,
        .integer = field->integer,
        .text = give_text(field->text),
    };
    if (field->present && type == FLEXILIB_OPTION_LIST)
        fill_list(field, arena, &value);
    if (field->present && type == FLEXILIB_OPTION_MAP)
        fill_map(field, arena, &value);
    return value;
}

bool options_read(const struct flexilib_filter *filter, size_t value_size, const struct step_settings *step,
                  struct source *source, struct arena *arena, struct options *options, struct error *error)
{
    size_t count = filter->option_count;
    struct field_value *fields = arena_zalloc(arena, count * sizeof(*fields));
    struct slice what = arena_print(arena, "the options of filter '%.*s'", SLICE_ARG(step->name));
    if (!fields_read(describe_fields(filter, arena), count, step->options, step->place, what.data, source, arena,
                     fields, error))
        return false;
    char *values = arena_zalloc(arena, count * value_size);
    for (size_t i = 0; i < count; ++i) {
        struct flexilib_value value = build_value(&fields[i], filter->options[i].type, arena);
        memcpy(values + i * value_size, &value, value_size < sizeof(value) ? value_size : sizeof(value));
    }
    *options = (struct options){.fields = fields, .values = (const struct flexilib_value *)values};
    return true;
}
