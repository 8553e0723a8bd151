#include "http2_frames.h"

#include "fuzz.h"

#include <nghttp2/nghttp2.h>

enum {
    FRAME_HEAD_BYTES = 9,
    MOST_FRAME_BYTES = 16384,
    MOST_STREAMS = 1 << 16, /* more than an input has room for */
    END_STREAM = 1,
    END_HEADERS = 4,
};

/* The first field of the block must be the only :status. */
static void check_block(nghttp2_hd_inflater *inflater, struct slice block)
{
    size_t count = 0;
    while (true) {
        nghttp2_nv field;
        int flags = 0;
        ssize_t used = nghttp2_hd_inflate_hd2(inflater, &field, &flags, (const uint8_t *)block.data, block.length, 1);
        CLAIM(used >= 0);
        block = slice_skip(block, (size_t)used);
        if ((flags & NGHTTP2_HD_INFLATE_EMIT) != 0) {
            CLAIM((field.name[0] == ':') == (count == 0));
            ++count;
        }
        if ((flags & NGHTTP2_HD_INFLATE_FINAL) != 0)
            break;
    }
    CLAIM(count != 0);
    nghttp2_hd_inflate_end_headers(inflater);
}

/* Of one frame that has come to the client. */
static void check_answer(nghttp2_hd_inflater *inflater, const unsigned char *head, struct slice payload, bool *is_over,
                         bool *has_head)
{
    unsigned type = head[3], stream = (unsigned)head[7] << 8 | head[8];
    bool is_last = (type == NGHTTP2_DATA || type == NGHTTP2_HEADERS) && (head[4] & END_STREAM) != 0;
    CLAIM(type <= NGHTTP2_WINDOW_UPDATE && type != NGHTTP2_PRIORITY && type != NGHTTP2_PUSH_PROMISE);
    bool is_of_stream = type == NGHTTP2_DATA || type == NGHTTP2_HEADERS || type == NGHTTP2_RST_STREAM;
    bool is_of_any = type == NGHTTP2_WINDOW_UPDATE;
    CLAIM(is_of_any || is_of_stream == (stream != 0));
    if (!is_of_stream || stream >= MOST_STREAMS)
        return;
    if (type == NGHTTP2_HEADERS) {
        CLAIM(!is_over[stream] && (head[4] & END_HEADERS) != 0);
        check_block(inflater, payload);
        has_head[stream] = true;
    } else if (type == NGHTTP2_DATA) {
        CLAIM(!is_over[stream] && has_head[stream]);
    }
    is_over[stream] = is_over[stream] || is_last || type == NGHTTP2_RST_STREAM;
}

void http2_frames_check(struct slice answers)
{
    static bool is_over[MOST_STREAMS], has_head[MOST_STREAMS];
    nghttp2_hd_inflater *inflater;
    memset(is_over, 0, sizeof(is_over));
    memset(has_head, 0, sizeof(has_head));
    CLAIM(nghttp2_hd_inflate_new(&inflater) == 0);
    while (answers.length != 0) {
        CLAIM(answers.length >= FRAME_HEAD_BYTES);
        const unsigned char *head = (const unsigned char *)answers.data;
        size_t length = (size_t)head[0] << 16 | (size_t)head[1] << 8 | head[2];
        CLAIM(length <= MOST_FRAME_BYTES && answers.length - FRAME_HEAD_BYTES >= length);
        answers = slice_skip(answers, FRAME_HEAD_BYTES);
        check_answer(inflater, head, slice_of(answers.data, length), is_over, has_head);
        answers = slice_skip(answers, length);
    }
    nghttp2_hd_inflate_del(inflater);
}

size_t http2_frames_count_heads(struct slice frames)
{
    size_t count = 0;
    while (frames.length >= FRAME_HEAD_BYTES) {
        const unsigned char *head = (const unsigned char *)frames.data;
        count += head[3] == NGHTTP2_HEADERS;
        frames = slice_skip(frames, FRAME_HEAD_BYTES);
        size_t length = (size_t)head[0] << 16 | (size_t)head[1] << 8 | head[2];
        frames = slice_skip(frames, length < frames.length ? length : frames.length);
    }
    return count;
}
