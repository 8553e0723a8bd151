#include "base/suggest.h"

#include <limits.h>
#include <stdio.h>

enum {
    LONGEST_WORD = 64,
};

static unsigned least(unsigned a, unsigned b, unsigned c)
{
    unsigned lesser = a < b ? a : b;
    return lesser < c ? lesser : c;
}

/* Edits (insert, delete, replace, swap neighbours) that turn a into b: Damerau-Levenshtein, adjacent swaps only. */
static unsigned count_edits(struct slice a, struct slice b)
{
    unsigned rows[3][LONGEST_WORD + 1];
    unsigned *before = rows[0], *above = rows[1], *row = rows[2];
    for (size_t j = 0; j <= b.length; ++j)
        above[j] = (unsigned)j;
    for (size_t i = 1; i <= a.length; ++i) {
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= b.length; ++j) {
            unsigned differs = ascii_lower(a.data[i - 1]) != ascii_lower(b.data[j - 1]);
            row[j] = least(above[j] + 1, row[j - 1] + 1, above[j - 1] + differs);
            if (i > 1 && j > 1 && a.data[i - 1] == b.data[j - 2] && a.data[i - 2] == b.data[j - 1])
                row[j] = least(row[j], before[j - 2] + 1, UINT_MAX);
        }
        unsigned *spare = before;
        before = above;
        above = row;
        row = spare;
    }
    return above[b.length];
}

struct suggest suggest_start(struct slice wanted)
{
    return (struct suggest){.wanted = wanted, .best = SLICE_NONE, .distance = UINT_MAX};
}

void suggest_offer(struct suggest *suggest, struct slice known)
{
    if (known.length > LONGEST_WORD || suggest->wanted.length > LONGEST_WORD || known.length == 0)
        return;
    unsigned distance = count_edits(suggest->wanted, known);
    if (distance < suggest->distance) {
        suggest->distance = distance;
        suggest->best = known;
    }
}

struct slice suggest_result(const struct suggest *suggest)
{
    size_t tolerated = suggest->wanted.length / 3 + 1;
    return suggest->distance <= tolerated && suggest->distance < suggest->wanted.length ? suggest->best : SLICE_NONE;
}

const char *suggest_phrase(const struct suggest *suggest, char phrase[SUGGEST_PHRASE_BYTES])
{
    struct slice best = suggest_result(suggest);
    phrase[0] = '\0';
    if (best.length != 0)
        snprintf(phrase, SUGGEST_PHRASE_BYTES, " (did you mean '%.*s'?)", SLICE_ARG(best));
    return phrase;
}
