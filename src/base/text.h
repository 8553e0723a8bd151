#ifndef FLEXILIB_BASE_TEXT_H
#define FLEXILIB_BASE_TEXT_H

/* A growing buffer of text or bytes. data is always NUL-terminated once something was added; the NUL is not counted. */

#include "base/slice.h"

struct text {
    char *data;
    size_t length;
    size_t capacity;
};

/* A text is initialised with TEXT_INIT or zero bytes; finish frees it and leaves it ready for use again. */
#define TEXT_INIT ((struct text){0})
void text_finish(struct text *text);

/* Forgets the content and keeps the memory. */
void text_clear(struct text *text);

void text_add(struct text *text, struct slice more);
void text_add_char(struct text *text, char c);
void text_print(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Makes room for more bytes behind the content and returns where they go; the caller adds what it wrote to length. */
char *text_reserve(struct text *text, size_t more);

/* Removes the first length bytes. */
void text_consume(struct text *text, size_t length);

/* The content; valid until the next call that changes the text. */
struct slice text_slice(const struct text *text);

#endif
