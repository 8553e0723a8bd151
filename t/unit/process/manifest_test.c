#include "base/file.h"
#include "process/manifest_compare.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/flexilib-manifest-XXXXXX";
static char path[64];

static int make_folder(void **state)
{
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/%s", folder, MANIFEST_NAME);
    return 0;
}

static int remove_folder(void **state)
{
    return file_remove_tree(folder) ? 0 : -1;
}

static void put(const char *content)
{
    unlink(path);
    assert_true(file_write(path, slice_from_text(content), 0600));
}

static bool is_read(struct manifest *manifest, const char *lines)
{
    struct text content = TEXT_INIT;
    text_print(&content, "%s%s", MANIFEST_FIRST_LINE, lines);
    put(content.data);
    text_finish(&content);
    return manifest_open(manifest, folder);
}

static void reads_what_a_worker_writes(void **state)
{
    struct manifest manifest;
    assert_true(is_read(
        &manifest, "setting\tlisten\tab\t\t\nlibrary\t/x.so\tcd\t0.9\thello 1.0\nroute\t/\tef\trespond\tf:1\ncut\n"));
    assert_int_equal(manifest.count, 3);
    assert_true(manifest.is_cut);
    assert_true(slice_equals(manifest.lines[1].fourth, SLICE("hello 1.0")));
    manifest_close(&manifest);
    assert_true(is_read(&manifest, ""));
    assert_int_equal(manifest.count, 0);
    manifest_close(&manifest);
}

static void refuses_what_is_none(void **state)
{
    static const char *const wrong[] = {
        "route\t/\tef\tx\ty",          /* no line end */
        "route\t/\n",                  /* too short */
        "\n",                          /* empty */
        "a\tb\tc\td\te\tf\tg\th\ti\n", /* too long */
        "a\tb\x01\tc\n",               /* a control character */
    };
    struct manifest manifest;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); ++i)
        assert_false(is_read(&manifest, wrong[i]));
    put("flexilib-manifest\t2\n");
    assert_false(manifest_open(&manifest, folder));
    put("");
    assert_false(manifest_open(&manifest, folder));
}

/* What a worker that was taken over may put there. */
static void reads_no_file_of_others(void **state)
{
    struct manifest manifest;
    char other[80];
    assert_true(is_read(&manifest, ""));
    manifest_close(&manifest);
    snprintf(other, sizeof(other), "%s/other", folder);
    assert_int_equal(rename(path, other), 0);
    assert_int_equal(symlink(other, path), 0);
    assert_false(manifest_open(&manifest, folder));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(link(other, path), 0);
    assert_false(manifest_open(&manifest, folder));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_false(manifest_open(&manifest, folder));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_false(manifest_open(&manifest, folder));
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(rename(other, path), 0);
    assert_int_equal(truncate(path, MANIFEST_BYTES + 1), 0);
    assert_false(manifest_open(&manifest, folder));
}

static void expect_changes(const char *before, const char *after, const char *changes, const char *summary)
{
    struct manifest old, new;
    struct text lines = TEXT_INIT, words = TEXT_INIT;
    assert_true(is_read(&old, before));
    assert_true(is_read(&new, after));
    assert_int_equal(manifest_compare(&old, &new, &lines, &words), strcmp(summary, "nothing changed") != 0);
    assert_string_equal(lines.data == NULL ? "" : lines.data, changes);
    assert_string_equal(words.data, summary);
    manifest_close(&old);
    manifest_close(&new);
    text_finish(&lines);
    text_finish(&words);
}

static void tells_what_differs(void **state)
{
    expect_changes("route\t/a\t1\tx\tf:1\n", "route\t/a\t1\tx\tf:9\n", "", "nothing changed");
    expect_changes("route\t/a\t1\tx\tf:1\n", "route\t/b\t1\tx\tf:1\n",
                   "change\t-\troute\t/a\tf:1\t\nchange\t+\troute\t/b\t\tf:1\n", "1 route added, 1 route removed");
    /* of the same name, in their order */
    expect_changes("route\t/a\t1\tx\tf:1\nroute\t/a\t2\tx\tf:2\n", "route\t/a\t1\tx\tf:1\n",
                   "change\t-\troute\t/a\tf:2\t\n", "1 route removed");
    expect_changes("library\t/l\t0123456789abcdef\t0.9\t\n", "library\t/l\t1123456789abcdef\t0.9\t\n",
                   "change\t~\tlibrary\t/l\t0123456789ab\t1123456789ab\n", "1 library changed");
    /* `routes` is told only where no route is */
    expect_changes("setting\troutes\t1\t\t\nroute\t/a\t1\tx\tf:1\n", "setting\troutes\t2\t\t\nroute\t/a\t2\tx\tf:1\n",
                   "change\t~\troute\t/a\tf:1\tf:1\n", "1 route changed");
    expect_changes("setting\troutes\t1\t\t\n", "setting\troutes\t2\t\t\n", "change\t~\tsetting\troutes\t\t\n",
                   "1 setting changed");
    expect_changes("cut\nroute\t/a\t1\tx\tf:1\n", "", "", "nothing changed");
    expect_changes("unknown\t/a\t1\n", "", "", "nothing changed");
}

static void bounds_what_it_tells(void **state)
{
    struct text before = TEXT_INIT, changes = TEXT_INIT, summary = TEXT_INIT;
    struct manifest old, new;
    for (int i = 0; i < MANIFEST_CHANGES + 5; ++i)
        text_print(&before, "route\t/%d\t1\tx\tf:1\n", i);
    assert_true(is_read(&old, before.data));
    assert_true(is_read(&new, ""));
    assert_true(manifest_compare(&old, &new, &changes, &summary));
    assert_string_equal(summary.data, "205 routes removed");
    assert_non_null(strstr(changes.data, "change\t~\tand 5 more\n"));
    manifest_close(&old);
    manifest_close(&new);
    text_finish(&before);
    text_finish(&changes);
    text_finish(&summary);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_a_worker_writes), cmocka_unit_test(refuses_what_is_none),
        cmocka_unit_test(tells_what_differs),         cmocka_unit_test(bounds_what_it_tells),
        cmocka_unit_test(reads_no_file_of_others),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
