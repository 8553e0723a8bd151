#include "process/handover.h"

#include "base/alloc.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    MOST_BYTES = 64 * 1024 * 1024,
    SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE,
};

static const char head[] = "flexilib-state";

void handover_begin(struct handover *handover, const char *version)
{
    *handover = (struct handover){0};
    handover_add_record(handover, head);
    handover_add_number(handover, HANDOVER_FORMAT);
    handover_add_text(handover, version);
}

void handover_finish(struct handover *handover)
{
    text_finish(&handover->text);
    free(handover->fds);
    *handover = (struct handover){0};
}

void handover_add_record(struct handover *handover, const char *word)
{
    text_print(&handover->text, "%s%s", handover->record_count++ == 0 ? "" : "\n", word);
}

void handover_add_number(struct handover *handover, int64_t number)
{
    text_print(&handover->text, " %" PRId64, number);
}

void handover_add_unsigned(struct handover *handover, uint64_t number)
{
    text_print(&handover->text, " %" PRIu64, number);
}

static bool is_plain(char c)
{
    return c > ' ' && c < 0x7f && c != '%';
}

/* A quote in front, so that an empty one is a field too. */
void handover_add_slice(struct handover *handover, struct slice text)
{
    text_add(&handover->text, SLICE(" '"));
    for (size_t i = 0; i < text.length; ++i) {
        if (is_plain(text.data[i]))
            text_add_char(&handover->text, text.data[i]);
        else
            text_print(&handover->text, "%%%02x", (unsigned char)text.data[i]);
    }
}

void handover_add_text(struct handover *handover, const char *text)
{
    if (text == NULL)
        text_add(&handover->text, SLICE(" -"));
    else
        handover_add_slice(handover, slice_from_text(text));
}

void handover_add_fd(struct handover *handover, int fd)
{
    handover_add_number(handover, fd);
    if (fd == -1)
        return;
    handover->fds = mem_grow(handover->fds, handover->fd_count, &handover->fd_capacity, sizeof(*handover->fds));
    handover->fds[handover->fd_count++] = fd;
}

int handover_seal(struct handover *handover)
{
    text_print(&handover->text, "\nend %zu\n", handover->record_count);
    int fd = memfd_create("flexilib-state", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd == -1)
        return -1;
    if (!file_write_all(fd, text_slice(&handover->text)) || fcntl(fd, F_ADD_SEALS, SEALS) == -1) {
        file_close_quietly(fd);
        return -1;
    }
    handover->fds = mem_grow(handover->fds, handover->fd_count, &handover->fd_capacity, sizeof(*handover->fds));
    handover->fds[handover->fd_count++] = fd;
    return fd;
}

static bool read_bytes(struct handover_reader *reader, int fd)
{
    struct stat status;
    if (fstat(fd, &status) == -1 || fcntl(fd, F_GET_SEALS) != SEALS)
        return error_set(reader->error, "descriptor %d holds no state", fd);
    if (status.st_size <= 0 || status.st_size > MOST_BYTES)
        return error_set(reader->error, "the state has %jd bytes", (intmax_t)status.st_size);
    reader->length = (size_t)status.st_size;
    reader->data = mem_alloc(reader->length);
    if (pread(fd, reader->data, reader->length, 0) != (ssize_t)reader->length)
        return error_set(reader->error, "cannot read the state: %s", strerror(errno));
    reader->rest = slice_of(reader->data, reader->length);
    return true;
}

static bool read_head(struct handover_reader *reader)
{
    if (!handover_next(reader) || !handover_is(reader, head))
        return error_set(reader->error, "the state does not begin as one");
    int64_t format = handover_take_number(reader, 1, INT32_MAX);
    if (!reader->error->is_set && format != HANDOVER_FORMAT)
        return error_set(reader->error, "the state is of format %" PRId64 ", and this program knows %d alone", format,
                         HANDOVER_FORMAT);
    reader->version = handover_need_text(reader);
    return handover_end_record(reader);
}

bool handover_open(struct handover_reader *reader, int fd, struct error *error)
{
    *reader = (struct handover_reader){.error = error};
    return read_bytes(reader, fd) && read_head(reader);
}

void handover_close(struct handover_reader *reader)
{
    free(reader->data);
    free(reader->version);
    free(reader->fds);
    *reader = (struct handover_reader){0};
}

bool handover_is(const struct handover_reader *reader, const char *word)
{
    return slice_equals(reader->word, slice_from_text(word));
}

bool handover_refuse(struct handover_reader *reader, const char *what)
{
    return error_set(reader->error, "the state makes no sense: record %" PRIu64 " (%.*s): %s", reader->record_count,
                     SLICE_ARG(reader->word), what);
}

static struct slice take_field(struct handover_reader *reader)
{
    size_t end = slice_find(reader->fields, ' ');
    struct slice field = slice_of(reader->fields.data, end);
    reader->fields = slice_skip(reader->fields, end < reader->fields.length ? end + 1 : end);
    return field;
}

