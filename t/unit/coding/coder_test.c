#include "coding/coder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* What goes in comes out of the tools that people have: gzip, and zstd where it is installed. For brotli there is
 * the client's own word in the end-to-end tests; here its output has to be there, and small. */

enum {
    BODY_BYTES = 700000,
    LARGEST_ROOM = 32 * 1024,
    MOST_MEMORY_BYTES = 2600 * 1024,
};

struct kind {
    const struct coder_calls *calls;
    const char *name, *tool;
    int least, most;
};

static const struct kind kinds[] = {
    {&coder_gzip, "gzip", "gzip -dc", 1, 9},
    {&coder_brotli, "br", NULL, 0, 9},
    {&coder_zstd, "zstd", "zstd -qdc", 1, 12},
};

struct output {
    char *data;
    size_t length;
    size_t most_memory;
};

static char body[BODY_BYTES];

static void fill_body(void)
{
    uint32_t number = 1;
    for (size_t i = 0; i < BODY_BYTES; ++i) {
        number = number * 1103515245 + 12345;
        body[i] = i % 3 == 0 ? (char)('a' + (number >> 24) % 26) : ' ';
    }
}

static enum coder_result give(const struct kind *kind, struct coder *coder, enum coder_task task, struct slice input,
                              size_t room_bytes, struct output *output)
{
    char data[LARGEST_ROOM];
    for (;;) {
        struct coder_room room = {.data = data, .length = room_bytes};
        enum coder_result result = kind->calls->work(coder, task, &input, &room);
        if (output->most_memory < kind->calls->memory_bytes(coder))
            output->most_memory = kind->calls->memory_bytes(coder);
        output->data = realloc(output->data, output->length + room.used + 1);
        memcpy(output->data + output->length, data, room.used);
        output->length += room.used;
        if (result != CODER_FULL) {
            if (result == CODER_DONE)
                assert_int_equal(input.length, 0);
            return result;
        }
        assert_true(room.used != 0);
    }
}

static struct output code(const struct kind *kind, int level, size_t length, size_t piece, size_t room, bool is_known,
                          bool flushes)
{
    struct output output = {0};
    struct coder *coder = kind->calls->create(level, is_known ? (int64_t)length : -1, SIZE_MAX);
    assert_non_null(coder);
    for (size_t at = 0; at < length; at += piece) {
        struct slice input = slice_of(body + at, length - at < piece ? length - at : piece);
        assert_int_equal(give(kind, coder, CODER_GO_ON, input, room, &output), CODER_DONE);
        if (flushes)
            assert_int_equal(give(kind, coder, CODER_FLUSH, SLICE_NONE, room, &output), CODER_DONE);
    }
    assert_int_equal(give(kind, coder, CODER_FINISH, SLICE_NONE, room, &output), CODER_DONE);
    kind->calls->destroy(coder);
    return output;
}

static bool has_tool(const char *tool)
{
    char command[64];
    snprintf(command, sizeof(command), "command -v %.*s >/dev/null", (int)strcspn(tool, " "), tool);
    return system(command) == 0;
}

static void expect_unpacked(const struct kind *kind, const struct output *output, size_t length)
{
    char path[] = "/tmp/flexilib-coder-XXXXXX", command[128];
    int fd = mkstemp(path);
    assert_true(fd != -1);
    assert_int_equal(write(fd, output->data, output->length), output->length);
    close(fd);
    snprintf(command, sizeof(command), "%s <%s", kind->tool, path);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    char *read = malloc(BODY_BYTES + 1);
    assert_int_equal(fread(read, 1, BODY_BYTES + 1, pipe), length);
    assert_int_equal(pclose(pipe), 0);
    assert_memory_equal(read, body, length);
    free(read);
    unlink(path);
}

static void test_case(const struct kind *kind, int level, size_t length, size_t piece, size_t room, bool is_known,
                      bool flushes)
{
    struct output output = code(kind, level, length, piece, room, is_known, flushes);
    if (kind->tool != NULL && has_tool(kind->tool))
        expect_unpacked(kind, &output, length);
    if (length > 1000 && !flushes)
        assert_true(output.length < length / 2);
    if (output.most_memory > MOST_MEMORY_BYTES)
        fail_msg("%s at level %d takes %zu KB", kind->name, level, output.most_memory / 1024);
    if (is_known && length <= 4096 && output.most_memory > 600 * 1024)
        fail_msg("%s at level %d takes %zu KB for %zu bytes", kind->name, level, output.most_memory / 1024, length);
    free(output.data);
}

static void every_level_gives_back_what_went_in(void **state)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); ++i) {
        for (int level = kinds[i].least; level <= kinds[i].most; ++level)
            test_case(&kinds[i], level, BODY_BYTES, 65536, LARGEST_ROOM, false, false);
    }
}

static void every_length_gives_back_what_went_in(void **state)
{
    static const size_t lengths[] = {0, 1, 100, 513, 4096, 32768, 65537, 300001};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); ++i) {
        for (size_t j = 0; j < sizeof(lengths) / sizeof(lengths[0]); ++j) {
            test_case(&kinds[i], 3, lengths[j], 65536, LARGEST_ROOM, true, false);
            test_case(&kinds[i], 3, lengths[j], 1000, 128, false, false);
            test_case(&kinds[i], 3, lengths[j], 10000, 128, j % 2 == 0, true);
        }
    }
}

