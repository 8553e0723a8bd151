#include "base/content.h"

#include "base/sip_hash.h"

/* Messages between worker and supervisor have signed numbers. */
static uint64_t tidy(uint64_t number)
{
    number &= INT64_MAX;
    return number == 0 ? 1 : number;
}

void content_add(struct content *content, struct slice piece)
{
    if (piece.length == 0)
        return;
    const uint64_t before[2] = {content->number, content->length};
    content->number = sip_hash(before, piece);
    content->length += piece.length;
}

uint64_t content_number(const struct content *content)
{
    return tidy(content->number + content->length);
}

uint64_t content_of(struct slice bytes)
{
    struct content content = CONTENT_INIT;
    while (bytes.length != 0) {
        size_t length = bytes.length > CONTENT_PIECE_BYTES ? CONTENT_PIECE_BYTES : bytes.length;
        content_add(&content, slice_of(bytes.data, length));
        bytes = slice_skip(bytes, length);
    }
    return content_number(&content);
}

uint64_t content_of_status(const struct stat *status)
{
    const uint64_t facts[] = {
        (uint64_t)status->st_dev,          (uint64_t)status->st_ino,          (uint64_t)status->st_size,
        (uint64_t)status->st_mtim.tv_sec,  (uint64_t)status->st_mtim.tv_nsec, (uint64_t)status->st_ctim.tv_sec,
        (uint64_t)status->st_ctim.tv_nsec,
    };
    return content_of(slice_of((const char *)facts, sizeof(facts)));
}

uint64_t content_add_name(uint64_t names, struct slice name)
{
    return tidy(names + content_of(name));
}
