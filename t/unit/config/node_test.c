#include "config/node.h"

#include "files.h"

static const struct node *load(struct files *files, const char *content)
{
    files_write(files, "x.yaml", content);
    source_destroy(files->source);
    files->source = source_create_live(NULL);
    return node_load(files->source, "x.yaml", &files->arena, &files->error);
}

static const struct node *load_well(struct files *files, const char *content)
{
    const struct node *root = load(files, content);
    if (root == NULL)
        print_error("%s\n", files->error.message);
    assert_non_null(root);
    return root;
}

static void assert_text(const struct node *mapping, const char *key, const char *expected)
{
    const struct node *node = node_find(mapping, key);
    assert_non_null(node);
    assert_int_equal(node->kind, NODE_SCALAR);
    assert_slice(node->text, expected);
    assert_int_equal(node->text.data[node->text.length], '\0');
}

static void assert_place(const struct node *node, unsigned line, unsigned column)
{
    assert_int_equal(node->place.line, line);
    assert_int_equal(node->place.column, column);
}

static void an_empty_file_is_an_empty_mapping(void **state)
{
    static const char *const contents[] = {"", "\n", "# nothing\n", "---\n", "---\n...\n", "~\n", "\xef\xbb\xbf"};
    for (size_t i = 0; i < sizeof(contents) / sizeof(contents[0]); ++i) {
        const struct node *root = load_well(*state, contents[i]);
        assert_int_equal(root->kind, NODE_MAPPING);
        assert_int_equal(root->count, 0);
    }
}

static void every_node_knows_its_place(void **state)
{
    const struct node *root = load_well(*state, "a: 1\nb:\n  - x\n  - { c: [\"y\"] }\n\"d\": |\n  text\n");
    assert_place(root, 1, 1);
    assert_place(root->keys[0], 1, 1);
    assert_place(root->items[0], 1, 4);
    const struct node *list = node_find(root, "b");
    assert_place(list, 3, 3);
    assert_place(list->items[0], 3, 5);
    assert_place(list->items[1], 4, 5);
    const struct node *inner = node_find(list->items[1], "c");
    assert_place(inner, 4, 10);
    assert_place(inner->items[0], 4, 11);
    assert_place(root->keys[2], 5, 1);
    assert_text(root, "d", "text\n");
}

static void columns_count_bytes_and_lines_end_with_lf(void **state)
{
    const struct node *root =
        load_well(*state, "\xef\xbb\xbfk\xc3\xa4se: [\xe2\x82\xac, x]\r\nb: \xc2\x85\r\nc: 1\r\n");
    assert_place(root->keys[0], 1, 1);
    assert_place(root->items[0]->items[0], 1, 9);
    assert_place(root->items[0]->items[1], 1, 14);
    assert_place(root->keys[2], 3, 1);
}

static void tells_null_from_empty(void **state)
{
    const struct node *root = load_well(*state, "a:\nb: ~\nc: null\nd: \"\"\ne: '~'\nf: nullify\ng: ${NO_SUCH:-}\n"
                                                "h: ${NO_SUCH:-~}\n");
    assert_true(node_find(root, "a")->is_null);
    assert_true(node_find(root, "b")->is_null);
    assert_true(node_find(root, "c")->is_null);
    assert_false(node_find(root, "d")->is_null);
    assert_false(node_find(root, "e")->is_null);
    assert_false(node_find(root, "f")->is_null);
    assert_false(node_find(root, "g")->is_null);
    assert_false(node_find(root, "h")->is_null);
    assert_true(node_find(root, "d")->is_quoted);
    assert_false(node_find(root, "g")->is_quoted);
}

static void puts_variables_in(void **state)
{
    setenv("FLEXILIB_UNIT", "[1, 2]: #x", 1);
    setenv("FLEXILIB_EMPTY", "", 1);
    unsetenv("NO_SUCH");
    const struct node *root = load_well(*state, "a: ${FLEXILIB_UNIT}\n"
                                                "b: \"x${FLEXILIB_UNIT}y\"\n"
                                                "c: 'x${NO_SUCH:-a b}${NO_SUCH:-}'\n"
                                                "d: ${FLEXILIB_EMPTY:-default}\n"
                                                "e: -${FLEXILIB_EMPTY}-\n"
                                                "f: $${FLEXILIB_UNIT} $ $$ ${NO_SUCH:-$}\n"
                                                "g: $$${FLEXILIB_UNIT}\n"
                                                "${NO_SUCH:-key}: 1\n"
                                                "i: |\n  a\n  ${FLEXILIB_UNIT}\n");
    assert_text(root, "a", "[1, 2]: #x");
    assert_text(root, "b", "x[1, 2]: #xy");
    assert_text(root, "c", "xa b");
    assert_text(root, "d", "default");
    assert_text(root, "e", "--");
    assert_text(root, "f", "${FLEXILIB_UNIT} $ $$ $");
    assert_text(root, "g", "$${FLEXILIB_UNIT}");
    assert_text(root, "key", "1");
    assert_text(root, "i", "a\n[1, 2]: #x\n");
}

