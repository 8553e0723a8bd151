#include "files/file_tree.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* NULL: refused. */
static void expect_name(const char *path, const char *wanted, bool wanted_folder)
{
    struct arena arena;
    arena_init(&arena, 0);
    struct slice name = SLICE_NONE;
    bool is_folder = false;
    bool is_name = file_tree_name(slice_from_text(path), &arena, &name, &is_folder);
    if (is_name != (wanted != NULL))
        fail_msg("'%s' is %s", path, is_name ? "taken" : "refused");
    if (is_name) {
        assert_string_equal(name.data, wanted);
        assert_int_equal(name.length, strlen(wanted));
        assert_int_equal(is_folder, wanted_folder);
    }
    arena_finish(&arena);
}

static void test_names(void **state)
{
    expect_name("/", "", true);
    expect_name("/a", "a", false);
    expect_name("/a/", "a", true);
    expect_name("/a/b.html", "a/b.html", false);
    expect_name("/a%20b/%C3%A9", "a b/\xc3\xa9", false);
    expect_name("/a%5Cb", "a\\b", false);
    expect_name("/a%25b", "a%b", false);
    expect_name("/a%252Fb", "a%2Fb", false);
    expect_name("//a//b", "a/b", false);
    expect_name("/a...", "a...", false);
    expect_name("/.well-known/a", ".well-known/a", false);
    expect_name("/.well-known/", ".well-known", true);
}

static void test_refused_names(void **state)
{
    static const char *const paths[] = {
        "/..",
        "/../a",
        "/a/..",
        "/a/../b",
        "/.",
        "/a/./b",
        "/%2e%2e",
        "/%2E%2E/a",
        "/.%2e/a",
        "/a%2Fb",
        "/a%2fb",
        "/%2Fetc/passwd",
        "/a%00",
        "/a%00.html",
        "/.git/config",
        "/.env",
        "/a/.htaccess",
        "/%2Eenv",
        "/...",
        "/.well-known/.a",
        "/a/.well-known/b",
        "/.well-known2",
        "/a%",
        "/a%2",
        "/a%zz",
    };
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); ++i)
        expect_name(paths[i], NULL, false);
}

static char folder[] = "/tmp/flexilib-tree-XXXXXX";

static int make_tree(void **state)
{
    assert_non_null(mkdtemp(folder));
    assert_int_equal(chdir(folder), 0);
    assert_true(file_write("outside/secret", SLICE("secret"), 0644));
    assert_true(file_write("root/a/file", SLICE("file"), 0644));
    assert_int_equal(symlink("../outside", "root/out"), 0);
    assert_int_equal(symlink("../outside/secret", "root/secret"), 0);
    assert_int_equal(symlink("../../outside/secret", "root/a/secret"), 0);
    assert_int_equal(symlink("/etc/passwd", "root/passwd"), 0);
    assert_int_equal(symlink("/", "root/slash"), 0);
    assert_int_equal(symlink("a/file", "root/inside"), 0);
    assert_int_equal(symlink("loop", "root/loop"), 0);
    assert_int_equal(mkfifo("root/pipe", 0644), 0);
    return 0;
}

static int remove_tree(void **state)
{
    return chdir("/") == 0 && file_remove_tree(folder) ? 0 : -1;
}

/* 0, or what errno says. */
static int try(const char *name)
{
    struct stat status;
    int root = file_tree_open("root");
    int fd = file_tree_find(root, name, &status);
    int number = fd == -1 ? errno : 0;
    if (fd != -1)
        close(fd);
    close(root);
    return number;
}

static void test_nothing_outside_is_found(void **state)
{
    static const char *const names[] = {"../outside/secret",
                                        "/etc/passwd",
                                        "out/secret",
                                        "secret",
                                        "a/secret",
                                        "passwd",
                                        "slash/etc/passwd",
                                        "out",
                                        "..",
                                        "a/../../outside/secret"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); ++i)
        assert_int_equal(try(names[i]), EXDEV);
}

static void test_what_is_inside_is_found(void **state)
{
    assert_int_equal(try(""), 0);
    assert_int_equal(try("a"), 0);
    assert_int_equal(try("a/file"), 0);
    assert_int_equal(try("inside"), 0);
    assert_int_equal(try("none"), ENOENT);
    assert_int_equal(try("a/file/b"), ENOTDIR);
    assert_int_equal(try("loop"), ELOOP);
    assert_int_equal(try("pipe"), ENOENT);
}

static void forbid_openat2(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = sizeof(code) / sizeof(code[0]), .filter = code};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
        _exit(99);
}

/* The exit status is the number of the first claim that fails. */
static void test_without_openat2(void **state)
{
    pid_t pid = fork();
    if (pid == 0) {
        static const char *const good[] = {"", "a", "a/file"};
        static const char *const bad[] = {
            "out/secret", "secret", "a/secret", "passwd",   "slash/etc/passwd",  "inside",
            "loop",       "pipe",   "none",     "a/none/b", "../outside/secret", "a/../../outside/secret",
            "/etc/passwd"};
        forbid_openat2();
        for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); ++i) {
            if (try(good[i]) != 0)
                _exit(1 + (int)i);
        }
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); ++i) {
            if (try(bad[i]) == 0)
                _exit(11 + (int)i);
        }
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_refused_names),
        cmocka_unit_test(test_nothing_outside_is_found),
        cmocka_unit_test(test_what_is_inside_is_found),
        cmocka_unit_test(test_without_openat2),
    };
    return cmocka_run_group_tests(tests, make_tree, remove_tree);
}
