#include "config/wording.h"

#include <inttypes.h>

enum {
    LONGEST_QUOTE = 120,
};

struct unit {
    const char *name;
    int64_t factor;
};

const char *wording_quote(struct arena *arena, struct slice text)
{
    bool is_cut = text.length > LONGEST_QUOTE;
    struct slice shown = is_cut ? slice_of(text.data, LONGEST_QUOTE) : text;
    while (is_cut && shown.length != 0 && ((unsigned char)text.data[shown.length] & 0xc0) == 0x80)
        --shown.length;
    char *quote = arena_alloc(arena, shown.length + sizeof("..."));
    for (size_t i = 0; i < shown.length; ++i) {
        bool is_control = (unsigned char)shown.data[i] < ' ' || shown.data[i] == 0x7f;
        quote[i] = is_control ? '?' : shown.data[i];
    }
    strcpy(quote + shown.length, is_cut ? "..." : "");
    return quote;
}

const char *wording_home_hint(const char *path)
{
    return strstr(path, "/~/") == NULL ? "" : " ('~' means nothing here: write the whole path)";
}

static const char *print_in_units(struct arena *arena, int64_t number, const struct unit *units)
{
    while (number % units->factor != 0)
        ++units;
    return arena_print(arena, "%" PRId64 "%s", number / units->factor, units->name).data;
}

const char *wording_duration(struct arena *arena, int64_t duration_ms)
{
    static const struct unit units[] = {
        {"y", 365 * 86400000LL}, {"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}};
    return duration_ms == 0 ? "0" : print_in_units(arena, duration_ms, units);
}

const char *wording_size(struct arena *arena, int64_t size_bytes)
{
    static const struct unit units[] = {{"GB", 1L << 30}, {"MB", 1L << 20}, {"KB", 1L << 10}, {"", 1}};
    return size_bytes == 0 ? "0" : print_in_units(arena, size_bytes, units);
}
