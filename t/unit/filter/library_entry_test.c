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
             sizeof(struct flexilib_filter));
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
    static const struct flexilib_option unknown[] = {{.name = "a", .type = 10}};
    static const struct flexilib_option untyped[] = {{.name = "a"}};
    static const struct flexilib_option twins[] = {{.name = "a", .type = 1}, {.name = "a", .type = 2}};
    struct flexilib_filter filter = {.name = "f", .option_count = 1};
    expect_filters_refused(&filter, 1, "x.so: filter 'f' says that it has 1 options, but gives no table");
    filter.options = unnamed;
    expect_filters_refused(&filter, 1, "x.so: option 1 of filter 'f' has no name");
    filter.options = misnamed;
    expect_filters_refused(&filter, 1, "x.so: option 'Big' of filter 'f': a name is made of a-z, 0-9, '-' and '_'");
    filter.options = unknown;
    expect_filters_refused(&filter, 1, "x.so: option 'a' of filter 'f' has type 10, which this FlexiLib does not know");
    filter.options = untyped;
    expect_filters_refused(&filter, 1, "x.so: option 'a' of filter 'f' has type 0, which this FlexiLib does not know");
    filter.options = twins;
    filter.option_count = 2;
    expect_filters_refused(&filter, 1, "x.so: filter 'f' has two options 'a'");
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
        cmocka_unit_test(sizes_are_checked),         cmocka_unit_test(filter_lists_are_checked),
        cmocka_unit_test(filter_names_are_checked),  cmocka_unit_test(names_cannot_forge_lines),
        cmocka_unit_test(option_tables_are_checked), cmocka_unit_test(smaller_structs_of_older_minors_work),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
