#include "filter/library_entry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

static struct flexilib_library export_filters(const struct flexilib_filter *filters, uint32_t count)
{
    return (struct flexilib_library){
        .abi_major = FLEXILIB_ABI_MAJOR,
        .abi_minor = FLEXILIB_ABI_MINOR,
        .size = sizeof(struct flexilib_library),
        .filter_size = sizeof(struct flexilib_filter),
        .option_size = sizeof(struct flexilib_option),
        .value_size = sizeof(struct flexilib_value),
        .filter_count = count,
        .filters = filters,
    };
}

static void expect_refusal(const struct flexilib_library *exported, const char *expected)
{
    struct arena arena;
    struct error error = ERROR_INIT;
    struct library_entry entry;
    arena_init(&arena, 0);
    assert_false(library_entry_read(exported, "x.so", &arena, &entry, &error));
    assert_string_equal(error.message, expected);
    arena_finish(&arena);
}

static void expect_filters_refused(const struct flexilib_filter *filters, uint32_t count, const char *expected)
{
    struct flexilib_library exported = export_filters(filters, count);
    expect_refusal(&exported, expected);
}

static const struct flexilib_filter good[] = {{.name = "good"}};

static void sizes_are_checked(void **state)
{
    struct flexilib_library exported = export_filters(good, 1);
    char expected[256];
    exported.filter_size = 8;
    snprintf(expected, sizeof(expected),
             "x.so: its flexilib_filter measures 8 bytes where the filter contract asks for at least %zu",
             offsetof(struct flexilib_filter, flags));
    expect_refusal(&exported, expected);
    exported = export_filters(good, 1);
    exported.size = 16;
    expect_refusal(&exported,
                   "x.so: its flexilib_library measures 16 bytes where the filter contract asks for at least 32");
    exported = export_filters(good, 1);
    exported.option_size = UINT32_MAX;
    expect_refusal(&exported, "x.so: its flexilib_option says that it measures 4294967295 bytes, which no build of the "
                              "filter contract does");
    exported = export_filters(good, 1);
    exported.value_size += 3;
    snprintf(expected, sizeof(expected),
             "x.so: its flexilib_value says that it measures %zu bytes, which no build of the filter contract does",
             sizeof(struct flexilib_value) + 3);
    expect_refusal(&exported, expected);
}

static void filter_lists_are_checked(void **state)
{
    static const struct flexilib_filter unnamed[] = {{.name = "a"}, {.name = NULL}};
    static const struct flexilib_filter twins[] = {{.name = "a"}, {.name = "b"}, {.name = "a"}};
    expect_filters_refused(good, 0, "x.so: offers no filter: its flexilib_library needs at least one");
    expect_filters_refused(NULL, 1, "x.so: offers no filter: its flexilib_library needs at least one");
    expect_filters_refused(good, 1000000, "x.so: says that it offers 1000000 filters, 4096 are the most");
    expect_filters_refused(unnamed, 2, "x.so: its filter 2 of flexilib_library has no name");
    expect_filters_refused(twins, 3, "x.so: two of its filters are named 'a'");
}

static void filter_names_are_checked(void **state)
{
    static const char *const names[] = {
        "",    "Greet", "a b",      "a_b",
        "a.b", "a/b",   "\xc3\xa9", "a-name-that-is-much-too-long-for-the-slot-in-which-it-has-to-fit"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); ++i) {
        struct flexilib_filter filter = {.name = names[i]};
        char expected[256];
        snprintf(expected, sizeof(expected),
                 "x.so: filter '%.64s': a name is 1 to 63 characters out of a-z, 0-9 and '-'", names[i]);
        expect_filters_refused(&filter, 1, expected);
    }
}

static void names_cannot_forge_lines(void **state)
{
    static const struct flexilib_option option = {.name = "o\033[2J", .type = FLEXILIB_OPTION_TEXT};
    const struct flexilib_filter forged = {.name = "a\nalert: b"};
    const struct flexilib_filter painted = {.name = "f", .options = &option, .option_count = 1};
    expect_filters_refused(&forged, 1,
                           "x.so: filter 'a?alert: b': a name is 1 to 63 characters out of a-z, 0-9 and '-'");
    expect_filters_refused(&painted, 1, "x.so: option 'o?[2J' of filter 'f': a name is made of a-z, 0-9, '-' and '_'");
}

