#include "filter/isolated_library.h"

#include "filter/isolated_wire.h"
#include "filter/library.h"
#include "filter/library_own.h"

enum {
    DEEPEST_LEVEL = 8,
    LEAST_OPTION_BYTES = 32,
    LEAST_FILTER_BYTES = 32,
};

static void print_options(const struct flexilib_option *options, size_t count, struct text *out);

static void print_choices(const char *const *choices, struct text *out)
{
    size_t count = 0;
    while (choices != NULL && choices[count] != NULL)
        ++count;
    wire_add_number(out, count);
    for (size_t i = 0; i < count; ++i)
        wire_add_text(out, slice_from_text(choices[i]));
}

static void print_options(const struct flexilib_option *options, size_t count, struct text *out)
{
    wire_add_number(out, count);
    for (size_t i = 0; i < count; ++i) {
        const struct flexilib_option *option = &options[i];
        wire_add_text(out, slice_from_text(option->name));
        wire_add_number(out, (uint64_t)option->type);
        wire_add_byte(out, option->required);
        wire_add_byte(out, option->fallback != NULL);
        wire_add_text(out, slice_from_text(option->fallback));
        wire_add_number(out, (uint64_t)option->minimum);
        wire_add_number(out, (uint64_t)option->maximum);
        wire_add_text(out, slice_from_text(option->summary));
        print_choices(option->choices, out);
        print_options(option->fields, option->field_count, out);
    }
}

void isolated_library_describe(const struct library *library, struct text *out)
{
    size_t count = library_filter_count(library);
    wire_add_number(out, library_abi_minor(library));
    wire_add_byte(out, library_is_original(library));
    wire_add_byte(out, library_wants_whole_requests(library));
    wire_add_number(out, count);
    for (size_t i = 0; i < count; ++i) {
        const struct flexilib_filter *filter = library_filter(library, i);
        wire_add_text(out, slice_from_text(filter->name));
        wire_add_text(out, slice_from_text(filter->summary));
        wire_add_text(out, slice_from_text(filter->version));
        wire_add_byte(out, filter->on_request_head != NULL);
        wire_add_byte(out, filter->on_request_body != NULL);
        wire_add_byte(out, filter->on_response_head != NULL);
        wire_add_byte(out, filter->on_response_body != NULL);
        wire_add_byte(out, filter->on_reply_body != NULL);
        wire_add_byte(out, filter->on_end != NULL);
        wire_add_number(out, filter->flags);
        print_options(filter->options, filter->option_count, out);
    }
}

static flexilib_answer never_called(void *filter, struct flexilib_exchange *exchange)
{
    return FLEXILIB_FAIL;
}

static flexilib_answer never_called_body(void *filter, struct flexilib_exchange *exchange, const char *data,
                                         size_t length, bool last)
{
    return FLEXILIB_FAIL;
}

static void never_called_end(void *filter, struct flexilib_exchange *exchange)
{
}

static const char *read_name(struct wire *wire, struct arena *arena)
{
    return arena_copy(arena, wire_text(wire)).data;
}

static const char *const *read_choices(struct wire *wire, struct arena *arena)
{
    size_t count = wire_count(wire, sizeof(uint64_t));
    const char **choices = arena_alloc(arena, (count + 1) * sizeof(*choices));
    for (size_t i = 0; i < count; ++i)
        choices[i] = read_name(wire, arena);
    choices[count] = NULL;
    return choices;
}

static const struct flexilib_option *read_options(struct wire *wire, struct arena *arena, unsigned depth, size_t *count)
{
    *count = wire_count(wire, LEAST_OPTION_BYTES);
    if (depth > DEEPEST_LEVEL && *count != 0)
        wire->is_broken = true;
    if (wire->is_broken || *count == 0) {
        *count = 0;
        return NULL;
    }
    struct flexilib_option *options = arena_zalloc(arena, *count * sizeof(*options));
    for (size_t i = 0; i < *count && !wire->is_broken; ++i) {
        struct flexilib_option *option = &options[i];
        option->name = read_name(wire, arena);
        option->type = (flexilib_option_type)wire_number(wire);
        option->required = wire_byte(wire) != 0;
        bool has_fallback = wire_byte(wire) != 0;
        const char *fallback = read_name(wire, arena);
        option->fallback = has_fallback ? fallback : NULL;
        option->minimum = (int64_t)wire_number(wire);
        option->maximum = (int64_t)wire_number(wire);
        option->summary = read_name(wire, arena);
        option->choices = read_choices(wire, arena);
        option->fields = read_options(wire, arena, depth + 1, &option->field_count);
    }
    return options;
}

static void read_filter(struct wire *wire, struct arena *arena, struct flexilib_filter *filter)
{
    filter->name = read_name(wire, arena);
    filter->summary = read_name(wire, arena);
    filter->version = read_name(wire, arena);
    filter->on_request_head = wire_byte(wire) != 0 ? never_called : NULL;
    filter->on_request_body = wire_byte(wire) != 0 ? never_called_body : NULL;
    filter->on_response_head = wire_byte(wire) != 0 ? never_called : NULL;
    filter->on_response_body = wire_byte(wire) != 0 ? never_called_body : NULL;
    filter->on_reply_body = wire_byte(wire) != 0 ? never_called : NULL;
    filter->on_end = wire_byte(wire) != 0 ? never_called_end : NULL;
    filter->flags = (uint32_t)wire_number(wire);
    filter->options = read_options(wire, arena, 1, &filter->option_count);
}

bool isolated_library_check(const struct flexilib_filter *filters, size_t count, const char *path, struct error *error)
{
    for (size_t i = 0; i < count; ++i) {
        if ((filters[i].flags & FLEXILIB_EXCLUSIVE) != 0)
            return error_set(error,
                             "%s: filter '%s' is exclusive, so it cannot run in a process of its own "
                             "(isolate: process)",
                             path, filters[i].name);
    }
    return true;
}

bool isolated_library_read(struct slice description, const char *path, struct arena *arena, struct library_entry *entry,
                           bool *is_original, struct error *error)
{
    struct wire wire = {.rest = description};
    uint64_t minor = wire_number(&wire);
    *is_original = wire_byte(&wire) != 0;
    bool wants_whole_requests = wire_byte(&wire) != 0;
    size_t count = wire_count(&wire, LEAST_FILTER_BYTES);
    struct flexilib_filter *filters = arena_zalloc(arena, count * sizeof(*filters));
    for (size_t i = 0; i < count && !wire.is_broken; ++i)
        read_filter(&wire, arena, &filters[i]);
    if (!wire_is_good(&wire))
        return error_set(error, "%s: its process does not say what it offers", path);
    const struct flexilib_library exported = {
        .abi_major = FLEXILIB_ABI_MAJOR,
        .abi_minor = FLEXILIB_ABI_MINOR,
        .size = sizeof(exported),
        .filter_size = sizeof(struct flexilib_filter),
        .option_size = sizeof(struct flexilib_option),
        .value_size = sizeof(struct flexilib_value),
        .filter_count = (uint32_t)count,
        .filters = filters,
    };
    if (!isolated_library_check(filters, count, path, error) ||
        !library_entry_read(&exported, path, arena, entry, error))
        return false;
    entry->abi_minor = (uint16_t)minor;
    entry->wants_whole_requests = wants_whole_requests;
    return true;
}
