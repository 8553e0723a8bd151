#include "base/metrics_format.h"

#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Below it all whole numbers have a double of their own, and no exponent. */
static const double most_whole = 1e15;

static void add_escaped(struct text *out, struct slice text, bool is_label)
{
    for (size_t i = 0; i < text.length; ++i) {
        if (text.data[i] == '\\' || (is_label && text.data[i] == '"'))
            text_add_char(out, '\\');
        text_add_char(out, text.data[i]);
    }
}

void metrics_format_head(const char *name, const char *kind, const char *help, struct text *out)
{
    if (help[0] != '\0') {
        text_print(out, "# HELP %s ", name);
        add_escaped(out, slice_from_text(help), false);
        text_add_char(out, '\n');
    }
    text_print(out, "# TYPE %s %s\n", name, kind);
}

/* The shortest text that reads as that number again. */
static void add_fraction(double number, struct text *out)
{
    char digits[40];
    for (int precision = 15; precision <= 17; ++precision) {
        snprintf(digits, sizeof(digits), "%.*g", precision, number);
        if (strtod(digits, NULL) == number)
            break;
    }
    text_add(out, slice_from_text(digits));
}

void metrics_format_number(double number, struct text *out)
{
    if (fabs(number) < most_whole && number == (double)(int64_t)number) {
        text_print(out, "%" PRId64, (int64_t)number);
    } else if (!isfinite(number)) {
        text_add(out, isnan(number) ? SLICE("NaN") : number > 0 ? SLICE("+Inf") : SLICE("-Inf"));
    } else {
        /* A library may have chosen a locale for the process in which numbers have a comma. */
        locale_t plain = newlocale(LC_ALL_MASK, "C", NULL), before = uselocale(plain);
        add_fraction(number, out);
        uselocale(before);
        freelocale(plain);
    }
}

void metrics_format_label(char before, const char *label, struct slice value, struct text *out)
{
    text_print(out, "%c%s=\"", before, label);
    add_escaped(out, value, true);
    text_add_char(out, '"');
}
