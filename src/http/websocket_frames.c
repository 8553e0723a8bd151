#include "http/websocket_frames.h"

#include <string.h>

enum {
    OPCODE_CLOSE = 8,
    OPCODE_BITS = 0x0f,
    LAST_BIT = 0x80,
    MASK_BIT = 0x80,
    LENGTH_BITS = 0x7f,
    MASK_BYTES = 4,
};

static const char going_away[] = {3, (char)0xe9}; /* 1001 */

/* How many bytes the length takes behind the first two. */
static unsigned count_length_bytes(const struct websocket_frames *frames)
{
    unsigned short_length = frames->head[1] & LENGTH_BITS;
    return short_length == 127 ? 8 : short_length == 126 ? 2 : 0;
}

static unsigned count_head_bytes(const struct websocket_frames *frames)
{
    if (frames->head_length < 2)
        return 2;
    return 2 + count_length_bytes(frames) + ((frames->head[1] & MASK_BIT) != 0 ? MASK_BYTES : 0);
}

static uint64_t read_length(const struct websocket_frames *frames)
{
    unsigned count = count_length_bytes(frames);
    uint64_t length = count == 0 ? frames->head[1] & LENGTH_BITS : 0;
    for (unsigned i = 0; i < count; ++i)
        length = length << 8 | frames->head[2 + i];
    return length;
}

static void end_head(struct websocket_frames *frames)
{
    frames->is_closing |= (frames->head[0] & OPCODE_BITS) == OPCODE_CLOSE;
    frames->left_bytes = read_length(frames);
    if (frames->left_bytes == 0)
        frames->head_length = 0;
}

static bool is_head_whole(const struct websocket_frames *frames)
{
    return frames->head_length >= 2 && frames->head_length == count_head_bytes(frames);
}

static struct slice pass_head(struct websocket_frames *frames, struct slice bytes)
{
    while (bytes.length != 0 && !is_head_whole(frames)) {
        frames->head[frames->head_length++] = (unsigned char)bytes.data[0];
        bytes = slice_skip(bytes, 1);
    }
    if (is_head_whole(frames))
        end_head(frames);
    return bytes;
}

void websocket_frames_pass(struct websocket_frames *frames, struct slice bytes)
{
    while (bytes.length != 0) {
        if (frames->left_bytes == 0) {
            bytes = pass_head(frames, bytes);
            continue;
        }
        uint64_t passed = frames->left_bytes < bytes.length ? frames->left_bytes : bytes.length;
        bytes = slice_skip(bytes, (size_t)passed);
        frames->left_bytes -= passed;
        if (frames->left_bytes == 0)
            frames->head_length = 0;
    }
}

/* With a mask of zeros, which changes nothing: there is no page here whose words could be made to look like others. */
struct slice websocket_frames_say_going_away(const struct websocket_frames *frames, bool to_server, char *room)
{
    if (frames->is_closing || frames->head_length != 0)
        return SLICE_NONE;
    size_t mask_bytes = to_server ? MASK_BYTES : 0;
    room[0] = (char)(LAST_BIT | OPCODE_CLOSE);
    room[1] = (char)(sizeof(going_away) | (to_server ? MASK_BIT : 0));
    memset(room + 2, 0, mask_bytes);
    memcpy(room + 2 + mask_bytes, going_away, sizeof(going_away));
    return slice_of(room, 2 + mask_bytes + sizeof(going_away));
}
