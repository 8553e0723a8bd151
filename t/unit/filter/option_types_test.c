#include "reading.h"

/* What create receives for the types that refer to something, are compiled, or nest, and where they are refused. */

enum {
    NUMBER = 0,
    CHOICE,
    REGEX,
    UPSTREAM,
    RANGES,
    DIRECTORY,
    TABLE,
    LIST_OF,
    MAP_OF,
    ANY,
    OPTION_COUNT,
};

static const char *const colours[] = {"red", "green", NULL};
static const struct flexilib_option table_fields[] = {
    {.name = "limit", .type = FLEXILIB_OPTION_SIZE, .fallback = "1KB"},
    {.name = "path", .type = FLEXILIB_OPTION_REGEX},
};
static const struct flexilib_option pattern = {.type = FLEXILIB_OPTION_REGEX};
static const struct flexilib_option entry_fields[] = {
    {.name = "to", .type = FLEXILIB_OPTION_UPSTREAM, .required = true},
    {.name = "weights",
     .type = FLEXILIB_OPTION_LIST_OF,
     .fields = &(const struct flexilib_option){.type = FLEXILIB_OPTION_NUMBER},
     .field_count = 1},
};
static const struct flexilib_option entry = {.type = FLEXILIB_OPTION_TABLE, .fields = entry_fields, .field_count = 2};

static const struct flexilib_option options[OPTION_COUNT] = {
    [NUMBER] = {.name = "number", .type = FLEXILIB_OPTION_NUMBER, .fallback = "0.5"},
    [CHOICE] = {.name = "choice", .type = FLEXILIB_OPTION_CHOICE, .choices = colours},
    [REGEX] = {.name = "regex", .type = FLEXILIB_OPTION_REGEX},
    [UPSTREAM] = {.name = "upstream", .type = FLEXILIB_OPTION_UPSTREAM},
    [RANGES] = {.name = "ranges", .type = FLEXILIB_OPTION_RANGES},
    [DIRECTORY] = {.name = "directory", .type = FLEXILIB_OPTION_DIRECTORY},
    [TABLE] = {.name = "table", .type = FLEXILIB_OPTION_TABLE, .fields = table_fields, .field_count = 2},
    [LIST_OF] = {.name = "list", .type = FLEXILIB_OPTION_LIST_OF, .fields = &pattern, .field_count = 1},
    [MAP_OF] = {.name = "map", .type = FLEXILIB_OPTION_MAP_OF, .fields = &entry, .field_count = 1},
    [ANY] = {.name = "any", .type = FLEXILIB_OPTION_ANY},
};

static struct upstream_settings shop = {.name = {"shop", 4}};
static struct upstream_settings inline_one = {.name = {"http://127.0.0.1:1", 18}};
static struct upstream_settings *const upstreams[] = {&shop, &inline_one};
static const struct settings settings = {.upstreams = upstreams, .upstream_count = 2};

static const char all[] = "choice: green\n"
                          "regex: '^/a(\\d+)'\n"
                          "upstream: shop\n"
                          "ranges: [10.0.0.0/8, unix]\n"
                          "directory: /tmp\n"
                          "table: { path: b }\n"
                          "list: [x, y+]\n"
                          "map:\n"
                          "  one: { to: shop, weights: [1, 0.25] }\n"
                          "  two: { to: shop }\n"
                          "any: { a: [1, ~, { b: 'c d' }], e: \"\" }\n";

static void check_compiled(const struct flexilib_core *core, const struct flexilib_value *values)
{
    struct flexilib_text groups[2];
    assert_int_equal(core->match(values[REGEX].regex, "/a42/", 5, 0, groups, 2), 2);
    assert_true(has_text(groups[1], "42"));
    assert_true(has_text(values[REGEX].text, "^/a(\\d+)"));
    assert_true(core->in_ranges(values[RANGES].ranges, "10.1.2.3", 8));
    assert_true(core->in_ranges(values[RANGES].ranges, "::ffff:10.1.2.3", 15));
    assert_true(core->in_ranges(values[RANGES].ranges, "unix:", 5));
    assert_false(core->in_ranges(values[RANGES].ranges, "11.1.2.3", 8));
    assert_false(core->in_ranges(values[RANGES].ranges, "", 0));
    assert_false(core->in_ranges(values[RANGES].ranges, NULL, 0));
    assert_false(core->in_ranges(values[RANGES].ranges, "10.1.2.3.4", 10));
}

