#include "base/metric_declaration.h"

#include "base/characters.h"

#include <math.h>

enum {
    USUAL_SERIES = 100,
};

static bool is_name(struct slice text)
{
    for (size_t i = 0; i < text.length; ++i) {
        char c = text.data[i];
        if (!(c >= 'a' && c <= 'z') && c != '_' && (i == 0 || !ascii_is_digit(c)))
            return false;
    }
    return text.length != 0;
}

static bool check_name(const struct metric_declaration *declaration, struct error *error)
{
    static const char *const reserved[] = {"_total", "_bucket", "_count", "_sum"};
    struct slice name = declaration->name;
    if (!is_name(name) || name.length >= METRIC_NAME_BYTES)
        return error_set(error, "its name is not made of a-z, 0-9 and _, or too long");
    bool is_reserved = slice_starts_with(name, SLICE("flexilib_"));
    if (declaration->is_own && !is_reserved)
        return error_set(error, "names of FlexiLib's own begin with flexilib_");
    if (!declaration->is_own && is_reserved)
        return error_set(error, "names that begin with flexilib_ are FlexiLib's own");
    if (declaration->kind == METRIC_COUNTER)
        return slice_ends_with(name, SLICE("_total")) || error_set(error, "the name of a counter ends in _total");
    for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); ++i) {
        if (slice_ends_with(name, slice_from_text(reserved[i])))
            return error_set(error, "only a counter's name ends in _total, and none in _bucket, _count or _sum");
    }
    return true;
}

static bool check_help(struct slice help, struct error *error)
{
    if (help.length >= METRIC_HELP_BYTES)
        return error_set(error, "its help has more than %d bytes", METRIC_HELP_BYTES - 1);
    while (help.length != 0) {
        size_t length = character_length(help);
        if (length == 0 || character_is_control(slice_of(help.data, length)))
            return error_set(error, "its help is not one line of text");
        help = slice_skip(help, length);
    }
    return true;
}

static bool check_label(const struct metric_declaration *declaration, size_t index, struct error *error)
{
    struct slice label = declaration->labels[index];
    if (!is_name(label) || label.length >= METRIC_LABEL_BYTES || slice_starts_with(label, SLICE("__")))
        return error_set(error, "a label's name is not made of a-z, 0-9 and _, begins with __, or is too long");
    if (declaration->kind == METRIC_HISTOGRAM && slice_equals(label, SLICE("le")))
        return error_set(error, "a histogram has its own label 'le'");
    for (size_t i = 0; i < index; ++i) {
        if (slice_equals(label, declaration->labels[i]))
            return error_set(error, "it has the label '%.*s' twice", SLICE_ARG(label));
    }
    return true;
}

static bool check_labels(const struct metric_declaration *declaration, struct error *error)
{
    if (declaration->label_count > METRIC_MOST_LABELS)
        return error_set(error, "it has more than %d labels", METRIC_MOST_LABELS);
    for (size_t i = 0; i < declaration->label_count; ++i) {
        if (!check_label(declaration, i, error))
            return false;
    }
    return true;
}

static bool check_buckets(const struct metric_declaration *declaration, struct error *error)
{
    size_t count = declaration->bucket_count;
    if (declaration->kind != METRIC_HISTOGRAM)
        return count == 0 || error_set(error, "only a histogram has buckets");
    if (count == 0 || count > METRIC_MOST_BUCKETS)
        return error_set(error, "a histogram has 1 to %d buckets", METRIC_MOST_BUCKETS);
    for (size_t i = 0; i < count; ++i) {
        if (!isfinite(declaration->buckets[i]) || (i != 0 && declaration->buckets[i] <= declaration->buckets[i - 1]))
            return error_set(error, "its buckets are not finite and ascending");
    }
    return true;
}

bool metric_declaration_check(const struct metric_declaration *declaration, struct error *error)
{
    if (declaration->kind < METRIC_COUNTER || declaration->kind > METRIC_HISTOGRAM)
        return error_set(error, "it is no counter, gauge or histogram");
    if (declaration->most_series > METRICS_SERIES_EACH)
        return error_set(error, "it may have %d series at most", METRICS_SERIES_EACH);
    return check_name(declaration, error) && check_help(declaration->help, error) && check_labels(declaration, error) &&
           check_buckets(declaration, error);
}

static void copy_text(char *to, struct slice text)
{
    if (text.length != 0)
        memcpy(to, text.data, text.length);
}

void metric_declaration_record(const struct metric_declaration *declaration, struct metric_record *record)
{
    record->kind = (uint32_t)declaration->kind;
    record->label_count = (uint32_t)declaration->label_count;
    record->bucket_count = (uint32_t)declaration->bucket_count;
    record->most_series = declaration->most_series == 0 ? USUAL_SERIES : (uint32_t)declaration->most_series;
    copy_text(record->name, declaration->name);
    copy_text(record->help, declaration->help);
    for (size_t i = 0; i < declaration->label_count; ++i)
        copy_text(record->labels[i], declaration->labels[i]);
    for (size_t i = 0; i < declaration->bucket_count; ++i)
        record->buckets[i] = declaration->buckets[i];
}

static struct slice text_of(const char *text, size_t capacity)
{
    return slice_of(text, strnlen(text, capacity));
}

bool metric_declaration_is_record(const struct metric_record *record)
{
    struct slice labels[METRIC_MOST_LABELS];
    struct error error = ERROR_INIT;
    struct slice name = text_of(record->name, METRIC_NAME_BYTES);
    if (record->kind > METRIC_HISTOGRAM || record->label_count > METRIC_MOST_LABELS)
        return false;
    for (size_t i = 0; i < record->label_count; ++i)
        labels[i] = text_of(record->labels[i], METRIC_LABEL_BYTES);
    const struct metric_declaration declaration = {
        .kind = (int32_t)record->kind,
        .name = name,
        .is_own = slice_starts_with(name, SLICE("flexilib_")),
        .help = text_of(record->help, METRIC_HELP_BYTES),
        .labels = labels,
        .label_count = record->label_count,
        .buckets = record->buckets,
        .bucket_count = record->bucket_count,
    };
    return metric_declaration_check(&declaration, &error);
}

bool metric_declaration_agrees(const struct metric_record *a, const struct metric_record *b)
{
    if (a->kind != b->kind || a->label_count != b->label_count || a->bucket_count != b->bucket_count)
        return false;
    for (size_t i = 0; i < a->label_count && i < METRIC_MOST_LABELS; ++i) {
        if (strncmp(a->labels[i], b->labels[i], METRIC_LABEL_BYTES) != 0)
            return false;
    }
    for (size_t i = 0; i < a->bucket_count && i < METRIC_MOST_BUCKETS; ++i) {
        if (a->buckets[i] != b->buckets[i])
            return false;
    }
    return true;
}
