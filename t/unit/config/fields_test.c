#include "config/fields.h"

#include "files.h"

enum {
    BOOL = 0,
    INTEGER,
    DURATION,
    SIZE,
    TEXT,
    LIST,
    MAP,
    SECRET,
    FILE_CONTENT,
    PATH,
    CHOICE,
    NODE,
    COUNT,
};

static const char *const colours[] = {"red", "green", "blue", NULL};

static const struct field fields[COUNT] = {
    [BOOL] = {.name = "bool", .type = FIELD_BOOL},
    [INTEGER] = {.name = "integer", .type = FIELD_INTEGER, .fallback = "7", .minimum = -5, .maximum = 10},
    [DURATION] = {.name = "duration", .type = FIELD_DURATION, .fallback = "1.5s", .minimum = 1, .maximum = INT64_MAX},
    [SIZE] = {.name = "size", .type = FIELD_SIZE},
    [TEXT] = {.name = "text", .type = FIELD_TEXT, .fallback = "\"\""},
    [LIST] = {.name = "list", .type = FIELD_LIST, .fallback = "one"},
    [MAP] = {.name = "map", .type = FIELD_MAP, .fallback = "{}"},
    [SECRET] = {.name = "secret", .type = FIELD_SECRET},
    [FILE_CONTENT] = {.name = "file", .type = FIELD_FILE},
    [PATH] = {.name = "path", .type = FIELD_PATH},
    [CHOICE] = {.name = "choice", .type = FIELD_CHOICE, .choices = colours},
    [NODE] = {.name = "node", .type = FIELD_NODE},
};

static struct field_value values[COUNT];

static bool read_with(struct files *files, const struct field *table, size_t count, const char *content)
{
    files_write(files, "d/x.yaml", content);
    source_destroy(files->source);
    files->source = source_create_live(NULL);
    const struct node *mapping = node_load(files->source, "d/x.yaml", &files->arena, &files->error);
    assert_non_null(mapping);
    return fields_read(table, count, mapping, mapping->place, "a thing", files->source, &files->arena, values,
                       &files->error);
}

static void read_well(struct files *files, const char *content)
{
    if (!read_with(files, fields, COUNT, content))
        fail_msg("%s", files->error.message);
}

static void refuses(struct files *files, const char *content, const char *message)
{
    assert_false(read_with(files, fields, COUNT, content));
    assert_error(&files->error, message);
}

static void takes_defaults_for_what_is_not_written(void **state)
{
    struct files *files = *state;
    struct place where = {NULL, 3, 4};
    assert_true(
        fields_read(fields, COUNT, NULL, where, "a thing", files->source, &files->arena, values, &files->error));
    assert_false(values[BOOL].present);
    assert_false(values[NODE].present);
    assert_true(values[INTEGER].present);
    assert_false(values[INTEGER].written);
    assert_int_equal(values[INTEGER].place.line, 3);
    assert_int_equal(values[INTEGER].integer, 7);
    assert_int_equal(values[DURATION].integer, 1500);
    assert_true(values[TEXT].present);
    assert_slice(values[TEXT].text, "");
    assert_int_equal(values[LIST].count, 1);
    assert_slice(values[LIST].list[0].text, "one");
    assert_true(values[MAP].present);
    assert_int_equal(values[MAP].count, 0);
}

static void tells_a_wrong_default_as_one(void **state)
{
    struct files *files = *state;
    static const struct field wrong = {
        .name = "number", .type = FIELD_INTEGER, .fallback = "77", .minimum = 5, .maximum = 10};
    struct field_value value;
    assert_false(
        fields_read(&wrong, 1, NULL, PLACE_NONE, "a thing", files->source, &files->arena, &value, &files->error));
    assert_error(&files->error,
                 "the default of 'number' in a thing will not do: 'number' must be from 5 to 10, not 77");
}

