#include "base/text.h"

#include "base/alloc.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void text_finish(struct text *text)
{
    free(text->data);
    *text = TEXT_INIT;
}

void text_clear(struct text *text)
{
    text->length = 0;
    if (text->data != NULL)
        text->data[0] = '\0';
}

char *text_reserve(struct text *text, size_t more)
{
    size_t needed;
    if (__builtin_add_overflow(text->length, more, &needed) || __builtin_add_overflow(needed, (size_t)1, &needed))
        abort();
    if (needed > text->capacity) {
        size_t grown = text->capacity < 64 ? 64 : text->capacity * 2;
        text->capacity = grown > needed ? grown : needed;
        text->data = mem_realloc(text->data, text->capacity);
    }
    return text->data + text->length;
}

void text_add(struct text *text, struct slice more)
{
    char *end = text_reserve(text, more.length);
    if (more.length != 0)
        memcpy(end, more.data, more.length);
    text->length += more.length;
    text->data[text->length] = '\0';
}

void text_add_char(struct text *text, char c)
{
    text_add(text, slice_of(&c, 1));
}

void text_print(struct text *text, const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length > 0) {
        vsnprintf(text_reserve(text, (size_t)length), (size_t)length + 1, format, again);
        text->length += (size_t)length;
    }
    va_end(again);
}

void text_consume(struct text *text, size_t length)
{
    if (length == 0)
        return;
    text->length -= length;
    memmove(text->data, text->data + length, text->length + 1);
}

struct slice text_slice(const struct text *text)
{
    return slice_of(text->data, text->length);
}
