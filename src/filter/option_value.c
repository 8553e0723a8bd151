#include "filter/option_value.h"

#include "base/suggest.h"
#include "config/server_url.h"
#include "config/upstream_number.h"
#include "config/wording.h"
#include "filter/option_node.h"
#include "filter/ranges.h"
#include "filter/regex.h"

struct option_regex {
    struct flexilib_regex *regex;
    struct option_regex *next;
};

/* One value of a block, while it is built. */
struct option_part {
    const struct option_builder *builder;
    const struct option_block *block;
    const struct flexilib_option *option;
    const struct field_value *field;
    struct flexilib_value *value;
};

static struct flexilib_text give_text(struct slice text)
{
    return (struct flexilib_text){text.data == NULL ? "" : text.data, text.length};
}

/* As config/ names values in its messages. */
static const char *name_part(const struct option_part *part)
{
    struct arena *arena = part->builder->arena;
    if (part->block->type == FLEXILIB_OPTION_LIST_OF)
        return arena_print(arena, "an item of '%s'", part->block->holder).data;
    if (part->block->type == FLEXILIB_OPTION_MAP_OF)
        return arena_print(arena, "an entry of '%s'", part->block->holder).data;
    return arena_print(arena, "'%s'", part->option->name).data;
}

static void give_list(const struct option_part *part)
{
    const struct field_value *field = part->field;
    struct flexilib_text *list = arena_alloc(part->builder->arena, field->count * sizeof(*list));
    for (size_t i = 0; i < field->count; ++i)
        list[i] = give_text(field->list[i].text);
    part->value->list = list;
    part->value->count = field->count;
}

static void give_map(const struct option_part *part)
{
    const struct field_value *field = part->field;
    struct flexilib_pair *map = arena_alloc(part->builder->arena, field->count * sizeof(*map));
    for (size_t i = 0; i < field->count; ++i)
        map[i] = (struct flexilib_pair){give_text(field->map[i].name), give_text(field->map[i].value)};
    part->value->map = map;
    part->value->count = field->count;
}

static void give_ranges(const struct option_part *part)
{
    struct flexilib_ranges *ranges = arena_alloc(part->builder->arena, sizeof(*ranges));
    *ranges = (struct flexilib_ranges){part->field->ranges, part->field->count};
    part->value->ranges = ranges;
}

static bool compile_regex(const struct option_part *part)
{
    const struct option_builder *builder = part->builder;
    struct regex_problem problem;
    struct flexilib_regex *regex = regex_create(part->field->text, &problem);
    if (regex == NULL)
        return error_set_at(builder->error, part->field->place,
                            "%s wants a regular expression, not '%s': %s (behind its byte %zu)", name_part(part),
                            wording_quote(builder->arena, part->field->text), problem.words, problem.offset);
    struct option_regex *kept = arena_alloc(builder->arena, sizeof(*kept));
    *kept = (struct option_regex){regex, builder->options->regexes};
    builder->options->regexes = kept;
    part->value->regex = regex;
    return true;
}

static bool check_upstream(const struct option_part *part)
{
    const struct settings *settings = part->builder->scope->settings;
    struct slice wanted = part->field->text;
    if (settings == NULL)
        return true;
    struct suggest suggest = suggest_start(wanted);
    for (size_t i = 0; i < settings->upstream_count; ++i) {
        struct slice name = settings->upstreams[i]->name;
        if (server_url_is_meant(name))
            continue;
        if (slice_equals(name, wanted)) {
            part->value->integer = upstream_number(settings->upstreams[i]);
            return true;
        }
        suggest_offer(&suggest, name);
    }
    char phrase[SUGGEST_PHRASE_BYTES];
    const char *hint = suggest_phrase(&suggest, phrase);
    if (server_url_is_meant(wanted))
        hint = " (give its URL a name under 'upstreams')";
    return error_set_at(part->builder->error, part->field->place, "%s: upstream '%s' is not defined%s", name_part(part),
                        wording_quote(part->builder->arena, wanted), hint);
}

/* The values of a table, a list or a mapping. */
static bool build_nested(const struct option_part *part)
{
    const struct field_value *field = part->field;
    struct option_block *block = arena_zalloc(part->builder->arena, sizeof(*block));
    bool is_named = part->block->type == FLEXILIB_OPTION_TABLE || part->block->type == 0;
    *block = (struct option_block){
        .fields = field->values,
        .options = part->option->fields,
        .count = field->count,
        .type = part->option->type,
        .holder = is_named ? part->option->name : part->block->holder,
    };
    if (part->option->type == FLEXILIB_OPTION_MAP_OF)
        give_list(part);
    if (!option_value_build_block(part->builder, block))
        return false;
    part->value->values = block->values;
    part->value->count = block->count;
    return true;
}

static bool fill_by_type(const struct option_part *part)
{
    switch (part->option->type) {
    case FLEXILIB_OPTION_LIST:
        give_list(part);
        return true;
    case FLEXILIB_OPTION_MAP:
        give_map(part);
        return true;
    case FLEXILIB_OPTION_RANGES:
        give_ranges(part);
        return true;
    case FLEXILIB_OPTION_REGEX:
        return compile_regex(part);
    case FLEXILIB_OPTION_UPSTREAM:
        return check_upstream(part);
    case FLEXILIB_OPTION_TABLE:
    case FLEXILIB_OPTION_LIST_OF:
    case FLEXILIB_OPTION_MAP_OF:
        return build_nested(part);
    case FLEXILIB_OPTION_ANY:
        part->value->node = option_node_build(part->field->node, part->builder->arena);
        return true;
    default:
        return true;
    }
}

static bool build_value(const struct option_builder *builder, const struct option_block *block, size_t index,
                        struct flexilib_value *value)
{
    const struct field_value *field = &block->fields[index];
    bool has_one_option = block->type == FLEXILIB_OPTION_LIST_OF || block->type == FLEXILIB_OPTION_MAP_OF;
    *value = (struct flexilib_value){
        .present = field->present,
        .boolean = field->boolean,
        .integer = field->integer,
        .expansion = (const struct flexilib_template *)field->expansion,
        .text = give_text(field->text),
        .number = field->number,
    };
    struct option_part part = {builder, block, &block->options[has_one_option ? 0 : index], field, value};
    return !field->present || fill_by_type(&part);
}

bool option_value_build_block(const struct option_builder *builder, struct option_block *block)
{
    size_t size = builder->options->value_size;
    char *values = arena_zalloc(builder->arena, block->count * size);
    block->values = (const struct flexilib_value *)values;
    for (size_t i = 0; i < block->count; ++i) {
        struct flexilib_value value;
        if (!build_value(builder, block, i, &value))
            return false;
        memcpy(values + i * size, &value, size < sizeof(value) ? size : sizeof(value));
    }
    block->next = builder->options->blocks;
    builder->options->blocks = block;
    return true;
}

void option_value_finish(struct options *options)
{
    for (; options->regexes != NULL; options->regexes = options->regexes->next)
        regex_destroy(options->regexes->regex);
}
