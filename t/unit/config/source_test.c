#include "config/source.h"

#include "base/content.h"

#include "files.h"

#include <errno.h>
#include <sys/stat.h>

static void read_as(struct source *source, const char *path, const char *expected)
{
    struct slice content;
    assert_true(source_read(source, path, &content));
    assert_slice(content, expected);
}

static const char *absolute(struct files *files, const char *name)
{
    return arena_print(&files->arena, "%s/%s", files->folder, name).data;
}

static void reads_a_file_once(void **state)
{
    struct files *files = *state;
    struct slice content;
    files_write(files, "a.yaml", "one");
    read_as(files->source, absolute(files, "a.yaml"), "one");
    files_write(files, "a.yaml", "two");
    read_as(files->source, absolute(files, "a.yaml"), "one");
    assert_false(source_read(files->source, absolute(files, "none"), &content));
    assert_int_equal(errno, ENOENT);
    files_write(files, "none", "now it is there");
    assert_false(source_read(files->source, absolute(files, "none"), &content));
    assert_int_equal(errno, ENOENT);
    assert_false(source_read(files->source, files->folder, &content));
    assert_int_equal(errno, EISDIR);
}

static void asks_for_a_variable_once(void **state)
{
    struct files *files = *state;
    setenv("FLEXILIB_UNIT", "one", 1);
    assert_string_equal(source_environment(files->source, "FLEXILIB_UNIT"), "one");
    setenv("FLEXILIB_UNIT", "two", 1);
    assert_string_equal(source_environment(files->source, "FLEXILIB_UNIT"), "one");
    unsetenv("FLEXILIB_UNIT");
    assert_null(source_environment(files->source, "FLEXILIB_NONE"));
}

static void sorts_what_a_pattern_finds(void **state)
{
    struct files *files = *state;
    files_write(files, "d/b.yaml", "");
    files_write(files, "d/a.yaml", "");
    files_write(files, "d/B.yaml", "");
    files_write(files, "d/.hidden.yaml", "");
    files_write(files, "d/c.txt", "");
    char *const *found = source_glob(files->source, absolute(files, "d/*.yaml"));
    assert_string_equal(found[0], absolute(files, "d/B.yaml"));
    assert_string_equal(found[1], absolute(files, "d/a.yaml"));
    assert_string_equal(found[2], absolute(files, "d/b.yaml"));
    assert_null(found[3]);
    assert_null(source_glob(files->source, absolute(files, "none/*"))[0]);
}

static void tells_of_everything_that_it_sees(void **state)
{
    struct files *files = *state;
    files_write(files, "d/a.yaml", "one");
    files_write(files, "snapshot/x", "");
    files_write(files, "x.so", "one");
    struct source *live = source_create_live(absolute(files, "snapshot"));
    read_as(live, absolute(files, "d/a.yaml"), "one");
    read_as(live, absolute(files, "d/a.yaml"), "one");
    struct sights early = sights_of(live);
    assert_int_equal(early.count, 1);
    assert_string_equal(early.items[0].path, absolute(files, "d/a.yaml"));
    assert_int_equal(early.items[0].kind, WATCH_FILE);
    assert_int_equal(early.items[0].content, content_of(SLICE("one")));

    struct sights later = {.count = 0};
    source_observe(live, on_sight, &later);
    assert_int_equal(later.count, 1);
    source_glob(live, absolute(files, "d/*.yaml"));
    assert_non_null(source_library(live, absolute(files, "x.so"), &files->error));
    assert_null(source_library(live, absolute(files, "none.so"), &files->error));
    source_want(live, WATCH_FILE, absolute(files, "none"));
    source_want(live, WATCH_FILE, absolute(files, "none"));
    assert_int_equal(later.count, 5);
    assert_int_equal(later.items[1].kind, WATCH_PATTERN);
    assert_int_equal(later.items[1].content, content_add_name(0, slice_from_text(absolute(files, "d/a.yaml"))));
    assert_int_equal(later.items[2].kind, WATCH_LIBRARY);
    assert_int_equal(later.items[2].content, content_of(SLICE("one")));
    assert_int_not_equal(later.items[2].status, 0);
    assert_string_equal(later.items[3].path, absolute(files, "none.so"));
    assert_int_equal(later.items[3].content, 0);
    assert_int_equal(later.items[3].status, 0);
    assert_int_equal(later.items[4].kind, WATCH_FILE);
    source_destroy(live);
}

static void opens_a_library_in_place_without_a_snapshot(void **state)
{
    struct files *files = *state;
    files_write(files, "x.so", "library");
    assert_string_equal(source_library(files->source, absolute(files, "x.so"), &files->error), absolute(files, "x.so"));
    assert_null(source_library(files->source, absolute(files, "none.so"), &files->error));
    assert_error(
        &files->error,
        arena_print(&files->arena, "%s: cannot be read: No such file or directory", absolute(files, "none.so")).data);
}

