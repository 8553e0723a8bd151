#include "reading.h"

/* Options as they come from a file to create, and what a create that refuses leads to. */

static const struct flexilib_option all_types[] = {
    {"bool", FLEXILIB_OPTION_BOOL, .summary = ""},
    {"integer", FLEXILIB_OPTION_INTEGER, .minimum = -5, .maximum = 5},
    {"duration", FLEXILIB_OPTION_DURATION, .fallback = "1.5s"},
    {"size", FLEXILIB_OPTION_SIZE, .fallback = "2KB"},
    {.name = "text", .type = FLEXILIB_OPTION_TEXT},
    {.name = "list", .type = FLEXILIB_OPTION_LIST},
    {.name = "map", .type = FLEXILIB_OPTION_MAP},
    {.name = "secret", .type = FLEXILIB_OPTION_SECRET},
    {.name = "file", .type = FLEXILIB_OPTION_FILE},
};

static bool check_values(const struct flexilib_core *core, const struct flexilib_value *values, void **filter)
{
    assert_true(values[0].present && values[0].boolean);
    assert_true(values[1].present && values[1].integer == -4);
    assert_true(values[2].present && values[2].integer == 1500);
    assert_true(values[3].present && values[3].integer == 2048);
    assert_false(values[4].present);
    assert_int_equal(values[5].count, 2);
    assert_true(has_text(values[5].list[0], "a") && has_text(values[5].list[1], "b"));
    assert_int_equal(values[6].count, 2);
    assert_true(has_text(values[6].map[0].name, "z") && has_text(values[6].map[0].value, "1"));
    assert_true(has_text(values[6].map[1].name, "y") && has_text(values[6].map[1].value, "two words"));
    assert_true(has_text(values[7].text, "hush"));
    assert_false(values[8].present);
    *filter = (void *)(uintptr_t)values;
    return true;
}

static unsigned destroyed;

static void count_destroy(void *filter)
{
    ++destroyed;
}

static void values_reach_create(void **state)
{
    static const struct flexilib_filter filter = {
        .name = "test", .options = all_types, .option_count = 9, .create = check_values, .destroy = count_destroy};
    struct reading *reading =
        open_reading("bool: yes\ninteger: -4\nlist: [a, b]\nmap:\n  z: 1\n  y: two words\nsecret: hush\n");
    struct use *use = make_use(reading, &filter);
    assert_string_equal(reading->error.message, "");
    assert_non_null(use);
    assert_true(slice_equals(use_name(use), SLICE("test")));
    const struct flexilib_value *values = use->data;
    assert_true(has_text(values[6].map[1].value, "two words"));
    destroyed = 0;
    use_destroy(use);
    use_destroy(NULL);
    assert_int_equal(destroyed, 1);
    close_reading(reading);
}

static bool check_file(const struct flexilib_core *core, const struct flexilib_value *values, void **filter)
{
    return values[8].present && has_text(values[8].text, "a: b\n");
}

static void file_options_give_the_content(void **state)
{
    static const struct flexilib_filter filter = {
        .name = "test", .options = all_types, .option_count = 9, .create = check_file};
    char yaml[128];
    struct reading *content = open_reading("a: b\n");
    snprintf(yaml, sizeof(yaml), "file: %s\n", content->path);
    struct reading *reading = open_reading(yaml);
    struct use *use = make_use(reading, &filter);
    assert_string_equal(reading->error.message, "");
    use_destroy(use);
    close_reading(reading);
    close_reading(content);
}

static void expect_refusal(const char *yaml, const struct flexilib_filter *filter, unsigned line, unsigned column,
                           const char *expected)
{
    struct reading *reading = open_reading(yaml);
    destroyed = 0;
    assert_null(make_use(reading, filter));
    assert_string_equal(reading->error.message, expected);
    assert_int_equal(reading->error.line, line);
    assert_int_equal(reading->error.column, column);
    assert_int_equal(destroyed, 0);
    close_reading(reading);
}

static void wrong_options_are_placed(void **state)
{
    static const struct flexilib_filter filter = {
        .name = "test", .options = all_types, .option_count = 9, .destroy = count_destroy};
    static const struct flexilib_filter plain = {.name = "test"};
    struct reading *reading = open_reading("bool: yes\nintegre: 1\n");
    assert_null(make_use(reading, &filter));
    assert_non_null(strstr(reading->error.message, "'integre'"));
    assert_non_null(strstr(reading->error.message, "the options of filter 'test'"));
    assert_non_null(strstr(reading->error.message, "did you mean 'integer'?"));
    assert_int_equal(reading->error.line, 2);
    close_reading(reading);
    reading = open_reading("integer: 6\n");
    assert_null(make_use(reading, &filter));
    assert_int_equal(reading->error.column, 10);
    close_reading(reading);
    reading = open_reading("anything: 6\n");
    assert_null(make_use(reading, &plain));
    assert_non_null(strstr(reading->error.message, "'anything'"));
    close_reading(reading);
}

