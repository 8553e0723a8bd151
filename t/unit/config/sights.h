#ifndef SIGHTS_H
#define SIGHTS_H

/* What a source has seen. */

#include "config/source.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct sights {
    struct source_sight items[64];
    size_t count;
};

static inline void on_sight(void *data, const struct source_sight *sight)
{
    struct sights *sights = data;
    assert_true(sights->count < 64);
    sights->items[sights->count++] = *sight;
}

/* The paths live as long as the source; nothing must be read from it afterwards. */
static inline struct sights sights_of(struct source *source)
{
    struct sights sights = {.count = 0};
    source_observe(source, on_sight, &sights);
    return sights;
}

/* Exactly one thing was missing. */
static inline void assert_missing(struct source *source, enum watch_kind kind, const char *path)
{
    struct sights sights = sights_of(source);
    size_t count = 0;
    for (size_t i = 0; i < sights.count; ++i) {
        if (sights.items[i].kind == WATCH_PATTERN || sights.items[i].content != 0)
            continue;
        assert_int_equal(sights.items[i].kind, kind);
        assert_string_equal(sights.items[i].path, path);
        ++count;
    }
    assert_int_equal(count, 1);
}

#endif
