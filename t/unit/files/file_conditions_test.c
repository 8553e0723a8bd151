#include "base/content_type.h"
#include "files/file_conditions.h"
#include "http/content_coding.h"
#include "http/http_date.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#define AT     784111777 /* Sun, 06 Nov 1994 08:49:37 GMT */
#define DATE   "Sun, 06 Nov 1994 08:49:37 GMT"
#define BEFORE "Sun, 06 Nov 1994 08:49:36 GMT"
#define AFTER  "Sun, 06 Nov 1994 08:49:38 GMT"

static const struct file_validators file = {{"\"a,b\"", 5}, AT};

/* Pairs of names and values up to NULL. */
struct request {
    struct header fields[8];
    struct headers headers;
};

static const struct headers *ask(struct request *request, const char *const *pairs)
{
    request->headers = (struct headers){.items = request->fields, .capacity = 8};
    for (; *pairs != NULL; pairs += 2)
        request->fields[request->headers.count++] =
            (struct header){slice_from_text(pairs[0]), slice_from_text(pairs[1])};
    return &request->headers;
}

#define ASK(...) ask(&(struct request){0}, (const char *const[]){__VA_ARGS__, NULL})

#define SENDS(...)        assert_int_equal(file_conditions_judge(ASK(__VA_ARGS__), &file), FILE_SEND)
#define NOT_MODIFIED(...) assert_int_equal(file_conditions_judge(ASK(__VA_ARGS__), &file), FILE_NOT_MODIFIED)
#define FAILS(...)        assert_int_equal(file_conditions_judge(ASK(__VA_ARGS__), &file), FILE_FAILED)

static void test_tags(void **state)
{
    NOT_MODIFIED("if-none-match", "\"a,b\"");
    NOT_MODIFIED("If-None-Match", "W/\"a,b\"");
    NOT_MODIFIED("if-none-match", "*");
    NOT_MODIFIED("if-none-match", "\"x\" ,, W/\"y\",\"a,b\"");
    NOT_MODIFIED("if-none-match", "\"x\"", "if-none-match", "\"a,b\"");
    SENDS("if-none-match", "\"a\", \"b\"");
    SENDS("if-none-match", "a,b");
    SENDS("if-none-match", "\"a,b");
    SENDS("if-none-match", "x, \"a,b\"");
    SENDS("if-none-match", "");
    SENDS("if-match", "\"a,b\"");
    SENDS("if-match", "*");
    SENDS("if-match", "\"x\", \"a,b\"");
    FAILS("if-match", "W/\"a,b\"");
    FAILS("if-match", "\"x\"");
    FAILS("if-match", "");
}

static void test_dates(void **state)
{
    NOT_MODIFIED("if-modified-since", DATE);
    NOT_MODIFIED("if-modified-since", AFTER);
    SENDS("if-modified-since", BEFORE);
    SENDS("if-modified-since", "yesterday");
    SENDS("if-unmodified-since", DATE);
    SENDS("if-unmodified-since", AFTER);
    SENDS("if-unmodified-since", "yesterday");
    FAILS("if-unmodified-since", BEFORE);
}

static void test_which_comes_first(void **state)
{
    SENDS("if-none-match", "\"x\"", "if-modified-since", DATE);
    NOT_MODIFIED("if-none-match", "\"a,b\"", "if-modified-since", BEFORE);
    SENDS("if-match", "\"a,b\"", "if-unmodified-since", BEFORE);
    FAILS("if-match", "\"x\"", "if-none-match", "\"a,b\"");
    FAILS("if-unmodified-since", BEFORE, "if-none-match", "\"a,b\"");
    NOT_MODIFIED("if-match", "\"a,b\"", "if-none-match", "\"a,b\"");
}

