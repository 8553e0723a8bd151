#include "process/handover.h"

#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

static struct handover_reader reader;
static struct error error;

/* A descriptor as a supervisor hands it over, for any text. */
static int seal(struct slice text, int seals)
{
    int fd = memfd_create("state", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    assert_int_equal(write(fd, text.data, text.length), text.length);
    assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
    return fd;
}

static const int all_seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;

static bool open_text(struct slice text)
{
    error = ERROR_INIT;
    int fd = seal(text, all_seals);
    bool is_open = handover_open(&reader, fd, &error);
    close(fd);
    return is_open;
}

static void test_fields_come_back(void **state)
{
    struct handover handover;
    int pipe_fds[2];
    assert_int_equal(pipe2(pipe_fds, 0), 0);
    handover_begin(&handover, "1.2.3");
    handover_add_record(&handover, "thing");
    handover_add_number(&handover, INT64_MIN + 1);
    handover_add_unsigned(&handover, UINT64_MAX);
    handover_add_text(&handover, " a%b\n\xff'");
    handover_add_text(&handover, NULL);
    handover_add_slice(&handover, slice_of("\0x", 2));
    handover_add_text(&handover, "");
    handover_add_fd(&handover, pipe_fds[0]);
    handover_add_fd(&handover, -1);
    handover_add_record(&handover, "empty");
    int fd = handover_seal(&handover);
    assert_int_not_equal(fd, -1);
    assert_int_equal(handover.fd_count, 2);
    assert_int_equal(handover.fds[0], pipe_fds[0]);
    assert_int_equal(handover.fds[1], fd);

    error = ERROR_INIT;
    assert_true(handover_open(&reader, fd, &error));
    assert_string_equal(reader.version, "1.2.3");
    assert_true(handover_next(&reader));
    assert_true(handover_is(&reader, "thing"));
    assert_true(handover_take_number(&reader, INT64_MIN, 0) == INT64_MIN + 1);
    assert_true(handover_take_unsigned(&reader) == UINT64_MAX);
    char *text = handover_take_text(&reader);
    assert_string_equal(text, " a%b\n\xff'");
    free(text);
    assert_null(handover_take_text(&reader));
    struct slice bytes = handover_take_slice(&reader);
    assert_true(slice_equals(bytes, slice_of("\0x", 2)));
    free((char *)(uintptr_t)bytes.data);
    text = handover_need_text(&reader);
    assert_string_equal(text, "");
    free(text);
    assert_int_equal(handover_need_fd(&reader), pipe_fds[0]);
    assert_int_equal(fcntl(pipe_fds[0], F_GETFD), FD_CLOEXEC);
    assert_int_equal(handover_take_fd(&reader), -1);
    assert_true(handover_end_record(&reader));
    assert_true(handover_next(&reader));
    assert_true(handover_is(&reader, "empty"));
    assert_true(handover_end_record(&reader));
    assert_false(handover_next(&reader));
    assert_true(reader.is_at_end);
    assert_false(error.is_set);
    handover_close(&reader);
    handover_finish(&handover);
    close(fd);
    close(pipe_fds[0]);
    close(pipe_fds[1]);
}

/* Reads all records, whatever their fields. Returns whether nothing was wrong. */
static bool read_all(struct slice text)
{
    bool is_fine = open_text(text);
    while (is_fine && handover_next(&reader))
        reader.fields = SLICE_NONE;
    is_fine = is_fine && reader.is_at_end && !error.is_set;
    handover_close(&reader);
    return is_fine;
}

static void test_a_text_that_is_cut_anywhere_is_refused(void **state)
{
    const struct slice text = SLICE("flexilib-state 1 '1.0\none 1\ntwo 'x\nend 3\n");
    assert_true(read_all(text));
    for (size_t length = 0; length < text.length; ++length)
        assert_false(read_all(slice_of(text.data, length)));
}

static void test_wrong_texts_are_named(void **state)
{
    static const struct {
        struct slice text;
        const char *message;
    } cases[] = {
        {SLICE("x"), "the state is cut short"},
        {SLICE("something 1 '1\nend 1\n"), "the state does not begin as one"},
        {SLICE("flexilib-state 2 '1.0\nend 1\n"), "the state is of format 2, and this program knows 1 alone"},
        {SLICE("flexilib-state 1\nend 1\n"), "the state makes no sense: record 1 (flexilib-state): a text is missing"},
        {SLICE("flexilib-state 1 '1 2\nend 1\n"),
         "the state makes no sense: record 1 (flexilib-state): it has more fields than it should"},
        {SLICE("flexilib-state 1 '1\nend 2\n"),
         "the state makes no sense: record 2 (end): records are missing, or too many"},
        {SLICE("flexilib-state 1 '1\nend 1\nmore\n"),
         "the state makes no sense: record 2 (end): records are missing, or too many"},
        {SLICE("flexilib-state 1 '1\nend one\n"),
         "the state makes no sense: record 2 (end): a number is missing, or out of its bounds"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); ++i) {
        assert_false(read_all(cases[i].text));
        assert_string_equal(error.message, cases[i].message);
    }
    int fd = seal(SLICE("flexilib-state 1 '1\nend 1\n"), F_SEAL_SHRINK);
    error = ERROR_INIT;
    assert_false(handover_open(&reader, fd, &error));
    assert_non_null(strstr(error.message, "holds no state"));
    handover_close(&reader);
    close(fd);
}

static void open_record(const char *fields)
{
    struct text text = TEXT_INIT;
    text_print(&text, "flexilib-state 1 '1\nthing %s\nend 2\n", fields);
    assert_true(open_text(text_slice(&text)));
    assert_true(handover_next(&reader));
    text_finish(&text);
}

static void check_refused(const char *what)
{
    char wanted[128];
    snprintf(wanted, sizeof(wanted), "the state makes no sense: record 2 (thing): %s", what);
    assert_string_equal(error.message, wanted);
    assert_false(handover_next(&reader));
    handover_close(&reader);
}

static void test_wrong_fields_are_refused(void **state)
{
    static const char *const bad_texts[] = {"x", "'%", "'%4", "'%zz", "'a\x7f", "'\xc3\xa4"};
    open_record("5");
    assert_int_equal(handover_take_number(&reader, 0, 4), 0);
    check_refused("a number is missing, or out of its bounds");
    open_record("2");
    handover_take_bool(&reader);
    check_refused("a number is missing, or out of its bounds");
    open_record("-1");
    handover_take_unsigned(&reader);
    check_refused("a number is missing");
    open_record("'%00");
    assert_null(handover_take_text(&reader));
    check_refused("a zero byte stands in a text");
    open_record("-");
    assert_null(handover_need_text(&reader));
    check_refused("a text is missing");
    for (size_t i = 0; i < sizeof(bad_texts) / sizeof(bad_texts[0]); ++i) {
        open_record(bad_texts[i]);
        assert_null(handover_take_text(&reader));
        assert_true(error.is_set);
        handover_close(&reader);
    }
}

static void test_descriptors_are_open_and_stand_there_once(void **state)
{
    char fields[64];
    int fd = dup(STDERR_FILENO);
    snprintf(fields, sizeof(fields), "%d %d", fd, fd);
    open_record(fields);
    assert_int_equal(handover_need_fd(&reader), fd);
    assert_int_equal(handover_take_fd(&reader), -1);
    check_refused("a descriptor is not open, or stands there twice");
    close(fd);
    snprintf(fields, sizeof(fields), "%d", fd);
    open_record(fields);
    assert_int_equal(handover_take_fd(&reader), -1);
    check_refused("a descriptor is not open, or stands there twice");
    open_record("2");
    assert_int_equal(handover_take_fd(&reader), -1);
    check_refused("a descriptor is not open, or stands there twice");
    open_record("-1");
    assert_int_equal(handover_need_fd(&reader), -1);
    check_refused("a descriptor is missing");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields_come_back),
        cmocka_unit_test(test_a_text_that_is_cut_anywhere_is_refused),
        cmocka_unit_test(test_wrong_texts_are_named),
        cmocka_unit_test(test_wrong_fields_are_refused),
        cmocka_unit_test(test_descriptors_are_open_and_stand_there_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
