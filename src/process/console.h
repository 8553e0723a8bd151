#ifndef FLEXILIB_PROCESS_CONSOLE_H
#define FLEXILIB_PROCESS_CONSOLE_H

/* The supervisor's standard error: `2026-11-22T06:41:01.123Z [PID] text`, one line at a time, for what the supervisor
 * has to say and for everything its workers write. */

#include "base/log.h"
#include "base/slice.h"

#include <sys/types.h>

enum {
    CONSOLE_LINE_BYTES = 4096, /* a longer line is broken into several */
};

/* Writes one line (text without its line break), under that pid. */
void console_write(pid_t pid, struct slice text);

/* Writes the supervisor's own `level: text`; lines behind the first follow as lines of their own. */
void console_log(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* What one pipe of a worker has brought since the last line break. Zero bytes are an empty one. */
struct console_lines {
    char data[CONSOLE_LINE_BYTES];
    size_t length;
};

/* Adds bytes and calls on_line for each line they complete, without its line break ("\r\n" too). */
void console_lines_add(struct console_lines *lines, struct slice more, void (*on_line)(void *data, struct slice line),
                       void *data);

/* Calls on_line for what is left without a line break. */
void console_lines_finish(struct console_lines *lines, void (*on_line)(void *data, struct slice line), void *data);

#endif