static void option_tables_are_checked(void **state)
{
    static const struct flexilib_option unnamed[] = {{.name = NULL, .type = FLEXILIB_OPTION_TEXT}};
    static const struct flexilib_option misnamed[] = {{.name = "Big", .type = FLEXILIB_OPTION_TEXT}};
    static const struct flexilib_option unknown[] = {{.name = "a", .type = 1000}};
    static const struct flexilib_option untyped[] = {{.name = "a"}};
    static const struct flexilib_option twins[] = {{.name = "a", .type = 1}, {.name = "a", .type = 2}};
    struct flexilib_filter filter = {.name = "f", .option_count = 1};
    expect_filters_refused(&filter, 1, "x.so: filter 'f' says that it has 1 options, but gives no table");
    filter.options = unnamed;
    expect_filters_refused(&filter, 1, "x.so: option 1 of filter 'f' has no name");
    filter.options = misnamed;
    expect_filters_refused(&filter, 1, "x.so: option 'Big' of filter 'f': a name is made of a-z, 0-9, '-' and '_'");
    filter.options = unknown;
    expect_filters_refused(&filter, 1,
                           "x.so: option 'a' of filter 'f' has type 1000, which this FlexiLib does not know");
    filter.options = untyped;
    expect_filters_refused(&filter, 1, "x.so: option 'a' of filter 'f' has type 0, which this FlexiLib does not know");
    filter.options = twins;
    filter.option_count = 2;
    expect_filters_refused(&filter, 1, "x.so: filter 'f' has two options 'a'");
}

static void expect_option_refused(const struct flexilib_option *option, const char *expected)
{
    const struct flexilib_filter filter = {.name = "f", .options = option, .option_count = 1};
    expect_filters_refused(&filter, 1, expected);
}

static void option_types_are_checked(void **state)
{
    static const char *const none[] = {NULL};
    static const struct flexilib_option text = {.name = "inner", .type = FLEXILIB_OPTION_TEXT};
    static const struct flexilib_option wrong = {.name = "in ner", .type = FLEXILIB_OPTION_TEXT};
    struct flexilib_option option = {.name = "a", .type = FLEXILIB_OPTION_CHOICE};
    expect_option_refused(&option, "x.so: option 'a' of filter 'f' is a choice without choices");
    option.choices = none;
    expect_option_refused(&option, "x.so: option 'a' of filter 'f' is a choice without choices");
    option = (struct flexilib_option){.name = "a", .type = FLEXILIB_OPTION_INTEGER, .minimum = 1};
    expect_option_refused(&option,
                          "x.so: option 'a' of filter 'f' has a minimum above its maximum, so no value will do");
    option = (struct flexilib_option){.name = "a", .type = FLEXILIB_OPTION_TABLE, .fields = &wrong, .field_count = 1};
    expect_option_refused(&option, "x.so: option 'in ner' of filter 'f': a name is made of a-z, 0-9, '-' and '_'");
    option.field_count = 0;
    expect_option_refused(&option, "x.so: option 'a' of filter 'f' is a table without fields");
    option = (struct flexilib_option){.name = "a", .type = FLEXILIB_OPTION_TABLE, .field_count = 1};
    expect_option_refused(&option, "x.so: option 'a' of filter 'f' is a table without fields");
    option = (struct flexilib_option){
        .name = "a", .type = FLEXILIB_OPTION_TABLE, .fields = &text, .field_count = 1, .fallback = "{}"};
    expect_option_refused(&option, "x.so: option 'a' of filter 'f' has a fallback, which its type cannot have");
    option = (struct flexilib_option){.name = "a", .type = FLEXILIB_OPTION_LIST_OF, .fields = &text, .field_count = 2};
    expect_option_refused(&option, "x.so: option 'a' of filter 'f' needs fields of count 1: what its items are");
}

