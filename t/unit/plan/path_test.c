#include "plan/path.h"

#include "config/path_spelling.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

/* A literal with its length, since some hold a NUL. */
#define RAW(literal)                                                                                                   \
    {                                                                                                                  \
        "" literal, sizeof(literal) - 1                                                                                \
    }

struct path_case {
    struct slice raw;
    const char *canonical; /* NULL: bad */
};

static const struct path_case cases[] = {
    {RAW("/"), "/"},
    {RAW("/a"), "/a"},
    {RAW("/a/"), "/a/"},
    {RAW("/a/b/c.html"), "/a/b/c.html"},
    {RAW("/a-b_c.d~e"), "/a-b_c.d~e"},
    {RAW("/A/b"), "/A/b"},
    /* characters that stand for themselves */
    {RAW("/!$&'()*+,;=:@"), "/!$&'()*+,;=:@"},
    {RAW("/a;b=c/d"), "/a;b=c/d"},
    {RAW("/a%3bb"), "/a%3Bb"},
    {RAW("/a%21%24%26%27%28%29%2a%2b%2c%3d%3a%40"), "/a%21%24%26%27%28%29%2A%2B%2C%3D%3A%40"},
    /* unreserved characters in escapes */
    {RAW("/%7eme"), "/~me"},
    {RAW("/%7Eme"), "/~me"},
    {RAW("/%61%62%63"), "/abc"},
    {RAW("/%41%5A%30%39"), "/AZ09"},
    {RAW("/a%2Db%5Fc"), "/a-b_c"},
    {RAW("/%61dmin"), "/admin"},
    {RAW("/admi%6e/x"), "/admin/x"},
    /* other escapes: upper case, nothing else */
    {RAW("/a%2fb"), "/a%2Fb"},
    {RAW("/a%2Fb"), "/a%2Fb"},
    {RAW("/%2f"), "/%2F"},
    {RAW("/%2fadmin"), "/%2Fadmin"},
    {RAW("/a%5cb"), "/a%5Cb"},
    {RAW("/a%5Cb"), "/a%5Cb"},
    {RAW("/..%2fa"), "/..%2Fa"},
    {RAW("/%2e%2e%2fa"), "/..%2Fa"},
    {RAW("/..%5ca"), "/..%5Ca"},
    {RAW("/caf%c3%a9"), "/caf%C3%A9"},
    {RAW("/caf%C3%a9"), "/caf%C3%A9"},
    {RAW("/%0d%0a"), "/%0D%0A"},
    {RAW("/%01"), "/%01"},
    {RAW("/%7f"), "/%7F"},
    {RAW("/%ff"), "/%FF"},
    {RAW("/%20"), "/%20"},
    {RAW("/%3f%23"), "/%3F%23"},
    {RAW("/%25"), "/%25"},
    {RAW("/%252e%252e/a"), "/%252e%252e/a"},
    {RAW("/%2525"), "/%2525"},
    /* characters that a path may not hold, but browsers send */
    {RAW("/a|b"), "/a%7Cb"},
    {RAW("/a%7cb"), "/a%7Cb"},
    {RAW("/{id}"), "/%7Bid%7D"},
    {RAW("/[0]"), "/%5B0%5D"},
    {RAW("/\"<>^`"), "/%22%3C%3E%5E%60"},
    /* slashes */
    {RAW("//"), "/"},
    {RAW("//a"), "/a"},
    {RAW("/a//b"), "/a/b"},
    {RAW("/a///b//"), "/a/b/"},
    {RAW("///"), "/"},
    /* dots */
    {RAW("/."), "/"},
    {RAW("/./"), "/"},
    {RAW("/./a"), "/a"},
    {RAW("/a/."), "/a/"},
    {RAW("/a/./b"), "/a/b"},
    {RAW("/.."), "/"},
    {RAW("/../"), "/"},
    {RAW("/../x"), "/x"},
    {RAW("/../../x"), "/x"},
    {RAW("/a/.."), "/"},
    {RAW("/a/../"), "/"},
    {RAW("/a/../b"), "/b"},
    {RAW("/a/b/.."), "/a/"},
    {RAW("/a/b/../"), "/a/"},
    {RAW("/a/b/../../c"), "/c"},
    {RAW("/a/b/../../../c"), "/c"},
    {RAW("/a//../b"), "/b"},
    {RAW("/a/.//../b"), "/b"},
    {RAW("/public/../admin"), "/admin"},
    {RAW("/..."), "/..."},
    {RAW("/a/.../b"), "/a/.../b"},
    {RAW("/.a"), "/.a"},
    {RAW("/..a/b"), "/..a/b"},
    {RAW("/a../b"), "/a../b"},
    {RAW("/a./b."), "/a./b."},
    {RAW("/.well-known/x"), "/.well-known/x"},
    {RAW("/a/%2e%2e/b"), "/b"},
    {RAW("/a/%2E%2e/b"), "/b"},
    {RAW("/a/.%2E/b"), "/b"},
    {RAW("/a/%2e./b"), "/b"},
    {RAW("/a/%2e/b"), "/a/b"},
    {RAW("/a/%2e%2e"), "/"},
    {RAW("/%2e%2e"), "/"},
    {RAW("/%2e"), "/"},
    {RAW("/%2ea"), "/.a"},
    {RAW("/a%2e%2e/b"), "/a../b"},
    {RAW("//%2e%2e//x"), "/x"},
    /* parameters stay with their segment */
    {RAW("/a/..;/b"), "/a/..;/b"},
    {RAW("/a/..;x=1/b"), "/a/..;x=1/b"},
    {RAW("/a/%2e%2e;/b"), "/a/..;/b"},
    {RAW("/a/..%3b/b"), "/a/..%3B/b"},
    {RAW("/a/.;/b"), "/a/.;/b"},
    /* bad ones */
    {RAW(""), NULL},
    {RAW("a"), NULL},
    {RAW("*"), NULL},
    {RAW("%2fa"), NULL},
    {RAW("../a"), NULL},
    {RAW("http://host/a"), NULL},
    {RAW("/%00"), NULL},
    {RAW("/a%00.html"), NULL},
    {RAW("/%"), NULL},
    {RAW("/%2"), NULL},
    {RAW("/a%"), NULL},
    {RAW("/%zz"), NULL},
    {RAW("/%2z"), NULL},
    {RAW("/%z2"), NULL},
    {RAW("/%%41"), NULL},
    {RAW("/% 41"), NULL},
    {RAW("/%u0041"), NULL},
    {RAW("/a#b"), NULL},
    {RAW("/a?b"), NULL},
    {RAW("/a b"), NULL},
    {RAW("/a\tb"), NULL},
    {RAW("/a\rb"), NULL},
    {RAW("/a\nb"), NULL},
    {RAW("/a\0b"), NULL},
    {RAW("/a\x01"), NULL},
    {RAW("/a\x1f"), NULL},
    {RAW("/a\x7f"), NULL},
    {RAW("/a\x80"), NULL},
    {RAW("/caf\xc3\xa9"), NULL},
    {RAW("/a\xff"), NULL},
    {RAW("/a\\b"), NULL},
    {RAW("/..\\b"), NULL},
    {RAW("/a/../%zz"), NULL},
    {RAW("/a/b\\/../../c"), NULL},
};

