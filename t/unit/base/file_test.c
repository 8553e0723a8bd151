#include "base/error.h"
#include "base/file.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct folder {
    char path[64];
};

static int make_folder(void **state)
{
    struct folder *folder = malloc(sizeof(*folder));
    snprintf(folder->path, sizeof(folder->path), "/tmp/flexilib-file-test.XXXXXX");
    *state = folder;
    return mkdtemp(folder->path) == NULL;
}

static int remove_folder(void **state)
{
    struct folder *folder = *state;
    bool removed = file_remove_tree(folder->path) && access(folder->path, F_OK) == -1;
    free(folder);
    return !removed;
}

static void writes_reads_and_copies(void **state)
{
    struct folder *folder = *state;
    char from[128], to[128];
    snprintf(from, sizeof(from), "%s/a/b/c", folder->path);
    snprintf(to, sizeof(to), "%s/d/e", folder->path);
    assert_true(file_write(from, SLICE("first, and longer"), 0600));
    assert_true(file_write(from, SLICE("second"), 0600));
    assert_true(file_copy(from, to, 0600));
    struct text content = TEXT_INIT;
    assert_true(file_read(to, 6, &content));
    assert_string_equal(content.data, "second");
    text_clear(&content);
    assert_false(file_read(to, 5, &content));
    assert_int_equal(errno, EFBIG);
    assert_false(file_read(folder->path, 100, &content));
    assert_int_equal(errno, EISDIR);
    text_finish(&content);
    assert_true(file_remove_tree("/tmp/flexilib-no-such-folder"));
}

/* Makes so many folders in each other below the current one. */
static void nest(const char *name, int depth)
{
    int current = open(".", O_RDONLY | O_DIRECTORY);
    for (int i = 0; i < depth; ++i) {
        assert_int_equal(mkdir(name, 0700), 0);
        assert_int_equal(chdir(name), 0);
    }
    assert_int_equal(fchdir(current), 0);
    close(current);
}

static void removes_what_is_not_too_deep(void **state)
{
    const struct folder *folder = *state;
    char *current = getcwd(NULL, 0);
    assert_int_equal(chdir(folder->path), 0);
    nest("flat", 100);
    assert_true(file_remove_tree("flat"));
    nest("deep", 1000);
    assert_false(file_remove_tree("deep"));
    /* by halves it can be done */
    for (int i = 0; i < 500; ++i)
        assert_int_equal(chdir("deep"), 0);
    assert_true(file_remove_tree("deep"));
    assert_int_equal(chdir(folder->path), 0);
    assert_true(file_remove_tree("deep"));
    assert_int_equal(chdir(current), 0);
    free(current);
}

static void makes_paths_absolute(void **state)
{
    static const char *const rows[][3] = {
        {"/etc/flexilib", "x.so", "/etc/flexilib/x.so"},
        {"/etc/flexilib", "../x", "/etc/x"},
        {"/etc", "/y/./z/", "/y/z"},
        {"/", "../../a//b", "/a/b"},
        {"/a", "..", "/"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); ++i) {
        char *path = file_absolute(rows[i][0], rows[i][1]);
        assert_string_equal(path, rows[i][2]);
        free(path);
    }
    char *here = getcwd(NULL, 0), *path = file_absolute(NULL, ".");
    assert_string_equal(path, here);
    free(path);
    free(here);
    char *folder = file_folder("/a/b");
    assert_string_equal(folder, "/a");
    free(folder);
    folder = file_folder("/a");
    assert_string_equal(folder, "/");
    free(folder);
    folder = file_folder("a");
    assert_string_equal(folder, ".");
    free(folder);
}

static void describes_errors_with_line_and_caret(void **state)
{
    struct source_text source = {"x.yaml", SLICE("one\n\ttwo: 2\r\nthree")};
    struct error error = ERROR_INIT;
    struct text out = TEXT_INIT;
    assert_false(error_set_at(&error, (struct place){&source, 2, 7}, "'two' is %d", 2));
    assert_false(error_set(&error, "a second error"));
    error_describe(&error, &out);
    assert_string_equal(out.data, "x.yaml:2:7: 'two' is 2\n    \ttwo: 2\n    \t     ^");
    text_clear(&out);
    error_describe_line(&error, &out);
    assert_string_equal(out.data, "x.yaml:2:7: 'two' is 2");
    text_clear(&out);
    error = ERROR_INIT;
    error_set(&error, "nowhere");
    error_describe(&error, &out);
    assert_string_equal(out.data, "nowhere");
    text_finish(&out);
}

static void logs_one_clean_line(void **state)
{
    int ends[2];
    char line[4096];
    assert_int_equal(pipe(ends), 0);
    int saved = dup(STDERR_FILENO);
    dup2(ends[1], STDERR_FILENO);
    log_line(LOG_LEVEL_ERROR, "a\nb\x7f\x1b[0m %s", "c");
    log_line(LOG_LEVEL_INFO, "%3000s", "");
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(ends[1]);
    ssize_t got = read(ends[0], line, sizeof(line));
    assert_true(got > 0);
    assert_memory_equal(line, "error: a?b??[0m c\ninfo: ", 24);
    assert_int_equal(got, 18 + 2047);
    assert_int_equal(line[got - 1], '\n');
    close(ends[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(writes_reads_and_copies, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(removes_what_is_not_too_deep, make_folder, remove_folder),
        cmocka_unit_test(makes_paths_absolute),
        cmocka_unit_test(describes_errors_with_line_and_caret),
        cmocka_unit_test(logs_one_clean_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