/* The output so far, cut off, has all of the input so far: zcat and zstd say what they could read. */
static void a_flush_gives_everything_out(void **state)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); ++i) {
        struct output output = {0};
        struct coder *coder = kinds[i].calls->create(3, -1, SIZE_MAX);
        size_t before = 0;
        for (size_t piece = 0; piece < 50; ++piece) {
            struct slice input = slice_of(body + piece * 100, 100);
            assert_int_equal(give(&kinds[i], coder, CODER_GO_ON, input, LARGEST_ROOM, &output), CODER_DONE);
            assert_int_equal(give(&kinds[i], coder, CODER_FLUSH, SLICE_NONE, LARGEST_ROOM, &output), CODER_DONE);
            assert_true(output.length > before + 10);
            before = output.length;
            assert_int_equal(give(&kinds[i], coder, CODER_FLUSH, SLICE_NONE, LARGEST_ROOM, &output), CODER_DONE);
            assert_true(output.length <= before + 10);
            before = output.length;
        }
        kinds[i].calls->destroy(coder);
        free(output.data);
    }
}

static void zstd_holds_bodies_to_their_length(void **state)
{
    struct output output = {0};
    struct coder *coder = coder_zstd.create(3, 1000, SIZE_MAX);
    assert_int_equal(give(&kinds[2], coder, CODER_GO_ON, slice_of(body, 900), LARGEST_ROOM, &output), CODER_DONE);
    assert_int_equal(give(&kinds[2], coder, CODER_FINISH, SLICE_NONE, LARGEST_ROOM, &output), CODER_FAILED);
    coder_zstd.destroy(coder);
    free(output.data);
}

/* Whatever it is made for, a coder stays within what it was told, or is not made. */
static void memory_is_known_beforehand(void **state)
{
    static const size_t most_bytes[] = {SIZE_MAX, 1000 * 1024, 450 * 1024, 150 * 1024, 40 * 1024, 16 * 1024, 0};
    static const int64_t lengths[] = {-1, 0, 1, 5000, 40000, 100000, 700000};
    for (size_t kind = 0; kind < sizeof(kinds) / sizeof(kinds[0]); ++kind) {
        const struct coder_calls *calls = kinds[kind].calls;
        for (int level = kinds[kind].least; level <= kinds[kind].most; ++level) {
            for (size_t i = 0; i < sizeof(most_bytes) / sizeof(most_bytes[0]); ++i) {
                for (size_t j = 0; j < sizeof(lengths) / sizeof(lengths[0]); ++j) {
                    struct coder *coder = calls->create(level, lengths[j], most_bytes[i]);
                    assert_true(coder != NULL || most_bytes[i] < 450 * 1024);
                    if (coder != NULL)
                        assert_in_range(calls->memory_bytes(coder), 1, most_bytes[i]);
                    calls->destroy(coder);
                }
            }
        }
    }
    struct coder *coder = coder_gzip.create(5, -1, 16 * 1024);
    assert_non_null(coder);
    coder_gzip.destroy(coder);
}

static void sparing_coders_give_back_what_went_in(void **state)
{
    static const size_t most_bytes[] = {1000 * 1024, 450 * 1024, 160 * 1024, 16 * 1024};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); ++i) {
        for (size_t j = 0; j < sizeof(most_bytes) / sizeof(most_bytes[0]); ++j) {
            struct coder *coder = kinds[i].calls->create(5, -1, most_bytes[j]);
            struct output output = {0};
            if (coder == NULL)
                continue;
            assert_int_equal(give(&kinds[i], coder, CODER_FINISH, slice_of(body, BODY_BYTES), LARGEST_ROOM, &output),
                             CODER_DONE);
            assert_true(output.length < BODY_BYTES / 2);
            if (kinds[i].tool != NULL && has_tool(kinds[i].tool))
                expect_unpacked(&kinds[i], &output, BODY_BYTES);
            kinds[i].calls->destroy(coder);
            free(output.data);
        }
    }
}

static void windows_are_as_small_as_bodies(void **state)
{
    assert_int_equal(coder_window_bits(-1, 9, 15), 15);
    assert_int_equal(coder_window_bits(0, 9, 15), 9);
    assert_int_equal(coder_window_bits(512, 9, 15), 9);
    assert_int_equal(coder_window_bits(513, 9, 15), 10);
    assert_int_equal(coder_window_bits(INT64_MAX, 9, 15), 15);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_level_gives_back_what_went_in), cmocka_unit_test(every_length_gives_back_what_went_in),
        cmocka_unit_test(a_flush_gives_everything_out),        cmocka_unit_test(zstd_holds_bodies_to_their_length),
        cmocka_unit_test(memory_is_known_beforehand),          cmocka_unit_test(sparing_coders_give_back_what_went_in),
        cmocka_unit_test(windows_are_as_small_as_bodies),
    };
    fill_body();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