static void each_spelling_has_its_canonical_form(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); ++i) {
        struct arena arena;
        struct slice canonical = SLICE_NONE;
        arena_init(&arena, 0);
        enum path_result result = path_canonicalize(cases[i].raw, &arena, &canonical);
        bool is_right = cases[i].canonical == NULL
                            ? result == PATH_BAD
                            : result == PATH_OK && slice_equals(canonical, slice_from_text(cases[i].canonical));
        if (!is_right)
            fail_msg("'%.*s' gave %d, '%.*s'", SLICE_ARG(cases[i].raw), (int)result, SLICE_ARG(canonical));
        arena_finish(&arena);
    }
}

static void canonical_paths_are_not_copied(void **state)
{
    (void)state;
    static const char *const paths[] = {"/", "/a/b", "/a%2Fb/%C3%A9", "/a/..;/b", "/.../.a/b..", "/a;b=c:@!$&'()*+,"};
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); ++i) {
        struct arena arena;
        struct slice canonical;
        arena_init(&arena, 0);
        assert_int_equal(path_canonicalize(slice_from_text(paths[i]), &arena, &canonical), PATH_OK);
        assert_ptr_equal(canonical.data, paths[i]);
        assert_int_equal(canonical.length, strlen(paths[i]));
        assert_int_equal(arena.taken_bytes, 0);
        arena_finish(&arena);
    }
}

