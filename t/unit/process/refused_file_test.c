#include "process/refused_file.h"

#include "base/clock.h"
#include "base/file.h"
#include "process/crash_policy.h"
#include "process/state_folder.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define A_DIGEST "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define B_DIGEST "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"

static char place[] = "/tmp/flexilib-unit-XXXXXX";
static struct refused_file file;
static struct crash_policy policy;

static int make_place(void **state)
{
    return mkdtemp(place) == NULL || setenv("FLEXILIB_STATE_DIR", place, 1) == -1;
}

static int remove_place(void **state)
{
    return !file_remove_tree(place);
}

static int begin(void **state)
{
    crash_policy_init(&policy);
    refused_file_init(&file, "/etc/flexilib.yaml");
    return file.path == NULL;
}

static int end(void **state)
{
    file_remove_tree(file.folder);
    refused_file_finish(&file);
    crash_policy_finish(&policy);
    return 0;
}

static void wait_until_written(void)
{
    int status;
    refused_file_step(&file, &policy, clock_monotonic_us());
    assert_int_not_equal(file.writer.pid, 0);
    assert_int_not_equal(refused_file_deadline(&file), 0);
    pid_t pid = waitpid(file.writer.pid, &status, 0);
    assert_false(refused_file_bury(&file, &policy, pid + 1, status));
    assert_true(refused_file_bury(&file, &policy, pid, status));
    assert_int_equal(refused_file_deadline(&file), 0);
}

/* What another start would refuse. */
static void read_anew(struct crash_policy *fresh)
{
    struct refused_file again;
    crash_policy_init(fresh);
    refused_file_init(&again, "/etc/flexilib.yaml");
    refused_file_read(&again, fresh);
    assert_false(refused_file_is_busy(&again, fresh));
    assert_int_equal(again.is_kept, fresh->refused_count != 0);
    refused_file_finish(&again);
}

static unsigned count_read(void)
{
    struct crash_policy fresh;
    read_anew(&fresh);
    unsigned count = fresh.refused_count;
    crash_policy_finish(&fresh);
    return count;
}

static void put(struct slice content)
{
    struct error error = ERROR_INIT;
    assert_true(state_folder_make(file.folder, &error));
    assert_true(file_write(file.path, content, 0600));
}

static void what_is_refused_is_known_to_the_next_start(void **state)
{
    struct crash_policy fresh;
    assert_false(refused_file_is_busy(&file, &policy));
    refused_file_step(&file, &policy, clock_monotonic_us());
    assert_int_equal(file.writer.pid, 0);
    crash_policy_refuse(&policy, SLICE("/a b.so"), SLICE(A_DIGEST));
    crash_policy_refuse(&policy, SLICE("/b.so"), SLICE(B_DIGEST));
    assert_true(refused_file_is_busy(&file, &policy));
    wait_until_written();
    assert_false(refused_file_is_busy(&file, &policy));
    assert_true(file.is_kept);
    read_anew(&fresh);
    assert_int_equal(fresh.refused_count, 2);
    assert_true(crash_policy_refuses(&fresh, SLICE("/a b.so"), SLICE(A_DIGEST)));
    assert_true(crash_policy_refuses(&fresh, SLICE("/b.so"), SLICE(B_DIGEST)));
    crash_policy_finish(&fresh);
    crash_policy_accept(&policy, SLICE("/b.so"), SLICE(A_DIGEST));
    wait_until_written();
    assert_int_equal(count_read(), 1);
    crash_policy_accept_all(&policy);
    wait_until_written();
    assert_int_equal(access(file.path, F_OK), -1);
    assert_false(file.is_kept);
    assert_false(refused_file_was_removed(&file));
    assert_int_equal(count_read(), 0);
}

static void a_change_while_it_is_written_is_written_next(void **state)
{
    int status;
    crash_policy_refuse(&policy, SLICE("/a.so"), SLICE(A_DIGEST));
    refused_file_step(&file, &policy, clock_monotonic_us());
    pid_t pid = waitpid(file.writer.pid, &status, 0);
    crash_policy_refuse(&policy, SLICE("/b.so"), SLICE(B_DIGEST));
    refused_file_step(&file, &policy, clock_monotonic_us());
    assert_int_equal(file.writer.pid, pid);
    assert_true(refused_file_bury(&file, &policy, pid, status));
    assert_false(file.is_kept);
    assert_int_equal(count_read(), 1);
    wait_until_written();
    assert_int_equal(count_read(), 2);
}

static void its_removal_is_noticed_once_it_was_there(void **state)
{
    crash_policy_refuse(&policy, SLICE("/a.so"), SLICE(A_DIGEST));
    assert_false(refused_file_was_removed(&file));
    wait_until_written();
    assert_false(refused_file_was_removed(&file));
    unlink(file.path);
    assert_true(refused_file_was_removed(&file));
}

