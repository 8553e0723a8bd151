#include "scenario/piece_queue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* Which pieces come out, and which is the last one. */

static void assert_next(struct piece_queue *queue, const char *expected, bool expected_last)
{
    struct slice piece;
    bool last;
    assert_true(piece_queue_take(queue, &piece, &last));
    assert_true(slice_equals(piece, slice_from_text(expected)));
    assert_int_equal(last, expected_last);
}

static void assert_none(struct piece_queue *queue)
{
    struct slice piece;
    bool last;
    assert_false(piece_queue_take(queue, &piece, &last));
}

static void add(struct piece_queue *queue, struct arena *arena, const char *text, size_t chunk_bytes)
{
    const struct slice piece = slice_from_text(text);
    const struct content content = {.is_written = true, .pieces = &piece, .count = 1, .length = piece.length};
    piece_queue_add(queue, arena, &content, chunk_bytes);
}

static void pieces_come_as_they_are(void **state)
{
    struct piece_queue queue = {0};
    struct arena arena;
    arena_init(&arena, 0);
    assert_none(&queue);
    add(&queue, &arena, "one", 0);
    add(&queue, &arena, "", 0);
    assert_next(&queue, "one", false);
    assert_none(&queue);
    add(&queue, &arena, "two", 0);
    piece_queue_complete(&queue);
    assert_next(&queue, "two", true);
    assert_none(&queue);
    arena_finish(&arena);
}

static void an_end_without_a_piece_is_an_empty_one(void **state)
{
    struct piece_queue queue = {0}, other = {0};
    struct arena arena;
    arena_init(&arena, 0);
    piece_queue_complete(&queue);
    assert_next(&queue, "", true);
    assert_none(&queue);
    add(&other, &arena, "one", 0);
    assert_next(&other, "one", false);
    piece_queue_complete(&other);
    assert_next(&other, "", true);
    arena_finish(&arena);
}

static void pieces_are_cut(void **state)
{
    struct piece_queue queue = {0};
    struct arena arena;
    arena_init(&arena, 0);
    add(&queue, &arena, "abcdefg", 3);
    add(&queue, &arena, "hij", 3);
    piece_queue_complete(&queue);
    assert_next(&queue, "abc", false);
    assert_next(&queue, "def", false);
    assert_next(&queue, "g", false);
    assert_next(&queue, "hij", true);
    arena_finish(&arena);
}

static void of_a_long_piece_the_ends_are_cut(void **state)
{
    static char bytes[20001];
    struct piece_queue queue = {0};
    struct arena arena;
    struct slice piece;
    size_t count = 0, sum = 0, longest = 0;
    bool last = false;
    arena_init(&arena, 0);
    memset(bytes, 'x', sizeof(bytes) - 1);
    add(&queue, &arena, bytes, 1);
    piece_queue_complete(&queue);
    for (; !last; ++count) {
        assert_true(piece_queue_take(&queue, &piece, &last));
        sum += piece.length;
        longest = piece.length > longest ? piece.length : longest;
    }
    assert_int_equal(sum, 20000);
    assert_int_equal(longest, 20000 - 2 * 8192);
    assert_int_equal(count, 2 * 8192 + 1);
    assert_int_equal(piece.length, 1);
    arena_finish(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_come_as_they_are),
        cmocka_unit_test(an_end_without_a_piece_is_an_empty_one),
        cmocka_unit_test(pieces_are_cut),
        cmocka_unit_test(of_a_long_piece_the_ends_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
