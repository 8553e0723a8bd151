#include "dispatch/access_log.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    PIPE_PIECE_BYTES = 4096, /* what a pipe takes at once or not at all (PIPE_BUF) */
    MOST_REQUEST_LINE_BYTES = 3072,
    MOST_NAME_BYTES = 200,
    MOST_COLLECTED_BYTES = 256 << 10,
    MOST_WAIT_US = 1000 * 1000,
    WARNING_INTERVAL_US = 60 * 1000 * 1000,
};

struct access_log {
    int fd;
    enum settings_style style;
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

struct access_log *access_log_create(int fd, enum settings_style style)
{
    struct access_log *log = mem_zalloc(sizeof(*log));
    log->style = style;
    use_descriptor(log, fd);
    return log;
}

void access_log_destroy(struct access_log *log)
{
    if (log == NULL)
        return;
    access_log_reopen(log, -1);
    text_finish(&log->lines);
    free(log);
}

static void add_number(struct text *out, uint64_t number, size_t least_digits)
{
    char digits[20];
    size_t start = sizeof(digits);
    while (number != 0 || sizeof(digits) - start < least_digits) {
        digits[--start] = (char)('0' + number % 10);
        number /= 10;
    }
    text_add(out, slice_of(digits + start, sizeof(digits) - start));
}

static void add_milliseconds(struct text *out, uint64_t time_us)
{
    add_number(out, time_us / 1000, 1);
    text_add_char(out, '.');
    add_number(out, time_us % 1000, 3);
    text_add(out, SLICE("ms"));
}

static bool is_plain(char c)
{
    return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

static void add_escaped(struct text *out, struct slice raw)
{
    static const char digits[] = "0123456789ABCDEF";
    while (raw.length != 0) {
        size_t plain = 0;
        while (plain < raw.length && is_plain(raw.data[plain]))
            ++plain;
        text_add(out, slice_of(raw.data, plain));
        raw = slice_skip(raw, plain);
        if (raw.length == 0)
            break;
        unsigned char c = (unsigned char)raw.data[0];
        text_add(out, slice_of((char[]){'\\', 'x', digits[c >> 4], digits[c & 15]}, 4));
        raw = slice_skip(raw, 1);
    }
}

static void cut_off(struct text *out, size_t start, size_t most_bytes)
{
    if (out->length - start <= most_bytes)
        return;
    out->length = start + most_bytes;
    text_add(out, SLICE("..."));
}

static void add_request_line(struct text *out, const struct request_head *request)
{
    size_t start = out->length;
    struct slice target = request->raw_target;
    if (target.length > MOST_REQUEST_LINE_BYTES)
        target.length = MOST_REQUEST_LINE_BYTES;
    add_escaped(out, request->method);
    text_add_char(out, ' ');
    add_escaped(out, target);
    text_add(out, request->is_http2 ? SLICE(" HTTP/2.") : SLICE(" HTTP/1."));
    add_number(out, request->is_http2 ? 0 : request->minor_version, 1);
    cut_off(out, start, MOST_REQUEST_LINE_BYTES);
}

static void add_peer(struct text *out, const struct exchange *exchange)
{
    struct slice address = exchange->peer_address;
    if (slice_equals(address, SLICE("unix:"))) {
        text_add(out, address);
        return;
    }
    bool is_v6 = slice_find(address, ':') < address.length;
    text_add(out, is_v6 ? SLICE("[") : SLICE(""));
    text_add(out, address);
    text_add(out, is_v6 ? SLICE("]") : SLICE(""));
    if (exchange->peer_port == 0)
        return;
    text_add_char(out, ':');
    add_number(out, exchange->peer_port, 1);
}

static void add_word(struct text *out, const char *label, struct slice word)
{
    text_add(out, slice_from_text(label));
    size_t start = out->length;
    add_escaped(out, word.length != 0 ? word : SLICE("-"));
    cut_off(out, start, MOST_NAME_BYTES);
}

static void add_forwarding(struct text *out, const struct exchange_forwarding *forwarding)
{
    if (forwarding->upstream.length == 0)
        return;
    add_word(out, " upstream ", forwarding->upstream);
    add_word(out, " server ", forwarding->server);
    text_add(out, SLICE(" tries "));
    add_number(out, forwarding->tries, 1);
    text_add(out, SLICE(" waited "));
    add_milliseconds(out, forwarding->waited_us);
    text_add(out, SLICE(" answered "));
    if (forwarding->is_answered)
        add_milliseconds(out, forwarding->answered_us);
    else
        text_add_char(out, '-');
}

static void add_tls(struct text *out, struct exchange_tls *tls)
{
    if (tls == NULL)
        return;
    text_add(out, SLICE(" tls "));
    text_add(out, tls->find(tls, FLEXILIB_TLS_VERSION));
}

/* Where other programs write the user's name. */
static void add_client_name(struct text *out, struct slice name)
{
    const char *quote = name.length == 0 ? "" : "\"";
    text_add(out, slice_from_text(quote));
    add_escaped(out, name.length == 0 ? SLICE("-") : name);
    text_add(out, slice_from_text(quote));
}

/* Making a date of the time is dear, so it is done once a millisecond at most. */
static void add_time(struct access_log *log)
{
    uint64_t now_ms = clock_monotonic_us() / 1000;
    if (now_ms != log->time_ms)
        clock_format(log->time_text);
    log->time_ms = now_ms;
    text_add(&log->lines, slice_from_text(log->time_text));
}

void access_log_add(struct access_log *log, const struct exchange *exchange, uint64_t first_byte_us,
                    uint64_t last_byte_us)
{
    struct text *out = &log->lines;
    if (log->fd == -1)
        return;
    if (log->style == SETTINGS_YAML) {
        add_time(log);
        text_add_char(out, ' ');
        text_add(out, exchange->id);
        text_add_char(out, ' ');
    }
    add_peer(out, exchange);
    text_add(out, SLICE(" - "));
    add_client_name(out, log->style == SETTINGS_YAML ? exchange->client_name : SLICE_NONE);
    text_add(out, SLICE(" \""));
    add_request_line(out, &exchange->request);
    text_add(out, SLICE("\" "));
    add_number(out, (uint64_t)exchange->response.status, 1);
    text_add(out, SLICE(" ttfb "));
    add_milliseconds(out, first_byte_us);
    text_add_char(out, ' ');
    add_number(out, exchange->response_bytes, 1);
    text_add(out, SLICE(" ttlb "));
    add_milliseconds(out, last_byte_us);
    text_add(out, SLICE(" (pre-alloc: "));
    add_number(out, exchange->arena.ready_bytes, 1);
    text_add(out, SLICE(", alloc: "));
    add_number(out, exchange->arena.taken_bytes, 1);
    text_add_char(out, ')');
    if (log->style == SETTINGS_YAML) {
        add_tls(out, exchange->tls);
        add_forwarding(out, &exchange->forwarding);
    }
    text_add_char(out, '\n');
    if (out->length > MOST_COLLECTED_BYTES)
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
    log->is_stuck = poll(&ready, 1, wait_ms) != 1;
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