static bool read_end(struct handover_reader *reader)
{
    int64_t count = handover_take_number(reader, 0, INT64_MAX);
    if (!handover_end_record(reader))
        return false;
    if ((uint64_t)count != reader->record_count - 1 || reader->rest.length != 0)
        return handover_refuse(reader, "records are missing, or too many");
    reader->is_at_end = true;
    return false;
}

bool handover_next(struct handover_reader *reader)
{
    if (reader->error->is_set || reader->is_at_end)
        return false;
    size_t end = slice_find(reader->rest, '\n');
    if (end == reader->rest.length)
        return error_set(reader->error, "the state is cut short");
    reader->fields = slice_of(reader->rest.data, end);
    reader->rest = slice_skip(reader->rest, end + 1);
    ++reader->record_count;
    reader->word = take_field(reader);
    return !handover_is(reader, "end") || read_end(reader);
}

static bool parse_number(struct slice field, int64_t *number)
{
    bool is_negative = field.length > 1 && field.data[0] == '-';
    uint64_t magnitude;
    if (!slice_parse_number(slice_skip(field, is_negative ? 1 : 0), &magnitude) || magnitude > INT64_MAX)
        return false;
    *number = is_negative ? -(int64_t)magnitude : (int64_t)magnitude;
    return true;
}

int64_t handover_take_number(struct handover_reader *reader, int64_t least, int64_t most)
{
    int64_t number;
    if (reader->error->is_set)
        return 0;
    if (parse_number(take_field(reader), &number) && number >= least && number <= most)
        return number;
    handover_refuse(reader, "a number is missing, or out of its bounds");
    return 0;
}

uint64_t handover_take_unsigned(struct handover_reader *reader)
{
    uint64_t number;
    if (reader->error->is_set)
        return 0;
    if (slice_parse_number(take_field(reader), &number))
        return number;
    handover_refuse(reader, "a number is missing");
    return 0;
}

bool handover_take_bool(struct handover_reader *reader)
{
    return handover_take_number(reader, 0, 1) != 0;
}

/* Writes it without escapes, and a NUL behind, to where there is room for all of field and that. */
static bool unescape(struct slice field, char *to, size_t *length)
{
    *length = 0;
    while (field.length != 0) {
        int byte = field.data[0] == '%' ? ascii_escaped(field) : is_plain(field.data[0]) ? field.data[0] : -1;
        if (byte == -1)
            return false;
        field = slice_skip(field, field.data[0] == '%' ? 3 : 1);
        to[(*length)++] = (char)byte;
    }
    to[*length] = '\0';
    return true;
}

struct slice handover_take_slice(struct handover_reader *reader)
{
    if (reader->error->is_set)
        return SLICE_NONE;
    struct slice field = take_field(reader);
    size_t length;
    if (slice_equals(field, SLICE("-")))
        return SLICE_NONE;
    if (field.length == 0 || field.data[0] != '\'') {
        handover_refuse(reader, "a text is missing");
        return SLICE_NONE;
    }
    char *text = mem_alloc(field.length);
    if (unescape(slice_skip(field, 1), text, &length))
        return slice_of(text, length);
    free(text);
    handover_refuse(reader, "a text is not as one is written");
    return SLICE_NONE;
}

char *handover_take_text(struct handover_reader *reader)
{
    struct slice slice = handover_take_slice(reader);
    if (slice.data == NULL || memchr(slice.data, '\0', slice.length) == NULL)
        return (char *)(uintptr_t)slice.data;
    free((char *)(uintptr_t)slice.data);
    handover_refuse(reader, "a zero byte stands in a text");
    return NULL;
}

char *handover_need_text(struct handover_reader *reader)
{
    char *text = handover_take_text(reader);
    if (text == NULL)
        handover_refuse(reader, "a text is missing");
    return text;
}

static bool is_new(struct handover_reader *reader, int fd)
{
    for (size_t i = 0; i < reader->fd_count; ++i) {
        if (reader->fds[i] == fd)
            return false;
    }
    reader->fds = mem_grow(reader->fds, reader->fd_count, &reader->fd_capacity, sizeof(*reader->fds));
    reader->fds[reader->fd_count++] = fd;
    return true;
}

int handover_take_fd(struct handover_reader *reader)
{
    int fd = (int)handover_take_number(reader, -1, INT_MAX);
    if (fd == -1 || reader->error->is_set)
        return -1;
    if (fd > STDERR_FILENO && is_new(reader, fd) && fcntl(fd, F_SETFD, FD_CLOEXEC) == 0)
        return fd;
    handover_refuse(reader, "a descriptor is not open, or stands there twice");
    return -1;
}

int handover_need_fd(struct handover_reader *reader)
{
    int fd = handover_take_fd(reader);
    if (fd == -1)
        handover_refuse(reader, "a descriptor is missing");
    return fd;
}

bool handover_end_record(struct handover_reader *reader)
{
    if (reader->fields.length != 0)
        handover_refuse(reader, "it has more fields than it should");
    return !reader->error->is_set;
}
