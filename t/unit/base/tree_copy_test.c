#include "base/file.h"
#include "base/tree_copy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/flexilib-copy-XXXXXX";

static const char *in_folder(const char *name)
{
    static char paths[4][128];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
    return path;
}

static int make_folders(void **state)
{
    assert_non_null(mkdtemp(folder));
    assert_int_equal(mkdir(in_folder("from"), 0755), 0);
    assert_int_equal(mkdir(in_folder("to"), 0700), 0);
    return 0;
}

static int remove_folders(void **state)
{
    return file_remove_tree(folder) ? 0 : -1;
}

static void put(const char *name, const char *content, mode_t mode)
{
    assert_true(file_write(in_folder(name), slice_from_text(content), mode));
}

static void expect_copy(const char *name, const char *content, mode_t mode)
{
    struct text text = TEXT_INIT;
    struct stat status;
    assert_int_equal(lstat(in_folder(name), &status), 0);
    assert_int_equal(status.st_mode & 07777, mode);
    assert_true(file_read(in_folder(name), 100, &text));
    assert_string_equal(text.data, content);
    text_finish(&text);
}

static void copies_files_and_nothing_else(void **state)
{
    struct error error = ERROR_INIT;
    put("outside", "secret", 0600);
    put("from/file", "one", 0644);
    put("from/below/library.so", "two", 0755);
    assert_int_equal(symlink("../outside", in_folder("from/link")), 0);
    assert_int_equal(symlink("below", in_folder("from/folder")), 0);
    assert_int_equal(mkfifo(in_folder("from/pipe"), 0600), 0);
    assert_true(tree_copy(in_folder("from"), in_folder("to"), &error));
    expect_copy("to/file", "one", 0600);
    expect_copy("to/below/library.so", "two", 0700);
    assert_int_equal(access(in_folder("to/link"), F_OK), -1);
    assert_int_equal(access(in_folder("to/folder"), F_OK), -1);
    assert_int_equal(access(in_folder("to/pipe"), F_OK), -1);
}

static void replaces_nothing(void **state)
{
    struct error error = ERROR_INIT;
    assert_false(tree_copy(in_folder("from"), in_folder("to"), &error));
    assert_non_null(strstr(error.message, "File exists"));
}

static void says_what_is_missing(void **state)
{
    struct error error = ERROR_INIT;
    assert_false(tree_copy(in_folder("nowhere"), in_folder("to"), &error));
    assert_non_null(strstr(error.message, "nowhere': No such file or directory"));
}

static void goes_only_so_deep(void **state)
{
    struct error error = ERROR_INIT;
    assert_int_equal(mkdir(in_folder("deep"), 0700), 0);
    assert_int_equal(mkdir(in_folder("target"), 0700), 0);
    assert_int_equal(chdir(in_folder("deep")), 0);
    for (int i = 0; i < 200; ++i) {
        assert_int_equal(mkdir("d", 0700), 0);
        assert_int_equal(chdir("d"), 0);
    }
    assert_int_equal(chdir("/"), 0);
    assert_false(tree_copy(in_folder("deep"), in_folder("target"), &error));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copies_files_and_nothing_else),
        cmocka_unit_test(replaces_nothing),
        cmocka_unit_test(says_what_is_missing),
        cmocka_unit_test(goes_only_so_deep),
    };
    return cmocka_run_group_tests(tests, make_folders, remove_folders);
}
