#include "scenario/difference.h"

#include "base/alloc.h"
#include "base/characters.h"

#include <stdlib.h>

enum {
    CONTEXT_LINES = 3,
    LONGEST_SHOWN_BYTES = 160,
    MOST_CELLS = 4000000,
};

struct lines {
    struct slice *items;
    size_t count;
    size_t capacity;
};

/* One line of the result. */
struct change {
    char mark; /* '-', '+' or ' ' */
    struct slice line;
};

struct changes {
    struct change *items;
    size_t count;
    size_t capacity;
};

static void split(struct slice text, struct lines *lines)
{
    while (text.length != 0) {
        size_t end = slice_find(text, '\n');
        lines->items = mem_grow(lines->items, lines->count, &lines->capacity, sizeof(*lines->items));
        lines->items[lines->count++] = slice_of(text.data, end);
        text = slice_skip(text, end + (end != text.length));
    }
}

static void add(struct changes *changes, char mark, struct slice line)
{
    changes->items = mem_grow(changes->items, changes->count, &changes->capacity, sizeof(*changes->items));
    changes->items[changes->count++] = (struct change){mark, line};
}

static void add_lines(struct changes *changes, char mark, const struct slice *lines, size_t count)
{
    for (size_t i = 0; i < count; ++i)
        add(changes, mark, lines[i]);
}

/* The longest common subsequence: table[i][j] is its length for what begins at a[i] and b[j]. */
static uint32_t *measure(const struct slice *a, size_t rows, const struct slice *b, size_t columns)
{
    uint32_t *table = mem_zalloc((rows + 1) * (columns + 1) * sizeof(*table));
    for (size_t i = rows; i-- > 0;) {
        for (size_t j = columns; j-- > 0;) {
            uint32_t *cell = &table[i * (columns + 1) + j];
            uint32_t below = cell[columns + 1], right = cell[1];
            *cell = slice_equals(a[i], b[j]) ? cell[columns + 2] + 1 : below > right ? below : right;
        }
    }
    return table;
}

static void compare_middle(struct changes *changes, const struct slice *a, size_t rows, const struct slice *b,
                           size_t columns)
{
    if (rows == 0 || columns == 0 || rows > MOST_CELLS / columns) {
        add_lines(changes, '-', a, rows);
        add_lines(changes, '+', b, columns);
        return;
    }
    uint32_t *table = measure(a, rows, b, columns);
    size_t i = 0, j = 0;
    while (i < rows && j < columns) {
        const uint32_t *cell = &table[i * (columns + 1) + j];
        if (slice_equals(a[i], b[j])) {
            add(changes, ' ', a[i++]);
            ++j;
        } else if (cell[columns + 1] >= cell[1]) {
            add(changes, '-', a[i++]);
        } else {
            add(changes, '+', b[j++]);
        }
    }
    add_lines(changes, '-', a + i, rows - i);
    add_lines(changes, '+', b + j, columns - j);
    free(table);
}

static void compare(const struct lines *expected, const struct lines *seen, struct changes *changes)
{
    const struct slice *a = expected->items, *b = seen->items;
    size_t rows = expected->count, columns = seen->count, same = 0, tail = 0;
    while (same < rows && same < columns && slice_equals(a[same], b[same]))
        ++same;
    while (tail < rows - same && tail < columns - same && slice_equals(a[rows - tail - 1], b[columns - tail - 1]))
        ++tail;
    add_lines(changes, ' ', a, same);
    compare_middle(changes, a + same, rows - same - tail, b + same, columns - same - tail);
    add_lines(changes, ' ', a + (rows - tail), tail);
}

static void print_line(const struct change *change, struct text *out)
{
    struct slice rest = change->line;
    size_t start = out->length;
    if (change->mark != ' ' || rest.length != 0)
        text_print(out, rest.length == 0 ? "%c" : "%c ", change->mark);
    while (rest.length != 0 && out->length - start < LONGEST_SHOWN_BYTES) {
        size_t length = character_length(rest);
        struct slice character = slice_of(rest.data, length == 0 ? 1 : length);
        if (length == 0 || (character_is_control(character) && rest.data[0] != '\t'))
            text_print(out, "\\x%02x", (unsigned char)rest.data[0]);
        else
            text_add(out, character);
        rest = slice_skip(rest, length == 0 || character_is_control(character) ? 1 : length);
    }
    if (rest.length != 0)
        text_print(out, "... (%zu bytes more)", rest.length);
    text_add_char(out, '\n');
}

static bool is_near_change(const struct changes *changes, size_t number)
{
    size_t first = number < CONTEXT_LINES ? 0 : number - CONTEXT_LINES;
    size_t last = number + CONTEXT_LINES;
    for (size_t i = first; i <= last && i < changes->count; ++i) {
        if (changes->items[i].mark != ' ')
            return true;
    }
    return false;
}

static void print_changes(const struct changes *changes, struct text *out)
{
    bool is_left_out = false;
    for (size_t i = 0; i < changes->count; ++i) {
        bool is_shown = i == 0 || is_near_change(changes, i);
        if (!is_shown && !is_left_out)
            text_print(out, "  ...\n");
        is_left_out = !is_shown;
        if (is_shown)
            print_line(&changes->items[i], out);
    }
}

void difference_print(struct slice expected, struct slice seen, struct text *out)
{
    struct lines old = {0}, new = {0};
    struct changes changes = {0};
    split(expected, &old);
    split(seen, &new);
    compare(&old, &new, &changes);
    print_changes(&changes, out);
    free(old.items);
    free(new.items);
    free(changes.items);
}