static void reads_every_type(void **state)
{
    struct files *files = *state;
    files_write(files, "d/content", "some\ntext");
    read_well(files, "bool: yes\ninteger: -5\nduration: 2m\nsize: 64KB\ntext: '8'\nlist: [a, 1]\n"
                     "map: { b: 1, a: x }\nsecret: s\nfile: ./content\npath: ../y\nchoice: blue\nnode: [[]]\n");
    assert_true(values[BOOL].boolean);
    assert_int_equal(values[INTEGER].integer, -5);
    assert_int_equal(values[DURATION].integer, 120000);
    assert_int_equal(values[SIZE].integer, 65536);
    assert_slice(values[TEXT].text, "8");
    assert_true(values[TEXT].written);
    assert_int_equal(values[LIST].count, 2);
    assert_slice(values[LIST].list[1].text, "1");
    assert_int_equal(values[LIST].list[1].place.column, 11);
    assert_int_equal(values[MAP].count, 2);
    assert_slice(values[MAP].map[0].name, "b");
    assert_slice(values[MAP].map[1].value, "x");
    assert_int_equal(values[MAP].map[1].name_place.column, 14);
    assert_int_equal(values[MAP].map[1].value_place.column, 17);
    assert_slice(values[SECRET].text, "s");
    assert_slice(values[FILE_CONTENT].text, "some\ntext");
    char *path = file_absolute(files->folder, "d/content");
    assert_string_equal(values[FILE_CONTENT].path, path);
    free(path);
    path = file_absolute(files->folder, "y");
    assert_slice(values[PATH].text, path);
    free(path);
    assert_int_equal(values[CHOICE].integer, 2);
    assert_int_equal(values[NODE].node->kind, NODE_SEQUENCE);
}

static void takes_one_text_for_a_list_of_one(void **state)
{
    read_well(*state, "list: 5\nbool: OFF\n");
    assert_int_equal(values[LIST].count, 1);
    assert_slice(values[LIST].list[0].text, "5");
    assert_false(values[BOOL].boolean);
    assert_true(values[BOOL].present);
    read_well(*state, "list: []\nnode: ~\n");
    assert_int_equal(values[LIST].count, 0);
    assert_true(values[NODE].node->is_null);
}

static void says_what_is_wrong(void **state)
{
    struct files *files = *state;
    refuses(files, "bool: maybe\n", "d/x.yaml:1:7: 'bool' wants yes or no, not 'maybe'");
    refuses(files, "bool: [yes]\n", "d/x.yaml:1:7: 'bool' wants yes or no, not a list");
    refuses(files, "integer: 1e3\n", "d/x.yaml:1:10: 'integer' wants a whole number, not '1e3'");
    refuses(files, "integer: 99999999999999999999\n",
            "d/x.yaml:1:10: 'integer' wants a whole number, not '99999999999999999999'");
    refuses(files, "integer: -6\n", "d/x.yaml:1:10: 'integer' must be from -5 to 10, not -6");
    refuses(files, "integer: \"\"\n", "d/x.yaml:1:10: 'integer' wants a whole number, not ''");
    refuses(files, "duration: 0\n", "d/x.yaml:1:11: 'duration' must be at least 1ms, not 0");
    refuses(files, "duration: -5\n", "d/x.yaml:1:11: 'duration' wants a duration such as 250ms, 30s or 5m, not '-5'");
    refuses(files, "size: 5XB\n", "d/x.yaml:1:7: 'size' wants a size such as 512, 64KB or 16MB, not '5XB'");
    refuses(files, "text: {}\n", "d/x.yaml:1:7: 'text' wants a text, not a mapping");
    refuses(files, "text:\n", "d/x.yaml:1:6: 'text' has no value");
    refuses(files, "list: { a: b }\n", "d/x.yaml:1:7: 'list' wants a text or a list of texts, not a mapping");
    refuses(files, "list: [a, ~]\n", "d/x.yaml:1:11: an item of 'list' has no value (write \"\" for an empty text)");
    refuses(files, "list: ~\n", "d/x.yaml:1:7: 'list' has no value");
    refuses(files, "map: x\n", "d/x.yaml:1:6: 'map' wants a mapping of texts, not a single text");
    refuses(files, "map: { a: [b] }\n", "d/x.yaml:1:11: an entry of 'map' wants a text, not a list");
    refuses(files, "map: { a: }\n", "d/x.yaml:1:11: an entry of 'map' has no value (write \"\" for an empty text)");
    refuses(files, "path: \"\"\n", "d/x.yaml:1:7: 'path' wants a path, not an empty text");
    refuses(files, "choice: gren\n",
            "d/x.yaml:1:9: 'choice' must be 'red', 'green' or 'blue', not 'gren' (did you mean 'green'?)");
    refuses(files, "integr: 5\n", "d/x.yaml:1:1: unknown key 'integr' in a thing (did you mean 'integer'?)");
    char message[256];
    snprintf(message, sizeof(message), "d/x.yaml:1:7: 'file': cannot read '%s/d/none': No such file or directory",
             files->folder);
    refuses(files, "file: none\n", message);
    char *path = file_absolute(files->folder, "d/none");
    assert_missing(files->source, WATCH_FILE, path);
    free(path);
}