static void a_folder_of_others_is_neither_read_nor_written(void **state)
{
    put(SLICE("refused\t/a.so\t" A_DIGEST "\n"));
    assert_int_equal(count_read(), 1);
    chmod(file.folder, 0777);
    assert_int_equal(count_read(), 0);
    crash_policy_refuse(&policy, SLICE("/b.so"), SLICE(B_DIGEST));
    wait_until_written();
    assert_false(file.is_kept);
    assert_false(refused_file_is_busy(&file, &policy));
    chmod(file.folder, 0700);
    chmod(file.path, 0622);
    assert_int_equal(count_read(), 0);
    chmod(file.path, 0600);
    assert_int_equal(count_read(), 1);
}

static void what_is_no_file_is_not_read(void **state)
{
    put(SLICE(""));
    assert_int_equal(count_read(), 0);
    unlink(file.path);
    assert_int_equal(symlink("/dev/zero", file.path), 0);
    assert_int_equal(count_read(), 0);
    unlink(file.path);
    assert_int_equal(mkfifo(file.path, 0600), 0);
    assert_int_equal(count_read(), 0);
    unlink(file.path);
    assert_int_equal(mkdir(file.path, 0700), 0);
    assert_int_equal(count_read(), 0);
    crash_policy_refuse(&policy, SLICE("/b.so"), SLICE(B_DIGEST));
    wait_until_written();
    assert_false(file.is_kept);
}

static void lines_that_make_no_sense_are_skipped(void **state)
{
    static const char *const bad[] = {
        "refused",
        "refused\t/a.so",
        "refused\ta.so\t" A_DIGEST,
        "refused\t\t" A_DIGEST,
        "refused\t/a.so\t0123",
        "refused\t/a.so\t" A_DIGEST "0",
        "refused\t/a.so\tx" A_DIGEST,
        "refused\t/a.so\t" A_DIGEST "\tmore",
        "accepted\t/a.so\t" A_DIGEST,
        "refused\t/\001\t" A_DIGEST,
        "\t\t\t\t\t\t\t\t\t\t",
        "\r",
    };
    struct text content = TEXT_INIT;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); ++i) {
        text_clear(&content);
        text_print(&content, "# remark\n\n%s\nrefused\t/b.so\t" B_DIGEST, bad[i]);
        put(text_slice(&content));
        assert_int_equal(count_read(), 1);
    }
    text_clear(&content);
    text_print(&content, "refused\t/%05000d\t" A_DIGEST "\n", 7);
    put(text_slice(&content));
    assert_int_equal(count_read(), 0);
    text_clear(&content);
    text_add(&content, slice_of("\0\n\0", 3));
    put(text_slice(&content));
    assert_int_equal(count_read(), 0);
    text_finish(&content);
}

static void there_is_a_bound(void **state)
{
    struct text content = TEXT_INIT;
    for (unsigned i = 0; i < 1000; ++i)
        text_print(&content, "refused\t/%u.so\t" A_DIGEST "\n", i);
    put(text_slice(&content));
    assert_in_range(count_read(), 1, 256);
    while (content.length < 3 * 1024 * 1024)
        text_add(&content, SLICE("#\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n"));
    put(text_slice(&content));
    assert_int_equal(count_read(), 0);
    text_finish(&content);
}

static void without_a_place_nothing_is_kept(void **state)
{
    setenv("FLEXILIB_STATE_DIR", "off", 1);
    refused_file_finish(&file);
    refused_file_init(&file, "/etc/flexilib.yaml");
    setenv("FLEXILIB_STATE_DIR", place, 1);
    crash_policy_refuse(&policy, SLICE("/a.so"), SLICE(A_DIGEST));
    refused_file_read(&file, &policy);
    refused_file_step(&file, &policy, clock_monotonic_us());
    assert_int_equal(file.writer.pid, 0);
    assert_false(refused_file_is_busy(&file, &policy));
    assert_false(refused_file_was_removed(&file));
    refused_file_finish(&file);
    refused_file_init(&file, "/etc/flexilib.yaml");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_refused_is_known_to_the_next_start, begin, end),
        cmocka_unit_test_setup_teardown(a_change_while_it_is_written_is_written_next, begin, end),
        cmocka_unit_test_setup_teardown(its_removal_is_noticed_once_it_was_there, begin, end),
        cmocka_unit_test_setup_teardown(a_folder_of_others_is_neither_read_nor_written, begin, end),
        cmocka_unit_test_setup_teardown(what_is_no_file_is_not_read, begin, end),
        cmocka_unit_test_setup_teardown(lines_that_make_no_sense_are_skipped, begin, end),
        cmocka_unit_test_setup_teardown(there_is_a_bound, begin, end),
        cmocka_unit_test_setup_teardown(without_a_place_nothing_is_kept, begin, end),
    };
    return cmocka_run_group_tests(tests, make_place, remove_place);
}
