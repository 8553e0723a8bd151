/* A handler with an option of every type, which answers with what it was given, and with what the request's path
 * matches and is in. `veto` names an option, or PATH.FIELD, whose value create refuses. */

#include <flexilib/filter.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct dump {
    const struct flexilib_core *core;
    const struct flexilib_regex *regex;
    const struct flexilib_ranges *ranges;
    size_t length;
    char text[16384];
};

static const char *const colors[] = {"red", "green", "dark blue", NULL};

static const struct flexilib_option limit_fields[] = {
    {.name = "rate",
     .type = FLEXILIB_OPTION_NUMBER,
     .minimum = 0,
     .maximum = 1000,
     .fallback = "2.5",
     .summary = "requests a second"},
    {.name = "burst", .type = FLEXILIB_OPTION_INTEGER, .minimum = 1, .maximum = 100, .required = true},
};
static const struct flexilib_option key_fields[] = {
    {.name = "id", .type = FLEXILIB_OPTION_TEXT, .required = true, .summary = "what tokens call it"},
    {.name = "secret", .type = FLEXILIB_OPTION_SECRET},
    {.name = "paths",
     .type = FLEXILIB_OPTION_LIST_OF,
     .fields = &(const struct flexilib_option){.type = FLEXILIB_OPTION_REGEX},
     .field_count = 1,
     .summary = "where it is good"},
};
static const struct flexilib_option key = {.type = FLEXILIB_OPTION_TABLE, .fields = key_fields, .field_count = 3};
static const struct flexilib_option weight = {.type = FLEXILIB_OPTION_NUMBER, .minimum = 0, .maximum = 1};

enum {
    REGEX = 10,
    RANGES = 12,
    VETO = 18,
};

static const struct flexilib_option options[] = {
    {.name = "bool", .type = FLEXILIB_OPTION_BOOL},
    {.name = "integer", .type = FLEXILIB_OPTION_INTEGER, .minimum = 1, .maximum = INT64_MAX},
    {.name = "duration", .type = FLEXILIB_OPTION_DURATION, .minimum = 1, .maximum = 60000, .fallback = "1.5s"},
    {.name = "size", .type = FLEXILIB_OPTION_SIZE, .minimum = 1024, .maximum = 1048576, .fallback = "64KB"},
    {.name = "list", .type = FLEXILIB_OPTION_LIST, .fallback = "one"},
    {.name = "map", .type = FLEXILIB_OPTION_MAP, .fallback = "{}"},
    {.name = "secret", .type = FLEXILIB_OPTION_SECRET},
    {.name = "file", .type = FLEXILIB_OPTION_FILE},
    {.name = "number", .type = FLEXILIB_OPTION_NUMBER, .fallback = "0.5"},
    {.name = "choice",
     .type = FLEXILIB_OPTION_CHOICE,
     .choices = colors,
     .fallback = "dark blue",
     .summary = "the colour of it all"},
    [REGEX] = {.name = "regex", .type = FLEXILIB_OPTION_REGEX},
    {.name = "upstream", .type = FLEXILIB_OPTION_UPSTREAM},
    [RANGES] = {.name = "ranges", .type = FLEXILIB_OPTION_RANGES},
    {.name = "directory", .type = FLEXILIB_OPTION_DIRECTORY},
    {.name = "limit",
     .type = FLEXILIB_OPTION_TABLE,
     .fields = limit_fields,
     .field_count = 2,
     .summary = "how much is too much"},
    {.name = "keys", .type = FLEXILIB_OPTION_LIST_OF, .fields = &key, .field_count = 1},
    {.name = "weights",
     .type = FLEXILIB_OPTION_MAP_OF,
     .fields = &weight,
     .field_count = 1,
     .summary = "names to shares"},
    {.name = "any", .type = FLEXILIB_OPTION_ANY},
    [VETO] = {.name = "veto", .type = FLEXILIB_OPTION_TEXT},
};

enum {
    OPTION_COUNT = sizeof(options) / sizeof(options[0]),
};

