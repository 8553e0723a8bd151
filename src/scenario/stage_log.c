#include "scenario/stage_log.h"

#include "base/log.h"

#include <sys/stat.h>
#include <unistd.h>

void stage_log_init(struct stage_log *log, int fd)
{
    struct stat status;
    *log = (struct stage_log){.fd = fd};
    if (fd != -1 && fstat(fd, &status) == 0)
        log->read_bytes = (size_t)status.st_size;
}

void stage_log_finish(struct stage_log *log)
{
    text_finish(&log->rest);
}

static void add_line(struct stage_log *log, struct arena *arena, struct slice text)
{
    log->lines = arena_grow(arena, log->lines, log->count, &log->capacity, sizeof(*log->lines));
    log->lines[log->count++] = (struct stage_log_line){.text = arena_copy(arena, text)};
}

void stage_log_read(struct stage_log *log, struct arena *arena)
{
    char buffer[4096];
    ssize_t length;
    while (log->fd != -1 && (length = pread(log->fd, buffer, sizeof(buffer), (off_t)log->read_bytes)) > 0) {
        log->read_bytes += (size_t)length;
        text_add(&log->rest, slice_of(buffer, (size_t)length));
    }
    struct slice rest = text_slice(&log->rest);
    size_t end;
    while ((end = slice_find(rest, '\n')) != rest.length) {
        add_line(log, arena, slice_of(rest.data, end));
        rest = slice_skip(rest, end + 1);
    }
    text_consume(&log->rest, log->rest.length - rest.length);
}

static bool holds(struct slice line, const struct content *wanted)
{
    if (wanted->is_like)
        return content_matches(wanted, line);
    struct slice text = wanted->pieces[0];
    return text.length == 0 || memmem(line.data, line.length, text.data, text.length) != NULL;
}

bool stage_log_notice(struct stage_log *log, const struct content *wanted)
{
    for (size_t i = 0; i < log->count; ++i) {
        if (log->lines[i].is_noticed || !holds(log->lines[i].text, wanted))
            continue;
        log->lines[i].is_noticed = true;
        return true;
    }
    return false;
}

static bool is_trouble(struct slice line)
{
    for (enum log_level level = LOG_LEVEL_WARNING; level <= LOG_LEVEL_ALERT; ++level) {
        struct slice name = slice_from_text(log_level_name(level));
        if (slice_starts_with(line, name) && slice_starts_with(slice_skip(line, name.length), SLICE(": ")))
            return true;
    }
    return false;
}

const struct stage_log_line *stage_log_find_trouble(const struct stage_log *log)
{
    for (size_t i = 0; i < log->count; ++i) {
        if (!log->lines[i].is_noticed && is_trouble(log->lines[i].text))
            return &log->lines[i];
    }
    return NULL;
}
