#include "base/arena.h"

#include "base/poison.h"

#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void counts_what_is_ready_and_taken(void **state)
{
    struct arena arena;
    arena_init(&arena, 1024);
    assert_int_equal(arena.ready_bytes, 1024);
    assert_int_equal(arena.taken_bytes, 0);
    arena_alloc(&arena, 1);
    assert_int_equal(arena.taken_bytes, alignof(max_align_t));
    arena_alloc(&arena, 5000);
    assert_true(arena.taken_bytes >= 5016);
    arena_clear(&arena);
    assert_int_equal(arena.ready_bytes, 1024);
    assert_int_equal(arena.taken_bytes, 0);
    arena_finish(&arena);
}

static void gives_separate_aligned_pieces(void **state)
{
    struct arena arena;
    arena_init(&arena, 100);
    unsigned char *pieces[200];
    for (size_t i = 0; i < 200; ++i) {
        pieces[i] = arena_alloc(&arena, i * 7);
        assert_int_equal((uintptr_t)pieces[i] % alignof(max_align_t), 0);
        memset(pieces[i], (int)i, i * 7);
    }
    for (size_t i = 0; i < 200; ++i) {
        for (size_t j = 0; j < i * 7; ++j)
            assert_int_equal(pieces[i][j], i);
    }
    arena_finish(&arena);
}

static void reuses_the_ready_block_after_clear(void **state)
{
    struct arena arena;
    arena_init(&arena, 256);
    void *first = arena_alloc(&arena, 16);
    arena_alloc(&arena, 10000);
    arena_clear(&arena);
    assert_ptr_equal(arena_alloc(&arena, 16), first);
    arena_finish(&arena);

    arena_init(&arena, 0);
    arena_clear(&arena);
    assert_string_equal(arena_copy(&arena, SLICE("x")).data, "x");
    arena_clear(&arena);
    arena_finish(&arena);
}

static void copies_prints_and_grows(void **state)
{
    struct arena arena;
    arena_init(&arena, 0);
    struct slice copy = arena_copy(&arena, SLICE("hello"));
    assert_int_equal(copy.length, 5);
    assert_string_equal(copy.data, "hello");
    assert_string_equal(arena_copy(&arena, SLICE_NONE).data, "");
    assert_string_equal(arena_print(&arena, "%s-%d", "a", 7).data, "a-7");
    int *numbers = NULL;
    size_t capacity = 0;
    for (int i = 0; i < 100; ++i) {
        numbers = arena_grow(&arena, numbers, (size_t)i, &capacity, sizeof(*numbers));
        numbers[i] = i;
    }
    for (int i = 0; i < 100; ++i)
        assert_int_equal(numbers[i], i);
    arena_finish(&arena);
}

static void cleared_memory_is_nobodys(void **state)
{
    struct arena arena;
    arena_init(&arena, 1024);
    const char *kept = arena_copy(&arena, SLICE("kept too long")).data;
    assert_false(is_poisoned(kept));
    arena_clear(&arena);
#if defined(__SANITIZE_ADDRESS__)
    assert_true(is_poisoned(kept));
#endif
    const char *fresh = arena_alloc(&arena, 3);
    assert_ptr_equal(fresh, kept);
    assert_false(is_poisoned(fresh + 2));
    arena_finish(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_what_is_ready_and_taken),     cmocka_unit_test(gives_separate_aligned_pieces),
        cmocka_unit_test(reuses_the_ready_block_after_clear), cmocka_unit_test(copies_prints_and_grows),
        cmocka_unit_test(cleared_memory_is_nobodys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
