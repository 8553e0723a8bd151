#include "config/template.h"

#include "config/node.h"
#include "files.h"

/* What templates are made of, and what is wrong with those that are none. */

/* The template stands in a list of one, written as it is given. */
static const struct node *write_node(struct files *files, const char *written)
{
    char content[4096];
    snprintf(content, sizeof(content), "first: 1\nkey: [%s]\nlast: '{stauts}'\n", written);
    files_write(files, "x.yaml", content);
    source_destroy(files->source);
    files->source = source_create_live(NULL);
    files->error = ERROR_INIT;
    const struct node *root = node_load(files->source, "x.yaml", &files->arena, &files->error);
    assert_string_equal(files->error.message, "");
    return node_find(root, "key")->items[0];
}

static const struct template *read_well(struct files *files, const char *written)
{
    const struct template *template = template_read(write_node(files, written), &files->arena, &files->error);
    if (template == NULL)
        fail_msg("%s: %s", written, files->error.message);
    return template;
}

static void refuses(struct files *files, const char *written, unsigned column, const char *message)
{
    assert_null(template_read(write_node(files, written), &files->arena, &files->error));
    assert_string_equal(files->error.message, message);
    assert_int_equal(files->error.line, 2);
    if (files->error.column != column)
        fail_msg("%s: column %u, not %u", written, files->error.column, column);
}

static void expect_part(const struct template *template, size_t index, enum placeholder_kind kind, const char *text)
{
    assert_true(index < template->count);
    assert_int_equal(template->parts[index].kind, kind);
    assert_slice(template->parts[index].text, text);
}

static void is_text_and_placeholders(void **state)
{
    struct files *files = *state;
    const struct template *template = read_well(files, "\"{method} to {header.X-User} end\"");
    assert_int_equal(template->count, 4);
    expect_part(template, 0, PLACEHOLDER_METHOD, "");
    expect_part(template, 1, PLACEHOLDER_TEXT, " to ");
    expect_part(template, 2, PLACEHOLDER_HEADER, "X-User");
    expect_part(template, 3, PLACEHOLDER_TEXT, " end");
    assert_int_equal(read_well(files, "\"\"")->count, 0);
    template = read_well(files, "plain");
    assert_int_equal(template->count, 1);
    expect_part(template, 0, PLACEHOLDER_TEXT, "plain");
    template = read_well(files, "\"{query.a b&c}{query}{response.header.set-cookie}{jwt.sub}{a.b.c-d_1}\"");
    expect_part(template, 0, PLACEHOLDER_PARAMETER, "a b&c");
    expect_part(template, 1, PLACEHOLDER_QUERY, "");
    expect_part(template, 2, PLACEHOLDER_RESPONSE_HEADER, "set-cookie");
    expect_part(template, 3, PLACEHOLDER_ATTRIBUTE, "jwt.sub");
    expect_part(template, 4, PLACEHOLDER_ATTRIBUTE, "a.b.c-d_1");
}

static void doubled_braces_are_braces(void **state)
{
    struct files *files = *state;
    const struct template *template = read_well(files, "'a{{b}}c{{{path}}}{{}}'");
    static const char *const parts[] = {"a{", "b}", "c{", "", "}", "{", "}"};
    assert_int_equal(template->count, 7);
    for (size_t i = 0; i < 7; ++i)
        expect_part(template, i, i == 3 ? PLACEHOLDER_PATH : PLACEHOLDER_TEXT, parts[i]);
}

static void what_stands_for_nothing_may_nest(void **state)
{
    struct files *files = *state;
    const struct template *template = read_well(files, "'{jwt.sub|{header.x-user|a b} or {host}}{path|}'");
    assert_int_equal(template->count, 2);
    expect_part(template, 0, PLACEHOLDER_ATTRIBUTE, "jwt.sub");
    const struct template *rest = template->parts[0].rest;
    assert_int_equal(rest->count, 3);
    expect_part(rest, 0, PLACEHOLDER_HEADER, "x-user");
    expect_part(rest->parts[0].rest, 0, PLACEHOLDER_TEXT, "a b");
    expect_part(rest, 1, PLACEHOLDER_TEXT, " or ");
    expect_part(rest, 2, PLACEHOLDER_HOST, "");
    expect_part(template, 1, PLACEHOLDER_PATH, "");
    assert_int_equal(template->parts[1].rest->count, 0);
    expect_part(read_well(files, "'{path||}'")->parts[0].rest, 0, PLACEHOLDER_TEXT, "|");
}

