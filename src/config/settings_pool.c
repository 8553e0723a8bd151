#include "config/settings_reader.h"

enum {
    POOL_THREADS = 0,
    POOL_QUEUE,
    POOL_SHARE,
    POOL_FIELDS,
};

static const struct field fields[POOL_FIELDS] = {
    [POOL_THREADS] = {.name = "threads",
                      .type = FIELD_INTEGER,
                      .fallback = "64",
                      .minimum = 1,
                      .maximum = 4096,
                      .summary = "how many there may be, in each worker"},
    [POOL_QUEUE] = {.name = "queue",
                    .type = FIELD_INTEGER,
                    .fallback = "1024",
                    .minimum = 0,
                    .maximum = 1000000,
                    .summary = "how many jobs may wait for one"},
    [POOL_SHARE] = {.name = "share",
                    .type = FIELD_INTEGER,
                    .fallback = "25",
                    .minimum = 1,
                    .maximum = 100,
                    .summary = "what one library may have of both, in percent"},
};

bool pool_read(struct settings_reader *reader, const struct field_value *value)
{
    const struct node *mapping = value->node;
    struct field_value values[POOL_FIELDS];
    if (mapping != NULL &&
        !value_check_kind(reader, mapping, "pool", NODE_MAPPING, "a mapping with 'threads', 'queue' or 'share'"))
        return false;
    if (!fields_read(fields, POOL_FIELDS, mapping, mapping == NULL ? PLACE_NONE : mapping->place, "the pool",
                     reader->source, reader->arena, values, reader->error))
        return false;
    reader->settings->pool = (struct pool_settings){
        .threads = (unsigned)values[POOL_THREADS].integer,
        .queue = (unsigned)values[POOL_QUEUE].integer,
        .share_percent = (unsigned)values[POOL_SHARE].integer,
    };
    return true;
}
