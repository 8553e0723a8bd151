#ifndef FLEXILIB_BASE_ERROR_H
#define FLEXILIB_BASE_ERROR_H

/* What went wrong, for the person who runs FlexiLib: a sentence and, where there is one, the place in a file with the
 * line as it stands there (of a long one, what is around the place). The function that knows the place fills it; the
 * first error wins; only the roles and commands print. Sentences: lower case, no full stop, names in single quotes,
 * what is wrong first, what would be right last. */

#include "base/slice.h"
#include "base/text.h"

/* A file's content with the name that messages call it by. Outlives every place in it. */
struct source_text {
    const char *path;
    struct slice content;
};

/* A position in a file; line and column count from 1, the column in bytes. text is NULL where there is no place. */
struct place {
    const struct source_text *text;
    unsigned line;
    unsigned column;
};

#define PLACE_NONE ((struct place){0})

struct error {
    bool is_set;
    char message[1024];
    char path[512];
    unsigned line;
    unsigned column; /* in characters, as editors count */
    char source_line[256];
    size_t caret; /* the bytes of source_line in front of the place */
};

#define ERROR_INIT ((struct error){0})

/* Fills error unless it is filled already. Both return false, so that a caller can write `return error_set(...)`. */
bool error_set(struct error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool error_set_at(struct error *error, struct place place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Leaves the source line out of the description, where it may hold what nobody should read. */
void error_hide_line(struct error *error);

/* Adds the error as `path:line:col: message`, the source line and a caret, each on a line; without a place just the
 * message. No newline at the end. */
void error_describe(const struct error *error, struct text *out);

/* Adds `path:line:col: message` or the bare message: one line, for logs and the channel. */
void error_describe_line(const struct error *error, struct text *out);

/* Writes what an errno value means, beginning in lower case as log lines do. */
void error_describe_number(int number, char *words, size_t capacity);

#endif
