#include "process/watched.h"

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
static struct watched watched;
static uint64_t now_us;

static int set_up(void **state)
{
    strcpy(folder, "/tmp/flexilib-unit-XXXXXX");
    watched_init(&watched, &poller);
    now_us = 1;
    return mkdtemp(folder) == NULL || !poller_open(&poller);
}

static int tear_down(void **state)
{
    watched_finish(&watched);
    poller_close(&poller);
    return !file_remove_tree(folder);
}

/* Paths live until the next eight are made. */
static const char *path_of(const char *name)
{
    static char paths[8][256];
    static unsigned next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
    return path;
}

static void put(const char *name, const char *content)
{
    assert_true(file_write(path_of(name), slice_from_text(content), 0600));
}

static void look(void)
{
    while (watched_is_due(&watched))
        watched_step(&watched, now_us);
}

/* As a worker does that reads it now. What is so young is looked at anyway; that is over when it returns. */
static void see(enum watch_kind kind, const char *name, unsigned generation)
{
    struct stat status;
    struct text content = TEXT_INIT;
    struct watched_sight sight = {.kind = kind, .path = slice_from_text(path_of(name))};
    if (stat(path_of(name), &status) == 0 && file_read(path_of(name), 1 << 20, &content)) {
        sight.content = content_of(text_slice(&content));
        sight.status = content_of_status(&status);
    }
    text_finish(&content);
    watched_add(&watched, &sight, generation);
    look();
}

/* inotify's events are there when the call that caused them has returned. What is wanted then, or "". */
static const char *wanted(void)
{
    static char sentence[512];
    struct text what = TEXT_INIT;
    for (int i = 0; i < 20; ++i)
        poller_wait(&poller, 0);
    look();
    bool is_wanted = watched_take(&watched, &what);
    snprintf(sentence, sizeof(sentence), "%s", is_wanted ? what.data : "");
    text_finish(&what);
    return sentence;
}

static const char *sentence(const char *name, const char *what)
{
    static char sentence[512];
    snprintf(sentence, sizeof(sentence), "'%s' has %s", path_of(name), what);
    return sentence;
}

#define assert_wanted(name, what) assert_string_equal(wanted(), sentence(name, what))
#define assert_nothing_wanted()   assert_string_equal(wanted(), "")

static void test_a_file_counts_when_its_writer_closes_it(void **state)
{
    see(WATCH_LIBRARY, "x.so", 1);
    assert_nothing_wanted();
    put("other.so", "x");
    assert_nothing_wanted();
    int fd = open(path_of("x.so"), O_WRONLY | O_CREAT, 0600);
    assert_int_equal(write(fd, "half", 4), 4);
    assert_nothing_wanted();
    assert_int_equal(write(fd, "whole", 5), 5);
    close(fd);
    assert_wanted("x.so", "appeared");
    assert_nothing_wanted();
    see(WATCH_LIBRARY, "x.so", 2);
    assert_nothing_wanted();
    fd = open(path_of("x.so"), O_WRONLY | O_TRUNC);
    assert_int_equal(write(fd, "other", 5), 5);
    assert_nothing_wanted();
    close(fd);
    assert_wanted("x.so", "changed");
}

static void test_a_file_counts_when_moved_or_linked_in(void **state)
{
    put("made", "x");
    see(WATCH_LIBRARY, "moved.so", 1);
    see(WATCH_LIBRARY, "linked.so", 1);
    see(WATCH_LIBRARY, "pointed.so", 1);
    assert_int_equal(link(path_of("made"), path_of("linked.so")), 0);
    assert_wanted("linked.so", "appeared");
    assert_int_equal(symlink("made", path_of("pointed.so")), 0);
    assert_wanted("pointed.so", "appeared");
    see(WATCH_LIBRARY, "linked.so", 2);
    see(WATCH_LIBRARY, "pointed.so", 2);
    assert_int_equal(rename(path_of("made"), path_of("moved.so")), 0);
    assert_wanted("moved.so", "appeared");
}

static void test_the_same_bytes_are_no_change(void **state)
{
    put("x.so", "one");
    see(WATCH_LIBRARY, "x.so", 1);
    put("x.so", "one");
    assert_nothing_wanted();
    put("y", "one");
    assert_int_equal(rename(path_of("y"), path_of("x.so")), 0);
    assert_nothing_wanted();
    put("x.so", "two");
    put("x.so", "one");
    assert_nothing_wanted();
    put("x.so", "two");
    assert_wanted("x.so", "changed");
}

static void test_what_is_gone_is_waited_for(void **state)
{
    put("d/x.so", "one");
    see(WATCH_LIBRARY, "d/x.so", 1);
    unlink(path_of("d/x.so"));
    assert_nothing_wanted();
    put("d/x.so", "one");
    assert_nothing_wanted();
    assert_true(file_remove_tree(path_of("d")));
    assert_nothing_wanted();
    put("d/x.so", "two");
    assert_wanted("d/x.so", "changed");
}

