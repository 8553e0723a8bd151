#include "process/wanted.h"

#include "base/file.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/flexilib-unit-XXXXXX";
static struct poller poller;
static struct wanted wanted;

static int set_up(void **state)
{
    strcpy(folder, "/tmp/flexilib-unit-XXXXXX");
    wanted_init(&wanted, &poller);
    return mkdtemp(folder) == NULL || !poller_open(&poller);
}

static int tear_down(void **state)
{
    wanted_finish(&wanted);
    poller_close(&poller);
    return !file_remove_tree(folder);
}

static char *path_of(const char *name)
{
    struct text path = TEXT_INIT;
    text_print(&path, "%s/%s", folder, name);
    return path.data;
}

static void want(const char *name, unsigned generation)
{
    char *path = path_of(name);
    wanted_add(&wanted, slice_from_text(path), generation);
    free(path);
}

static void put(const char *name, const char *content)
{
    char *path = path_of(name);
    assert_true(file_write(path, slice_from_text(content), 0600));
    free(path);
}

/* inotify's events are there when the call that caused them has returned. */
static bool has_appeared(void)
{
    for (int i = 0; i < 20; ++i)
        poller_wait(&poller, 0);
    return wanted_take(&wanted);
}

static void test_a_file_is_seen_when_its_writer_closes_it(void **state)
{
    want("x.so", 1);
    assert_false(has_appeared());
    put("other.so", "x");
    assert_false(has_appeared());
    char *path = path_of("x.so");
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    assert_int_equal(write(fd, "half", 4), 4);
    assert_false(has_appeared());
    assert_int_equal(write(fd, "whole", 5), 5);
    close(fd);
    assert_true(has_appeared());
    assert_false(has_appeared());
    free(path);
}

static void test_a_file_is_seen_when_moved_or_linked_in(void **state)
{
    char *made = path_of("made"), *moved = path_of("moved.so"), *linked = path_of("linked.so");
    char *pointed = path_of("pointed.so");
    put("made", "x");
    want("moved.so", 1);
    want("linked.so", 1);
    want("pointed.so", 1);
    assert_int_equal(link(made, linked), 0);
    assert_true(has_appeared());
    assert_int_equal(symlink("made", pointed), 0);
    assert_true(has_appeared());
    assert_int_equal(rename(made, moved), 0);
    assert_true(has_appeared());
    free(made);
    free(moved);
    free(linked);
    free(pointed);
}

static void test_folders_may_appear_first(void **state)
{
    want("a/b/x.so", 1);
    char *a = path_of("a"), *b = path_of("a/b");
    assert_int_equal(mkdir(a, 0700), 0);
    assert_false(has_appeared());
    assert_int_equal(mkdir(b, 0700), 0);
    assert_false(has_appeared());
    put("a/b/x.so", "x");
    assert_true(has_appeared());
    free(a);
    free(b);
}

static void test_a_whole_folder_may_be_moved_in(void **state)
{
    want("here/x.so", 1);
    put("there/x.so", "x");
    assert_false(has_appeared());
    char *here = path_of("here"), *there = path_of("there");
    assert_int_equal(rename(there, here), 0);
    assert_true(has_appeared());
    free(here);
    free(there);
}

static void test_a_file_that_is_there_already_is_told_once(void **state)
{
    put("x.so", "x");
    want("x.so", 1);
    assert_true(has_appeared());
    want("x.so", 2);
    assert_false(has_appeared());
}

static void test_what_nobody_asks_for_any_more_is_forgotten(void **state)
{
    want("old.so", 1);
    want("new.so", 1);
    want("new.so", 2);
    wanted_keep(&wanted, 2);
    put("old.so", "x");
    assert_false(has_appeared());
    put("new.so", "x");
    assert_true(has_appeared());
    wanted_keep(&wanted, 3);
    assert_null(wanted.first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_file_is_seen_when_its_writer_closes_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_file_is_seen_when_moved_or_linked_in, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_folders_may_appear_first, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_whole_folder_may_be_moved_in, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_file_that_is_there_already_is_told_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_nobody_asks_for_any_more_is_forgotten, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