static void names_are_checked(void **state)
{
    struct files *files = *state;
    refuses(files, "'x {stauts}'", 10, "'{stauts}' stands for nothing (did you mean 'status'?)");
    refuses(files, "'{Method}'", 8, "'{Method}' stands for nothing (did you mean 'method'?)");
    refuses(files, "'{remote_addr}'", 8, "'{remote_addr}' stands for nothing (did you mean 'client.address'?)");
    refuses(files, "'{tls.subject}'", 8, "'{tls.subject}' stands for nothing (did you mean 'tls.client.subject'?)");
    refuses(files, "'{headers.host}'", 8, "'{headers.host}' stands for nothing (did you mean 'header.NAME'?)");
    refuses(files, "'{header}'", 8, "a name is missing here: '{header.NAME}'");
    refuses(files, "'{cookie.}'", 8, "a name is missing here: '{cookie.NAME}'");
    refuses(files, "'{header.a b}'", 8, "'a b' cannot be the name of a header field");
    refuses(files, "'{cookie.a;b}'", 8, "'a;b' cannot be the name of a cookie");
    refuses(files, "'{header.Content-Length}'", 8,
            "the field Content-Length is not to be had: '{request.bytes}' counts what has come");
    refuses(files, "'{response.header.Connection}'", 8,
            "the field 'Connection' belongs to one connection and is not to be had");
    refuses(files, "'{jwt.Sub}'", 8, "'{jwt.Sub}': an attribute's name is made of a-z, 0-9, '.', '-' and '_'");
    refuses(files, "'{jwt.}'", 8, "'{jwt.}': an attribute's name is FILTER.NAME, of 128 characters at most");
    refuses(files, "'{.sub}'", 8, "'{.sub}': an attribute's name is FILTER.NAME, of 128 characters at most");
    refuses(files, "'{}'", 8, "a placeholder's name is missing here (a brace itself is written '{{')");
}

static void braces_are_checked(void **state)
{
    struct files *files = *state;
    refuses(files, "'x {path'", 10, "'{path' is never closed: a '}' is missing (a brace itself is written '{{')");
    refuses(files, "'x {pa{th}'", 10, "'{pa{th}' is never closed: a '}' is missing (a brace itself is written '{{')");
    refuses(files, "'{path|a {host}'", 8,
            "'{path|a {host}' is never closed: a '}' is missing (a brace itself is written '{{')");
    refuses(files, "'x}'", 9, "a '}' that ends no placeholder is written '}}'");
    refuses(files, "'x}}}'", 11, "a '}' that ends no placeholder is written '}}'");
    refuses(files, "'{a.b|{{}'", 13, "'{{}' is never closed: a '}' is missing (a brace itself is written '{{')");
}

/* Quotes and escapes make the text another one than stands in the file. */
static void places_are_those_in_the_file(void **state)
{
    struct files *files = *state;
    refuses(files, "\"\\\"{path}\\\" {stauts}\"", 19, "'{stauts}' stands for nothing (did you mean 'status'?)");
    refuses(files, "'it''s {x} {x.}'", 14, "'{x}' stands for nothing");
    refuses(files, "'a } b'", 10, "a '}' that ends no placeholder is written '}}'");
}

static void depth_and_length_are_bounded(void **state)
{
    struct files *files = *state;
    char written[4096] = "'";
    for (int i = 0; i < 9; ++i)
        strcat(written, "{a.b|");
    strcat(written, "}}}}}}}}}'");
    refuses(files, written, 48, "placeholders stand at most 8 deep in each other");
    strcpy(written, "'");
    for (int i = 0; i < 257; ++i)
        strcat(written, "{a.b}");
    strcat(written, "'");
    refuses(files, written, 8 + 256 * 5, "a template has 256 parts at most");
}

static void attributes_have_names_of_their_own(void **state)
{
    static const char *const good[] = {"jwt.sub", "a.b", "rate-limit.left_1", "x.y.z", "session.user"};
    static const char *const bad[] = {"",         "sub",         "jwt.",   ".sub",        "jwt.Sub",    "jwt.s b",
                                      "header.x", "status.text", "time.x", "upstream.id", "flexilib.x", "jwt.\xc3\xa4"};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); ++i)
        assert_null(placeholder_refuse_attribute(slice_from_text(good[i])));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); ++i)
        assert_non_null(placeholder_refuse_attribute(slice_from_text(bad[i])));
    assert_non_null(placeholder_refuse_attribute(SLICE("a.\0b")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILES_TEST(is_text_and_placeholders),
        FILES_TEST(doubled_braces_are_braces),
        FILES_TEST(what_stands_for_nothing_may_nest),
        FILES_TEST(names_are_checked),
        FILES_TEST(braces_are_checked),
        FILES_TEST(places_are_those_in_the_file),
        FILES_TEST(depth_and_length_are_bounded),
        cmocka_unit_test(attributes_have_names_of_their_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
