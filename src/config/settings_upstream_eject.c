#include "config/settings_reader.h"
#include "config/wording.h"

enum {
    DAY_MS = 24 * 3600 * 1000,
    MOST_FAILURES = 1000,
    LEAST_STATUS = 400,
};

enum {
    EJECT_FAILURES = 0,
    EJECT_TIME,
    EJECT_LONGEST,
    EJECT_STATUS,
    EJECT_FIELDS,
};

static const struct field fields[EJECT_FIELDS] = {
    [EJECT_FAILURES] = {.name = "failures",
                        .type = FIELD_INTEGER,
                        .fallback = "5",
                        .minimum = 1,
                        .maximum = MOST_FAILURES,
                        .summary = "failures in a row after which a server is left alone"},
    [EJECT_TIME] = {.name = "time",
                    .type = FIELD_DURATION,
                    .fallback = "10s",
                    .minimum = 1,
                    .maximum = DAY_MS,
                    .summary = "how long the first time; each time after it takes twice as long"},
    [EJECT_LONGEST] = {.name = "longest",
                       .type = FIELD_DURATION,
                       .fallback = "5m",
                       .minimum = 1,
                       .maximum = DAY_MS,
                       .summary = "how long at most"},
    [EJECT_STATUS] = {.name = "status",
                      .type = FIELD_NODE,
                      .summary = "responses that count as failures, besides the lack of one"},
};

static bool check_times(struct settings_reader *reader, const struct field_value *values, struct eject_settings *eject)
{
    eject->time_ms = values[EJECT_TIME].integer;
    eject->longest_ms = values[EJECT_LONGEST].integer;
    if (eject->longest_ms >= eject->time_ms)
        return true;
    if (values[EJECT_LONGEST].written)
        return error_set_at(reader->error, values[EJECT_LONGEST].place,
                            "'longest' must not be shorter than 'time', which is %s",
                            wording_duration(reader->arena, eject->time_ms));
    eject->longest_ms = eject->time_ms;
    return true;
}

bool upstream_eject_read(struct settings_reader *reader, const struct node *node, struct upstream_settings *upstream)
{
    struct field_value values[EJECT_FIELDS];
    enum switch_word word = node == NULL ? SWITCH_ON : value_switch(node);
    if (word == SWITCH_OFF)
        return true;
    if (node != NULL && !value_check_present(reader, node, "eject"))
        return false;
    if (word == SWITCH_NONE && node->kind != NODE_MAPPING)
        return error_set_at(reader->error, node->place, "'eject' wants yes, no or a mapping such as { failures: 5 }");
    const struct node *mapping = word == SWITCH_ON ? NULL : node;
    if (!fields_read(fields, EJECT_FIELDS, mapping, upstream->place, "'eject'", reader->source, reader->arena, values,
                     reader->error))
        return false;
    upstream->eject.failures = (uint32_t)values[EJECT_FAILURES].integer;
    return check_times(reader, values, &upstream->eject) &&
           (!values[EJECT_STATUS].written ||
            statuses_read(reader, values[EJECT_STATUS].node, "status", LEAST_STATUS, &upstream->eject.statuses));
}
