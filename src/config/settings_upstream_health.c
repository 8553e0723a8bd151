#include "config/settings_reader.h"
#include "config/wording.h"

enum {
    DAY_MS = 24 * 3600 * 1000,
    MOST_CHECKS = 1000,
    LEAST_STATUS = 200,
};

enum {
    HEALTH_PATH = 0,
    HEALTH_HOST,
    HEALTH_EVERY,
    HEALTH_TIMEOUT,
    HEALTH_HEALTHY_AFTER,
    HEALTH_UNHEALTHY_AFTER,
    HEALTH_STATUS,
    HEALTH_BODY,
    HEALTH_FIELDS,
};

static const struct field fields[HEALTH_FIELDS] = {
    [HEALTH_PATH] = {.name = "path", .type = FIELD_TEXT, .required = true, .summary = "what is asked for by GET"},
    [HEALTH_HOST] = {.name = "host", .type = FIELD_TEXT, .summary = "the Host it is asked with; else the server's own"},
    [HEALTH_EVERY] = {.name = "every",
                      .type = FIELD_DURATION,
                      .fallback = "5s",
                      .minimum = 10,
                      .maximum = DAY_MS,
                      .summary = "from one check of a server to the next"},
    [HEALTH_TIMEOUT] = {.name = "timeout",
                        .type = FIELD_DURATION,
                        .fallback = "2s",
                        .minimum = 1,
                        .maximum = DAY_MS,
                        .summary = "how long a check may take; the next one waits for it"},
    [HEALTH_HEALTHY_AFTER] = {.name = "healthy_after",
                              .type = FIELD_INTEGER,
                              .fallback = "2",
                              .minimum = 1,
                              .maximum = MOST_CHECKS,
                              .summary = "good checks in a row until a server gets requests again"},
    [HEALTH_UNHEALTHY_AFTER] = {.name = "unhealthy_after",
                                .type = FIELD_INTEGER,
                                .fallback = "3",
                                .minimum = 1,
                                .maximum = MOST_CHECKS,
                                .summary = "bad checks in a row until a server gets no more requests"},
    [HEALTH_STATUS] = {.name = "status", .type = FIELD_NODE, .summary = "the statuses that are good: 200-399"},
    [HEALTH_BODY] = {.name = "body", .type = FIELD_TEXT, .summary = "how the body of a good response begins"},
};

static bool check_path(struct settings_reader *reader, struct place place, struct slice path)
{
    const char *written = wording_quote(reader->arena, path);
    if (!slice_starts_with(path, SLICE("/")))
        return error_set_at(reader->error, place, "the path '%s' must begin with '/'", written);
    for (size_t i = 0; i < path.length; ++i) {
        unsigned char c = (unsigned char)path.data[i];
        if (c <= ' ' || c >= 0x7f || c == '#')
            return error_set_at(reader->error, place,
                                "the path '%s' holds a character that no request may: write it as %%%02X", written, c);
    }
    return true;
}

static bool read_statuses(struct settings_reader *reader, const struct field_value *value,
                          struct health_settings *health)
{
    static const struct status_range usual = {200, 399};
    health->statuses = (struct status_ranges){&usual, 1};
    if (!value->written)
        return true;
    if (value->node->kind == NODE_SEQUENCE && value->node->count == 0)
        return error_set_at(reader->error, value->place, "'status' is an empty list, so that no check could be good");
    return statuses_read(reader, value->node, "status", LEAST_STATUS, &health->statuses);
}

static bool read_health(struct settings_reader *reader, const struct node *mapping, struct health_settings *health)
{
    struct field_value values[HEALTH_FIELDS];
    if (!fields_read(fields, HEALTH_FIELDS, mapping, mapping->place, "'health'", reader->source, reader->arena, values,
                     reader->error))
        return false;
    const struct field_value *host = &values[HEALTH_HOST];
    health->path = values[HEALTH_PATH].text;
    health->every_ms = values[HEALTH_EVERY].integer;
    health->timeout_ms = values[HEALTH_TIMEOUT].integer;
    health->healthy_after = (uint32_t)values[HEALTH_HEALTHY_AFTER].integer;
    health->unhealthy_after = (uint32_t)values[HEALTH_UNHEALTHY_AFTER].integer;
    health->body = values[HEALTH_BODY].text;
    return check_path(reader, values[HEALTH_PATH].place, health->path) &&
           (!host->written || value_read_host(reader, host->place, "host", host->text, &health->host)) &&
           read_statuses(reader, &values[HEALTH_STATUS], health);
}

bool upstream_health_read(struct settings_reader *reader, const struct node *node, struct upstream_settings *upstream)
{
    if (node == NULL || value_switch(node) == SWITCH_OFF)
        return true;
    struct health_settings *health = arena_zalloc(reader->arena, sizeof(*health));
    upstream->health = health;
    if (!value_check_present(reader, node, "health"))
        return false;
    if (node->kind == NODE_MAPPING)
        return read_health(reader, node, health);
    if (node->kind == NODE_SEQUENCE || value_switch(node) == SWITCH_ON)
        return error_set_at(reader->error, node->place,
                            "'health' wants a path such as /healthz, or a mapping with 'path'");
    struct value_alone alone;
    return read_health(reader, value_wrap(&alone, "path", node), health);
}
