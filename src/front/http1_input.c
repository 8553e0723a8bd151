#include "front/http1_input.h"

#include "base/alloc.h"

#include <stdlib.h>

static void take_first(struct http1_input *input, struct http1_spare *spare)
{
    input->data = spare->data != NULL ? spare->data : mem_alloc(HTTP1_INPUT_FIRST_BYTES);
    input->capacity = HTTP1_INPUT_FIRST_BYTES;
    spare->data = NULL;
}

static void move_to_front(struct http1_input *input)
{
    memmove(input->data, input->data + input->start, input->end - input->start);
    input->end -= input->start;
    input->start = 0;
}

char *http1_input_reserve(struct http1_input *input, struct http1_spare *spare, size_t limit, size_t *room)
{
    size_t used = input->end - input->start;
    *room = 0;
    if (used >= limit)
        return NULL;
    if (input->data == NULL)
        take_first(input, spare);
    if (input->end == input->capacity && input->start != 0)
        move_to_front(input);
    if (input->end == input->capacity) {
        input->capacity *= 2;
        input->data = mem_realloc(input->data, input->capacity);
    }
    size_t free_bytes = input->capacity - input->end;
    *room = free_bytes < limit - used ? free_bytes : limit - used;
    return input->data + input->end;
}

void http1_input_widen(struct http1_input *input, struct http1_spare *spare, size_t capacity)
{
    if (input->data == NULL && capacity <= HTTP1_INPUT_FIRST_BYTES)
        take_first(input, spare);
    if (input->capacity >= capacity)
        return;
    if (input->data != NULL && input->start != 0)
        move_to_front(input);
    input->data = mem_realloc(input->data, capacity);
    input->capacity = capacity;
}

char *http1_input_detach(struct http1_input *input, size_t length, size_t *capacity)
{
    char *detached = input->data;
    struct slice rest = slice_of(input->data + input->start + length, input->end - input->start - length);
    *capacity = input->capacity;
    *input = (struct http1_input){0};
    if (rest.length != 0) {
        input->capacity = rest.length < HTTP1_INPUT_FIRST_BYTES ? HTTP1_INPUT_FIRST_BYTES : rest.length;
        input->data = mem_alloc(input->capacity);
        memcpy(input->data, rest.data, rest.length);
        input->end = rest.length;
    }
    return detached;
}

void http1_spare_give(struct http1_spare *spare, char *data, size_t capacity)
{
    if (data != NULL && capacity == HTTP1_INPUT_FIRST_BYTES && spare->data == NULL)
        spare->data = data;
    else
        free(data);
}

void http1_input_add(struct http1_input *input, size_t length)
{
    input->end += length;
}

struct slice http1_input_slice(const struct http1_input *input)
{
    return input->data == NULL ? SLICE("") : slice_of(input->data + input->start, input->end - input->start);
}

void http1_input_consume(struct http1_input *input, size_t length)
{
    input->start += length;
    if (input->start == input->end)
        input->start = input->end = 0;
}

void http1_input_trim(struct http1_input *input, struct http1_spare *spare)
{
    if (input->data == NULL || input->start != input->end)
        return;
    http1_spare_give(spare, input->data, input->capacity);
    *input = (struct http1_input){0};
}