static void check_nested(const struct flexilib_core *core, const struct flexilib_value *values)
{
    const struct flexilib_value *table = values[TABLE].values, *list = values[LIST_OF].values;
    assert_int_equal(values[TABLE].count, 2);
    assert_true(table[0].present && table[0].integer == 1024);
    assert_int_equal(core->match(table[1].regex, "abc", 3, 0, NULL, 0), 1);
    assert_int_equal(values[LIST_OF].count, 2);
    assert_int_equal(core->match(list[1].regex, "yy", 2, 0, NULL, 0), 1);
    assert_int_equal(values[MAP_OF].count, 2);
    assert_true(has_text(values[MAP_OF].list[1], "two"));
    const struct flexilib_value *one = values[MAP_OF].values[0].values, *two = values[MAP_OF].values[1].values;
    assert_true(has_text(one[0].text, "shop"));
    assert_int_equal(one[1].count, 2);
    assert_true(one[1].values[1].number == 0.25);
    assert_false(two[1].present);
}

static void check_tree(const struct flexilib_node *node)
{
    assert_int_equal(node->kind, FLEXILIB_NODE_MAP);
    assert_int_equal(node->line, 11);
    assert_int_equal(node->count, 2);
    assert_true(has_text(node->names[0], "a"));
    const struct flexilib_node *list = &node->items[0];
    assert_int_equal(list->kind, FLEXILIB_NODE_LIST);
    assert_int_equal(list->count, 3);
    assert_true(list->items[0].kind == FLEXILIB_NODE_SCALAR && has_text(list->items[0].text, "1"));
    assert_int_equal(list->items[1].kind, FLEXILIB_NODE_NULL);
    assert_true(has_text(list->items[2].items[0].text, "c d"));
    assert_true(node->items[1].kind == FLEXILIB_NODE_SCALAR && has_text(node->items[1].text, ""));
}

static bool check_values(const struct flexilib_core *core, const struct flexilib_value *values, void **filter)
{
    assert_true(values[NUMBER].present && values[NUMBER].number == 0.5);
    assert_int_equal(values[CHOICE].integer, 1);
    assert_true(has_text(values[CHOICE].text, "green"));
    assert_true(has_text(values[UPSTREAM].text, "shop"));
    assert_true(has_text(values[DIRECTORY].text, "/tmp"));
    check_compiled(core, values);
    check_nested(core, values);
    check_tree(values[ANY].node);
    return true;
}

static void every_type_reaches_create(void **state)
{
    static const struct flexilib_filter filter = {
        .name = "test", .options = options, .option_count = OPTION_COUNT, .create = check_values};
    struct reading *reading = open_reading(all);
    reading->settings = &settings;
    struct use *use = make_use(reading, &filter);
    assert_string_equal(reading->error.message, "");
    assert_non_null(use);
    use_destroy(use);
    close_reading(reading);
}

static bool check_nothing(const struct flexilib_core *core, const struct flexilib_value *values, void **filter)
{
    for (size_t i = 1; i < OPTION_COUNT; ++i)
        assert_false(values[i].present);
    assert_null(values[REGEX].regex);
    assert_null(values[TABLE].values);
    assert_null(values[ANY].node);
    return true;
}

static void what_is_not_written_is_not_there(void **state)
{
    static const struct flexilib_filter filter = {
        .name = "test", .options = options, .option_count = OPTION_COUNT, .create = check_nothing};
    struct reading *reading = open_reading("");
    struct use *use = make_use(reading, &filter);
    assert_non_null(use);
    use_destroy(use);
    close_reading(reading);
}

static void expect_refusal(const char *yaml,
                           bool (*create)(const struct flexilib_core *, const struct flexilib_value *, void **),
                           unsigned line, unsigned column, const char *expected)
{
    const struct flexilib_filter filter = {
        .name = "test", .options = options, .option_count = OPTION_COUNT, .create = create};
    struct reading *reading = open_reading(yaml);
    reading->settings = &settings;
    assert_null(make_use(reading, &filter));
    assert_string_equal(reading->error.message, expected);
    assert_int_equal(reading->error.line, line);
    assert_int_equal(reading->error.column, column);
    close_reading(reading);
}

