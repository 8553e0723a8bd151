#include "config/fields.h"

#include "files.h"

/* Types that came with filters in mind: numbers, ranges, folders, and what holds further fields. */

enum {
    NUMBER = 0,
    BOUNDED,
    RANGES,
    FOLDER,
    TABLE,
    LIST_OF,
    MAP_OF,
    GRID,
    KEYS,
    COUNT,
};

static const char *const colours[] = {"red", "green", NULL};
static const struct field table_fields[] = {
    {.name = "limit", .type = FIELD_INTEGER, .fallback = "3", .minimum = 1, .maximum = 9},
    {.name = "colour", .type = FIELD_CHOICE, .choices = colours, .required = true},
};
static const struct field integer = {.type = FIELD_INTEGER, .minimum = 0, .maximum = 9};
static const struct field colour = {.type = FIELD_CHOICE, .choices = colours};
static const struct field row = {.type = FIELD_LIST_OF, .fields = &integer, .field_count = 1};
static const struct field key_fields[] = {{.name = "id", .type = FIELD_TEXT, .required = true},
                                          {.name = "secret", .type = FIELD_SECRET}};
static const struct field key = {.type = FIELD_TABLE, .fields = key_fields, .field_count = 2};

static const struct field fields[COUNT] = {
    [NUMBER] = {.name = "number", .type = FIELD_NUMBER, .fallback = "0.5"},
    [BOUNDED] = {.name = "bounded", .type = FIELD_NUMBER, .minimum = 0, .maximum = 1},
    [RANGES] = {.name = "ranges", .type = FIELD_RANGES, .fallback = "[]"},
    [FOLDER] = {.name = "folder", .type = FIELD_FOLDER},
    [TABLE] = {.name = "table", .type = FIELD_TABLE, .fields = table_fields, .field_count = 2},
    [LIST_OF] = {.name = "list", .type = FIELD_LIST_OF, .fields = &integer, .field_count = 1},
    [MAP_OF] = {.name = "map", .type = FIELD_MAP_OF, .fields = &colour, .field_count = 1},
    [GRID] = {.name = "grid", .type = FIELD_LIST_OF, .fields = &row, .field_count = 1},
    [KEYS] = {.name = "keys", .type = FIELD_LIST_OF, .fields = &key, .field_count = 1},
};

static struct field_value values[COUNT];

static bool read_file(struct files *files, const char *content)
{
    files_write(files, "x.yaml", content);
    source_destroy(files->source);
    files->source = source_create_live(NULL);
    const struct node *mapping = node_load(files->source, "x.yaml", &files->arena, &files->error);
    assert_non_null(mapping);
    return fields_read(fields, COUNT, mapping, mapping->place, "a thing", files->source, &files->arena, values,
                       &files->error);
}

static void read_well(struct files *files, const char *content)
{
    if (!read_file(files, content))
        fail_msg("%s", files->error.message);
}

static void refuses(struct files *files, const char *content, const char *message)
{
    assert_false(read_file(files, content));
    assert_error(&files->error, message);
}

static void reads_numbers_ranges_and_folders(void **state)
{
    struct files *files = *state;
    files_write(files, "sub/y", "");
    read_well(files, "bounded: 0.25\nranges: [10.0.0.0/8, \"::1\", unix]\nfolder: sub\n");
    assert_true(values[NUMBER].number == 0.5);
    assert_true(values[BOUNDED].number == 0.25);
    assert_int_equal(values[RANGES].count, 3);
    assert_int_equal(values[RANGES].ranges[0].bits, 8);
    assert_int_equal(values[RANGES].ranges[1].address_bytes, 16);
    assert_int_equal(values[RANGES].ranges[2].address_bytes, 0);
    char *path = file_absolute(files->folder, "sub");
    assert_slice(values[FOLDER].text, path);
    free(path);
    read_well(files, "number: -1e3\nranges: 192.0.2.1\n");
    assert_true(values[NUMBER].number == -1000);
    assert_int_equal(values[RANGES].count, 1);
    read_well(files, "");
    assert_true(values[RANGES].present);
    assert_int_equal(values[RANGES].count, 0);
}

static void reads_what_is_nested(void **state)
{
    struct files *files = *state;
    read_well(files, "table: { colour: green }\nlist: [4, 2]\nmap: { b: red, a: green }\ngrid: [[1], [], [2, 3]]\n"
                     "keys:\n  - id: x\n  - { secret: s, id: y }\n");
    const struct field_value *table = values[TABLE].values;
    assert_int_equal(values[TABLE].count, 2);
    assert_int_equal(table[0].integer, 3);
    assert_false(table[0].written);
    assert_int_equal(table[0].place.column, 8);
    assert_int_equal(table[1].integer, 1);
    assert_int_equal(table[1].place.column, 18);
    assert_int_equal(values[LIST_OF].count, 2);
    assert_int_equal(values[LIST_OF].values[1].integer, 2);
    assert_true(values[LIST_OF].values[1].present && values[LIST_OF].values[1].written);
    assert_int_equal(values[LIST_OF].values[1].place.column, 11);
    assert_int_equal(values[MAP_OF].count, 2);
    assert_slice(values[MAP_OF].list[0].text, "b");
    assert_int_equal(values[MAP_OF].list[1].place.column, 16);
    assert_int_equal(values[MAP_OF].values[1].integer, 1);
    assert_int_equal(values[GRID].count, 3);
    assert_int_equal(values[GRID].values[1].count, 0);
    assert_int_equal(values[GRID].values[2].values[1].integer, 3);
    assert_slice(values[KEYS].values[1].values[0].text, "y");
    assert_false(values[KEYS].values[0].values[1].present);
}

