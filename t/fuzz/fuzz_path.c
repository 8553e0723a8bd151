#include "fuzz.h"
#include "plan/path.h"

/* "/a/../b" and the like must not be left in a canonical path. */
static bool has_segment(struct slice path, struct slice segment)
{
    struct slice rest = slice_skip(path, 1);
    for (;;) {
        size_t end = slice_find(rest, '/');
        if (slice_equals(slice_of(rest.data, end), segment))
            return true;
        if (end == rest.length)
            return false;
        rest = slice_skip(rest, end + 1);
    }
}

static void check_canonical(struct slice path, struct arena *arena)
{
    struct slice again;
    CLAIM(path.length != 0 && path.data[0] == '/');
    CLAIM(!has_segment(path, SLICE(".")) && !has_segment(path, SLICE("..")));
    for (size_t i = 0; i < path.length; ++i) {
        CLAIM(path.data[i] > 0x20 && path.data[i] < 0x7f && path.data[i] != '#' && path.data[i] != '\\');
        CLAIM(i == 0 || path.data[i] != '/' || path.data[i - 1] != '/');
    }
    CLAIM(path_canonicalize(path, arena, &again) == PATH_OK);
    CLAIM(slice_equals(again, path));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct arena arena;
    struct slice path = slice_of((const char *)bytes, size), canonical;
    /* the seeds are text files */
    if (size != 0 && bytes[size - 1] == '\n')
        --path.length;
    arena_init(&arena, 0);
    if (path_canonicalize(path, &arena, &canonical) == PATH_OK)
        check_canonical(canonical, &arena);
    arena_finish(&arena);
    return 0;
}