static void nesting_has_an_end(void **state)
{
    static const struct flexilib_option endless = {
        .name = "a", .type = FLEXILIB_OPTION_LIST_OF, .fields = &endless, .field_count = 1};
    static const struct flexilib_option wide[2] = {
        {.name = "a", .type = FLEXILIB_OPTION_TABLE, .fields = wide, .field_count = 2},
        {.name = "b", .type = FLEXILIB_OPTION_TABLE, .fields = wide, .field_count = 2}};
    struct flexilib_filter filter = {.name = "f", .options = &endless, .option_count = 1};
    expect_filters_refused(&filter, 1, "x.so: filter 'f' has options that are nested more than 8 levels deep");
    filter.options = wide;
    expect_filters_refused(&filter, 1, "x.so: filter 'f' has options that are nested more than 8 levels deep");
    filter.option_count = SIZE_MAX;
    expect_filters_refused(&filter, 1,
                           "x.so: filter 'f' says that it has 18446744073709551615 options, but 1024 are the most");
}

static bool give_up(void *filter)
{
    return true;
}

static void take_again(void *filter)
{
}

static void flags_are_checked(void **state)
{
    struct flexilib_filter filter = {.name = "f", .flags = 0x80000001};
    expect_filters_refused(&filter, 1,
                           "x.so: filter 'f' has flags 0x80000001, of which this FlexiLib does not know 0x80000000");
    filter.flags = FLEXILIB_CONCURRENT;
    expect_filters_refused(&filter, 1,
                           "x.so: filter 'f' is concurrent without being blocking, which is the only way to be it");
    filter.flags = FLEXILIB_OBSERVES;
    expect_filters_refused(&filter, 1, "x.so: filter 'f' observes bodies, but has no hook for them");
    filter.flags = FLEXILIB_EXCLUSIVE;
    filter.quiesce = give_up;
    expect_filters_refused(&filter, 1, "x.so: filter 'f' is exclusive, which needs both of quiesce and wake");
    filter.flags = 0;
    expect_filters_refused(&filter, 1, "x.so: filter 'f' has quiesce or wake, but is not marked FLEXILIB_EXCLUSIVE");
    filter.flags = FLEXILIB_EXCLUSIVE | FLEXILIB_BLOCKING | FLEXILIB_CONCURRENT;
    filter.wake = take_again;
    struct flexilib_library exported = export_filters(&filter, 1);
    struct arena arena;
    struct error error = ERROR_INIT;
    struct library_entry entry;
    arena_init(&arena, 0);
    assert_true(library_entry_read(&exported, "x.so", &arena, &entry, &error));
    arena_finish(&arena);
}

/* A library of the first 0.9 cannot know what came later: what stands there is another option, or nothing. */
static void later_types_need_later_structs(void **state)
{
    static const struct flexilib_option option = {.name = "a", .type = FLEXILIB_OPTION_NUMBER};
    static const struct flexilib_filter filter = {.name = "f", .options = &option, .option_count = 1};
    struct flexilib_library exported = export_filters(&filter, 1);
    exported.option_size = offsetof(struct flexilib_option, choices);
    expect_refusal(&exported, "x.so: option 'a' of filter 'f' has type 10, for which its flexilib_option and "
                              "flexilib_value are too small: rebuild it against the flexilib/filter.h that has this "
                              "type");
    exported = export_filters(&filter, 1);
    exported.value_size = offsetof(struct flexilib_value, number);
    expect_refusal(&exported, "x.so: option 'a' of filter 'f' has type 10, for which its flexilib_option and "
                              "flexilib_value are too small: rebuild it against the flexilib/filter.h that has this "
                              "type");
}

