#include "proxy/http1_body.h"

#include "base/alloc.h"

#include <stdlib.h>

enum {
    FIRST_BYTES = 4096,
    FIRST_ANNOUNCED_BYTES = 64 * 1024, /* the most that an announced length alone makes us allocate */
};

enum http1_body_result http1_body_begin(struct http1_body *body, const struct http1_framing *framing,
                                        uint64_t limit_bytes)
{
    *body = (struct http1_body){.limit_bytes = limit_bytes, .is_chunked = framing->is_chunked};
    if (framing->is_chunked)
        return HTTP1_BODY_MORE;
    if (framing->content_length > limit_bytes)
        return HTTP1_BODY_TOO_LARGE;
    body->left = framing->content_length;
    return body->left == 0 ? HTTP1_BODY_WHOLE : HTTP1_BODY_MORE;
}

static size_t choose_capacity(const struct http1_body *body, size_t needed)
{
    size_t capacity = body->capacity * 2;
    if (body->capacity == 0)
        capacity = body->is_chunked ? FIRST_BYTES : FIRST_ANNOUNCED_BYTES;
    if (!body->is_chunked && capacity > body->length + body->left)
        capacity = body->length + body->left;
    return capacity < needed ? needed : capacity;
}

static bool make_room(struct http1_body *body, size_t more)
{
    size_t needed = body->length + more;
    if (needed <= body->capacity)
        return true;
    size_t capacity = choose_capacity(body, needed);
    char *grown = mem_try_realloc(body->data, capacity);
    if (grown == NULL)
        return false;
    body->data = grown;
    body->capacity = capacity;
    return true;
}

/* Length is not 0. */
static bool append(struct http1_body *body, struct slice data)
{
    if (!make_room(body, data.length))
        return false;
    memcpy(body->data + body->length, data.data, data.length);
    body->length += data.length;
    return true;
}

static enum http1_body_result take_announced(struct http1_body *body, struct slice *input)
{
    size_t length = input->length < body->left ? input->length : (size_t)body->left;
    if (length != 0) {
        if (!append(body, slice_of(input->data, length)))
            return HTTP1_BODY_TOO_LARGE;
        *input = slice_skip(*input, length);
        body->left -= length;
    }
    return body->left == 0 ? HTTP1_BODY_WHOLE : HTTP1_BODY_MORE;
}

static enum http1_body_result take_chunked(struct http1_body *body, struct slice *input)
{
    for (;;) {
        struct slice data = SLICE_NONE;
        switch (chunked_decode(&body->chunked, input, &data)) {
        case CHUNKED_DATA:
            if (data.length > body->limit_bytes - body->length)
                return HTTP1_BODY_TOO_LARGE;
            if (data.length != 0 && !append(body, data))
                return HTTP1_BODY_TOO_LARGE;
            break;
        case CHUNKED_MORE:
            return HTTP1_BODY_MORE;
        case CHUNKED_DONE:
            return HTTP1_BODY_WHOLE;
        case CHUNKED_BAD:
            return HTTP1_BODY_BAD;
        }
    }
}

enum http1_body_result http1_body_take(struct http1_body *body, struct slice *input)
{
    return body->is_chunked ? take_chunked(body, input) : take_announced(body, input);
}

char *http1_body_reserve(struct http1_body *body, size_t *room)
{
    if (!make_room(body, 1))
        return NULL;
    size_t free_bytes = body->capacity - body->length;
    *room = free_bytes < body->left ? free_bytes : (size_t)body->left;
    return body->data + body->length;
}

enum http1_body_result http1_body_add_received(struct http1_body *body, size_t length)
{
    body->length += length;
    body->left -= length;
    return body->left == 0 ? HTTP1_BODY_WHOLE : HTTP1_BODY_MORE;
}

void http1_body_finish(struct http1_body *body)
{
    free(body->data);
    *body = (struct http1_body){0};
}
