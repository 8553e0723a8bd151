#include "config/field_value.h"
#include "config/settings_reader.h"
#include "config/wording.h"

#include <inttypes.h>

#define YEAR_MS (365LL * 24 * 3600 * 1000)

enum {
    MOST_YEARS = 10,
};

enum {
    HTTPS_PORT = 0,
    HTTPS_HSTS,
    HTTPS_SUBDOMAINS,
    HTTPS_PRELOAD,
    HTTPS_EXCEPT,
    HTTPS_FIELDS,
};

static const struct field fields[HTTPS_FIELDS] = {
    [HTTPS_PORT] = {.name = "port",
                    .type = FIELD_INTEGER,
                    .minimum = 1,
                    .maximum = UINT16_MAX,
                    .summary = "where clients find https"},
    [HTTPS_HSTS] = {.name = "hsts",
                    .type = FIELD_TEXT,
                    .fallback = "1y",
                    .summary = "how long browsers remember to come by https only, or no"},
    [HTTPS_SUBDOMAINS] = {.name = "subdomains",
                          .type = FIELD_BOOL,
                          .fallback = "no",
                          .summary = "whether they remember it of all names below this one"},
    [HTTPS_PRELOAD] = {.name = "preload",
                       .type = FIELD_BOOL,
                       .fallback = "no",
                       .summary = "whether browsers may bring the name along in their lists"},
    [HTTPS_EXCEPT] = {.name = "except", .type = FIELD_NODE, .summary = "paths that are answered by http too"},
};

/* Reads how long; a negative age means that nothing is said. */
static bool read_age(struct settings_reader *reader, const struct field_value *value, int64_t *age_ms)
{
    static const struct field age = {.name = "hsts", .type = FIELD_DURATION, .maximum = MOST_YEARS * YEAR_MS};
    struct field_reader durations = {reader->source, reader->arena, reader->error, ""};
    struct field_value duration = {0};
    switch (value->written ? value_switch(value->node) : SWITCH_ON) {
    case SWITCH_OFF:
        *age_ms = -1;
        return true;
    case SWITCH_ON:
        *age_ms = YEAR_MS;
        return true;
    case SWITCH_NONE:
        break;
    }
    if (!field_value_read(&durations, &age, value->node, &duration))
        return false;
    *age_ms = duration.integer;
    return *age_ms % 1000 == 0 || error_set_at(reader->error, value->place, "'hsts' wants whole seconds, not %s",
                                               wording_duration(reader->arena, *age_ms));
}

static bool check_preload(struct settings_reader *reader, const struct field_value *values, int64_t age_ms)
{
    struct place place = values[HTTPS_PRELOAD].place;
    if (!values[HTTPS_PRELOAD].boolean)
        return true;
    if (!values[HTTPS_SUBDOMAINS].boolean)
        return error_set_at(reader->error, place,
                            "'preload' wants 'subdomains: yes' too: the lists of browsers hold whole domains");
    return age_ms >= YEAR_MS || error_set_at(reader->error, place, "'preload' wants 'hsts' to be 1y at least, not %s",
                                             wording_duration(reader->arena, age_ms));
}

static bool read_hsts(struct settings_reader *reader, const struct field_value *values, struct slice *hsts)
{
    int64_t age_ms;
    if (!read_age(reader, &values[HTTPS_HSTS], &age_ms))
        return false;
    for (int i = HTTPS_SUBDOMAINS; i <= HTTPS_PRELOAD && age_ms < 0; ++i) {
        if (values[i].boolean)
            return error_set_at(reader->error, values[i].place, "'%s' is a part of HSTS, which 'hsts: no' turns off",
                                fields[i].name);
    }
    if (age_ms < 0)
        return true;
    *hsts = arena_print(reader->arena, "max-age=%" PRId64 "%s%s", age_ms / 1000,
                        values[HTTPS_SUBDOMAINS].boolean ? "; includeSubDomains" : "",
                        values[HTTPS_PRELOAD].boolean ? "; preload" : "");
    return check_preload(reader, values, age_ms);
}

/* Where nobody speaks https, whoever is sent there comes back by http. */
static bool check_way(struct settings_reader *reader, struct place place)
{
    const struct settings *settings = reader->settings;
    bool has_way = settings->trusted_proxy_count != 0;
    for (size_t i = 0; i < settings->listener_count; ++i)
        has_way = has_way || settings->listeners[i].tls != NULL;
    return has_way || error_set_at(reader->error, place,
                                   "'https_only' would lead nowhere: no listener has 'tls', and 'trusted_proxies' "
                                   "names nobody who might speak https in front");
}

bool https_only_read(struct settings_reader *reader, const struct field_value *value)
{
    struct https_only_settings *https_only = &reader->settings->https_only;
    const struct node *node = value->node;
    struct field_value values[HTTPS_FIELDS];
    enum switch_word word = node == NULL ? SWITCH_OFF : value_switch(node);
    if (word == SWITCH_OFF)
        return true;
    if (!value_check_present(reader, node, "https_only"))
        return false;
    if (word == SWITCH_NONE && node->kind != NODE_MAPPING)
        return error_set_at(reader->error, node->place,
                            "'https_only' wants yes, no or a mapping such as { hsts: 30d }, not %s",
                            node->kind == NODE_SCALAR
                                ? arena_print(reader->arena, "'%s'", wording_quote(reader->arena, node->text)).data
                                : node_kind_phrase(node));
    if (!fields_read(fields, HTTPS_FIELDS, word == SWITCH_ON ? NULL : node, node->place, "'https_only'", reader->source,
                     reader->arena, values, reader->error))
        return false;
    https_only->is_on = true;
    https_only->port = (uint16_t)values[HTTPS_PORT].integer;
    return read_hsts(reader, values, &https_only->hsts) &&
           (!values[HTTPS_EXCEPT].written ||
            paths_read(reader, values[HTTPS_EXCEPT].node, "except", &https_only->except)) &&
           check_way(reader, node->place);
}