static void nested_options_are_copied(void **state)
{
    static const struct flexilib_option fields[] = {{.name = "x", .type = FLEXILIB_OPTION_TEXT, .field_count = 7},
                                                    {.name = "y", .type = FLEXILIB_OPTION_SIZE}};
    static const struct flexilib_option item = {.type = FLEXILIB_OPTION_TABLE, .fields = fields, .field_count = 2};
    static const struct flexilib_option list = {
        .name = "a", .type = FLEXILIB_OPTION_LIST_OF, .fields = &item, .field_count = 1};
    static const struct flexilib_filter filter = {.name = "f", .options = &list, .option_count = 1};
    struct flexilib_library exported = export_filters(&filter, 1);
    struct arena arena;
    struct error error = ERROR_INIT;
    struct library_entry entry;
    arena_init(&arena, 0);
    assert_true(library_entry_read(&exported, "x.so", &arena, &entry, &error));
    const struct flexilib_option *copy = entry.filters[0].options;
    assert_ptr_not_equal(copy, &list);
    assert_ptr_not_equal(copy->fields, &item);
    assert_string_equal(copy->fields[0].name, "a");
    assert_string_equal(copy->fields[0].fields[1].name, "y");
    assert_int_equal(copy->fields[0].fields[0].field_count, 0);
    arena_finish(&arena);
}

/* What an older contract might have looked like: the last members of each struct were not there yet. */
struct old_option {
    const char *name;
    flexilib_option_type type;
    bool required;
    const char *fallback;
};

struct old_filter {
    const char *name;
    const char *summary;
    const char *version;
    const struct old_option *options;
    size_t option_count;
    bool (*create)(const struct flexilib_core *core, const struct flexilib_value *options, void **filter);
    void (*destroy)(void *filter);
    flexilib_answer (*on_request_head)(void *filter, struct flexilib_exchange *exchange);
};

static flexilib_answer go_on(void *filter, struct flexilib_exchange *exchange)
{
    return FLEXILIB_CONTINUE;
}

static void smaller_structs_of_older_minors_work(void **state)
{
    static const struct old_option options[] = {{"a", FLEXILIB_OPTION_TEXT, false, "x"},
                                                {"b", FLEXILIB_OPTION_BOOL, true, NULL}};
    static const struct old_filter filters[] = {{.name = "one", .on_request_head = go_on},
                                                {.name = "two", .options = options, .option_count = 2}};
    struct flexilib_library exported = {
        .abi_major = FLEXILIB_ABI_MAJOR,
        .abi_minor = FLEXILIB_ABI_MINOR - 1,
        .size = sizeof(struct flexilib_library),
        .filter_size = sizeof(struct old_filter),
        .option_size = sizeof(struct old_option),
        .value_size = offsetof(struct flexilib_value, map),
        .filter_count = 2,
        .filters = (const struct flexilib_filter *)filters,
    };
    struct arena arena;
    struct error error = ERROR_INIT;
    struct library_entry entry;
    arena_init(&arena, 0);
    assert_true(library_entry_read(&exported, "x.so", &arena, &entry, &error));
    assert_int_equal(entry.filter_count, 2);
    assert_int_equal(entry.value_size, offsetof(struct flexilib_value, map));
    assert_string_equal(entry.filters[0].name, "one");
    assert_ptr_equal(entry.filters[0].on_request_head, go_on);
    assert_null(entry.filters[0].on_end);
    assert_string_equal(entry.filters[1].name, "two");
    assert_string_equal(entry.filters[1].options[1].name, "b");
    assert_true(entry.filters[1].options[1].required);
    assert_int_equal(entry.filters[1].options[1].maximum, 0);
    assert_null(entry.filters[1].options[1].summary);
    arena_finish(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_are_checked),
        cmocka_unit_test(filter_lists_are_checked),
        cmocka_unit_test(filter_names_are_checked),
        cmocka_unit_test(names_cannot_forge_lines),
        cmocka_unit_test(option_tables_are_checked),
        cmocka_unit_test(option_types_are_checked),
        cmocka_unit_test(nesting_has_an_end),
        cmocka_unit_test(flags_are_checked),
        cmocka_unit_test(later_types_need_later_structs),
        cmocka_unit_test(nested_options_are_copied),
        cmocka_unit_test(smaller_structs_of_older_minors_work),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
