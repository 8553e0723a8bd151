#include "config/field_value.h"
#include "config/settings_reader.h"

enum {
    DRAIN_REQUESTS = 0,
    DRAIN_TUNNELS,
    DRAIN_FIELDS,
};

enum {
    DAY_MS = 24 * 3600 * 1000,
};

static const struct field fields[DRAIN_FIELDS] = {
    [DRAIN_REQUESTS] = {.name = "requests",
                        .type = FIELD_DURATION,
                        .fallback = "30s",
                        .minimum = 0,
                        .maximum = DAY_MS,
                        .summary = "how long requests may go on after a reload"},
    [DRAIN_TUNNELS] = {.name = "tunnels",
                       .type = FIELD_DURATION,
                       .fallback = "1h",
                       .minimum = 0,
                       .maximum = DAY_MS,
                       .summary = "how long tunnels may"},
};

/* One duration is that of requests; tunnels have theirs in a mapping only, since they are few and meant to last. */
bool drain_read(struct settings_reader *reader, const struct node *node)
{
    static const struct field requests = {
        .name = "drain_timeout", .type = FIELD_DURATION, .minimum = 0, .maximum = DAY_MS};
    struct field_value values[DRAIN_FIELDS];
    const struct node *mapping = node != NULL && node->kind == NODE_MAPPING ? node : NULL;
    if (!fields_read(fields, DRAIN_FIELDS, mapping, node == NULL ? PLACE_NONE : node->place, "'drain_timeout'",
                     reader->source, reader->arena, values, reader->error))
        return false;
    if (node != NULL && mapping == NULL) {
        struct field_reader durations = {reader->source, reader->arena, reader->error, ""};
        if (!field_value_read(&durations, &requests, node, &values[DRAIN_REQUESTS]))
            return false;
    }
    reader->settings->drain_timeout_ms = values[DRAIN_REQUESTS].integer;
    reader->settings->drain_tunnels_ms = values[DRAIN_TUNNELS].integer;
    return true;
}
