#include "filter/library.h"

#include "base/alloc.h"
#include "base/file.h"
#include "filter/library_own.h"

#include <elf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Files that are no library FlexiLib can use, each with the sentence it gets. Good and bad libraries come from the
 * build (t/lib); damaged ones are made from a good one. */

struct folders {
    char build[PATH_MAX];
    char temporary[64];
    struct text good; /* a library's bytes */
};

static int find_folders(void **state)
{
    struct folders *folders = mem_zalloc(sizeof(*folders));
    char program[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", program, sizeof(program) - 1);
    assert_true(length > 0);
    program[length] = '\0';
    /* BUILD/unit/filter-library */
    snprintf(folders->build, sizeof(folders->build), "%s", dirname(dirname(program)));
    snprintf(folders->temporary, sizeof(folders->temporary), "/tmp/flexilib-library-XXXXXX");
    assert_non_null(mkdtemp(folders->temporary));
    char good[PATH_MAX + 32];
    snprintf(good, sizeof(good), "%s/t/lib/many.so", folders->build);
    if (!file_read(good, SIZE_MAX, &folders->good))
        fail_msg("%s is missing: build the target test_many", good);
    *state = folders;
    return 0;
}

static int remove_folders(void **state)
{
    struct folders *folders = *state;
    file_remove_tree(folders->temporary);
    text_finish(&folders->good);
    free(folders);
    return 0;
}

static void expect_refusal(const char *path, const char *expected)
{
    struct error error = ERROR_INIT;
    assert_null(library_open(path, "x.so", &error));
    assert_true(error.is_set);
    assert_string_equal(error.message, expected);
}

static void expect_built(const struct folders *folders, const char *name, const char *expected)
{
    char path[PATH_MAX + 64];
    snprintf(path, sizeof(path), "%s/t/lib/%s.so", folders->build, name);
    expect_refusal(path, expected);
}

static const char *write_file(const struct folders *folders, const char *name, struct slice content)
{
    static char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s/%s", folders->temporary, name);
    assert_true(file_write(path, content, 0755));
    return path;
}

static void good_library_opens(void **state)
{
    const struct folders *folders = *state;
    char path[PATH_MAX + 32];
    snprintf(path, sizeof(path), "%s/t/lib/many.so", folders->build);
    struct error error = ERROR_INIT;
    struct library *library = library_open(path, "many.so", &error);
    assert_string_equal(error.message, "");
    assert_string_equal(library_path(library), "many.so");
    assert_int_equal(library_filter_count(library), 2);
    assert_string_equal(library_filter(library, 0)->name, "one");
    assert_int_equal(library_value_size(library), sizeof(struct flexilib_value));

    assert_string_equal(library_find_filter(library, SLICE("two"), SLICE("many"), PLACE_NONE, &error)->name, "two");
    assert_string_equal(library_find_filter(library, SLICE_NONE, SLICE("one"), PLACE_NONE, &error)->name, "one");
    assert_null(library_find_filter(library, SLICE("tow"), SLICE("many"), PLACE_NONE, &error));
    assert_string_equal(error.message,
                        "library 'many.so' has no filter 'tow' (did you mean 'two'?): it offers 'one', 'two'");
    error = ERROR_INIT;
    assert_null(library_find_filter(library, SLICE_NONE, SLICE("many"), PLACE_NONE, &error));
    assert_string_equal(error.message,
                        "library 'many.so' offers several filters ('one', 'two'): name one as LIBRARY.FILTER");
    library_close(library);
    library_close(NULL);
}

static void only_filter_needs_no_name(void **state)
{
    const struct folders *folders = *state;
    char path[PATH_MAX + 32];
    snprintf(path, sizeof(path), "%s/t/lib/order.so", folders->build);
    struct error error = ERROR_INIT;
    struct library *library = library_open(path, path, &error);
    assert_string_equal(library_find_filter(library, SLICE_NONE, SLICE("whatever"), PLACE_NONE, &error)->name, "order");
    assert_int_equal(library_filter(library, 0)->option_count, 2);
    library_close(library);
}

static void the_original_s_have_one_filter(void **state)
{
    const struct folders *folders = *state;
    char path[PATH_MAX + 32];
    snprintf(path, sizeof(path), "%s/t/lib/original.so", folders->build);
    struct error error = ERROR_INIT;
    struct library *library = library_open(path, "/some/where/libMy_Own.2.so", &error);
    assert_non_null(library);
    assert_int_equal(library_filter_count(library), 1);
    assert_string_equal(library_filter(library, 0)->name, "libmy-own");
    assert_non_null(library_find_filter(library, SLICE_NONE, SLICE("whatever"), PLACE_NONE, &error));
    library_close(library);
}

static void other_libraries_are_refused(void **state)
{
    const struct folders *folders = *state;
    expect_built(folders, "nosymbol",
                 "x.so: does not export the symbol 'flexilib_library': end it with FLEXILIB_LIBRARY(filters);");
    expect_built(folders, "version_new",
                 "x.so: built for filter contract 0.99, this FlexiLib has 0.9: rebuild it against its "
                 "flexilib/filter.h");
    expect_built(folders, "major_wrong",
                 "x.so: built for filter contract 1.0, this FlexiLib has 0.9: rebuild it against its "
                 "flexilib/filter.h");
    expect_built(folders, "empty", "x.so: offers no filter: its flexilib_library needs at least one");
    expect_built(folders, "undefined",
                 "x.so: needs the symbol 'function_that_nobody_wrote', which nothing provides: link it to the library "
                 "that does");
}

static void files_of_other_kinds_are_refused(void **state)
{
    const struct folders *folders = *state;
    char path[PATH_MAX];
    expect_refusal("/nowhere/at/all.so", "x.so: there is no such file");
    expect_refusal(folders->temporary, "x.so: is a folder, a shared library is needed");
    expect_refusal(write_file(folders, "empty.so", SLICE("")), "x.so: is empty, a shared library is needed");
    expect_refusal(write_file(folders, "text.so", SLICE("this is no library")),
                   "x.so: is no shared library (it does not start with the ELF mark): build one with -shared");
    expect_refusal(write_file(folders, "short.so",
                              SLICE("\x7f"
                                    "EL")),
                   "x.so: is no shared library (it does not start with the ELF mark): build one with -shared");
    snprintf(path, sizeof(path), "%s/pipe.so", folders->temporary);
    assert_int_equal(mkfifo(path, 0600), 0);
    expect_refusal(path, "x.so: is no regular file, a shared library is needed");
    snprintf(path, sizeof(path), "%s/link.so", folders->temporary);
    assert_int_equal(symlink("nowhere", path), 0);
    expect_refusal(path, "x.so: there is no such file");
}

/* A good library with some of its head's bytes replaced. */
static const char *write_changed(const struct folders *folders, size_t offset, const void *bytes, size_t length)
{
    char *copy = mem_copy_text(folders->good.data, folders->good.length);
    memcpy(copy + offset, bytes, length);
    const char *path = write_file(folders, "changed.so", slice_of(copy, folders->good.length));
    free(copy);
    return path;
}

static void libraries_of_other_machines_are_refused(void **state)
{
    const struct folders *folders = *state;
    const unsigned char other_class = ELFCLASS32, other_order = ELFDATA2MSB;
    const Elf64_Half other_machine = EM_SPARCV9, object = ET_REL, program = ET_EXEC, core = ET_CORE;
    struct error error = ERROR_INIT;
    expect_refusal(write_changed(folders, EI_CLASS, &other_class, 1),
                   "x.so: is a 32-bit library, this FlexiLib needs 64-bit ones");
    assert_null(library_open(write_changed(folders, EI_DATA, &other_order, 1), "x.so", &error));
    assert_non_null(strstr(error.message, "x.so: is built for a machine with the other byte order, this one is "));
    error = ERROR_INIT;
    assert_null(
        library_open(write_changed(folders, offsetof(Elf64_Ehdr, e_machine), &other_machine, 2), "x.so", &error));
    assert_non_null(strstr(error.message, "x.so: is built for another machine (ELF machine 43), this machine is "));
    expect_refusal(write_changed(folders, offsetof(Elf64_Ehdr, e_type), &object, 2),
                   "x.so: is an object file, not a shared library: link it with -shared");
    expect_refusal(write_changed(folders, offsetof(Elf64_Ehdr, e_type), &program, 2),
                   "x.so: is a program, not a shared library: build it with -shared -fPIC");
    expect_refusal(write_changed(folders, offsetof(Elf64_Ehdr, e_type), &core, 2),
                   "x.so: is no shared library (ELF type 4): build one with -shared");
}

static void damaged_heads_are_refused(void **state)
{
    const struct folders *folders = *state;
    const Elf64_Half size = 7, none = 0;
    const Elf64_Off far = UINT64_MAX - 8;
    struct error error = ERROR_INIT;
    expect_refusal(write_changed(folders, offsetof(Elf64_Ehdr, e_phentsize), &size, 2),
                   "x.so: is damaged (its table of segments has entries of 7 bytes)");
    expect_refusal(write_changed(folders, offsetof(Elf64_Ehdr, e_shentsize), &size, 2),
                   "x.so: is damaged (its table of sections has entries of 7 bytes)");
    expect_refusal(write_changed(folders, offsetof(Elf64_Ehdr, e_phnum), &none, 2),
                   "x.so: is no shared library (it has no dynamic segment): build one with -shared");
    assert_null(library_open(write_changed(folders, offsetof(Elf64_Ehdr, e_phoff), &far, 8), "x.so", &error));
    assert_non_null(strstr(error.message, "is cut short"));
    error = ERROR_INIT;
    assert_null(library_open(write_changed(folders, offsetof(Elf64_Ehdr, e_shoff), &far, 8), "x.so", &error));
    assert_non_null(strstr(error.message, "is cut short"));
}

/* Whatever length a copy under way has reached, it is refused and nothing crashes. */
static void truncated_libraries_are_refused_at_any_length(void **state)
{
    const struct folders *folders = *state;
    size_t whole = folders->good.length;
    for (size_t length = 1; length < whole; length += length < 256 ? 1 : whole / 97 + 1) {
        struct error error = ERROR_INIT;
        assert_null(library_open(write_file(folders, "cut.so", slice_of(folders->good.data, length)), "x.so", &error));
        assert_non_null(strstr(error.message, length < 4 ? "no shared library" : "is cut short"));
    }
    struct error error = ERROR_INIT;
    assert_null(library_open(write_file(folders, "cut.so", slice_of(folders->good.data, whole - 1)), "x.so", &error));
    assert_non_null(strstr(error.message, "is cut short"));
}

static void missing_dependency_is_named(void **state)
{
    const struct folders *folders = *state;
    char command[PATH_MAX * 2];
    snprintf(command, sizeof(command),
             "cd %s && echo 'int gone(void); int gone(void) { return 1; }' >gone.c && cc -shared -fPIC -o libgone.so "
             "gone.c && echo 'int gone(void); int user(void); int user(void) { return gone(); }' >user.c && cc -shared "
             "-fPIC -o user.so user.c -L. -lgone && rm libgone.so",
             folders->temporary);
    assert_int_equal(system(command), 0);
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s/user.so", folders->temporary);
    expect_refusal(path, "x.so: needs 'libgone.so', which cannot be found: install it beside it or on the system");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_library_opens),
        cmocka_unit_test(only_filter_needs_no_name),
        cmocka_unit_test(the_original_s_have_one_filter),
        cmocka_unit_test(other_libraries_are_refused),
        cmocka_unit_test(files_of_other_kinds_are_refused),
        cmocka_unit_test(libraries_of_other_machines_are_refused),
        cmocka_unit_test(damaged_heads_are_refused),
        cmocka_unit_test(truncated_libraries_are_refused_at_any_length),
        cmocka_unit_test(missing_dependency_is_named),
    };
    return cmocka_run_group_tests(tests, find_folders, remove_folders);
}
