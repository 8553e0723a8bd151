#include "scenario/piece_queue.h"

enum {
    CUT_BYTES = 8192, /* at the beginning and at the end of a piece that is longer than both */
};

static void add(struct piece_queue *queue, struct arena *arena, struct slice piece)
{
    queue->items = arena_grow(arena, queue->items, queue->count, &queue->capacity, sizeof(*queue->items));
    queue->items[queue->count++] = piece;
}

static void add_cut(struct piece_queue *queue, struct arena *arena, struct slice piece, size_t chunk_bytes)
{
    while (chunk_bytes != 0 && piece.length > chunk_bytes) {
        add(queue, arena, slice_of(piece.data, chunk_bytes));
        piece = slice_skip(piece, chunk_bytes);
    }
    if (piece.length != 0)
        add(queue, arena, piece);
}

void piece_queue_add(struct piece_queue *queue, struct arena *arena, const struct content *content, size_t chunk_bytes)
{
    for (size_t i = 0; i < content->count; ++i) {
        struct slice piece = content->pieces[i];
        if (piece.length <= 2 * CUT_BYTES || chunk_bytes == 0) {
            add_cut(queue, arena, piece, chunk_bytes);
            continue;
        }
        size_t end = piece.length - CUT_BYTES;
        add_cut(queue, arena, slice_of(piece.data, CUT_BYTES), chunk_bytes);
        add(queue, arena, slice_of(piece.data + CUT_BYTES, end - CUT_BYTES));
        add_cut(queue, arena, slice_skip(piece, end), chunk_bytes);
    }
}

void piece_queue_complete(struct piece_queue *queue)
{
    queue->is_complete = true;
}

bool piece_queue_take(struct piece_queue *queue, struct slice *piece, bool *last)
{
    bool has_piece = queue->taken < queue->count;
    if (queue->is_over || (!has_piece && !queue->is_complete))
        return false;
    *piece = has_piece ? queue->items[queue->taken++] : SLICE_NONE;
    *last = queue->is_over = queue->is_complete && queue->taken == queue->count;
    return true;
}
