#include "base/crash_maps.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum {
    LINE_BYTES = 4096 + 128, /* PATH_MAX and what stands in front of a path */
};

/* One "start-end perms offset device inode   path". */
struct line {
    uint64_t start, end, offset, inode;
    bool is_code;
    const char *path;
    size_t path_length;
};

/* The file that lines are about: its parts follow each other. */
struct reader {
    struct crash_record *record;
    char text[LINE_BYTES];
    size_t length;
    bool is_too_long;
    uint64_t inode, base;
};

static uint64_t take_number(const char **text, unsigned radix)
{
    uint64_t number = 0;
    for (;; ++*text) {
        char c = **text;
        unsigned digit = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
                         : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10)
                                                : 16;
        if (digit >= radix)
            return number;
        number = number * radix + digit;
    }
}

static void skip_past(const char **text, char end)
{
    while (**text != '\0' && **text != end)
        ++*text;
    if (**text == end)
        ++*text;
}

static void parse(const char *text, size_t length, struct line *line)
{
    const char *end = text + length;
    line->start = take_number(&text, 16);
    skip_past(&text, '-');
    line->end = take_number(&text, 16);
    skip_past(&text, ' ');
    line->is_code = strnlen(text, 4) == 4 && text[2] == 'x';
    skip_past(&text, ' ');
    line->offset = take_number(&text, 16);
    skip_past(&text, ' ');
    skip_past(&text, ' ');
    line->inode = take_number(&text, 10);
    while (*text == ' ')
        ++text;
    line->path = text;
    line->path_length = (size_t)(end - text);
}

static bool has_room(const struct crash_record *record, const struct line *line)
{
    return record->mapping_count != CRASH_MAPPINGS &&
           line->path_length < sizeof(record->paths) - 1 - record->paths_length;
}

/* Of a process with very many, the code that it has died in is the one that matters: others make room for it. */
static void make_room(struct crash_record *record, const struct line *line)
{
    bool is_needed = record->pc >= line->start && record->pc < line->end;
    while (is_needed && record->mapping_count != 0 && !has_room(record, line))
        record->paths_length = record->mappings[--record->mapping_count].path;
}

static void add_mapping(struct reader *reader, const struct line *line)
{
    struct crash_record *record = reader->record;
    make_room(record, line);
    if (!has_room(record, line))
        return;
    record->mappings[record->mapping_count++] = (struct crash_mapping){
        .start = line->start,
        .end = line->end,
        .base = reader->base,
        .path = record->paths_length,
        .path_length = (uint32_t)line->path_length,
    };
    memcpy(record->paths + record->paths_length, line->path, line->path_length);
    record->paths_length += (uint32_t)line->path_length;
    record->paths[record->paths_length++] = '\0';
}

static void end_line(struct reader *reader)
{
    struct line line;
    reader->text[reader->length] = '\0';
    parse(reader->text, reader->length, &line);
    if (line.inode == 0 || line.inode != reader->inode || line.offset == 0)
        reader->base = line.start - line.offset;
    reader->inode = line.inode;
    if (line.is_code && !reader->is_too_long)
        add_mapping(reader, &line);
    reader->length = 0;
    reader->is_too_long = false;
}

static void add_byte(struct reader *reader, char byte)
{
    if (byte == '\n')
        end_line(reader);
    else if (reader->length < sizeof(reader->text) - 1)
        reader->text[reader->length++] = byte;
    else
        reader->is_too_long = true;
}

void crash_maps_read_from(int fd, struct crash_record *record)
{
    struct reader reader;
    char buffer[4096];
    reader.record = record;
    reader.length = 0;
    reader.is_too_long = false;
    reader.inode = reader.base = 0;
    record->mapping_count = record->paths_length = 0;
    for (;;) {
        ssize_t length = read(fd, buffer, sizeof(buffer));
        if (length == -1 && errno == EINTR)
            continue;
        if (length <= 0)
            return;
        for (ssize_t i = 0; i < length; ++i)
            add_byte(&reader, buffer[i]);
    }
}

int crash_maps_open(void)
{
    return open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
}

void crash_maps_read(int reserve, struct crash_record *record)
{
    int fd = crash_maps_open();
    if (fd != -1) {
        crash_maps_read_from(fd, record);
        close(fd);
    } else if (lseek(reserve, 0, SEEK_SET) == 0) {
        crash_maps_read_from(reserve, record);
    }
}