static void misses_what_is_required(void **state)
{
    static const struct field required[] = {{.name = "a", .type = FIELD_TEXT, .required = true}};
    struct files *files = *state;
    struct place where = {NULL, 0, 0};
    assert_false(read_with(files, required, 1, "\n\n"));
    assert_error(&files->error, "d/x.yaml:1:1: 'a' is missing in a thing");
    assert_false(fields_read(required, 1, NULL, where, "a thing", files->source, &files->arena, values, &files->error));
    assert_error(&files->error, "'a' is missing in a thing");
}

static void never_shows_a_secret(void **state)
{
    static const char *const contents[] = {
        "secret: [hunter2]\n",
        "secret: { hunter2: x }\n",
        "{ secret: hunter2, integer: x }\n",
        "{ secrt: hunter2 }\n",
        "{ secret: hunter2, colour: x }\n",
        "{ integer: x, secret: \"hunter2\" }\n",
        "{ secret: &a hunter2, list: [[*a]] }\n",
    };
    struct files *files = *state;
    for (size_t i = 0; i < sizeof(contents) / sizeof(contents[0]); ++i) {
        struct text text = TEXT_INIT;
        assert_false(read_with(files, fields, COUNT, contents[i]));
        error_describe(&files->error, &text);
        if (strstr(text.data, "hunter2") != NULL || strchr(text.data, '\n') != NULL)
            fail_msg("%s shows: %s", contents[i], text.data);
        assert_non_null(strstr(text.data, "d/x.yaml:1:"));
        text_finish(&text);
        files->error = ERROR_INIT;
    }
}

static void keeps_messages_on_one_line_and_short(void **state)
{
    struct files *files = *state;
    refuses(files, "integer: \"a\\nb\\x7f\"\n", "d/x.yaml:1:10: 'integer' wants a whole number, not 'a?b?'");
    char content[400] = "integer: ";
    memset(content + strlen(content), 'y', 300);
    assert_false(read_with(files, fields, COUNT, content));
    assert_true(strlen(files->error.message) < 200);
    assert_non_null(strstr(files->error.message, "yyy...'"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILES_TEST(takes_defaults_for_what_is_not_written),
        FILES_TEST(tells_a_wrong_default_as_one),
        FILES_TEST(reads_every_type),
        FILES_TEST(takes_one_text_for_a_list_of_one),
        FILES_TEST(says_what_is_wrong),
        FILES_TEST(misses_what_is_required),
        FILES_TEST(never_shows_a_secret),
        FILES_TEST(keeps_messages_on_one_line_and_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
