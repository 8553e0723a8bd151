#include "config/settings_reader.h"

enum {
    DAY_MS = 24 * 3600 * 1000,
    MOST_WAITING = 1000000,
};

enum {
    QUEUE_LENGTH = 0,
    QUEUE_TIMEOUT,
    QUEUE_FIELDS,
};

static const struct field fields[QUEUE_FIELDS] = {
    [QUEUE_LENGTH] = {.name = "length",
                      .type = FIELD_INTEGER,
                      .fallback = "1000",
                      .minimum = 0,
                      .maximum = MOST_WAITING,
                      .summary = "how many requests may wait in each worker"},
    [QUEUE_TIMEOUT] = {.name = "timeout",
                       .type = FIELD_DURATION,
                       .fallback = "5s",
                       .minimum = 1,
                       .maximum = DAY_MS,
                       .summary = "how long each of them waits"},
};

bool upstream_queue_read(struct settings_reader *reader, const struct node *node, struct upstream_settings *upstream)
{
    struct field_value values[QUEUE_FIELDS];
    enum switch_word word = node == NULL ? SWITCH_ON : value_switch(node);
    if (node != NULL && !value_check_present(reader, node, "queue"))
        return false;
    if (word == SWITCH_NONE && node->kind != NODE_MAPPING)
        return error_set_at(reader->error, node->place, "'queue' wants yes, no or a mapping such as { length: 1000 }");
    const struct node *mapping = node != NULL && word == SWITCH_NONE ? node : NULL;
    if (!fields_read(fields, QUEUE_FIELDS, mapping, upstream->place, "'queue'", reader->source, reader->arena, values,
                     reader->error))
        return false;
    upstream->queue_length = word == SWITCH_OFF ? 0 : (uint32_t)values[QUEUE_LENGTH].integer;
    upstream->queue_timeout_ms = values[QUEUE_TIMEOUT].integer;
    return true;
}
