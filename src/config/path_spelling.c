#include "config/path_spelling.h"

#include "base/text.h"

static bool is_unreserved(char c)
{
    char lower = ascii_lower(c);
    return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || (c != '\0' && strchr("-._~", c) != NULL);
}

static bool stands_for_itself(char c)
{
    return is_unreserved(c) || (c != '\0' && strchr("!$&'()*+,;=:@/", c) != NULL);
}

/* Adds one character or escape of path and returns how many bytes it took, 0 for a broken escape. */
static size_t spell_character(struct slice path, struct text *out)
{
    char c = path.data[0];
    if (stands_for_itself(c)) {
        text_add_char(out, c);
        return 1;
    }
    if (c != '%') {
        text_print(out, "%%%02X", (unsigned char)c);
        return 1;
    }
    int escaped = ascii_escaped(path);
    if (escaped < 0)
        return 0;
    c = (char)escaped;
    if (is_unreserved(c))
        text_add_char(out, c);
    else
        text_print(out, "%%%02X", (unsigned char)c);
    return 3;
}

static void drop_segment(struct text *out)
{
    while (out->length != 0 && out->data[--out->length] != '/')
        ;
    out->data[out->length] = '\0';
}

/* Adds path without empty and dot segments. */
static void add_segments(struct slice path, bool is_incomplete, struct text *out)
{
    path = slice_skip(path, 1);
    for (bool is_last = false; !is_last;) {
        size_t end = slice_find(path, '/');
        struct slice segment = slice_of(path.data, end);
        is_last = end == path.length;
        bool is_kept = is_last && is_incomplete;
        bool is_dot = slice_equals(segment, SLICE("."));
        bool is_up = slice_equals(segment, SLICE(".."));
        if (is_up && !is_kept)
            drop_segment(out);
        if (is_kept || (!is_dot && !is_up && (segment.length != 0 || is_last))) {
            text_add_char(out, '/');
            text_add(out, segment);
        } else if (is_last) {
            text_add_char(out, '/');
        }
        path = slice_skip(path, is_last ? end : end + 1);
    }
}

const char *path_spelling(struct slice path, bool is_incomplete, struct arena *arena, struct slice *spelling)
{
    struct text escaped = TEXT_INIT, clean = TEXT_INIT;
    const char *problem = NULL;
    if (slice_find(path, '?') != path.length)
        problem = "holds a '?', but the query is no part of the path";
    while (path.length != 0 && problem == NULL) {
        size_t taken = spell_character(path, &escaped);
        path = slice_skip(path, taken);
        if (taken == 0)
            problem = "has a '%' without two hexadecimal digits behind it";
    }
    if (problem == NULL && memmem(escaped.data, escaped.length, "%00", 3) != NULL)
        problem = "holds %00, which no request may";
    if (problem == NULL) {
        text_add(&clean, SLICE(""));
        add_segments(text_slice(&escaped), is_incomplete, &clean);
        *spelling = arena_copy(arena, text_slice(&clean));
    }
    text_finish(&escaped);
    text_finish(&clean);
    return problem;
}
