#include "config/library_copy.h"

#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

static const char *in_folder(struct files *files, const char *name)
{
    return arena_print(&files->arena, "%s/%s", files->folder, name).data;
}

static void copies_bytes_and_says_what_they_were(void **state)
{
    struct files *files = *state;
    struct library_copy copy;
    struct stat status;
    struct text content = TEXT_INIT;
    files_write(files, "x.so", "library");
    assert_true(library_copy(in_folder(files, "x.so"), in_folder(files, "a/b/x.so"), &copy));
    assert_true(file_read("a/b/x.so", 100, &content));
    assert_slice(text_slice(&content), "library");
    text_finish(&content);
    assert_int_equal(copy.content, content_of(SLICE("library")));
    assert_int_equal(stat("x.so", &status), 0);
    assert_int_equal(copy.status, content_of_status(&status));
    ino_t inode = status.st_ino;
    assert_int_equal(stat("a/b/x.so", &status), 0);
    assert_int_equal(status.st_mode & 07777, 0700);
    assert_int_not_equal(status.st_ino, inode);
}

static void has_the_same_number_for_the_same_bytes_of_any_length(void **state)
{
    struct files *files = *state;
    struct library_copy copy;
    static const size_t lengths[] = {
        0, 1, CONTENT_PIECE_BYTES - 1, CONTENT_PIECE_BYTES, CONTENT_PIECE_BYTES + 1, 3 * CONTENT_PIECE_BYTES};
    char *bytes = calloc(3, CONTENT_PIECE_BYTES);
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); ++i) {
        assert_true(file_write(in_folder(files, "x"), slice_of(bytes, lengths[i]), 0600));
        assert_true(library_copy(in_folder(files, "x"), in_folder(files, "y"), &copy));
        assert_int_equal(copy.content, content_of(slice_of(bytes, lengths[i])));
    }
    free(bytes);
}

static void refuses_what_is_no_file(void **state)
{
    struct files *files = *state;
    struct library_copy copy;
    assert_false(library_copy(in_folder(files, "none"), in_folder(files, "y"), &copy));
    assert_int_equal(errno, ENOENT);
    assert_false(library_copy(files->folder, in_folder(files, "y"), &copy));
    assert_int_equal(errno, EISDIR);
    assert_int_equal(mkfifo(in_folder(files, "pipe"), 0600), 0);
    assert_false(library_copy(in_folder(files, "pipe"), in_folder(files, "y"), &copy));
    assert_int_equal(errno, EINVAL);
}

static atomic_bool is_over;

static void *go_on_writing(void *path)
{
    int fd = open(path, O_WRONLY | O_APPEND);
    while (!is_over)
        assert_int_equal(write(fd, "x", 1), 1);
    close(fd);
    return NULL;
}

/* The thread may be slow to start, or to be run at all: then a copy is a good one. */
static void refuses_what_goes_on_changing(void **state)
{
    struct files *files = *state;
    struct library_copy copy;
    pthread_t writer;
    char *bytes = calloc(64, CONTENT_PIECE_BYTES);
    assert_true(file_write(in_folder(files, "x"), slice_of(bytes, (size_t)64 * CONTENT_PIECE_BYTES), 0600));
    free(bytes);
    assert_int_equal(pthread_create(&writer, NULL, go_on_writing, (void *)in_folder(files, "x")), 0);
    while (library_copy(in_folder(files, "x"), in_folder(files, "d/y"), &copy))
        assert_int_equal(unlink("d/y"), 0);
    assert_int_equal(errno, ETXTBSY);
    is_over = true;
    pthread_join(writer, NULL);
    assert_int_equal(rmdir("d"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FILES_TEST(copies_bytes_and_says_what_they_were),
        FILES_TEST(has_the_same_number_for_the_same_bytes_of_any_length),
        FILES_TEST(refuses_what_is_no_file),
        FILES_TEST(refuses_what_goes_on_changing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
