#include "dispatch/access_log.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "dispatch/access_format.h"
#include "dispatch/access_line.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    PIPE_PIECE_BYTES = 4096, /* what a pipe takes at once or not at all (PIPE_BUF) */
    MOST_COLLECTED_BYTES = 256 << 10,
    MOST_WAIT_US = 1000 * 1000,
    WARNING_INTERVAL_US = 60 * 1000 * 1000,
};

struct access_log {
    int fd;
    enum settings_style style;
    struct access_format *format; /* NULL: the usual line */
    bool is_pipe;
    bool is_stuck; /* the last wait was in vain: until a write succeeds nothing is waited for */
    struct text lines;
    uint64_t time_ms; /* what time_text stands for, on the monotonic clock */
    char time_text[CLOCK_TEXT_BYTES];
    uint64_t dropped;
    uint64_t warned_us; /* 0: never */
};

static void use_descriptor(struct access_log *log, int fd)
{
    struct stat status;
    log->fd = fd;
    log->is_pipe = fd != -1 && fstat(fd, &status) == 0 && S_ISFIFO(status.st_mode);
    log->is_stuck = false;
}

struct access_log *access_log_create(int fd, enum settings_style style, const struct access_log_settings *settings)
{
    struct access_log *log = mem_zalloc(sizeof(*log));
    log->style = style;
    log->format = access_format_create(settings);
    use_descriptor(log, fd);
    return log;
}

void access_log_destroy(struct access_log *log)
{
    if (log == NULL)
        return;
    access_log_reopen(log, -1);
    text_finish(&log->lines);
    access_format_destroy(log->format);
    free(log);
}

/* Making a date of the time is dear, so it is done once a millisecond at most. */
static struct slice show_time(struct access_log *log)
{
    uint64_t now_ms = clock_monotonic_us() / 1000;
    if (now_ms != log->time_ms)
        clock_format(log->time_text);
    log->time_ms = now_ms;
    return slice_of(log->time_text, CLOCK_TEXT_BYTES - 1);
}

void access_log_add(struct access_log *log, struct exchange *exchange, const struct expansion_times *times)
{
    if (log->fd == -1)
        return;
    if (log->format != NULL)
        access_format_add(log->format, &log->lines, show_time(log), exchange, times);
    else if (log->style == SETTINGS_YAML)
        access_line_add(&log->lines, show_time(log), exchange, times);
    else
        access_line_add_original(&log->lines, exchange, times);
    if (log->lines.length > MOST_COLLECTED_BYTES)
        access_log_flush(log);
}

/* As many whole lines as may go into one write. */
static size_t choose_piece(const struct access_log *log, struct slice lines)
{
    if (!log->is_pipe || lines.length <= PIPE_PIECE_BYTES)
        return lines.length;
    const char *end = memrchr(lines.data, '\n', PIPE_PIECE_BYTES);
    return end == NULL ? PIPE_PIECE_BYTES : (size_t)(end - lines.data) + 1;
}

/* Waits until there is room, or until the time for one flush is over. */
static bool wait_for_room(struct access_log *log, uint64_t *deadline_us)
{
    uint64_t now_us = clock_monotonic_us();
    if (*deadline_us == 0)
        *deadline_us = now_us + (log->is_stuck ? 0 : MOST_WAIT_US);
    int wait_ms = now_us < *deadline_us ? (int)((*deadline_us - now_us + 999) / 1000) : 0;
    struct pollfd ready = {.fd = log->fd, .events = POLLOUT};
    int count = poll(&ready, 1, wait_ms);
    log->is_stuck = count != 1 && !(count == -1 && errno == EINTR);
    return !log->is_stuck;
}

/* Writes as much as can be written; *error tells why it was not all. */
static size_t write_lines(struct access_log *log, struct slice lines, int *error)
{
    size_t done = 0;
    uint64_t deadline_us = 0;
    while (done < lines.length) {
        struct slice rest = slice_skip(lines, done);
        ssize_t written = write(log->fd, rest.data, choose_piece(log, rest));
        if (written >= 0) {
            log->is_stuck = false;
            done += (size_t)written;
            continue;
        }
        *error = errno;
        if (errno != EINTR && (errno != EAGAIN || !wait_for_room(log, &deadline_us)))
            break;
    }
    return done;
}

static void warn_of_loss(struct access_log *log, const char *why)
{
    uint64_t now_us = clock_monotonic_us();
    if (log->warned_us != 0 && now_us - log->warned_us < WARNING_INTERVAL_US)
        return;
    log->warned_us = now_us;
    log_line(LOG_LEVEL_WARNING, "the access log cannot be written (%s); %llu lines lost so far", why,
             (unsigned long long)log->dropped);
}

/* Forgets the lines that were not written, but for the rest of one that was begun: it must not stay torn. */
static void drop_lines(struct access_log *log, size_t written, int error)
{
    bool is_torn = written != 0 && log->lines.data[written - 1] != '\n';
    text_consume(&log->lines, written);
    struct slice rest = text_slice(&log->lines);
    size_t kept = is_torn ? slice_find(rest, '\n') + 1 : 0;
    for (size_t i = kept; i < rest.length; ++i)
        log->dropped += rest.data[i] == '\n';
    log->lines.length = kept;
    log->lines.data[kept] = '\0';
    warn_of_loss(log, error == EAGAIN ? "nobody reads it" : strerror(error));
}

void access_log_flush(struct access_log *log)
{
    if (log->lines.length == 0)
        return;
    int error = 0;
    size_t written = write_lines(log, text_slice(&log->lines), &error);
    if (written < log->lines.length)
        drop_lines(log, written, error);
    else
        text_clear(&log->lines);
}

void access_log_reopen(struct access_log *log, int fd)
{
    access_log_flush(log);
    text_clear(&log->lines);
    if (log->fd != -1)
        close(log->fd);
    use_descriptor(log, fd);
}
