#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

const char *log_level_name(enum log_level level)
{
    static const char *const names[] = {"debug", "info", "warning", "error", "alert"};
    return names[level];
}

void log_line(enum log_level level, const char *format, ...)
{
    char line[2048];
    int length = snprintf(line, sizeof(line), "%s: ", log_level_name(level));
    va_list arguments;
    va_start(arguments, format);
    int more = vsnprintf(line + length, sizeof(line) - (size_t)length - 1, format, arguments);
    va_end(arguments);
    if (more > 0)
        length += more;
    if ((size_t)length > sizeof(line) - 2)
        length = sizeof(line) - 2;
    for (int i = 0; i < length; ++i) {
        if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
            line[i] = '?';
    }
    line[length++] = '\n';
    ssize_t ignored = write(STDERR_FILENO, line, (size_t)length);
    (void)ignored;
}
