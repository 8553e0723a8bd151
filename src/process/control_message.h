#ifndef FLEXILIB_PROCESS_CONTROL_MESSAGE_H
#define FLEXILIB_PROCESS_CONTROL_MESSAGE_H

/* What commands and supervisor say to each other. A request is one line, `flexilib 1 WORD [ARGUMENT...]`; the answer is
 * any number of lines and then `end STATUS [SENTENCE]`, STATUS being the command's exit status. Tabs separate the
 * fields of a line, so no field holds one, or any other control character. */

#include "base/text.h"

enum {
    CONTROL_VERSION = 1,
    CONTROL_FIELDS = 8, /* most in a line */
    CONTROL_LINE_BYTES = 8192,
};

struct control_line {
    struct slice fields[CONTROL_FIELDS];
    size_t count;
};

/* Takes a line apart, without its line break. Returns false where it is too long, has too many fields or a control
 * character. */
bool control_line_parse(struct slice text, struct control_line *line) __attribute__((warn_unused_result));

/* The field with that number, empty where there is none. */
struct slice control_line_field(const struct control_line *line, size_t index);

/* Takes `flexilib VERSION` off the fields of a request. Returns NULL, or what is wrong with it. */
const char *control_request_check(struct control_line *line);

/* Adds a field to the line that is being written; control characters become '?'. */
void control_add_field(struct text *out, struct slice field);
void control_end_line(struct text *out);

/* Begins a request. */
void control_begin_request(struct text *out, struct slice word);

/* Ends an answer; format may be NULL. */
void control_end_answer(struct text *out, int status, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