static void test_if_range(void **state)
{
    const time_t later = AT + 10;
    assert_true(file_conditions_allow_range(ASK("range", "bytes=0-1"), &file, later));
    assert_true(file_conditions_allow_range(ASK("if-range", "\"a,b\""), &file, later));
    assert_false(file_conditions_allow_range(ASK("if-range", "W/\"a,b\""), &file, later));
    assert_false(file_conditions_allow_range(ASK("if-range", "\"x\""), &file, later));
    assert_true(file_conditions_allow_range(ASK("if-range", DATE), &file, later));
    assert_false(file_conditions_allow_range(ASK("if-range", DATE), &file, AT));
    assert_false(file_conditions_allow_range(ASK("if-range", AFTER), &file, later));
    assert_false(file_conditions_allow_range(ASK("if-range", BEFORE), &file, later));
    assert_false(file_conditions_allow_range(ASK("if-range", "nonsense"), &file, later));
}

static void test_forms_of_dates(void **state)
{
    static const char *const good[] = {DATE, "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"};
    static const char *const bad[] = {
        "",
        "Sun",
        "784111777",
        DATE " ",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 CET",
        "Sun, 06 Nob 1994 08:49:37 GMT",
        "Sun, 32 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:49:37 GMT",
        "Sun, 06 Nov 1994 08:60:37 GMT",
        "06 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov -994 08:49:37 GMT",
        "Wednesday, 06-Nov-1994 08:49:37 GMT and more",
    };
    char text[HTTP_DATE_BYTES];
    time_t time;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); ++i) {
        time = 0;
        assert_true(http_date_parse(slice_from_text(good[i]), &time));
        assert_int_equal(time, AT);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); ++i) {
        if (http_date_parse(slice_from_text(bad[i]), &time))
            fail_msg("'%s' is taken for a date", bad[i]);
    }
    http_date_format(text, AT);
    assert_string_equal(text, DATE);
}

static void expect_weight(const struct headers *request, const char *coding, unsigned weight)
{
    assert_int_equal(content_coding_weight(request, slice_from_text(coding)), weight);
}

static void test_weights_of_codings(void **state)
{
    expect_weight(ASK("accept", "br"), "br", 0);
    expect_weight(ASK("accept-encoding", "gzip, deflate, BR"), "br", 1000);
    expect_weight(ASK("accept-encoding", "gzip"), "br", 0);
    expect_weight(ASK("accept-encoding", "gzip", "Accept-Encoding", "br"), "br", 1000);
    expect_weight(ASK("accept-encoding", "br;q=0.5, gzip ; q=0.125"), "gzip", 125);
    expect_weight(ASK("accept-encoding", "br;q=0"), "br", 0);
    expect_weight(ASK("accept-encoding", "br;q=0.000"), "br", 0);
    expect_weight(ASK("accept-encoding", "*"), "br", 1000);
    expect_weight(ASK("accept-encoding", "*;q=0.1, gzip;q=0"), "gzip", 0);
    expect_weight(ASK("accept-encoding", "*;q=0.1, gzip;q=0"), "br", 100);
    expect_weight(ASK("accept-encoding", "br;q=2"), "br", 0);
    expect_weight(ASK("accept-encoding", "br;q=1.5"), "br", 0);
    expect_weight(ASK("accept-encoding", "br;q="), "br", 0);
    expect_weight(ASK("accept-encoding", "br;q=0.12345"), "br", 0);
    expect_weight(ASK("accept-encoding", "broken"), "br", 0);
    expect_weight(ASK("accept-encoding", ""), "br", 0);
}

static void expect_type(const char *name, const char *type)
{
    assert_true(slice_equals(content_type_find(slice_from_text(name)), slice_from_text(type)));
}

static void test_types(void **state)
{
    expect_type("a/index.html", "text/html; charset=utf-8");
    expect_type("A.HTML", "text/html; charset=utf-8");
    expect_type("a.min.js", "text/javascript; charset=utf-8");
    expect_type("a.tar.gz", "application/gzip");
    expect_type("html", "application/octet-stream");
    expect_type("a.css/b", "application/octet-stream");
    expect_type("a.", "application/octet-stream");
    expect_type("", "application/octet-stream");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tags),
        cmocka_unit_test(test_dates),
        cmocka_unit_test(test_which_comes_first),
        cmocka_unit_test(test_if_range),
        cmocka_unit_test(test_forms_of_dates),
        cmocka_unit_test(test_weights_of_codings),
        cmocka_unit_test(test_types),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