static void print(struct dump *dump, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void print(struct dump *dump, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(dump->text + dump->length, sizeof(dump->text) - dump->length, format, arguments);
    va_end(arguments);
    dump->length += (size_t)length;
    if (dump->length >= sizeof(dump->text))
        dump->length = sizeof(dump->text) - 1;
}

static void print_text(struct dump *dump, struct flexilib_text text)
{
    print(dump, "'%.*s'", (int)text.length, text.data);
}

static void print_node(struct dump *dump, const struct flexilib_node *node)
{
    if (node->kind == FLEXILIB_NODE_NULL)
        print(dump, "null");
    else if (node->kind == FLEXILIB_NODE_SCALAR)
        print_text(dump, node->text);
    else
        print(dump, "%c", node->kind == FLEXILIB_NODE_LIST ? '[' : '{');
    for (size_t i = 0; i < node->count; ++i) {
        print(dump, "%s", i == 0 ? "" : ", ");
        if (node->kind == FLEXILIB_NODE_MAP)
            print(dump, "%.*s: ", (int)node->names[i].length, node->names[i].data);
        print_node(dump, &node->items[i]);
    }
    if (node->kind == FLEXILIB_NODE_LIST || node->kind == FLEXILIB_NODE_MAP)
        print(dump, "%c", node->kind == FLEXILIB_NODE_LIST ? ']' : '}');
    print(dump, "@%d", (int)node->line);
}

static void print_value(struct dump *dump, const struct flexilib_option *option, const struct flexilib_value *value);

static void print_values(struct dump *dump, const struct flexilib_option *option, const struct flexilib_value *value)
{
    print(dump, "(");
    for (size_t i = 0; i < value->count; ++i) {
        bool is_table = option->type == FLEXILIB_OPTION_TABLE;
        print(dump, "%s", i == 0 ? "" : ", ");
        if (is_table)
            print(dump, "%s ", option->fields[i].name);
        if (option->type == FLEXILIB_OPTION_MAP_OF)
            print(dump, "%.*s ", (int)value->list[i].length, value->list[i].data);
        print_value(dump, &option->fields[is_table ? i : 0], &value->values[i]);
    }
    print(dump, ")");
}

static void print_list(struct dump *dump, const struct flexilib_value *value)
{
    for (size_t i = 0; i < value->count; ++i) {
        if (value->map != NULL)
            print_text(dump, value->map[i].name);
        print_text(dump, value->map != NULL ? value->map[i].value : value->list[i]);
    }
}

static void print_value(struct dump *dump, const struct flexilib_option *option, const struct flexilib_value *value)
{
    if (!value->present) {
        print(dump, "-");
        return;
    }
    switch (option->type) {
    case FLEXILIB_OPTION_BOOL:
        print(dump, "%d", value->boolean);
        return;
    case FLEXILIB_OPTION_INTEGER:
    case FLEXILIB_OPTION_DURATION:
    case FLEXILIB_OPTION_SIZE:
        print(dump, "%lld", (long long)value->integer);
        return;
    case FLEXILIB_OPTION_NUMBER:
        print(dump, "%g", value->number);
        return;
    case FLEXILIB_OPTION_CHOICE:
        print(dump, "%lld ", (long long)value->integer);
        print_text(dump, value->text);
        return;
    case FLEXILIB_OPTION_LIST:
    case FLEXILIB_OPTION_MAP:
        print_list(dump, value);
        return;
    case FLEXILIB_OPTION_REGEX:
        print(dump, "%s", value->regex == NULL ? "no regex" : "regex");
        return;
    case FLEXILIB_OPTION_RANGES:
        print(dump, "%s", value->ranges == NULL ? "no ranges" : "ranges");
        return;
    case FLEXILIB_OPTION_TABLE:
    case FLEXILIB_OPTION_LIST_OF:
    case FLEXILIB_OPTION_MAP_OF:
        print_values(dump, option, value);
        return;
    case FLEXILIB_OPTION_ANY:
        print_node(dump, value->node);
        return;
    default:
        print_text(dump, value->text);
    }
}

/* The value that `veto` names. */
static const struct flexilib_value *find_vetoed(const struct flexilib_option *table, size_t count,
                                                const struct flexilib_value *values, struct flexilib_text name)
{
    const char *dot = memchr(name.data, '.', name.length);
    size_t length = dot == NULL ? name.length : (size_t)(dot - name.data);
    for (size_t i = 0; i < count; ++i) {
        if (strlen(table[i].name) != length || memcmp(table[i].name, name.data, length) != 0)
            continue;
        if (dot == NULL)
            return &values[i];
        struct flexilib_text rest = {dot + 1, name.length - length - 1};
        if (table[i].type == FLEXILIB_OPTION_TABLE)
            return find_vetoed(table[i].fields, table[i].field_count, values[i].values, rest);
        return &values[i].values[strtoul(rest.data, NULL, 10)];
    }
    return NULL;
}

static bool create(const struct flexilib_core *core, const struct flexilib_value *values, void **filter)
{
    if (values[VETO].present) {
        const struct flexilib_value *value = find_vetoed(options, OPTION_COUNT, values, values[VETO].text);
        core->refuse_value(core, value, FLEXILIB_ARG("has fallen out of favour"));
        return false;
    }
    struct dump *dump = calloc(1, sizeof(*dump));
    if (dump == NULL)
        return false;
    dump->core = core;
    dump->regex = values[REGEX].regex;
    dump->ranges = values[RANGES].ranges;
    for (size_t i = 0; i < OPTION_COUNT - 1; ++i) {
        print(dump, "%s ", options[i].name);
        print_value(dump, &options[i], &values[i]);
        print(dump, "\n");
    }
    *filter = dump;
    return true;
}

static void print_matches(struct dump *dump, struct flexilib_text path)
{
    struct flexilib_text groups[4];
    size_t count = dump->core->match(dump->regex, path.data, path.length, 0, groups, 4);
    print(dump, "match %zu", count);
    for (size_t i = 0; i < count && i < 4; ++i)
        print(dump, groups[i].data == NULL ? " none" : " '%.*s'", (int)groups[i].length, groups[i].data);
    print(dump, "\n");
}

static flexilib_answer on_request_head(void *filter, struct flexilib_exchange *exchange)
{
    struct dump *dump = filter;
    const struct flexilib_core *core = dump->core;
    size_t kept = dump->length;
    struct flexilib_text peer = core->peer_address(exchange);
    if (dump->regex != NULL)
        print_matches(dump, core->path(exchange));
    if (dump->ranges != NULL)
        print(dump, "peer %s\n", core->in_ranges(dump->ranges, peer.data, peer.length) ? "inside" : "outside");
    core->reply(exchange, 200, FLEXILIB_ARG("text/plain"), dump->text, dump->length);
    dump->length = kept;
    return FLEXILIB_REPLY;
}

static const struct flexilib_filter filters[] = {
    {.name = "options",
     .summary = "tells what it was given",
     .version = "2.1",
     .options = options,
     .option_count = OPTION_COUNT,
     .create = create,
     .destroy = free,
     .on_request_head = on_request_head},
};

FLEXILIB_LIBRARY(filters);
