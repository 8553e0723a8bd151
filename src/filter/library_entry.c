#include "filter/library_entry.h"

#include "base/slot.h"
#include "config/wording.h"

#include <stdalign.h>

enum {
    MOST_FILTERS = 4096,
    MOST_OPTIONS = 1024,
    LARGEST_STRUCT_BYTES = 65536,
};

/* What the tables of a minor version measure at least. A new minor that lengthens a struct adds a line. */
struct least_sizes {
    uint16_t minor;
    size_t library, filter, option, value;
};

static const struct least_sizes least_sizes[] = {
    {0, offsetof(struct flexilib_library, filters) + sizeof(void *), offsetof(struct flexilib_filter, on_request_head),
     offsetof(struct flexilib_option, minimum), offsetof(struct flexilib_value, list)},
    {9, sizeof(struct flexilib_library), sizeof(struct flexilib_filter), sizeof(struct flexilib_option),
     sizeof(struct flexilib_value)},
};

static bool check_version(const struct flexilib_library *exported, const char *path, struct error *error)
{
    if (exported->abi_major == FLEXILIB_ABI_MAJOR && exported->abi_minor <= FLEXILIB_ABI_MINOR)
        return true;
    return error_set(error,
                     "%s: built for filter contract %u.%u, this FlexiLib has %d.%d: rebuild it against its "
                     "flexilib/filter.h",
                     path, (unsigned)exported->abi_major, (unsigned)exported->abi_minor, FLEXILIB_ABI_MAJOR,
                     FLEXILIB_ABI_MINOR);
}

static bool check_size(const char *what, size_t size, size_t least, const char *path, struct error *error)
{
    if (size >= least && size <= LARGEST_STRUCT_BYTES && size % alignof(void *) == 0)
        return true;
    if (size >= least)
        return error_set(error,
                         "%s: its %s says that it measures %zu bytes, which no build of the filter contract does", path,
                         what, size);
    return error_set(error, "%s: its %s measures %zu bytes where the filter contract asks for at least %zu", path, what,
                     size, least);
}

static bool check_sizes(const struct flexilib_library *exported, const char *path, struct error *error)
{
    const struct least_sizes *least = &least_sizes[0];
    for (size_t i = 1; i < sizeof(least_sizes) / sizeof(least_sizes[0]); ++i) {
        if (least_sizes[i].minor <= exported->abi_minor)
            least = &least_sizes[i];
    }
    return check_size("flexilib_library", exported->size, least->library, path, error) &&
           check_size("flexilib_filter", exported->filter_size, least->filter, path, error) &&
           check_size("flexilib_option", exported->option_size, least->option, path, error) &&
           check_size("flexilib_value", exported->value_size, least->value, path, error);
}

/* Copies count items of `size` bytes each into items of `own_size` bytes, the rest of which is zero. */
static void *copy_items(struct arena *arena, const void *items, size_t count, size_t size, size_t own_size)
{
    char *copies = arena_zalloc(arena, count * own_size);
    for (size_t i = 0; i < count; ++i)
        memcpy(copies + i * own_size, (const char *)items + i * size, size < own_size ? size : own_size);
    return copies;
}

static bool is_word(const char *name, const char *marks)
{
    size_t length = strlen(name);
    for (size_t i = 0; i < length; ++i) {
        char c = name[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || strchr(marks, c) != NULL))
            return false;
    }
    return length != 0 && length < SLOT_FILTER_BYTES;
}

static bool check_option(const struct flexilib_filter *filter, size_t index, const char *path, struct arena *arena,
                         struct error *error)
{
    const struct flexilib_option *option = &filter->options[index];
    if (option->name == NULL)
        return error_set(error, "%s: option %zu of filter '%s' has no name", path, index + 1, filter->name);
    if (!is_word(option->name, "-_"))
        return error_set(error, "%s: option '%s' of filter '%s': a name is made of a-z, 0-9, '-' and '_'", path,
                         wording_quote(arena, slice_from_text(option->name)), filter->name);
    if (option->type < FLEXILIB_OPTION_BOOL || option->type > FLEXILIB_OPTION_FILE)
        return error_set(error, "%s: option '%s' of filter '%s' has type %d, which this FlexiLib does not know", path,
                         option->name, filter->name, (int)option->type);
    for (size_t i = 0; i < index; ++i) {
        if (strcmp(filter->options[i].name, option->name) == 0)
            return error_set(error, "%s: filter '%s' has two options '%s'", path, filter->name, option->name);
    }
    return true;
}

static bool read_options(struct flexilib_filter *filter, size_t option_size, const char *path, struct arena *arena,
                         struct error *error)
{
    if (filter->option_count == 0)
        return true;
    if (filter->options == NULL || filter->option_count > MOST_OPTIONS)
        return error_set(error, "%s: filter '%s' says that it has %zu options, but %s", path, filter->name,
                         filter->option_count, filter->options == NULL ? "gives no table" : "1024 are the most");
    filter->options =
        copy_items(arena, filter->options, filter->option_count, option_size, sizeof(struct flexilib_option));
    for (size_t i = 0; i < filter->option_count; ++i) {
        if (!check_option(filter, i, path, arena, error))
            return false;
    }
    return true;
}

static bool check_name(const struct flexilib_filter *filters, size_t index, const char *path, struct arena *arena,
                       struct error *error)
{
    const char *name = filters[index].name;
    if (name == NULL)
        return error_set(error, "%s: its filter %zu of flexilib_library has no name", path, index + 1);
    if (!is_word(name, "-"))
        return error_set(error, "%s: filter '%s': a name is 1 to %d characters out of a-z, 0-9 and '-'", path,
                         wording_quote(arena, slice_from_text(name)), SLOT_FILTER_BYTES - 1);
    for (size_t i = 0; i < index; ++i) {
        if (strcmp(filters[i].name, name) == 0)
            return error_set(error, "%s: two of its filters are named '%s'", path, name);
    }
    return true;
}

bool library_entry_read(const struct flexilib_library *exported, const char *path, struct arena *arena,
                        struct library_entry *entry, struct error *error)
{
    if (!check_version(exported, path, error) || !check_sizes(exported, path, error))
        return false;
    size_t count = exported->filter_count;
    if (count == 0 || exported->filters == NULL)
        return error_set(error, "%s: offers no filter: its flexilib_library needs at least one", path);
    if (count > MOST_FILTERS)
        return error_set(error, "%s: says that it offers %zu filters, %d are the most", path, count, MOST_FILTERS);
    struct flexilib_filter *filters =
        copy_items(arena, exported->filters, count, exported->filter_size, sizeof(struct flexilib_filter));
    for (size_t i = 0; i < count; ++i) {
        if (!check_name(filters, i, path, arena, error) ||
            !read_options(&filters[i], exported->option_size, path, arena, error))
            return false;
    }
    *entry = (struct library_entry){.filters = filters, .filter_count = count, .value_size = exported->value_size};
    return true;
}
