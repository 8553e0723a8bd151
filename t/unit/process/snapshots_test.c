#include "process/snapshots.h"

#include "base/file.h"
#include "base/spawn.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char place[] = "/tmp/flexilib-unit-XXXXXX";

static bool exists(const char *path)
{
    struct stat status;
    return lstat(path, &status) == 0;
}

static int make_place(void **state)
{
    return mkdtemp(place) == NULL;
}

static int remove_place(void **state)
{
    return !file_remove_tree(place);
}

static void test_generations_have_folders_that_go_with_the_owner(void **state)
{
    struct snapshots snapshots;
    assert_true(snapshots_open_in(&snapshots, place));
    char *first = snapshots_create(&snapshots, 1);
    assert_non_null(first);
    assert_true(exists(first));
    assert_null(snapshots_create(&snapshots, 1));
    struct text file = TEXT_INIT;
    text_print(&file, "%s/root/etc/x.yaml", first);
    assert_true(file_write(file.data, SLICE("x"), 0600));
    snapshots_sweep(place);
    assert_true(exists(file.data));
    snapshots_close(&snapshots);
    assert_false(exists(first));
    snapshots_close(&snapshots);
    text_finish(&file);
    free(first);
}

static int leave_a_snapshot(void *data)
{
    struct snapshots snapshots;
    if (!snapshots_open_in(&snapshots, place))
        return 1;
    char *folder = snapshots_create(&snapshots, 7);
    return folder == NULL;
}

static void test_leftovers_of_the_dead_are_swept(void **state)
{
    int status;
    pid_t pid = spawn_copy(leave_a_snapshot, NULL);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    struct text pattern = TEXT_INIT;
    text_print(&pattern, "test -d %s/flexilib-%d.*/7", place, (int)pid);
    assert_int_equal(system(pattern.data), 0);
    snapshots_sweep(place);
    assert_int_not_equal(system(pattern.data), 0);
    text_finish(&pattern);
}

/* As in a container, where the next supervisor is process 1 too. */
static void test_a_leftover_may_bear_the_pid_of_who_sweeps(void **state)
{
    struct text path = TEXT_INIT;
    text_print(&path, "%s/flexilib-%d.123456", place, (int)getpid());
    assert_int_equal(mkdir(path.data, 0711), 0);
    snapshots_sweep(place);
    assert_false(exists(path.data));
    text_finish(&path);
}

static void test_other_folders_are_left_alone(void **state)
{
    static const char *const names[] = {"flexilib",
                                        "flexilib-",
                                        "flexilib-x.123456",
                                        "flexilib-new.123456",
                                        "flexilib-4000000.12345",
                                        "flexilib-4000000.1234567",
                                        "other-4000000.123456"};
    struct text path = TEXT_INIT;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); ++i) {
        text_clear(&path);
        text_print(&path, "%s/%s", place, names[i]);
        assert_int_equal(mkdir(path.data, 0700), 0);
    }
    snapshots_sweep(place);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); ++i) {
        text_clear(&path);
        text_print(&path, "%s/%s", place, names[i]);
        assert_true(exists(path.data));
    }
    text_finish(&path);
}

static void test_a_link_is_no_leftover(void **state)
{
    struct text link = TEXT_INIT, target = TEXT_INIT;
    text_print(&link, "%s/flexilib-4000000.123456", place);
    text_print(&target, "%s/target", place);
    assert_int_equal(mkdir(target.data, 0700), 0);
    assert_int_equal(symlink("target", link.data), 0);
    snapshots_sweep(place);
    assert_true(exists(link.data));
    assert_true(exists(target.data));
    text_finish(&link);
    text_finish(&target);
}

static void test_a_place_that_is_missing_is_refused(void **state)
{
    struct snapshots snapshots;
    assert_false(snapshots_open_in(&snapshots, "/nowhere/at/all"));
    snapshots_close(&snapshots);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_generations_have_folders_that_go_with_the_owner),
        cmocka_unit_test(test_leftovers_of_the_dead_are_swept),
        cmocka_unit_test(test_a_leftover_may_bear_the_pid_of_who_sweeps),
        cmocka_unit_test(test_other_folders_are_left_alone),
        cmocka_unit_test(test_a_link_is_no_leftover),
        cmocka_unit_test(test_a_place_that_is_missing_is_refused),
    };
    return cmocka_run_group_tests(tests, make_place, remove_place);
}