static void points_at_a_bad_variable(void **state)
{
    struct files *files = *state;
    assert_null(load(files, "a: |\n  first\n  second ${NO_SUCH}\n"));
    assert_error(&files->error, "x.yaml:3:10: the environment variable 'NO_SUCH' is not set: set it, or write "
                                "${NO_SUCH:-default}");
    assert_null(load(files, "a: \"\\x24{NO_SUCH}\"\n"));
    assert_error(&files->error, "x.yaml:1:4: the environment variable 'NO_SUCH' is not set: set it, or write "
                                "${NO_SUCH:-default}");
}

static void resolves_anchors(void **state)
{
    const struct node *root = load_well(*state, "a: &a { x: 1 }\nb: *a\nc: &a [2]\nd: *a\n");
    assert_ptr_equal(node_find(root, "a"), node_find(root, "b"));
    assert_ptr_equal(node_find(root, "c"), node_find(root, "d"));
}

static void limits_what_anchors_multiply(void **state)
{
    struct files *files = *state;
    struct text text = TEXT_INIT;
    text_print(&text, "a0: &a0 [x]\n");
    for (int i = 1; i < 60; ++i)
        text_print(&text, "a%d: &a%d [*a%d]\n", i, i, i - 1);
    assert_non_null(load(files, text.data));
    for (int i = 60; i < 120; ++i)
        text_print(&text, "a%d: &a%d [*a%d]\n", i, i, i - 1);
    assert_null(load(files, text.data));
    assert_error(&files->error, "x.yaml:99:12: this alias makes the configuration too deep: more than 100 levels");
    text_clear(&text);
    for (int i = 0; i < 1001; ++i)
        text_print(&text, "a%d: &a%d x\n", i, i);
    assert_null(load(files, text.data));
    assert_error(&files->error, "x.yaml:1001:8: there are too many anchors: more than 1000");
    text_finish(&text);
}

static void finds_a_duplicate_among_many_keys(void **state)
{
    struct files *files = *state;
    struct text text = TEXT_INIT;
    for (int i = 0; i < 5000; ++i)
        text_print(&text, "k%d: 1\n", i);
    assert_int_equal(load_well(files, text.data)->count, 5000);
    text_print(&text, "k4711: 2\n");
    assert_null(load(files, text.data));
    assert_error(&files->error, "x.yaml:5001:1: duplicate key 'k4711' (first in line 4712)");
    text_finish(&text);
}

/* The texts of a list, with blanks between them. */
static void assert_list(const struct node *list, const char *expected)
{
    struct text text = TEXT_INIT;
    assert_int_equal(list->kind, NODE_SEQUENCE);
    for (size_t i = 0; i < list->count; ++i)
        text_print(&text, "%s%.*s", i == 0 ? "" : " ", SLICE_ARG(list->items[i]->text));
    assert_string_equal(text.data == NULL ? "" : text.data, expected);
    text_finish(&text);
}

static void joins_top_level_keys_in_order(void **state)
{
    struct files *files = *state;
    files_write(files, "d/b.yaml", "listen: [3, 4]\nupstreams: { b: http://b }\n");
    files_write(files, "d/a.yaml", "listen: 2\ninclude: [inner/c.yaml, none*.yaml]\n");
    files_write(files, "d/inner/c.yaml", "upstreams: { c: http://c }\nuser: nobody\n");
    files_write(files, "d/empty.yaml", "");
    const struct node *root = load_well(files, "listen: [1]\n"
                                               "upstreams: { x: http://x }\n"
                                               "include: [d/*.yaml]\n"
                                               "workers: 1\n");
    assert_list(node_find(root, "listen"), "1 2 3 4");
    const struct node *upstreams = node_find(root, "upstreams");
    assert_int_equal(upstreams->count, 3);
    assert_slice(upstreams->keys[0]->text, "x");
    assert_slice(upstreams->keys[1]->text, "c");
    assert_slice(upstreams->keys[2]->text, "b");
    assert_text(root, "user", "nobody");
    assert_text(root, "workers", "1");
    assert_null(node_find(root, "include"));
    assert_string_equal(upstreams->items[1]->place.text->path, "d/inner/c.yaml");
    char *file = file_absolute(files->folder, "d/inner/c.yaml");
    assert_string_equal(upstreams->items[1]->file, file);
    free(file);
}

