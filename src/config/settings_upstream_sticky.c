#include "config/settings_reader.h"
#include "config/wording.h"

enum {
    STICKY_COOKIE = 0,
    STICKY_PATH,
    STICKY_MAX_AGE,
    STICKY_SECURE,
    STICKY_SAME_SITE,
    STICKY_FIELDS,
};

enum {
    SECOND_MS = 1000,
};

/* As long as browsers keep a cookie. */
#define LONGEST_AGE_MS (400LL * 24 * 3600 * SECOND_MS)

static const char *const same_sites[] = {
    [SAME_SITE_LAX] = "lax",
    [SAME_SITE_STRICT] = "strict",
    [SAME_SITE_NONE] = "none",
    NULL,
};

static const struct field fields[STICKY_FIELDS] = {
    [STICKY_COOKIE] = {.name = "cookie", .type = FIELD_TEXT, .required = true, .summary = "its name"},
    [STICKY_PATH] = {.name = "path", .type = FIELD_TEXT, .fallback = "/", .summary = "the paths it is sent back for"},
    [STICKY_MAX_AGE] = {.name = "max_age",
                        .type = FIELD_DURATION,
                        .fallback = "0",
                        .minimum = 0,
                        .maximum = LONGEST_AGE_MS,
                        .summary = "how long it is kept; 0 is until the browser is closed"},
    [STICKY_SECURE] = {.name = "secure",
                       .type = FIELD_BOOL,
                       .fallback = "no",
                       .summary = "whether it is sent back by https only"},
    [STICKY_SAME_SITE] = {.name = "same_site",
                          .type = FIELD_CHOICE,
                          .fallback = "lax",
                          .choices = same_sites,
                          .summary = "whether it is sent with requests that come from other sites"},
};

static bool check_cookie(struct settings_reader *reader, struct place place, struct slice name)
{
    return pattern_is_token(name) || error_set_at(reader->error, place, "'%s' cannot be the name of a cookie",
                                                  wording_quote(reader->arena, name));
}

static bool check_path(struct settings_reader *reader, const struct field_value *value)
{
    bool is_good = slice_starts_with(value->text, SLICE("/"));
    for (size_t i = 0; i < value->text.length; ++i) {
        unsigned char c = (unsigned char)value->text.data[i];
        is_good = is_good && c > ' ' && c < 0x7f && c != ';';
    }
    return is_good || error_set_at(reader->error, value->place, "'path' wants a path such as / or /shop, not '%s'",
                                   wording_quote(reader->arena, value->text));
}

/* Browsers throw away a cookie that breaks one of these rules. */
static bool check_secure(struct settings_reader *reader, const struct field_value *values,
                         const struct sticky_settings *sticky)
{
    bool is_host_bound = slice_starts_with_nocase(sticky->cookie, SLICE("__Host-"));
    bool wants_secure = is_host_bound || slice_starts_with_nocase(sticky->cookie, SLICE("__Secure-"));
    if (sticky->same_site == SAME_SITE_NONE && !sticky->is_secure)
        return error_set_at(reader->error, values[STICKY_SAME_SITE].place,
                            "'same_site: none' wants 'secure: yes' beside it");
    if (wants_secure && !sticky->is_secure)
        return error_set_at(reader->error, values[STICKY_COOKIE].place,
                            "a cookie whose name begins with '%s' wants 'secure: yes' beside it",
                            is_host_bound ? "__Host-" : "__Secure-");
    if (is_host_bound && !slice_equals(sticky->path, SLICE("/")))
        return error_set_at(reader->error, values[STICKY_PATH].place,
                            "a cookie whose name begins with '__Host-' wants the path '/'");
    return true;
}

static bool read_mapping(struct settings_reader *reader, const struct node *node, struct sticky_settings *sticky)
{
    struct field_value values[STICKY_FIELDS];
    if (!fields_read(fields, STICKY_FIELDS, node, node->place, "'sticky'", reader->source, reader->arena, values,
                     reader->error))
        return false;
    *sticky = (struct sticky_settings){
        .cookie = values[STICKY_COOKIE].text,
        .path = values[STICKY_PATH].text,
        .max_age_ms = values[STICKY_MAX_AGE].integer,
        .is_secure = values[STICKY_SECURE].boolean,
        .same_site = (enum same_site)values[STICKY_SAME_SITE].integer,
    };
    if (sticky->max_age_ms % SECOND_MS != 0)
        return error_set_at(reader->error, values[STICKY_MAX_AGE].place, "'max_age' wants whole seconds, not '%s'",
                            wording_quote(reader->arena, values[STICKY_MAX_AGE].text));
    return check_cookie(reader, values[STICKY_COOKIE].place, sticky->cookie) &&
           check_path(reader, &values[STICKY_PATH]) && check_secure(reader, values, sticky);
}

bool upstream_sticky_read(struct settings_reader *reader, const struct node *node, struct upstream_settings *upstream)
{
    if (node == NULL || value_switch(node) == SWITCH_OFF)
        return true;
    if (!value_check_present(reader, node, "sticky"))
        return false;
    if (node->kind == NODE_MAPPING)
        return read_mapping(reader, node, &upstream->sticky);
    if (node->kind == NODE_SEQUENCE || value_switch(node) == SWITCH_ON)
        return error_set_at(reader->error, node->place, "'sticky' wants a cookie's name, or a mapping with 'cookie'");
    struct value_alone alone;
    return read_mapping(reader, value_wrap(&alone, "cookie", node), &upstream->sticky);
}
