#include "command/status_json.h"

#include "command/json_text.h"
#include "process/control_message.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    MOST_NAMES = CONTROL_FIELDS - 1,
};

/* What a line's fields are called, those with '#' in front being numbers. */
struct shape {
    const char *kind;
    const char *list; /* where it goes; NULL: into the object itself */
    const char *names[MOST_NAMES];
};

static const struct shape shapes[] = {
    {"program", NULL, {"version", "#pid", "config", "filters"}},
    {"generation", "generations", {"#number", "state", "#workers", "#requests", "#tunnels", "#connections", "#age_s"}},
    {"library", "libraries", {"path", "sha256", "abi", "version"}},
    {"runner", "runners", {"#generation", "library", "#processes", "#deaths"}},
    {"refused", "refused", {"path", "sha256"}},
    {"quarantine", "quarantine", {"path"}},
    {"crashing", "crashing", {"path", "#loops", "#age_s"}},
    {"route", "routes", {"name", "sha256", "target", "place"}},
    {"reload", "reloads", {"#id", "cause", "result", "#age_s", "#generation", "sentence"}},
};

static json_t *read_field(const char *name, struct slice field)
{
    char number[32];
    if (name[0] != '#')
        return json_text(field);
    snprintf(number, sizeof(number), "%.*s", SLICE_ARG(field));
    bool is_whole = slice_find(field, '.') == field.length;
    return is_whole ? json_integer(strtoll(number, NULL, 10)) : json_real(strtod(number, NULL));
}

static void fill_object(json_t *object, const struct shape *shape, const struct control_line *line)
{
    for (size_t i = 0; i < MOST_NAMES && shape->names[i] != NULL; ++i) {
        const char *name = shape->names[i];
        json_object_set_new(object, name + (name[0] == '#'), read_field(name, control_line_field(line, i + 1)));
    }
}

/* The generation that a line tells more of; NULL where there is none. */
static json_t *find_generation(json_t *status, struct slice number)
{
    uint64_t wanted;
    json_t *generation;
    size_t i;
    if (!slice_parse_number(number, &wanted))
        return NULL;
    json_array_foreach(json_object_get(status, "generations"), i, generation)
    {
        if (json_integer_value(json_object_get(generation, "number")) == (json_int_t)wanted)
            return generation;
    }
    return NULL;
}

static void add_line(json_t *status, const struct control_line *line)
{
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); ++i) {
        if (!slice_equals(line->fields[0], slice_from_text(shapes[i].kind)))
            continue;
        json_t *object = shapes[i].list == NULL ? status : json_object();
        fill_object(object, &shapes[i], line);
        if (shapes[i].list != NULL)
            json_array_append_new(json_object_get(status, shapes[i].list), object);
        return;
    }
    json_t *generation = find_generation(status, control_line_field(line, 1));
    if (slice_equals(line->fields[0], SLICE("kept")))
        json_array_append_new(json_object_get(status, "kept"), read_field("#", control_line_field(line, 1)));
    else if (generation != NULL && slice_equals(line->fields[0], SLICE("draining")))
        json_object_set_new(generation, "draining_because", json_text(control_line_field(line, 2)));
    else if (generation != NULL && slice_equals(line->fields[0], SLICE("snapshot")))
        json_object_set_new(generation, "snapshot_of", read_field("#", control_line_field(line, 2)));
}

void status_json_print(const struct text *lines)
{
    static const char *const lists[] = {"generations", "libraries", "runners", "refused", "quarantine",
                                        "crashing",    "routes",    "reloads", "kept"};
    json_t *status = json_object();
    struct slice rest = text_slice(lines);
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); ++i)
        json_object_set_new(status, lists[i], json_array());
    while (rest.length != 0) {
        struct control_line line;
        size_t end = slice_find(rest, '\n');
        if (control_line_parse(slice_of(rest.data, end), &line))
            add_line(status, &line);
        rest = slice_skip(rest, end < rest.length ? end + 1 : end);
    }
    json_dumpf(status, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
    putchar('\n');
    json_decref(status);
}
