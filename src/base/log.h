#ifndef FLEXILIB_BASE_LOG_H
#define FLEXILIB_BASE_LOG_H

/* Lines about the program itself (not the access log). Each goes to standard error in one write(2), as `level: text`.
 * In a worker standard error is a pipe to the supervisor, which puts the time and the worker's pid in front. Any
 * thread. */

enum log_level {
    LOG_LEVEL_DEBUG = 0,
    LOG_LEVEL_INFO,
    LOG_LEVEL_WARNING,
    LOG_LEVEL_ERROR,
    LOG_LEVEL_ALERT,
};

/* Writes one line; line breaks and other control characters in it become '?'. Text beyond 2,000 bytes is cut. */
void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The word that stands for a level in the log, as "error". */
const char *log_level_name(enum log_level level);

#endif