static void wrong_values_are_placed(void **state)
{
    expect_refusal("regex: a(b\n", NULL, 1, 8,
                   "'regex' wants a regular expression, not 'a(b': missing closing parenthesis (behind its byte 3)");
    expect_refusal("table:\n  path: '['\n", NULL, 2, 9,
                   "'path' wants a regular expression, not '[': missing terminating ] for character class (behind its "
                   "byte 1)");
    expect_refusal("list: [a, '*']\n", NULL, 1, 11,
                   "an item of 'list' wants a regular expression, not '*': quantifier does not follow a repeatable "
                   "item (behind its byte 0)");
    expect_refusal("upstream: shp\n", NULL, 1, 11, "'upstream': upstream 'shp' is not defined (did you mean 'shop'?)");
    expect_refusal("upstream: http://127.0.0.1:1\n", NULL, 1, 11,
                   "'upstream': upstream 'http://127.0.0.1:1' is not defined (give its URL a name under 'upstreams')");
    expect_refusal("map: { one: { to: nowhere } }\n", NULL, 1, 19, "'to': upstream 'nowhere' is not defined");
    expect_refusal("map: { one: { weights: [x] } }\n", NULL, 1, 13, "'to' is missing in an entry of 'map'");
}

static void any_name_is_fine_where_nobody_knows_upstreams(void **state)
{
    static const struct flexilib_filter filter = {.name = "test", .options = options, .option_count = OPTION_COUNT};
    struct reading *reading = open_reading("upstream: anything\n");
    struct use *use = make_use(reading, &filter);
    assert_non_null(use);
    use_destroy(use);
    close_reading(reading);
}

static const struct flexilib_value *(*choose)(const struct flexilib_value *values);

static bool refuse_chosen(const struct flexilib_core *core, const struct flexilib_value *values, void **filter)
{
    core->refuse_value(core, choose(values), FLEXILIB_ARG("it is not to my taste"));
    core->refuse(core, 0, FLEXILIB_ARG("nor is this"));
    return false;
}

static const struct flexilib_value *choose_top(const struct flexilib_value *values)
{
    return &values[CHOICE];
}

static const struct flexilib_value *choose_field(const struct flexilib_value *values)
{
    return &values[TABLE].values[1];
}

static const struct flexilib_value *choose_default(const struct flexilib_value *values)
{
    return &values[TABLE].values[0];
}

static const struct flexilib_value *choose_item(const struct flexilib_value *values)
{
    return &values[LIST_OF].values[1];
}

static const struct flexilib_value *choose_entry(const struct flexilib_value *values)
{
    return &values[MAP_OF].values[1];
}

static const struct flexilib_value *choose_deep(const struct flexilib_value *values)
{
    return &values[MAP_OF].values[0].values[1].values[1];
}

static const struct flexilib_value *choose_own(const struct flexilib_value *values)
{
    static const struct flexilib_value own;
    return &own;
}

static const struct flexilib_value *choose_none(const struct flexilib_value *values)
{
    return NULL;
}

static void refusals_find_any_value(void **state)
{
    static const struct {
        const struct flexilib_value *(*choose)(const struct flexilib_value *values);
        unsigned line, column;
        const char *message;
    } rows[] = {
        {choose_top, 1, 9, "filter 'test': option 'choice': it is not to my taste"},
        {choose_field, 6, 16, "filter 'test': option 'path' of 'table': it is not to my taste"},
        {choose_default, 6, 8, "filter 'test': option 'limit' of 'table': it is not to my taste"},
        {choose_item, 7, 11, "filter 'test': an item of option 'list': it is not to my taste"},
        {choose_entry, 10, 8, "filter 'test': an entry of option 'map': it is not to my taste"},
        {choose_deep, 9, 33, "filter 'test': an item of option 'weights': it is not to my taste"},
        {choose_own, 1, 1, "filter 'test': it is not to my taste"},
        {choose_none, 1, 1, "filter 'test': it is not to my taste"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); ++i) {
        choose = rows[i].choose;
        expect_refusal(all, refuse_chosen, rows[i].line, rows[i].column, rows[i].message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_reaches_create), cmocka_unit_test(what_is_not_written_is_not_there),
        cmocka_unit_test(wrong_values_are_placed),   cmocka_unit_test(any_name_is_fine_where_nobody_knows_upstreams),
        cmocka_unit_test(refusals_find_any_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
