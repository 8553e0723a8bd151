#include "process/manifest_compare.h"

#include "base/alloc.h"
#include "process/control_message.h"

#include <stdlib.h>

enum kind {
    KIND_ROUTE = 0,
    KIND_LIBRARY,
    KIND_FILE,
    KIND_SETTING,
    KIND_COUNT,
};

enum sign {
    SIGN_ADDED = 0,
    SIGN_CHANGED,
    SIGN_REMOVED,
    SIGN_COUNT,
};

static const char *const kind_names[KIND_COUNT] = {"route", "library", "file", "setting"};
static const char *const kind_plurals[KIND_COUNT] = {"routes", "libraries", "files", "settings"};

struct comparison {
    struct text *changes;
    size_t told;
    unsigned counts[KIND_COUNT][SIGN_COUNT];
    bool are_routes_told;
};

static enum kind find_kind(const struct manifest_line *line)
{
    for (int i = 0; i < KIND_COUNT; ++i) {
        if (slice_equals(line->kind, slice_from_text(kind_names[i])))
            return (enum kind)i;
    }
    return KIND_COUNT;
}

/* Of the same name, the first stands before the second, so that they are paired in their order. */
static int compare_lines(const void *a, const void *b)
{
    const struct manifest_line *left = *(const struct manifest_line *const *)a;
    const struct manifest_line *right = *(const struct manifest_line *const *)b;
    int order = slice_compare(left->kind, right->kind);
    order = order == 0 ? slice_compare(left->name, right->name) : order;
    return order != 0 ? order : (left > right) - (left < right);
}

static const struct manifest_line **sort(const struct manifest *manifest)
{
    const struct manifest_line **sorted = mem_alloc((manifest->count + 1) * sizeof(*sorted));
    for (size_t i = 0; i < manifest->count; ++i)
        sorted[i] = &manifest->lines[i];
    qsort(sorted, manifest->count, sizeof(*sorted), compare_lines);
    sorted[manifest->count] = NULL;
    return sorted;
}

static struct slice describe(const struct manifest_line *line, enum kind kind)
{
    if (line == NULL || kind == KIND_SETTING)
        return SLICE_NONE;
    return kind == KIND_ROUTE ? line->fourth : manifest_short_digest(line->digest);
}

static void tell(struct comparison *comparison, enum kind kind, const struct manifest_line *old,
                 const struct manifest_line *new)
{
    enum sign sign = old == NULL ? SIGN_ADDED : new == NULL ? SIGN_REMOVED : SIGN_CHANGED;
    const struct manifest_line *line = new == NULL ? old : new;
    ++comparison->counts[kind][sign];
    if (++comparison->told > MANIFEST_CHANGES)
        return;
    control_add_field(comparison->changes, SLICE("change"));
    control_add_field(comparison->changes, slice_of("+~-" + sign, 1));
    control_add_field(comparison->changes, slice_from_text(kind_names[kind]));
    control_add_field(comparison->changes, line->name);
    control_add_field(comparison->changes, describe(old, kind));
    control_add_field(comparison->changes, describe(new, kind));
    control_end_line(comparison->changes);
}

/* The key `routes` as a whole differs also where they stand in another order; it is told where nothing else is. */
static bool is_of_kind(const struct comparison *comparison, const struct manifest_line *line, enum kind kind)
{
    if (line == NULL || find_kind(line) != kind)
        return false;
    return kind != KIND_SETTING || !comparison->are_routes_told || !slice_equals(line->name, SLICE("routes"));
}

static void compare_kind(struct comparison *comparison, enum kind kind, const struct manifest_line *const *old,
                         const struct manifest_line *const *new)
{
    while (*old != NULL || *new != NULL) {
        if (*old != NULL && !is_of_kind(comparison, *old, kind)) {
            ++old;
            continue;
        }
        if (*new != NULL && !is_of_kind(comparison, *new, kind)) {
            ++new;
            continue;
        }
        int order = *old == NULL ? 1 : *new == NULL ? -1 : slice_compare((*old)->name, (*new)->name);
        if (order != 0 || !slice_equals((*old)->digest, (*new)->digest))
            tell(comparison, kind, order > 0 ? NULL : *old, order < 0 ? NULL : *new);
        old += order <= 0;
        new += order >= 0;
    }
}

static void print_summary(const struct comparison *comparison, struct text *summary)
{
    static const char *const signs[SIGN_COUNT] = {"added", "changed", "removed"};
    size_t start = summary->length;
    for (int kind = 0; kind < KIND_COUNT; ++kind) {
        for (int sign = 0; sign < SIGN_COUNT; ++sign) {
            unsigned count = comparison->counts[kind][sign];
            if (count != 0)
                text_print(summary, "%s%u %s %s", summary->length == start ? "" : ", ", count,
                           count == 1 ? kind_names[kind] : kind_plurals[kind], signs[sign]);
        }
    }
    if (summary->length == start)
        text_add(summary, SLICE("nothing changed"));
}

static bool has_told(const struct comparison *comparison, enum kind kind)
{
    const unsigned *counts = comparison->counts[kind];
    return counts[SIGN_ADDED] + counts[SIGN_CHANGED] + counts[SIGN_REMOVED] != 0;
}

bool manifest_compare(const struct manifest *old, const struct manifest *new, struct text *changes,
                      struct text *summary)
{
    struct comparison comparison = {.changes = changes};
    const struct manifest_line **old_sorted = sort(old), **new_sorted = sort(new);
    for (int kind = 0; kind < KIND_COUNT; ++kind) {
        if (kind != KIND_ROUTE || (!old->is_cut && !new->is_cut))
            compare_kind(&comparison, (enum kind)kind, old_sorted, new_sorted);
        comparison.are_routes_told = has_told(&comparison, KIND_ROUTE);
    }
    free(old_sorted);
    free(new_sorted);
    print_summary(&comparison, summary);
    if (comparison.told > MANIFEST_CHANGES)
        text_print(changes, "change\t~\tand %zu more\n", comparison.told - MANIFEST_CHANGES);
    return comparison.told != 0;
}

/* What a library needs is listed as a file. */
static bool is_code(const struct manifest_line *line)
{
    enum kind kind = find_kind(line);
    return kind == KIND_LIBRARY || (kind == KIND_FILE && memmem(line->name.data, line->name.length, ".so", 3) != NULL);
}

/* NULL at the end. */
static const struct manifest_line *next_code(const struct manifest_line ***rest)
{
    while (**rest != NULL && !is_code(**rest))
        ++*rest;
    return **rest == NULL ? NULL : *(*rest)++;
}

static bool have_same_code(const struct manifest *manifest, const struct manifest *other)
{
    const struct manifest_line **sorted = sort(manifest), **sorted_other = sort(other);
    const struct manifest_line **left = sorted, **right = sorted_other, *one, *two;
    do {
        one = next_code(&left);
        two = next_code(&right);
    } while (one != NULL && two != NULL && slice_equals(one->name, two->name) &&
             slice_equals(one->digest, two->digest));
    free(sorted);
    free(sorted_other);
    return one == NULL && two == NULL;
}

bool manifest_has_same_libraries(const char *snapshot, const char *other)
{
    struct manifest one, two;
    bool has_one = manifest_open(&one, snapshot), has_two = manifest_open(&two, other);
    bool are_same = has_one && has_two && have_same_code(&one, &two);
    manifest_close(&one);
    manifest_close(&two);
    return are_same;
}