/* Records what a generation could be made from. */
static void record(struct files *files, const char *snapshot)
{
    struct source *live = source_create_live(snapshot);
    read_as(live, absolute(files, "etc/a.yaml"), "a: 1\n");
    for (char *const *path = source_glob(live, absolute(files, "etc/conf.d/*.yaml")); *path != NULL; ++path) {
        struct slice content;
        assert_true(source_read(live, *path, &content));
    }
    assert_string_equal(source_environment(live, "FLEXILIB_UNIT"), "two\nlines=yes");
    assert_string_equal(source_environment(live, "FLEXILIB_EMPTY"), "");
    assert_null(source_environment(live, "FLEXILIB_NONE"));
    assert_true(source_has_file(live, absolute(files, "lib/unused.so")));
    assert_false(source_has_file(live, absolute(files, "lib/late.so")));
    assert_false(source_has_file(live, absolute(files, "lib")));
    source_want(live, WATCH_LIBRARY, absolute(files, "lib/late.so"));
    /* Whoever asks again is told the same, or siblings could not be. */
    files_write(files, "lib/late.so", "late");
    assert_false(source_has_file(live, absolute(files, "lib/late.so")));
    assert_string_equal(source_library(live, absolute(files, "lib/x.so"), &files->error),
                        arena_print(&files->arena, "%s/root%s/lib/x.so", snapshot, files->folder).data);
    source_destroy(live);
}

static void change_everything(struct files *files)
{
    files_write(files, "etc/a.yaml", "a: 2\n");
    files_write(files, "etc/conf.d/two.yaml", "new");
    files_write(files, "lib/x.so", "another library");
    files_write(files, "lib/late.so", "late");
    assert_int_equal(unlink(absolute(files, "lib/unused.so")), 0);
    setenv("FLEXILIB_UNIT", "changed", 1);
    setenv("FLEXILIB_NONE", "set now", 1);
    unsetenv("FLEXILIB_EMPTY");
}

static void a_snapshot_repeats_what_was_live(void **state)
{
    struct files *files = *state;
    /* a folder whose name means something in patterns */
    const char *snapshot = absolute(files, "snap[1]*/7");
    files_write(files, "snap[1]*/7/x", "");
    files_write(files, "etc/a.yaml", "a: 1\n");
    files_write(files, "etc/conf.d/one.yaml", "one");
    files_write(files, "lib/x.so", "library");
    files_write(files, "lib/unused.so", "unused");
    setenv("FLEXILIB_UNIT", "two\nlines=yes", 1);
    setenv("FLEXILIB_EMPTY", "", 1);
    unsetenv("FLEXILIB_NONE");
    record(files, snapshot);
    change_everything(files);

    struct source *source = source_create_snapshot(snapshot);
    struct slice content;
    read_as(source, absolute(files, "etc/a.yaml"), "a: 1\n");
    char *const *found = source_glob(source, absolute(files, "etc/conf.d/*.yaml"));
    assert_string_equal(found[0], absolute(files, "etc/conf.d/one.yaml"));
    assert_null(found[1]);
    assert_string_equal(source_environment(source, "FLEXILIB_UNIT"), "two\nlines=yes");
    assert_string_equal(source_environment(source, "FLEXILIB_EMPTY"), "");
    assert_null(source_environment(source, "FLEXILIB_NONE"));
    assert_null(source_environment(source, "HOME"));
    assert_true(source_has_file(source, absolute(files, "lib/unused.so")));
    assert_false(source_has_file(source, absolute(files, "lib/late.so")));
    const char *library = source_library(source, absolute(files, "lib/x.so"), &files->error);
    read_as(files->source, library, "library");
    assert_null(source_library(source, absolute(files, "lib/late.so"), &files->error));
    assert_false(source_read(source, absolute(files, "etc/conf.d/two.yaml"), &content));
    source_destroy(source);
    unsetenv("FLEXILIB_UNIT");
    unsetenv("FLEXILIB_NONE");
}

static void copies_are_private_and_libraries_executable(void **state)
{
    struct files *files = *state;
    struct stat status;
    files_write(files, "a.yaml", "a");
    files_write(files, "x.so", "x");
    files_write(files, "snapshot/x", "");
    const char *snapshot = absolute(files, "snapshot");
    struct source *live = source_create_live(snapshot);
    read_as(live, absolute(files, "a.yaml"), "a");
    const char *library = source_library(live, absolute(files, "x.so"), &files->error);
    assert_int_equal(stat(library, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0700);
    assert_int_equal(stat(arena_print(&files->arena, "%s/root%s/a.yaml", snapshot, files->folder).data, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    source_destroy(live);
}

static void refuses_to_go_on_when_recording_fails(void **state)
{
    struct files *files = *state;
    struct slice content;
    files_write(files, "a.yaml", "a");
    files_write(files, "x.so", "x");
    files_write(files, "snapshot/root", "in the way");
    struct source *live = source_create_live(absolute(files, "snapshot"));
    assert_false(source_read(live, absolute(files, "a.yaml"), &content));
    assert_int_equal(errno, ENOTDIR);
    assert_null(source_library(live, absolute(files, "x.so"), &files->error));
    source_destroy(live);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILES_TEST(reads_a_file_once),
        FILES_TEST(asks_for_a_variable_once),
        FILES_TEST(sorts_what_a_pattern_finds),
        FILES_TEST(tells_of_everything_that_it_sees),
        FILES_TEST(opens_a_library_in_place_without_a_snapshot),
        FILES_TEST(a_snapshot_repeats_what_was_live),
        FILES_TEST(copies_are_private_and_libraries_executable),
        FILES_TEST(refuses_to_go_on_when_recording_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