static bool refuse_list(const struct flexilib_core *core, const struct flexilib_value *values, void **filter)
{
    core->refuse(core, 5, FLEXILIB_ARG("no\nlist is welcome"));
    core->refuse(core, 0, FLEXILIB_ARG("and more"));
    return false;
}

static bool refuse_all(const struct flexilib_core *core, const struct flexilib_value *values, void **filter)
{
    core->refuse(core, -1, FLEXILIB_ARG("it rains"));
    return false;
}

static bool refuse_out_of_range(const struct flexilib_core *core, const struct flexilib_value *values, void **filter)
{
    core->refuse(core, 9, FLEXILIB_ARG("it rains"));
    return true;
}

static bool refuse_silently(const struct flexilib_core *core, const struct flexilib_value *values, void **filter)
{
    return false;
}

static void refusals_of_create_are_placed(void **state)
{
    struct flexilib_filter filter = {.name = "test", .options = all_types, .option_count = 9};
    filter.create = refuse_list;
    expect_refusal("bool: yes\nlist: [a]\n", &filter, 2, 7, "filter 'test': option 'list': no?list is welcome");
    expect_refusal("bool: yes\n", &filter, 1, 1, "filter 'test': option 'list': no?list is welcome");
    filter.create = refuse_all;
    expect_refusal("bool: yes\n", &filter, 1, 1, "filter 'test': it rains");
    filter.create = refuse_out_of_range;
    expect_refusal("bool: yes\n", &filter, 1, 1, "filter 'test': it rains");
    filter.create = refuse_silently;
    filter.destroy = count_destroy;
    expect_refusal("bool: yes\n", &filter, 1, 1, "filter 'test' refused to start without saying why");
}

static bool refuse_first(const struct flexilib_core *core, const struct flexilib_value *values, void **filter)
{
    core->refuse(core, 0, FLEXILIB_ARG("too short"));
    return false;
}

/* Whatever is wrong with a filter, the line that may hold its secret stays in the file. */
static void secrets_are_never_shown(void **state)
{
    static const struct flexilib_option options[] = {{.name = "key", .type = FLEXILIB_OPTION_SECRET},
                                                     {.name = "number", .type = FLEXILIB_OPTION_INTEGER}};
    static bool (*const creators[])(const struct flexilib_core *, const struct flexilib_value *,
                                    void **) = {refuse_first, refuse_all, refuse_silently};
    for (size_t i = 0; i < sizeof(creators) / sizeof(creators[0]); ++i) {
        const struct flexilib_filter filter = {
            .name = "test", .options = options, .option_count = 2, .create = creators[i]};
        struct reading *reading = open_reading("{ key: hunter2 }\n");
        struct text description = TEXT_INIT;
        assert_null(make_use(reading, &filter));
        error_describe(&reading->error, &description);
        assert_non_null(strstr(description.data, ":1:"));
        assert_null(strstr(description.data, "hunter2"));
        text_finish(&description);
        close_reading(reading);
    }
}

static bool check_slot_in_create(const struct flexilib_core *core, const struct flexilib_value *values, void **filter)
{
    const struct slot *slot = use_of_core(core)->runtime->slot;
    assert_int_equal(slot->call.hook, SLOT_HOOK_CREATE);
    assert_string_equal(slot->call.filter, "test");
    assert_string_equal(slot->call.request.id, "");
    *filter = (void *)(uintptr_t)slot;
    return true;
}

static void check_slot_in_destroy(void *filter)
{
    assert_int_equal(((struct slot *)filter)->call.hook, SLOT_HOOK_DESTROY);
}

static void slot_names_create_and_destroy(void **state)
{
    static const struct flexilib_filter filter = {
        .name = "test", .create = check_slot_in_create, .destroy = check_slot_in_destroy};
    struct reading *reading = open_reading("");
    struct use *use = make_use(reading, &filter);
    assert_non_null(use);
    assert_int_equal(reading->slot.call.hook, SLOT_HOOK_NONE);
    use_destroy(use);
    assert_int_equal(reading->slot.call.hook, SLOT_HOOK_NONE);
    close_reading(reading);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_reach_create),      cmocka_unit_test(file_options_give_the_content),
        cmocka_unit_test(wrong_options_are_placed), cmocka_unit_test(refusals_of_create_are_placed),
        cmocka_unit_test(secrets_are_never_shown),  cmocka_unit_test(slot_names_create_and_destroy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
