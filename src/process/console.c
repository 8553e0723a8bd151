#include "process/console.h"

#include "base/clock.h"
#include "base/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/uio.h>
#include <unistd.h>

void console_write(pid_t pid, struct slice text)
{
    char now[CLOCK_TEXT_BYTES];
    char prefix[CLOCK_TEXT_BYTES + 32];
    clock_format(now);
    int length = snprintf(prefix, sizeof(prefix), "%s [%d] ", now, (int)pid);
    struct iovec pieces[] = {
        {.iov_base = prefix, .iov_len = (size_t)length},
        {.iov_base = (void *)(uintptr_t)text.data, .iov_len = text.length},
        {.iov_base = (void *)(uintptr_t) "\n", .iov_len = 1},
    };
    while (writev(STDERR_FILENO, pieces, 3) == -1 && errno == EINTR)
        ;
}

void console_log(enum log_level level, const char *format, ...)
{
    char message[8192];
    va_list arguments;
    int length = snprintf(message, sizeof(message), "%s: ", log_level_name(level));
    va_start(arguments, format);
    vsnprintf(message + length, sizeof(message) - (size_t)length, format, arguments);
    va_end(arguments);
    struct slice rest = slice_from_text(message);
    while (rest.length != 0) {
        size_t end = slice_find(rest, '\n');
        console_write(getpid(), slice_of(rest.data, end));
        rest = slice_skip(rest, end < rest.length ? end + 1 : end);
    }
}

static void end_line(struct console_lines *lines, void (*on_line)(void *data, struct slice line), void *data)
{
    size_t length = lines->length;
    lines->length = 0;
    if (length != 0 && lines->data[length - 1] == '\r')
        --length;
    on_line(data, slice_of(lines->data, length));
}

void console_lines_add(struct console_lines *lines, struct slice more, void (*on_line)(void *data, struct slice line),
                       void *data)
{
    while (more.length != 0) {
        size_t end = slice_find(more, '\n');
        size_t room = sizeof(lines->data) - lines->length;
        size_t taken = end < room ? end : room;
        memcpy(lines->data + lines->length, more.data, taken);
        lines->length += taken;
        bool is_complete = taken == end && end < more.length;
        more = slice_skip(more, is_complete ? taken + 1 : taken);
        if (is_complete || (lines->length == sizeof(lines->data) && more.length != 0))
            end_line(lines, on_line, data);
    }
}

void console_lines_finish(struct console_lines *lines, void (*on_line)(void *data, struct slice line), void *data)
{
    if (lines->length != 0)
        end_line(lines, on_line, data);
}
