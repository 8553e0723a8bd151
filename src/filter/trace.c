#include "filter/trace.h"

#include "base/clock.h"

#include <sys/random.h>

/* 00-TRACE-PARENT-FLAGS, all in hexadecimal digits of lower case. */
enum {
    TRACE_START = 3,
    PARENT_START = 36,
    FLAGS_START = 53,
    TRACEPARENT_LENGTH = 55,
    PARENT_DIGITS = 16,
};

static bool is_hexadecimal(struct slice digits)
{
    for (size_t i = 0; i < digits.length; ++i) {
        char c = digits.data[i];
        if (!ascii_is_digit(c) && !(c >= 'a' && c <= 'f'))
            return false;
    }
    return true;
}

static bool is_zero(struct slice digits)
{
    size_t i = 0;
    while (i < digits.length && digits.data[i] == '0')
        ++i;
    return i == digits.length;
}

/* Versions to come may say more at the end; ff is none. */
static bool is_version_good(struct slice text)
{
    struct slice version = slice_of(text.data, 2);
    if (!is_hexadecimal(version) || slice_equals(version, SLICE("ff")))
        return false;
    if (text.length == TRACEPARENT_LENGTH)
        return true;
    return !is_zero(version) && text.data[TRACEPARENT_LENGTH] == '-';
}

/* The digits in a traceparent, or an empty slice where it is malformed. */
static struct slice parse(struct slice text)
{
    if (text.length < TRACEPARENT_LENGTH || !is_version_good(text) || text.data[TRACE_START - 1] != '-' ||
        text.data[PARENT_START - 1] != '-' || text.data[FLAGS_START - 1] != '-')
        return SLICE_NONE;
    struct slice trace = slice_of(text.data + TRACE_START, EXCHANGE_TRACE_DIGITS);
    struct slice parent = slice_of(text.data + PARENT_START, PARENT_DIGITS);
    bool is_good = is_hexadecimal(trace) && !is_zero(trace) && is_hexadecimal(parent) && !is_zero(parent) &&
                   is_hexadecimal(slice_of(text.data + FLAGS_START, 2));
    return is_good ? trace : SLICE_NONE;
}

/* What comes more than once says nothing. */
static struct slice find_sent(const struct headers *headers)
{
    struct slice found = SLICE_NONE;
    size_t count = 0;
    for (size_t i = 0; i < headers->count; ++i) {
        if (!slice_equals_nocase(headers->items[i].name, SLICE("traceparent")))
            continue;
        found = parse(headers->items[i].value);
        ++count;
    }
    return count == 1 ? found : SLICE_NONE;
}

/* Where nothing better is to be had. */
static void fill_from_clock(unsigned char bytes[EXCHANGE_TRACE_DIGITS / 2])
{
    uint64_t number = clock_monotonic_us();
    for (size_t i = 0; i < EXCHANGE_TRACE_DIGITS / 2; ++i) {
        number = number * 6364136223846793005 + 1442695040888963407;
        bytes[i] = (unsigned char)(number >> 56);
    }
}

static void make(char digits[EXCHANGE_TRACE_DIGITS])
{
    static const char hexadecimal[] = "0123456789abcdef";
    unsigned char bytes[EXCHANGE_TRACE_DIGITS / 2];
    do {
        if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
            fill_from_clock(bytes);
        for (size_t i = 0; i < sizeof(bytes); ++i) {
            digits[2 * i] = hexadecimal[bytes[i] >> 4];
            digits[2 * i + 1] = hexadecimal[bytes[i] & 15];
        }
    } while (is_zero(slice_of(digits, EXCHANGE_TRACE_DIGITS)));
}

struct slice trace_id(struct exchange *exchange)
{
    char *digits = exchange->trace_digits;
    if (digits[0] == '\0') {
        struct slice sent = find_sent(&exchange->request.headers);
        if (sent.length != 0)
            memcpy(digits, sent.data, EXCHANGE_TRACE_DIGITS);
        else
            make(digits);
    }
    return slice_of(digits, EXCHANGE_TRACE_DIGITS);
}
