#define _GNU_SOURCE

#include "options.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_PRINT(text) (int)(text).length, (text).data

static const char *const colours[] = {"red", "green", "blue", NULL};

static const struct flexilib_option limits[] = {
    {"rate", FLEXILIB_OPTION_NUMBER, .required = true},
    {"label", FLEXILIB_OPTION_TEXT, .fallback = "none"},
};

static const struct flexilib_option rules[] = {
    {NULL, FLEXILIB_OPTION_TABLE, .fields = limits, .field_count = 2},
};

static const struct flexilib_option weights[] = {
    {NULL, FLEXILIB_OPTION_INTEGER},
};

const struct flexilib_option given_options[GIVEN_COUNT] = {
    {"bool", FLEXILIB_OPTION_BOOL, .summary = "yes or no"},
    {"integer", FLEXILIB_OPTION_INTEGER, .minimum = -5, .maximum = 99, .summary = "a whole number"},
    {"duration", FLEXILIB_OPTION_DURATION, .fallback = "1s", .summary = "a time"},
    {"size", FLEXILIB_OPTION_SIZE, .summary = "a size"},
    {"text", FLEXILIB_OPTION_TEXT, .summary = "a text"},
    {"list", FLEXILIB_OPTION_LIST, .summary = "texts"},
    {"map", FLEXILIB_OPTION_MAP, .summary = "texts by name"},
    {"secret", FLEXILIB_OPTION_SECRET, .summary = "a secret"},
    {"file", FLEXILIB_OPTION_FILE, .summary = "a file"},
    {"number", FLEXILIB_OPTION_NUMBER, .summary = "a number"},
    {"choice", FLEXILIB_OPTION_CHOICE, .choices = colours, .summary = "a colour"},
    {"regex", FLEXILIB_OPTION_REGEX, .summary = "a pattern"},
    {"template", FLEXILIB_OPTION_TEMPLATE, .summary = "a template"},
    {"upstream", FLEXILIB_OPTION_UPSTREAM, .summary = "an upstream"},
    {"ranges", FLEXILIB_OPTION_RANGES, .summary = "networks"},
    {"directory", FLEXILIB_OPTION_DIRECTORY, .summary = "a folder"},
    {"table", FLEXILIB_OPTION_TABLE, .fields = limits, .field_count = 2, .summary = "a table"},
    {"list-of", FLEXILIB_OPTION_LIST_OF, .fields = rules, .field_count = 1, .summary = "tables"},
    {"map-of", FLEXILIB_OPTION_MAP_OF, .fields = weights, .field_count = 1, .summary = "numbers by name"},
    {"any", FLEXILIB_OPTION_ANY, .summary = "a tree"},
};

struct given {
    const struct flexilib_core *core;
    const struct flexilib_value *values;
};

/* The answer as it grows. */
struct page {
    char text[8192];
    size_t length;
};

__attribute__((format(printf, 2, 3))) static void print(struct page *page, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    page->length += (size_t)vsnprintf(page->text + page->length, sizeof(page->text) - page->length, format, arguments);
    va_end(arguments);
}

/* "late" is ready later, "late TEXT" will not be, for that reason. The text lives longer than the wait. */
static void *get_ready(void *data)
{
    const struct given *given = data;
    struct flexilib_text text = given->values[4].text;
    size_t skipped = text.length > 5 ? 5 : text.length;
    given->core->set_ready(given->core, text.data + skipped, text.length - skipped);
    free(data);
    return NULL;
}

static void start_getting_ready(const struct flexilib_core *core, const struct flexilib_value *values)
{
    pthread_t thread;
    struct given *given = malloc(sizeof(*given));
    *given = (struct given){core, values};
    core->defer_ready(core);
    if (pthread_create(&thread, NULL, get_ready, given) != 0)
        abort();
    pthread_detach(thread);
}

bool given_create(const struct flexilib_core *core, const struct flexilib_value *values, void **filter)
{
    struct flexilib_text text = values[4].text;
    if (values[4].present && text.length == 4 && memcmp(text.data, "evil", 4) == 0) {
        core->refuse(core, 4, FLEXILIB_ARG("it is evil"));
        return false;
    }
    if (values[4].present && text.length == 5 && memcmp(text.data, "throw", 5) == 0) {
        core->refuse(core, -1, FLEXILIB_ARG("has thrown: mischief"));
        return false;
    }
    if (values[4].present && text.length >= 4 && memcmp(text.data, "late", 4) == 0)
        start_getting_ready(core, values);
    for (size_t i = 0; i < values[17].count; ++i) {
        if (values[17].values[i].values[0].number > 1000) {
            core->refuse_value(core, &values[17].values[i].values[0], FLEXILIB_ARG("1000 is the most"));
            return false;
        }
    }
    struct given *given = malloc(sizeof(*given));
    *given = (struct given){core, values};
    *filter = given;
    return true;
}

void given_destroy(void *filter)
{
    free(filter);
}

