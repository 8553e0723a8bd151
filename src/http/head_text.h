#ifndef FLEXILIB_HTTP_HEAD_TEXT_H
#define FLEXILIB_HTTP_HEAD_TEXT_H

/* Writes the head of a message, piece by piece, into memory that has room for all of it: whoever writes has counted
 * before. Each call returns where the next piece begins. */

#include "base/slice.h"

static inline char *head_put(char *at, struct slice text)
{
    if (text.length != 0)
        memcpy(at, text.data, text.length);
    return at + text.length;
}

/* A field with its line end. */
static inline char *head_put_field(char *at, struct slice name, struct slice value)
{
    at = head_put(at, name);
    at = head_put(at, SLICE(": "));
    at = head_put(at, value);
    return head_put(at, SLICE("\r\n"));
}

/* In decimal digits, at most 20. */
static inline char *head_put_number(char *at, uint64_t number)
{
    char digits[20];
    size_t start = sizeof(digits);
    do {
        digits[--start] = (char)('0' + number % 10);
        number /= 10;
    } while (number != 0);
    return head_put(at, slice_of(digits + start, sizeof(digits) - start));
}

#endif
