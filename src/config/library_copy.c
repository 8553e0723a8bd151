#include "config/library_copy.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

enum {
    MOST_TRIES = 5,
};

/* Returns false with errno set; ETXTBSY where it has changed meanwhile. */
static bool copy_bytes(int from, int to, struct library_copy *copy)
{
    char piece[CONTENT_PIECE_BYTES];
    struct stat before, after;
    struct content content = CONTENT_INIT;
    size_t length;
    if (fstat(from, &before) != 0)
        return false;
    errno = S_ISDIR(before.st_mode) ? EISDIR : EINVAL;
    if (!S_ISREG(before.st_mode))
        return false;
    do {
        if (!file_read_piece(from, piece, sizeof(piece), &length) || !file_write_all(to, slice_of(piece, length)))
            return false;
        content_add(&content, slice_of(piece, length));
    } while (length == sizeof(piece));
    if (fstat(from, &after) != 0)
        return false;
    *copy = (struct library_copy){content_number(&content), content_of_status(&after)};
    errno = ETXTBSY;
    return content_of_status(&before) == copy->status;
}

static bool copy_once(const char *from, const char *unfinished, struct library_copy *copy)
{
    /* O_NONBLOCK: opening a pipe that nobody writes to must not hang */
    int source = open(from, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (source == -1)
        return false;
    int target = open(unfinished, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0700);
    bool is_copied = target != -1 && copy_bytes(source, target, copy);
    file_close_quietly(source);
    /* some file systems tell only here that there was no room */
    if (target != -1 && close(target) != 0)
        return false;
    return is_copied;
}

bool library_copy(const char *from, const char *to, struct library_copy *copy)
{
    struct text unfinished = TEXT_INIT;
    bool is_copied = false;
    text_print(&unfinished, "%s.unfinished", to);
    bool is_to_try = file_make_folders_above(to);
    for (int i = 0; i < MOST_TRIES && is_to_try; ++i) {
        is_copied = copy_once(from, unfinished.data, copy);
        is_to_try = !is_copied && errno == ETXTBSY;
    }
    is_copied = is_copied && rename(unfinished.data, to) == 0;
    int saved = errno;
    if (!is_copied)
        unlink(unfinished.data);
    text_finish(&unfinished);
    errno = saved;
    return is_copied;
}