static void included_keys_stand_where_the_include_stands(void **state)
{
    struct files *files = *state;
    files_write(files, "a.yaml", "routes: [a]\n");
    assert_list(node_find(load_well(files, "include: a.yaml\nroutes: [x]\n"), "routes"), "a x");
    assert_list(node_find(load_well(files, "routes: [x]\ninclude: a.yaml\n"), "routes"), "x a");
    assert_list(node_find(load_well(files, "include: a.yaml\n"), "routes"), "a");
    assert_list(node_find(load_well(files, "include: [a.yaml, a.yaml]\n"), "routes"), "a a");
}

static void included_routes_stand_where_the_include_stands(void **state)
{
    struct files *files = *state;
    files_write(files, "r/1.yaml", "[a, { include: more/*.yaml }, b]\n");
    files_write(files, "r/2.yaml", "- c\n");
    files_write(files, "r/3.yaml", "");
    files_write(files, "r/more/x.yaml", "- x\n");
    const struct node *root = load_well(files, "routes:\n"
                                               "  - first\n"
                                               "  - include: r/*.yaml\n"
                                               "  - { match: /, routes: [{ include: [r/2.yaml, r/more/x.yaml] }, d] }\n"
                                               "  - include: none/*\n");
    const struct node *routes = node_find(root, "routes");
    assert_int_equal(routes->count, 6);
    assert_list(node_find(routes->items[5], "routes"), "c x d");
    struct node first_five = *routes;
    first_five.count = 5;
    assert_list(&first_five, "first a x b c");
}

static void a_list_that_an_alias_repeats_is_included_once(void **state)
{
    struct files *files = *state;
    files_write(files, "r.yaml", "- a\n");
    const struct node *root = load_well(files, "routes:\n  - routes: &r [{ include: r.yaml }]\n  - routes: *r\n");
    const struct node *routes = node_find(root, "routes");
    assert_list(node_find(routes->items[0], "routes"), "a");
    assert_list(node_find(routes->items[1], "routes"), "a");
}

static void names_included_files_as_they_would_be_written(void **state)
{
    struct files *files = *state;
    files_write(files, "conf/main.yaml", "include: [\"d/a.yaml\", \"../up.yaml\"]\n");
    files_write(files, "conf/d/a.yaml", "x: [\n");
    assert_null(node_load(files->source, "./conf/main.yaml", &files->arena, &files->error));
    assert_error(&files->error, "./conf/d/a.yaml:2:1: a value is missing here");
    char *absolute = file_absolute(files->folder, "conf/main.yaml");
    assert_null(node_load(files->source, absolute, &files->arena, &files->error));
    free(absolute);
    char expected[256];
    snprintf(expected, sizeof(expected), "%s/conf/d/a.yaml:2:1: a value is missing here", files->folder);
    assert_error(&files->error, expected);
}

static void wants_what_an_include_lacks(void **state)
{
    struct files *files = *state;
    assert_null(load(files, "include: none.yaml\n"));
    char *path = file_absolute(files->folder, "none.yaml");
    assert_missing(files->source, WATCH_FILE, path);
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILES_TEST(an_empty_file_is_an_empty_mapping),
        FILES_TEST(every_node_knows_its_place),
        FILES_TEST(columns_count_bytes_and_lines_end_with_lf),
        FILES_TEST(tells_null_from_empty),
        FILES_TEST(puts_variables_in),
        FILES_TEST(points_at_a_bad_variable),
        FILES_TEST(resolves_anchors),
        FILES_TEST(limits_what_anchors_multiply),
        FILES_TEST(finds_a_duplicate_among_many_keys),
        FILES_TEST(joins_top_level_keys_in_order),
        FILES_TEST(included_keys_stand_where_the_include_stands),
        FILES_TEST(included_routes_stand_where_the_include_stands),
        FILES_TEST(a_list_that_an_alias_repeats_is_included_once),
        FILES_TEST(names_included_files_as_they_would_be_written),
        FILES_TEST(wants_what_an_include_lacks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
