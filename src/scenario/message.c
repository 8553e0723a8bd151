#include "scenario/message.h"

#include <inttypes.h>

void message_clear(struct message *message)
{
    struct text body = message->body;
    text_clear(&body);
    *message = (struct message){.body = body};
}

void message_finish(struct message *message)
{
    text_finish(&message->body);
}

void message_add_fields(struct message *message, struct arena *arena, const struct headers *fields)
{
    for (size_t i = 0; i < fields->count; ++i)
        headers_add(&message->headers, arena, arena_copy(arena, fields->items[i].name),
                    arena_copy(arena, fields->items[i].value));
}

void message_take_attributes(struct message *message, struct arena *arena, const struct attributes *attributes)
{
    message->attributes.count = 0;
    for (size_t i = 0; i < attributes->count; ++i)
        headers_add(&message->attributes, arena, arena_copy(arena, attributes->items[i].name),
                    arena_copy(arena, attributes->items[i].value));
}

void message_add_length(struct message *message, struct arena *arena, int64_t length)
{
    headers_add(&message->headers, arena, SLICE("content-length"), arena_print(arena, "%" PRId64, length));
}