static void says_what_is_wrong_inside(void **state)
{
    struct files *files = *state;
    refuses(files, "number: one\n", "x.yaml:1:9: 'number' wants a number such as 0.5, 2 or 1e3, not 'one'");
    refuses(files, "bounded: 1.01\n", "x.yaml:1:10: 'bounded' must be from 0 to 1, not 1.01");
    refuses(files, "ranges: [10.0.0.1/8]\n",
            "x.yaml:1:10: '10.0.0.1/8' is an address within a network (did you mean '10.0.0.0/8'?)");
    refuses(files, "ranges: somewhere\n",
            "x.yaml:1:9: 'ranges' wants addresses, networks such as 10.0.0.0/8, 'private' or 'unix', not 'somewhere'");
    char message[256];
    snprintf(message, sizeof(message), "x.yaml:1:9: 'folder': there is no folder '%s/none'", files->folder);
    refuses(files, "folder: none\n", message);
    snprintf(message, sizeof(message), "x.yaml:1:9: 'folder': there is no folder '%s/x.yaml'", files->folder);
    refuses(files, "folder: x.yaml\n", message);
    refuses(files, "table: x\n", "x.yaml:1:8: 'table' wants a mapping, not a single text");
    refuses(files, "table: ~\n", "x.yaml:1:8: 'table' has no value");
    refuses(files, "table: {}\n", "x.yaml:1:8: 'colour' is missing in 'table'");
    refuses(files, "table: { color: red }\n", "x.yaml:1:10: unknown key 'color' in 'table' (did you mean 'colour'?)");
    refuses(files, "table:\n  colour: red\n  limit: 10\n", "x.yaml:3:10: 'limit' must be from 1 to 9, not 10");
    refuses(files, "list: 4\n", "x.yaml:1:7: 'list' wants a list, not a single text");
    refuses(files, "list: [4, x]\n", "x.yaml:1:11: an item of 'list' wants a whole number, not 'x'");
    refuses(files, "list: [4, 10]\n", "x.yaml:1:11: an item of 'list' must be from 0 to 9, not 10");
    refuses(files, "list: [~]\n", "x.yaml:1:8: an item of 'list' has no value");
    refuses(files, "map: [red]\n", "x.yaml:1:6: 'map' wants a mapping, not a list");
    refuses(files, "map: { a: gren }\n",
            "x.yaml:1:11: an entry of 'map' must be 'red' or 'green', not 'gren' (did you mean 'green'?)");
    refuses(files, "grid: [1]\n", "x.yaml:1:8: an item of 'grid' wants a list, not a single text");
    refuses(files, "grid: [[1, [2]]]\n", "x.yaml:1:12: an item of 'grid' wants a whole number, not a list");
    refuses(files, "keys: [x]\n", "x.yaml:1:8: an item of 'keys' wants a mapping, not a single text");
    refuses(files, "keys:\n  - id: x\n  - {}\n", "x.yaml:3:5: 'id' is missing in an item of 'keys'");
    refuses(files, "keys:\n  - { id: x, secrt: y }\n",
            "x.yaml:2:14: unknown key 'secrt' in an item of 'keys' (did you mean 'secret'?)");
}

/* A folder may have gone since its generation was started: what a snapshot says is about then. */
static void folders_are_looked_for_once(void **state)
{
    struct files *files = *state;
    files_write(files, "sub/y", "");
    files_write(files, "x.yaml", "folder: sub\n");
    files_write(files, "snapshot/y", "");
    struct source *live = source_create_live("snapshot");
    assert_true(source_has_folder(live, "/"));
    assert_false(source_has_folder(live, "/no/such/folder"));
    source_destroy(live);
    struct source *snapshot = source_create_snapshot("snapshot");
    assert_true(source_has_folder(snapshot, "/gone/since/then"));
    source_destroy(snapshot);
}

static void nested_secrets_are_not_shown(void **state)
{
    static const char *const contents[] = {
        "{ keys: [{ id: x, secret: hunter2, colour: x }] }\n",
        "{ keys: [{ id: x, secret: hunter2 }], number: x }\n",
        "{ keys: [{ id: x, secret: hunter2 }], colour: x }\n",
        "{ keys: [{ id: x, secret: [hunter2] }] }\n",
    };
    struct files *files = *state;
    for (size_t i = 0; i < sizeof(contents) / sizeof(contents[0]); ++i) {
        struct text text = TEXT_INIT;
        assert_false(read_file(files, contents[i]));
        error_describe(&files->error, &text);
        if (strstr(text.data, "hunter2") != NULL || strchr(text.data, '\n') != NULL)
            fail_msg("%s shows: %s", contents[i], text.data);
        text_finish(&text);
        files->error = ERROR_INIT;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILES_TEST(reads_numbers_ranges_and_folders), FILES_TEST(reads_what_is_nested),
        FILES_TEST(says_what_is_wrong_inside),        FILES_TEST(folders_are_looked_for_once),
        FILES_TEST(nested_secrets_are_not_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