static void print_node(struct page *page, const struct flexilib_node *node)
{
    if (node->kind == FLEXILIB_NODE_NULL)
        print(page, "null");
    if (node->kind == FLEXILIB_NODE_SCALAR)
        print(page, "%.*s", TEXT_PRINT(node->text));
    if (node->kind != FLEXILIB_NODE_LIST && node->kind != FLEXILIB_NODE_MAP)
        return;
    print(page, node->kind == FLEXILIB_NODE_LIST ? "[" : "{");
    for (size_t i = 0; i < node->count; ++i) {
        print(page, i == 0 ? "" : ",");
        if (node->kind == FLEXILIB_NODE_MAP)
            print(page, "%.*s:", TEXT_PRINT(node->names[i]));
        print_node(page, &node->items[i]);
    }
    print(page, node->kind == FLEXILIB_NODE_LIST ? "]" : "}");
}

static void print_limits(struct page *page, const struct flexilib_value *values)
{
    print(page, "%g/%.*s", values[0].number, TEXT_PRINT(values[1].text));
}

static void print_collection(struct page *page, flexilib_option_type type, const struct flexilib_value *value)
{
    for (size_t i = 0; i < value->count; ++i) {
        print(page, i == 0 ? "" : ",");
        if (type == FLEXILIB_OPTION_LIST)
            print(page, "%.*s", TEXT_PRINT(value->list[i]));
        if (type == FLEXILIB_OPTION_MAP)
            print(page, "%.*s:%.*s", TEXT_PRINT(value->map[i].name), TEXT_PRINT(value->map[i].value));
        if (type == FLEXILIB_OPTION_LIST_OF)
            print_limits(page, value->values[i].values);
        if (type == FLEXILIB_OPTION_MAP_OF)
            print(page, "%.*s:%lld", TEXT_PRINT(value->list[i]), (long long)value->values[i].integer);
    }
}

static void print_compiled(struct page *page, const struct flexilib_core *core, struct flexilib_exchange *exchange,
                           flexilib_option_type type, const struct flexilib_value *value)
{
    struct flexilib_text groups[2] = {{"-", 1}, {"-", 1}};
    if (type == FLEXILIB_OPTION_REGEX) {
        core->match(value->regex, FLEXILIB_ARG("abc123def"), 0, groups, 2);
        print(page, "%.*s", TEXT_PRINT(groups[1]));
    } else if (type == FLEXILIB_OPTION_TEMPLATE) {
        struct flexilib_text text = core->expand(exchange, value->expansion);
        print(page, "%.*s", TEXT_PRINT(text));
    } else if (type == FLEXILIB_OPTION_RANGES) {
        print(page, core->in_ranges(value->ranges, FLEXILIB_ARG("10.1.2.3")) ? "in" : "out");
    }
}

static void print_value(struct page *page, const struct flexilib_core *core, struct flexilib_exchange *exchange,
                        flexilib_option_type type, const struct flexilib_value *value)
{
    switch (type) {
    case FLEXILIB_OPTION_BOOL:
        print(page, value->boolean ? "yes" : "no");
        break;
    case FLEXILIB_OPTION_INTEGER:
    case FLEXILIB_OPTION_DURATION:
    case FLEXILIB_OPTION_SIZE:
        print(page, "%lld", (long long)value->integer);
        break;
    case FLEXILIB_OPTION_NUMBER:
        print(page, "%g", value->number);
        break;
    case FLEXILIB_OPTION_CHOICE:
        print(page, "%lld %.*s", (long long)value->integer, TEXT_PRINT(value->text));
        break;
    case FLEXILIB_OPTION_TABLE:
        print_limits(page, value->values);
        break;
    case FLEXILIB_OPTION_ANY:
        print_node(page, value->node);
        break;
    case FLEXILIB_OPTION_DIRECTORY: {
        const char *name = memrchr(value->text.data, '/', value->text.length);
        print(page, "%.*s", (int)(value->text.data + value->text.length - name), name);
        break;
    }
    case FLEXILIB_OPTION_REGEX:
    case FLEXILIB_OPTION_TEMPLATE:
    case FLEXILIB_OPTION_RANGES:
        print_compiled(page, core, exchange, type, value);
        break;
    default:
        print_collection(page, type, value);
        print(page, "%.*s", TEXT_PRINT(value->text));
    }
}

flexilib_answer given_on_request_head(void *filter, struct flexilib_exchange *exchange)
{
    const struct given *given = filter;
    const struct flexilib_core *core = given->core;
    struct page page = {.length = 0};
    for (size_t i = 0; i < GIVEN_COUNT; ++i) {
        print(&page, "%s=", given_options[i].name);
        if (given->values[i].present)
            print_value(&page, core, exchange, given_options[i].type, &given->values[i]);
        print(&page, "\n");
    }
    return core->reply(exchange, 200, FLEXILIB_ARG("text/plain"), page.text, page.length) ? FLEXILIB_REPLY
                                                                                          : FLEXILIB_FAIL;
}
