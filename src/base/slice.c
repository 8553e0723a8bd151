#include "base/slice.h"

bool slice_starts_with(struct slice text, struct slice prefix)
{
    return text.length >= prefix.length && (prefix.length == 0 || memcmp(text.data, prefix.data, prefix.length) == 0);
}

/* ascii_lower of eight bytes at once. Adding to seven bits of each byte carries into its eighth one where it is at
 * least the letter, and never beyond. */
static uint64_t lower_eight(uint64_t bytes)
{
    const uint64_t ones = UINT64_MAX / 0xff;
    uint64_t low_bits = bytes & 0x7f * ones;
    uint64_t from_a = low_bits + (0x80 - 'A') * ones, behind_z = low_bits + (0x7f - 'Z') * ones;
    uint64_t is_upper = (from_a ^ behind_z) & ~bytes & 0x80 * ones;
    return bytes | is_upper >> 2;
}

static bool equal_eight_nocase(const char *a, const char *b)
{
    uint64_t a_bytes, b_bytes;
    memcpy(&a_bytes, a, sizeof(a_bytes));
    memcpy(&b_bytes, b, sizeof(b_bytes));
    return a_bytes == b_bytes || lower_eight(a_bytes) == lower_eight(b_bytes);
}

bool slice_starts_with_nocase(struct slice text, struct slice prefix)
{
    size_t i = 0;
    if (text.length < prefix.length)
        return false;
    for (; prefix.length - i >= sizeof(uint64_t); i += sizeof(uint64_t)) {
        if (!equal_eight_nocase(text.data + i, prefix.data + i))
            return false;
    }
    /* the last eight bytes overlap those that were compared */
    if (i != 0) {
        size_t last = prefix.length - sizeof(uint64_t);
        return equal_eight_nocase(text.data + last, prefix.data + last);
    }
    for (; i < prefix.length; ++i) {
        if (ascii_lower(text.data[i]) != ascii_lower(prefix.data[i]))
            return false;
    }
    return true;
}

bool slice_ends_with(struct slice text, struct slice suffix)
{
    return text.length >= suffix.length && slice_equals(slice_skip(text, text.length - suffix.length), suffix);
}

int slice_compare(struct slice a, struct slice b)
{
    size_t shared = a.length < b.length ? a.length : b.length;
    int order = shared == 0 ? 0 : memcmp(a.data, b.data, shared);
    if (order != 0)
        return order;
    return (a.length > b.length) - (a.length < b.length);
}

struct slice slice_trim(struct slice text)
{
    while (text.length != 0 && (text.data[0] == ' ' || text.data[0] == '\t'))
        text = slice_skip(text, 1);
    while (text.length != 0 && (text.data[text.length - 1] == ' ' || text.data[text.length - 1] == '\t'))
        --text.length;
    return text;
}

struct slice slice_next_item(struct slice *rest, char separator)
{
    size_t end = slice_find(*rest, separator);
    struct slice item = slice_of(rest->data, end);
    *rest = slice_skip(*rest, end < rest->length ? end + 1 : end);
    return slice_trim(item);
}

bool slice_parse_number(struct slice text, uint64_t *number)
{
    uint64_t sum = 0;
    if (text.length == 0)
        return false;
    for (size_t i = 0; i < text.length; ++i) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        if (__builtin_mul_overflow(sum, 10, &sum) || __builtin_add_overflow(sum, (uint64_t)(text.data[i] - '0'), &sum))
            return false;
    }
    *number = sum;
    return true;
}

uint64_t slice_hash(struct slice text)
{
    uint64_t hash = 0xcbf29ce484222325;
    for (size_t i = 0; i < text.length; ++i)
        hash = (hash ^ (unsigned char)text.data[i]) * 0x100000001b3;
    return hash;
}
