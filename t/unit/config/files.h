#ifndef FILES_H
#define FILES_H

/* A folder of files for one test, which is the current folder while the test runs, and a source that reads them. */

#include "base/arena.h"
#include "base/file.h"
#include "config/source.h"
#include "sights.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

struct files {
    char folder[64];
    char start[1024];
    struct source *source;
    struct arena arena;
    struct error error;
};

static inline int files_open(void **state)
{
    struct files *files = calloc(1, sizeof(*files));
    snprintf(files->folder, sizeof(files->folder), "/tmp/flexilib-unit-XXXXXX");
    assert_non_null(mkdtemp(files->folder));
    assert_non_null(getcwd(files->start, sizeof(files->start)));
    assert_int_equal(chdir(files->folder), 0);
    files->source = source_create_live(NULL);
    arena_init(&files->arena, 0);
    *state = files;
    return 0;
}

static inline int files_close(void **state)
{
    struct files *files = *state;
    source_destroy(files->source);
    arena_finish(&files->arena);
    assert_int_equal(chdir(files->start), 0);
    assert_true(file_remove_tree(files->folder));
    free(files);
    return 0;
}

static inline void files_write(struct files *files, const char *name, const char *content)
{
    char *path = file_absolute(files->folder, name);
    assert_true(file_write(path, slice_from_text(content), 0600));
    free(path);
}

static inline void assert_slice(struct slice text, const char *expected)
{
    assert_int_equal(text.length, strlen(expected));
    assert_memory_equal(text.data == NULL ? "" : text.data, expected, text.length);
}

/* Checks the error's one-line form and makes room for the next. */
static inline void assert_error(struct error *error, const char *expected)
{
    struct text text = TEXT_INIT;
    assert_true(error->is_set);
    error_describe_line(error, &text);
    assert_string_equal(text.data, expected);
    text_finish(&text);
    *error = ERROR_INIT;
}

#define FILES_TEST(function) cmocka_unit_test_setup_teardown(function, files_open, files_close)

#endif
