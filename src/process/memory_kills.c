#include "process/memory_kills.h"

#include "base/slice.h"
#include "base/text.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum {
    FILE_BYTES = 16384,
};

static bool read_file(const char *path, char content[FILE_BYTES])
{
    size_t length = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd == -1)
        return false;
    for (ssize_t more; length < FILE_BYTES - 1 && (more = read(fd, content + length, FILE_BYTES - 1 - length)) > 0;)
        length += (size_t)more;
    close(fd);
    content[length] = '\0';
    return length != 0;
}

uint64_t memory_kills_parse(const char *lines, const char *word)
{
    struct slice rest = slice_from_text(lines);
    while (rest.length != 0) {
        size_t end = slice_find(rest, '\n');
        struct slice line = slice_of(rest.data, end), name = slice_next_item(&line, ' ');
        uint64_t number;
        if (slice_equals(name, slice_from_text(word)) && slice_parse_number(line, &number))
            return number;
        rest = slice_skip(rest, end < rest.length ? end + 1 : end);
    }
    return 0;
}

/* Control groups of version 2 alone: "0::/system.slice/flexilib.service". */
static bool read_group(char content[FILE_BYTES])
{
    if (!read_file("/proc/self/cgroup", content))
        return false;
    const char *line = strncmp(content, "0::/", 4) == 0 ? content : strstr(content, "\n0::/");
    if (line == NULL)
        return false;
    struct slice path = slice_from_text(strchr(line, '/'));
    struct text file = TEXT_INIT;
    text_print(&file, "/sys/fs/cgroup%.*s/memory.events", (int)slice_find(path, '\n'), path.data);
    bool is_read = read_file(file.data, content);
    text_finish(&file);
    return is_read;
}

static uint64_t read_count(void)
{
    char content[FILE_BYTES];
    if (read_group(content) || read_file("/proc/vmstat", content))
        return memory_kills_parse(content, "oom_kill");
    return 0;
}

void memory_kills_init(struct memory_kills *kills)
{
    kills->count = read_count();
}

bool memory_kills_have_grown(struct memory_kills *kills)
{
    uint64_t before = kills->count;
    kills->count = read_count();
    return kills->count > before;
}
