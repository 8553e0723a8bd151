/* The filter replace's scanner against the simplest program that does the same with the whole text at hand. */

#include "replace/scanner.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum {
    MOST_RULES = 4,
    LONGEST_FROM = 6,
    LONGEST_INPUT = 60,
    LONGEST_OUTPUT = 4 * LONGEST_INPUT,
};

struct output {
    char data[LONGEST_OUTPUT];
    size_t length;
};

static void add(void *target, const char *data, size_t length)
{
    struct output *output = target;
    assert_true(output->length + length <= sizeof(output->data));
    memcpy(output->data + output->length, data, length);
    output->length += length;
}

static char fold(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
}

static bool begins(const struct rules *rules, const struct rule *rule, const char *data, size_t length)
{
    for (size_t i = 0; i < rule->from_length; ++i) {
        if (i == length)
            return false;
        if (rules->ignores_case ? fold(data[i]) != fold(rule->from[i]) : data[i] != rule->from[i])
            return false;
    }
    return true;
}

static void replace_simply(const struct rules *rules, const char *data, size_t length, struct output *output)
{
    for (size_t at = 0; at < length;) {
        size_t i = 0;
        while (i < rules->count && !begins(rules, &rules->items[i], data + at, length - at))
            ++i;
        if (i == rules->count) {
            add(output, data + at++, 1);
            continue;
        }
        add(output, rules->items[i].to, rules->items[i].to_length);
        at += rules->items[i].from_length;
    }
}

/* Each piece in memory of its own, so that a sanitizer sees every look beyond it. */
static void replace_in_pieces(const struct rules *rules, const char *data, size_t length, size_t longest_piece,
                              struct output *output)
{
    char *held = malloc(2 * rules->longest);
    struct scanner scanner = {.rules = rules, .held = held, .write = add, .target = output};
    size_t at = 0;
    bool last = false;
    while (!last) {
        size_t piece_length = (size_t)rand() % (longest_piece + 1);
        if (piece_length > length - at)
            piece_length = length - at;
        last = at + piece_length == length;
        char *piece = malloc(piece_length + 1);
        memcpy(piece, data + at, piece_length);
        piece = realloc(piece, piece_length == 0 ? 1 : piece_length);
        scanner_take(&scanner, piece, piece_length, last);
        free(piece);
        at += piece_length;
    }
    free(held);
}

static void fill(char *text, size_t length, const char *letters)
{
    for (size_t i = 0; i < length; ++i)
        text[i] = letters[(size_t)rand() % strlen(letters)];
}

static void pieces_make_no_difference(void **state)
{
    for (unsigned round = 0; round < 100000; ++round) {
        char from[MOST_RULES][LONGEST_FROM], to[MOST_RULES][3], input[LONGEST_INPUT];
        struct rule items[MOST_RULES];
        struct rules rules = {.items = items, .count = 1 + (size_t)rand() % MOST_RULES, .ignores_case = round % 2};
        struct output expected = {.length = 0}, found = {.length = 0};
        for (size_t i = 0; i < rules.count; ++i) {
            items[i] = (struct rule){from[i], to[i], 1 + (size_t)rand() % LONGEST_FROM, (size_t)rand() % 4};
            fill(from[i], items[i].from_length, "abA");
            fill(to[i], items[i].to_length, "XYZ");
        }
        rules_prepare(&rules);
        size_t length = (size_t)rand() % (LONGEST_INPUT + 1);
        fill(input, length, "aaabbbABc");
        replace_simply(&rules, input, length, &expected);
        replace_in_pieces(&rules, input, length, 1 + round % 7, &found);
        assert_int_equal(found.length, expected.length);
        assert_memory_equal(found.data, expected.data, expected.length);
    }
}

static void what_cannot_begin_a_text_is_not_held(void **state)
{
    struct rule items[] = {{"</head>", "", 7, 0}};
    struct rules rules = {.items = items, .count = 1};
    struct output output = {.length = 0};
    char held[14];
    rules_prepare(&rules);
    struct scanner scanner = {.rules = &rules, .held = held, .write = add, .target = &output};
    scanner_take(&scanner, "<p>one</p></h", 13, false);
    assert_int_equal(output.length, 10);
    assert_int_equal(scanner.held_length, 3);
    scanner_take(&scanner, "1>", 2, false);
    assert_int_equal(output.length, 15);
    assert_int_equal(scanner.held_length, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_make_no_difference),
        cmocka_unit_test(what_cannot_begin_a_text_is_not_held),
    };
    srand(1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
