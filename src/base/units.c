#include "base/units.h"

#include <locale.h>
#include <math.h>
#include <stdlib.h>

enum {
    LONGEST_NUMBER_BYTES = 63,
};

struct unit {
    const char *name;
    int64_t factor;
};

/* Reads digits with at most three decimals as thousandths, and leaves the unit in *rest. */
static bool parse_thousandths(struct slice text, int64_t *thousandths, struct slice *rest)
{
    size_t i = 0;
    int64_t sum = 0;
    int decimals = -1;
    for (; i < text.length; ++i) {
        if (text.data[i] == '.' && decimals < 0 && i != 0) {
            decimals = 0;
            continue;
        }
        if (!ascii_is_digit(text.data[i]))
            break;
        if (decimals >= 0 && ++decimals > 3)
            return false;
        if (__builtin_mul_overflow(sum, 10, &sum) || __builtin_add_overflow(sum, text.data[i] - '0', &sum))
            return false;
    }
    if (i == 0 || decimals == 0)
        return false;
    for (int missing = 3 - (decimals < 0 ? 0 : decimals); missing > 0; --missing) {
        if (__builtin_mul_overflow(sum, 10, &sum))
            return false;
    }
    *thousandths = sum;
    *rest = slice_trim(slice_skip(text, i));
    return true;
}

static bool parse_with_units(struct slice text, const struct unit *units, int64_t *result)
{
    int64_t thousandths;
    struct slice name;
    if (!parse_thousandths(text, &thousandths, &name))
        return false;
    for (; units->name != NULL; ++units) {
        if (!slice_equals_nocase(name, slice_from_text(units->name)))
            continue;
        int64_t product;
        if (__builtin_mul_overflow(thousandths, units->factor, &product) || product % 1000 != 0)
            return false;
        *result = product / 1000;
        return true;
    }
    return false;
}

bool units_parse_duration_ms(struct slice text, int64_t *duration_ms)
{
    static const struct unit units[] = {
        {"ms", 1}, {"s", 1000}, {"m", 60000}, {"min", 60000}, {"h", 3600000}, {"d", 86400000}, {"y", 365 * 86400000LL},
        {NULL, 0}};
    if (slice_equals(text, SLICE("0"))) {
        *duration_ms = 0;
        return true;
    }
    return parse_with_units(text, units, duration_ms);
}

bool units_parse_size_bytes(struct slice text, int64_t *size_bytes)
{
    static const struct unit units[] = {{"", 1},           {"B", 1},         {"k", 1L << 10},   {"KB", 1L << 10},
                                        {"KiB", 1L << 10}, {"M", 1L << 20},  {"MB", 1L << 20},  {"MiB", 1L << 20},
                                        {"G", 1L << 30},   {"GB", 1L << 30}, {"GiB", 1L << 30}, {NULL, 0}};
    return parse_with_units(text, units, size_bytes);
}

static struct slice skip_digits(struct slice text, bool *has_some)
{
    size_t count = 0;
    while (count < text.length && ascii_is_digit(text.data[count]))
        ++count;
    *has_some = count != 0;
    return slice_skip(text, count);
}

static bool is_one_of(struct slice text, const char *characters)
{
    return text.length != 0 && text.data[0] != '\0' && strchr(characters, text.data[0]) != NULL;
}

/* strtod takes more than this: blanks, "0x1p3", "inf". */
static bool is_decimal(struct slice text)
{
    bool has_digits;
    text = skip_digits(slice_skip(text, is_one_of(text, "+-")), &has_digits);
    if (has_digits && is_one_of(text, "."))
        text = skip_digits(slice_skip(text, 1), &has_digits);
    if (has_digits && is_one_of(text, "eE")) {
        text = slice_skip(text, 1);
        text = skip_digits(slice_skip(text, is_one_of(text, "+-")), &has_digits);
    }
    return has_digits && text.length == 0;
}

bool units_parse_number(struct slice text, double *number)
{
    char terminated[LONGEST_NUMBER_BYTES + 1];
    if (text.length > LONGEST_NUMBER_BYTES || !is_decimal(text))
        return false;
    memcpy(terminated, text.data, text.length);
    terminated[text.length] = '\0';
    /* a library may have chosen a locale for the process in which numbers have a comma */
    locale_t plain = newlocale(LC_ALL_MASK, "C", NULL);
    *number = strtod_l(terminated, NULL, plain);
    freelocale(plain);
    return isfinite(*number);
}
