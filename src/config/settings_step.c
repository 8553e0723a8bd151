#include "config/settings_reader.h"
#include "config/wording.h"

enum {
    STEP_USE = 0,
    STEP_ON_ERROR,
    STEP_OPTIONS,
    STEP_ISOLATE,
    STEP_FIELDS,
};

static const char *const error_policies[] = {
    [ERROR_POLICY_CLOSED] = "closed", [ERROR_POLICY_OPEN] = "open", [ERROR_POLICY_OPEN + 1] = NULL};

static const struct field fields[STEP_FIELDS] = {
    [STEP_USE] = {.name = "use",
                  .type = FIELD_TEXT,
                  .required = true,
                  .summary = "a name, LIBRARY.FILTER, or a library's path"},
    [STEP_ON_ERROR] = {.name = "on_error",
                       .type = FIELD_CHOICE,
                       .fallback = "closed",
                       .choices = error_policies,
                       .summary = "closed: answer 503 when the filter fails; open: go on without it"},
    [STEP_OPTIONS] = {.name = "options", .type = FIELD_NODE, .summary = "what the filter is told"},
    [STEP_ISOLATE] = SETTINGS_ISOLATE("process: it runs in a process of its own; as its library says, if not written"),
};

static bool is_path(struct slice written)
{
    return slice_find(written, '/') != written.length || slice_ends_with(written, SLICE(".so"));
}

void step_resolve(struct settings_reader *reader, const struct node *node, struct slice written,
                  struct step_settings *step)
{
    step->name = written;
    step->number = reader->step_count++;
    if (is_path(written)) {
        step->library = slice_from_text(node_path(node, written, reader->arena));
        step->library_is_path = true;
        return;
    }
    size_t dot = slice_find(written, '.');
    step->library = slice_of(written.data, dot);
    step->filter = dot == written.length ? SLICE_NONE : slice_skip(written, dot + 1);
    step->declared = name_index_find(&reader->libraries, step->library);
    step->runner = step->declared == NULL ? NULL : step->declared->runner;
}

bool step_refuse_absent(struct settings_reader *reader, struct place place, const char *prefix, struct slice path)
{
    const char *shown = wording_quote(reader->arena, path);
    source_want(reader->source, WATCH_LIBRARY, path.data);
    if (source_is_live(reader->source) && source_has_folder(reader->source, path.data))
        return error_set_at(reader->error, place, "%s'%s' is a folder, a shared library is needed", prefix, shown);
    return error_set_at(reader->error, place, "%sthere is no file '%s'%s", prefix, shown, wording_home_hint(path.data));
}

static bool resolve(struct settings_reader *reader, const struct node *node, const char *what,
                    struct step_settings *step)
{
    struct slice written = node->text;
    step->place = node->place;
    if (node->is_null || written.length == 0)
        return error_set_at(reader->error, node->place, "the name of %s is missing here", what);
    step_resolve(reader, node, written, step);
    if (!step->library_is_path && (step->library.length == 0 || slice_ends_with(written, SLICE("."))))
        return error_set_at(reader->error, node->place, "'%s' is neither a name, nor LIBRARY.FILTER, nor a path",
                            wording_quote(reader->arena, written));
    if (!step->library_is_path || source_has_file(reader->source, step->library.data))
        return true;
    return step_refuse_absent(reader, node->place, "", step->library);
}

static bool read_options(struct settings_reader *reader, const struct node *node, struct step_settings *step)
{
    if (node->kind == NODE_SCALAR && node->is_null)
        return true;
    if (node->kind != NODE_MAPPING)
        return error_set_at(reader->error, node->place, "the options of '%s' are a mapping, not %s",
                            wording_quote(reader->arena, step->name), node_kind_phrase(node));
    step->options = node;
    return true;
}

static bool read_short_form(struct settings_reader *reader, const struct node *node, const char *what,
                            struct step_settings *step)
{
    return resolve(reader, node->keys[0], what, step) && read_options(reader, node->items[0], step);
}

static bool read_long_form(struct settings_reader *reader, const struct node *node, const char *what,
                           struct step_settings *step)
{
    struct field_value values[STEP_FIELDS];
    if (!fields_read(fields, STEP_FIELDS, node, node->place, what, reader->source, reader->arena, values,
                     reader->error))
        return false;
    step->on_error = (enum error_policy)values[STEP_ON_ERROR].integer;
    if (!resolve(reader, values[STEP_USE].node, what, step))
        return false;
    runner_read_step(reader, &values[STEP_ISOLATE], step);
    return !values[STEP_OPTIONS].written || read_options(reader, values[STEP_OPTIONS].node, step);
}

static bool is_field(struct slice name)
{
    for (size_t i = 0; i < STEP_FIELDS; ++i) {
        if (slice_equals(name, slice_from_text(fields[i].name)))
            return true;
    }
    return false;
}

static bool read_any_form(struct settings_reader *reader, const struct node *node, const char *what,
                          struct step_settings *step)
{
    if (node->kind == NODE_SCALAR)
        return resolve(reader, node, what, step);
    if (node->kind == NODE_SEQUENCE)
        return error_set_at(reader->error, node->place, "%s is a name, a path or a mapping, not a list", what);
    if (node->count == 1 && !is_field(node->keys[0]->text))
        return read_short_form(reader, node, what, step);
    bool is_flat = node->count > 1 && node->items[0]->is_null && !is_field(node->keys[0]->text);
    if (is_flat)
        return error_set_at(reader->error, node->keys[1]->place,
                            "the options of '%s' must be indented further than its name",
                            wording_quote(reader->arena, node->keys[0]->text));
    return read_long_form(reader, node, what, step);
}

bool step_read(struct settings_reader *reader, const struct node *node, const char *what, struct step_settings *step)
{
    if (!read_any_form(reader, node, what, step))
        return false;
    runner_note_step(reader, step);
    return true;
}

bool steps_read(struct settings_reader *reader, const struct node *node, const struct step_settings **steps,
                size_t *count)
{
    if (node == NULL)
        return true;
    if (node->kind == NODE_SCALAR && node->is_null)
        return error_set_at(reader->error, node->place, "'filters' has no value");
    if (node->kind == NODE_MAPPING)
        return error_set_at(reader->error, node->place,
                            "'filters' wants a list, not a mapping: put '- ' before each "
                            "filter");
    bool is_list = node->kind == NODE_SEQUENCE;
    *count = is_list ? node->count : 1;
    struct step_settings *list = arena_zalloc(reader->arena, *count * sizeof(*list));
    *steps = list;
    for (size_t i = 0; i < *count; ++i) {
        if (!step_read(reader, is_list ? node->items[i] : node, "a filter", &list[i]))
            return false;
    }
    return true;
}
