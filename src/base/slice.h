#ifndef FLEXILIB_BASE_SLICE_H
#define FLEXILIB_BASE_SLICE_H

/* A piece of text or bytes that somebody else owns: pointer plus length, not NUL-terminated. Passed by value. All
 * case-blind comparisons fold ASCII letters only, as RFC 9110 does. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct slice {
    const char *data;
    size_t length;
};

#define SLICE(literal) ((struct slice){"" literal, sizeof(literal) - 1})
#define SLICE_NONE     ((struct slice){NULL, 0})
/* The two arguments that "%.*s" wants. */
#define SLICE_ARG(s) (int)(s).length, (s).data == NULL ? "" : (s).data

static inline struct slice slice_of(const char *data, size_t length)
{
    return (struct slice){data, length};
}

static inline struct slice slice_from_text(const char *text)
{
    return (struct slice){text, text == NULL ? 0 : strlen(text)};
}

static inline char ascii_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static inline bool ascii_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* What a hexadecimal digit of either case stands for, or -1. */
static inline int ascii_hexadecimal(char c)
{
    if (ascii_is_digit(c))
        return c - '0';
    char lower = ascii_lower(c);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* The byte that the percent escape stands for with which text begins: "%" and two hexadecimal digits; otherwise -1. */
static inline int ascii_escaped(struct slice text)
{
    if (text.length < 3 || text.data[0] != '%')
        return -1;
    int high = ascii_hexadecimal(text.data[1]), low = ascii_hexadecimal(text.data[2]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

bool slice_starts_with(struct slice text, struct slice prefix);
bool slice_starts_with_nocase(struct slice text, struct slice prefix);

/* Most of what is compared differs in length; every request asks this a hundred times. */
static inline bool slice_equals(struct slice a, struct slice b)
{
    return a.length == b.length && (a.length == 0 || memcmp(a.data, b.data, a.length) == 0);
}

/* Of what is as long, most differs in the first letter, whose cases are one bit apart. */
static inline bool slice_equals_nocase(struct slice a, struct slice b)
{
    return a.length == b.length &&
           (a.length == 0 || (((a.data[0] ^ b.data[0]) & ~0x20) == 0 && slice_starts_with_nocase(a, b)));
}

bool slice_ends_with(struct slice text, struct slice suffix);

/* Orders bytewise, a prefix before what it begins. Returns <0, 0 or >0. */
int slice_compare(struct slice a, struct slice b);

/* The position of the first c, or text.length where there is none. */
static inline size_t slice_find(struct slice text, char c)
{
    const char *found = text.length == 0 ? NULL : (const char *)memchr(text.data, c, text.length);
    return found == NULL ? text.length : (size_t)(found - text.data);
}

/* What is left after removing spaces and tabs from both ends (OWS, RFC 9110 section 5.6.3). */
struct slice slice_trim(struct slice text);

/* What stands from byte start on; start may be up to text.length. */
static inline struct slice slice_skip(struct slice text, size_t start)
{
    /* start is 0 for a slice without data: adding to a null pointer is undefined even then */
    return start == 0 ? text : slice_of(text.data + start, text.length - start);
}

/* Takes the next item off a list separated by separator: returns it trimmed and moves *rest behind it. An empty *rest
 * gives an empty item; loop while rest->length != 0. */
struct slice slice_next_item(struct slice *rest, char separator);

/* Reads decimal digits and nothing else; false where there are none, something else stands there, or the number does
 * not fit. */
bool slice_parse_number(struct slice text, uint64_t *number);

/* A 64-bit hash (FNV-1a) for tables whose keys an operator chooses, never a client. */
uint64_t slice_hash(struct slice text);

#endif