static void test_folders_may_appear_first(void **state)
{
    see(WATCH_LIBRARY, "a/b/x.so", 1);
    assert_int_equal(mkdir(path_of("a"), 0700), 0);
    assert_nothing_wanted();
    assert_int_equal(mkdir(path_of("a/b"), 0700), 0);
    assert_nothing_wanted();
    put("a/b/x.so", "x");
    assert_wanted("a/b/x.so", "appeared");
}

static void test_whole_folders_may_be_replaced(void **state)
{
    see(WATCH_LIBRARY, "here/deep/x.so", 1);
    put("there/deep/x.so", "x");
    assert_nothing_wanted();
    assert_int_equal(rename(path_of("there"), path_of("here")), 0);
    assert_wanted("here/deep/x.so", "appeared");
    see(WATCH_LIBRARY, "here/deep/x.so", 2);
    put("next/deep/x.so", "y");
    assert_int_equal(rename(path_of("here"), path_of("before")), 0);
    assert_int_equal(rename(path_of("next"), path_of("here")), 0);
    assert_wanted("here/deep/x.so", "changed");
    see(WATCH_LIBRARY, "here/deep/x.so", 3);
    put("before/deep/x.so", "z");
    assert_nothing_wanted();
}

/* As Kubernetes mounts configurations. */
static void test_links_on_the_way_may_be_swapped(void **state)
{
    put("..1/x.so", "one");
    put("..2/x.so", "two");
    put("..3/x.so", "two");
    assert_int_equal(symlink("..1", path_of("..data")), 0);
    assert_int_equal(symlink("..data/x.so", path_of("x.so")), 0);
    assert_int_equal(symlink(path_of("x.so"), path_of("far.so")), 0);
    see(WATCH_FILE, "far.so", 1);
    assert_nothing_wanted();
    assert_int_equal(symlink("..2", path_of("..new")), 0);
    assert_int_equal(rename(path_of("..new"), path_of("..data")), 0);
    assert_wanted("far.so", "changed");
    see(WATCH_FILE, "far.so", 2);
    assert_int_equal(symlink("..3", path_of("..new")), 0);
    assert_int_equal(rename(path_of("..new"), path_of("..data")), 0);
    assert_nothing_wanted();
    put("..3/x.so", "three");
    assert_wanted("far.so", "changed");
    put("..2/x.so", "four");
    assert_nothing_wanted();
}

static void test_a_file_may_be_written_to_by_another_name(void **state)
{
    put("x.so", "one");
    put("d/y", "");
    unlink(path_of("d/y"));
    assert_int_equal(link(path_of("x.so"), path_of("d/y")), 0);
    see(WATCH_LIBRARY, "x.so", 1);
    put("d/y", "two");
    assert_wanted("x.so", "changed");
}

static void test_a_change_before_it_is_watched_is_seen(void **state)
{
    put("x.so", "two");
    struct watched_sight sight = {WATCH_LIBRARY, slice_from_text(path_of("x.so")), content_of(SLICE("one")), 1};
    watched_add(&watched, &sight, 1);
    assert_wanted("x.so", "changed");
    put("y.so", "y");
    sight = (struct watched_sight){WATCH_LIBRARY, slice_from_text(path_of("y.so")), 0, 0};
    watched_add(&watched, &sight, 1);
    assert_wanted("y.so", "appeared");
}

static void test_what_a_worker_cannot_read_wants_nothing_until_it_changes(void **state)
{
    struct stat status;
    put("x", "no good");
    assert_int_equal(stat(path_of("x"), &status), 0);
    struct watched_sight sight = {WATCH_FILE, slice_from_text(path_of("x")), 0, content_of_status(&status)};
    watched_add(&watched, &sight, 1);
    assert_nothing_wanted();
    put("x", "better");
    assert_wanted("x", "appeared");
}

static void test_what_cannot_be_read_is_taken_up_when_it_can(void **state)
{
    bool is_root = geteuid() == 0;
    assert_false(is_root && (chown(folder, 65534, 65534) == -1 || seteuid(65534) == -1));
    put("x", "one");
    see(WATCH_FILE, "x", 1);
    put("new", "two");
    assert_int_equal(chmod(path_of("new"), 0), 0);
    assert_int_equal(rename(path_of("new"), path_of("x")), 0);
    assert_nothing_wanted();
    assert_int_equal(chmod(path_of("x"), 0400), 0);
    assert_wanted("x", "changed");
    /* a worker has met it before */
    struct stat status;
    assert_int_equal(chmod(path_of("x"), 0), 0);
    assert_int_equal(stat(path_of("x"), &status), 0);
    struct watched_sight sight = {WATCH_FILE, slice_from_text(path_of("x")), 0, content_of_status(&status)};
    watched_add(&watched, &sight, 2);
    assert_nothing_wanted();
    assert_int_equal(chmod(path_of("x"), 0400), 0);
    assert_wanted("x", "appeared");
    assert_false(is_root && seteuid(0) == -1);
}

