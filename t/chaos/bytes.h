#ifndef T_CHAOS_BYTES_H
#define T_CHAOS_BYTES_H

/* A buffer that grows, from whose front bytes are taken. Zero bytes are an empty one. */

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct bytes {
    char *data;
    size_t start, end, capacity;
};

static inline size_t bytes_length(const struct bytes *bytes)
{
    return bytes->end - bytes->start;
}

static inline char *bytes_reserve(struct bytes *bytes, size_t length)
{
    if (bytes->start == bytes->end)
        bytes->start = bytes->end = 0;
    if (bytes->end + length > bytes->capacity) {
        bytes->capacity = (bytes->end + length) * 2;
        bytes->data = realloc(bytes->data, bytes->capacity);
        if (bytes->data == NULL)
            abort();
    }
    return bytes->data + bytes->end;
}

static inline void bytes_add(struct bytes *bytes, const void *data, size_t length)
{
    if (length != 0)
        memcpy(bytes_reserve(bytes, length), data, length);
    bytes->end += length;
}

static inline void bytes_fill(struct bytes *bytes, char letter, size_t length)
{
    memset(bytes_reserve(bytes, length + 1), letter, length);
    bytes->end += length;
}

__attribute__((format(printf, 2, 3))) static inline void bytes_print(struct bytes *bytes, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    bytes_add(bytes, text, (size_t)length);
}

static inline void bytes_finish(struct bytes *bytes)
{
    free(bytes->data);
    *bytes = (struct bytes){0};
}

#endif
