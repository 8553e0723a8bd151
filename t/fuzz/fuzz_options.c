/* Options of a filter, of every type and nested, as somebody may write them. */

#include "base/arena.h"
#include "config/node.h"
#include "filter/options.h"
#include "filter/ranges.h"
#include "filter/regex.h"
#include "fuzz.h"

static const char *const colors[] = {"red", "green", NULL};
static const struct flexilib_option limit_fields[] = {
    {.name = "rate", .type = FLEXILIB_OPTION_NUMBER, .minimum = 0, .maximum = 1000, .fallback = "2.5"},
    {.name = "burst", .type = FLEXILIB_OPTION_INTEGER, .minimum = 1, .maximum = 100, .required = true},
};
static const struct flexilib_option pattern = {.type = FLEXILIB_OPTION_REGEX};
static const struct flexilib_option key_fields[] = {
    {.name = "id", .type = FLEXILIB_OPTION_TEXT, .required = true},
    {.name = "secret", .type = FLEXILIB_OPTION_SECRET},
    {.name = "paths", .type = FLEXILIB_OPTION_LIST_OF, .fields = &pattern, .field_count = 1},
};
static const struct flexilib_option key = {.type = FLEXILIB_OPTION_TABLE, .fields = key_fields, .field_count = 3};
static const struct flexilib_option weight = {.type = FLEXILIB_OPTION_NUMBER, .minimum = 0, .maximum = 1};

static const struct flexilib_option options[] = {
    {.name = "bool", .type = FLEXILIB_OPTION_BOOL, .fallback = "no"},
    {.name = "duration", .type = FLEXILIB_OPTION_DURATION, .minimum = 1, .maximum = 60000},
    {.name = "size", .type = FLEXILIB_OPTION_SIZE, .minimum = 1, .maximum = INT64_MAX},
    {.name = "list", .type = FLEXILIB_OPTION_LIST, .fallback = "[]"},
    {.name = "map", .type = FLEXILIB_OPTION_MAP, .fallback = "{}"},
    {.name = "file", .type = FLEXILIB_OPTION_FILE},
    {.name = "choice", .type = FLEXILIB_OPTION_CHOICE, .choices = colors},
    {.name = "regex", .type = FLEXILIB_OPTION_REGEX},
    {.name = "template", .type = FLEXILIB_OPTION_TEMPLATE},
    {.name = "upstream", .type = FLEXILIB_OPTION_UPSTREAM},
    {.name = "ranges", .type = FLEXILIB_OPTION_RANGES},
    {.name = "directory", .type = FLEXILIB_OPTION_DIRECTORY},
    {.name = "limit", .type = FLEXILIB_OPTION_TABLE, .fields = limit_fields, .field_count = 2},
    {.name = "keys", .type = FLEXILIB_OPTION_LIST_OF, .fields = &key, .field_count = 1},
    {.name = "weights", .type = FLEXILIB_OPTION_MAP_OF, .fields = &weight, .field_count = 1},
    {.name = "any", .type = FLEXILIB_OPTION_ANY},
};

enum {
    OPTION_COUNT = sizeof(options) / sizeof(options[0]),
};

static size_t count_nodes(const struct flexilib_node *node)
{
    size_t count = 1;
    CLAIM(node->kind >= FLEXILIB_NODE_NULL && node->kind <= FLEXILIB_NODE_MAP && node->line > 0);
    for (size_t i = 0; i < node->count; ++i) {
        CLAIM(node->kind != FLEXILIB_NODE_MAP || node->names[i].length != 0);
        count += count_nodes(&node->items[i]);
    }
    return count;
}

/* What is there can be used, and every value is found again. */
static void check_block(const struct options *read, const struct option_block *block, struct arena *arena)
{
    bool is_list = block->type == FLEXILIB_OPTION_LIST_OF || block->type == FLEXILIB_OPTION_MAP_OF;
    for (size_t i = 0; i < block->count; ++i) {
        const struct flexilib_value *value = &block->values[i];
        const struct flexilib_option *option = &block->options[is_list ? 0 : i];
        struct place place;
        const char *name = NULL;
        CLAIM(options_locate(read, value, arena, &place, &name) && name != NULL);
        if (!value->present)
            continue;
        if (option->type == FLEXILIB_OPTION_REGEX)
            regex_match(value->regex, SLICE("/some/path?with=much&in=it"), 0, NULL, 0);
        if (option->type == FLEXILIB_OPTION_RANGES)
            ranges_hold(value->ranges, SLICE("192.0.2.1"));
        if (option->type == FLEXILIB_OPTION_ANY)
            CLAIM(count_nodes(value->node) != 0);
        if (option->type == FLEXILIB_OPTION_NUMBER && option->maximum != 0)
            CLAIM(value->number >= (double)option->minimum && value->number <= (double)option->maximum);
        if (option->type == FLEXILIB_OPTION_CHOICE)
            CLAIM(value->integer == 0 || value->integer == 1);
    }
}

static void read_options(struct source *source, const struct node *node, struct arena *arena, struct error *error)
{
    static const struct settings settings;
    static const struct flexilib_filter filter = {.name = "fuzzed", .options = options, .option_count = OPTION_COUNT};
    const struct option_scope scope = {.source = source, .settings = &settings};
    const struct step_settings step = {.name = SLICE("fuzzed"), .options = node, .place = node->place};
    struct options read;
    bool is_read = options_read(&filter, sizeof(struct flexilib_value), &step, &scope, arena, &read, error);
    CLAIM(is_read != error->is_set);
    for (const struct option_block *block = read.blocks; is_read && block != NULL; block = block->next)
        check_block(&read, block, arena);
    options_finish(&read);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct arena arena;
    struct error error = ERROR_INIT;
    arena_init(&arena, 0);
    /* a snapshot of nothing: no file is read, and no variable is set */
    struct source *source = source_create_snapshot("/nonexistent");
    const struct node *node = node_parse(source, "x", slice_of((const char *)bytes, size), &arena, &error);
    if (node != NULL)
        read_options(source, node, &arena, &error);
    if (error.is_set) {
        struct text text = TEXT_INIT;
        error_describe(&error, &text);
        CLAIM(error.message[0] != '\0' && text.length != 0);
        text_finish(&text);
    }
    arena_finish(&arena);
    source_destroy(source);
    return 0;
}