/* What the configuration demands of patterns is what requests are turned into. */
static void patterns_are_spelt_as_requests_are(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); ++i) {
        struct arena arena;
        struct slice spelling;
        if (cases[i].canonical == NULL)
            continue;
        arena_init(&arena, 0);
        const char *problem = path_spelling(cases[i].raw, false, &arena, &spelling);
        if (problem != NULL || !slice_equals(spelling, slice_from_text(cases[i].canonical)))
            fail_msg("'%.*s' as a pattern: %s", SLICE_ARG(cases[i].raw), problem != NULL ? problem : spelling.data);
        arena_finish(&arena);
    }
}

static bool has_escape_of(struct slice path, size_t position, const char *set)
{
    char text[3] = {path.data[position + 1], path.data[position + 2], '\0'};
    int byte = (int)strtol(text, NULL, 16);
    return byte == 0 || strchr(set, byte) != NULL;
}

/* What a canonical path promises, looked at without the code under test. */
static void assert_is_canonical(struct slice path)
{
    static const char unreserved[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    static const char sub_delims[] = "!$&'()*+,;=:@";
    assert_true(path.length >= 1);
    assert_true(path.data[0] == '/');
    for (size_t i = 0; i < path.length; ++i) {
        char c = path.data[i];
        if (c == '%') {
            assert_true(path.length - i >= 3);
            assert_non_null(strchr("0123456789ABCDEF", path.data[i + 1]));
            assert_non_null(strchr("0123456789ABCDEFabcdef", path.data[i + 2]));
            assert_false(has_escape_of(path, i, unreserved));
            assert_true(path.data[i + 2] < 'a');
        } else if (c == '/') {
            struct slice segment = slice_skip(path, i + 1);
            segment.length = slice_find(segment, '/');
            assert_false(slice_equals(segment, SLICE(".")));
            assert_false(slice_equals(segment, SLICE("..")));
            assert_false(segment.length == 0 && i + 1 < path.length);
        } else {
            assert_true(c != '\0' && (strchr(unreserved, c) != NULL || strchr(sub_delims, c) != NULL));
        }
    }
}

static struct slice make_random_path(char *text, size_t room)
{
    static const char *const pieces[] = {"/",   "/",   ".",   "..",  "%2e", "%2E", "%2f", "%5C", "a",    "b",   ";",
                                         "%61", "%7c", "|",   "%25", "2e",  "2f",  "%C3", "%a9", "/../", "/./", "//",
                                         "~",   "%7e", "%41", "%3b", "@",   "%0a", "x",   "%",   "\\",   "%00"};
    size_t length = 0, count = (size_t)rand() % 12;
    text[length++] = '/';
    for (size_t i = 0; i < count; ++i) {
        /* the last three are bad: seldom, so that most paths are good */
        size_t choices = sizeof(pieces) / sizeof(pieces[0]) - (rand() % 20 == 0 ? 0 : 3);
        const char *piece = pieces[(size_t)rand() % choices];
        size_t piece_length = strlen(piece);
        if (length + piece_length > room)
            break;
        memcpy(text + length, piece, piece_length);
        length += piece_length;
    }
    return slice_of(text, length);
}

static void canonical_form_of_random_paths_is_stable(void **state)
{
    (void)state;
    unsigned seed = (unsigned)time(NULL);
    print_message("# seed %u\n", seed);
    srand(seed);
    size_t good = 0;
    for (int i = 0; i < 200000; ++i) {
        char text[64];
        struct slice raw = make_random_path(text, sizeof(text)), canonical, again;
        struct arena arena;
        arena_init(&arena, 0);
        if (path_canonicalize(raw, &arena, &canonical) == PATH_OK) {
            ++good;
            assert_is_canonical(canonical);
            assert_int_equal(path_canonicalize(canonical, &arena, &again), PATH_OK);
            assert_ptr_equal(again.data, canonical.data);
            assert_int_equal(again.length, canonical.length);
        }
        arena_finish(&arena);
    }
    assert_true(good > 100000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_spelling_has_its_canonical_form),
        cmocka_unit_test(canonical_paths_are_not_copied),
        cmocka_unit_test(patterns_are_spelt_as_requests_are),
        cmocka_unit_test(canonical_form_of_random_paths_is_stable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