static void test_a_new_mode_is_no_change(void **state)
{
    put("x", "one");
    see(WATCH_FILE, "x", 1);
    int fd = open(path_of("x"), O_WRONLY | O_TRUNC);
    assert_int_equal(fchmod(fd, 0640), 0);
    assert_nothing_wanted();
    assert_int_equal(write(fd, "two", 3), 3);
    close(fd);
    assert_wanted("x", "changed");
}

/* A worker that starts has read what has changed meanwhile; or it has not. */
static void test_what_has_been_read_since_is_no_change(void **state)
{
    put("x.so", "one");
    put("y.so", "one");
    see(WATCH_LIBRARY, "x.so", 1);
    see(WATCH_LIBRARY, "y.so", 1);
    put("x.so", "two");
    put("y.so", "two");
    for (int i = 0; i < 20; ++i)
        poller_wait(&poller, 0);
    see(WATCH_LIBRARY, "x.so", 2);
    assert_wanted("y.so", "changed");
}

static void test_a_library_that_is_cut_short_waits(void **state)
{
    struct text whole = TEXT_INIT;
    assert_true(file_read("/proc/self/exe", SIZE_MAX, &whole));
    see(WATCH_LIBRARY, "x.so", 1);
    see(WATCH_FILE, "x", 1);
    assert_true(file_write(path_of("x.so"), slice_of(whole.data, whole.length / 2), 0600));
    assert_nothing_wanted();
    assert_true(file_write(path_of("x.so"), SLICE_NONE, 0600));
    assert_nothing_wanted();
    assert_true(file_write(path_of("x.so"), text_slice(&whole), 0600));
    assert_wanted("x.so", "appeared");
    assert_true(file_write(path_of("x"), slice_of(whole.data, whole.length / 2), 0600));
    assert_wanted("x", "appeared");
    text_finish(&whole);
}

static void test_large_files_are_read_bit_by_bit(void **state)
{
    size_t size = (size_t)9 << 20;
    char *bytes = calloc(1, size);
    assert_true(file_write(path_of("x"), slice_of(bytes, size), 0600));
    struct watched_sight sight = {WATCH_FILE, slice_from_text(path_of("x")), content_of(slice_of(bytes, size)), 1};
    watched_add(&watched, &sight, 1);
    watched_step(&watched, now_us);
    assert_true(watched_is_due(&watched));
    assert_nothing_wanted();
    bytes[size - 1] = 1;
    assert_true(file_write(path_of("x"), slice_of(bytes, size), 0600));
    assert_wanted("x", "changed");
    free(bytes);
}

static void test_files_may_come_to_match_a_pattern(void **state)
{
    put("d/a.yaml", "a");
    struct watched_sight sight = {WATCH_PATTERN, slice_from_text(path_of("d/*.yaml")),
                                  content_add_name(0, slice_from_text(path_of("d/a.yaml"))), 0};
    watched_add(&watched, &sight, 1);
    assert_nothing_wanted();
    put("d/a.yaml", "b");
    put("d/b.txt", "b");
    assert_nothing_wanted();
    int fd = open(path_of("d/b.yaml"), O_WRONLY | O_CREAT, 0600);
    assert_nothing_wanted();
    close(fd);
    char expected[512];
    snprintf(expected, sizeof(expected), "other files match '%s'", path_of("d/*.yaml"));
    assert_string_equal(wanted(), expected);
    unlink(path_of("d/b.yaml"));
    assert_nothing_wanted();
    assert_int_equal(watched_deadline(&watched), 0);
}

/* Most editors move a file aside and write it anew; a configuration without it would be served meanwhile. */
static void test_files_that_match_no_more_may_come_back(void **state)
{
    put("d/a.yaml", "a");
    put("d/b.yaml", "b");
    uint64_t names = content_add_name(0, slice_from_text(path_of("d/a.yaml")));
    names = content_add_name(names, slice_from_text(path_of("d/b.yaml")));
    struct watched_sight sight = {WATCH_PATTERN, slice_from_text(path_of("d/*.yaml")), names, 0};
    watched_add(&watched, &sight, 1);
    assert_nothing_wanted();
    assert_int_equal(rename(path_of("d/a.yaml"), path_of("d/a.yaml~")), 0);
    assert_nothing_wanted();
    assert_int_not_equal(watched_deadline(&watched), 0);
    put("d/a.yaml", "other");
    now_us = watched_deadline(&watched);
    watched_step(&watched, now_us);
    assert_nothing_wanted();
    assert_int_equal(watched_deadline(&watched), 0);
    unlink(path_of("d/a.yaml"));
    assert_nothing_wanted();
    now_us = watched_deadline(&watched) - 1;
    watched_step(&watched, now_us);
    unlink(path_of("d/b.yaml"));
    assert_nothing_wanted();
    ++now_us;
    watched_step(&watched, now_us);
    char expected[512];
    snprintf(expected, sizeof(expected), "other files match '%s'", path_of("d/*.yaml"));
    assert_string_equal(wanted(), expected);
    assert_int_equal(watched_deadline(&watched), 0);
}

static void test_folders_may_come_to_match_a_pattern(void **state)
{
    struct watched_sight sight = {WATCH_PATTERN, slice_from_text(path_of("d/*/e/x.yaml")), 0, 0};
    watched_add(&watched, &sight, 1);
    assert_int_equal(mkdir(path_of("d"), 0700), 0);
    assert_nothing_wanted();
    assert_int_equal(mkdir(path_of("d/one"), 0700), 0);
    assert_nothing_wanted();
    put("d/one/e/x.yaml", "x");
    assert_string_not_equal(wanted(), "");
}

static void test_several_changes_are_one_wish(void **state)
{
    for (int i = 0; i < 3; ++i) {
        char name[8];
        snprintf(name, sizeof(name), "%d.so", i);
        see(WATCH_LIBRARY, name, 1);
        put(name, "x");
    }
    assert_non_null(strstr(wanted(), ".so' has appeared, and 2 more"));
    assert_nothing_wanted();
}

static void test_lost_events_have_everything_looked_at(void **state)
{
    put("x.so", "one");
    see(WATCH_LIBRARY, "x.so", 1);
    put("x.so", "two");
    assert_int_equal(dup2(open("/dev/null", O_RDONLY), watched.trails.fd), watched.trails.fd);
    assert_nothing_wanted();
    watched.trails.on_touched(watched.trails.data, true);
    assert_wanted("x.so", "changed");
}

static void test_what_nobody_asks_for_any_more_is_forgotten(void **state)
{
    see(WATCH_LIBRARY, "old.so", 1);
    see(WATCH_LIBRARY, "d/new.so", 1);
    see(WATCH_LIBRARY, "d/new.so", 2);
    watched_keep(&watched, 2, WATCH_ALL);
    assert_int_equal(watched.mode, WATCH_ALL);
    put("old.so", "x");
    assert_nothing_wanted();
    put("d/new.so", "x");
    assert_wanted("d/new.so", "appeared");
    watched_keep(&watched, 3, WATCH_OFF);
    assert_null(watched.first);
    for (int i = 0; i < WATCH_PLACE_BUCKETS; ++i)
        assert_null(watched.trails.buckets[i]);
}

static void test_what_settings_do_not_want_watched_is_forgotten(void **state)
{
    see(WATCH_LIBRARY, "x.so", 1);
    see(WATCH_FILE, "x", 1);
    watched_keep(&watched, 0, WATCH_LIBRARIES);
    put("x", "x");
    assert_nothing_wanted();
    put("x.so", "x");
    assert_wanted("x.so", "appeared");
    watched_keep(&watched, 0, WATCH_OFF);
    assert_null(watched.first);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_file_counts_when_its_writer_closes_it),
        TEST(test_a_file_counts_when_moved_or_linked_in),
        TEST(test_the_same_bytes_are_no_change),
        TEST(test_what_is_gone_is_waited_for),
        TEST(test_folders_may_appear_first),
        TEST(test_whole_folders_may_be_replaced),
        TEST(test_links_on_the_way_may_be_swapped),
        TEST(test_a_file_may_be_written_to_by_another_name),
        TEST(test_a_change_before_it_is_watched_is_seen),
        TEST(test_what_a_worker_cannot_read_wants_nothing_until_it_changes),
        TEST(test_what_cannot_be_read_is_taken_up_when_it_can),
        TEST(test_a_new_mode_is_no_change),
        TEST(test_what_has_been_read_since_is_no_change),
        TEST(test_a_library_that_is_cut_short_waits),
        TEST(test_large_files_are_read_bit_by_bit),
        TEST(test_files_may_come_to_match_a_pattern),
        TEST(test_files_that_match_no_more_may_come_back),
        TEST(test_folders_may_come_to_match_a_pattern),
        TEST(test_several_changes_are_one_wish),
        TEST(test_lost_events_have_everything_looked_at),
        TEST(test_what_settings_do_not_want_watched_is_forgotten),
        TEST(test_what_nobody_asks_for_any_more_is_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
