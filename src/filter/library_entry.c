#include "filter/library_entry.h"

#include "base/slot.h"
#include "config/wording.h"
#include "filter/library_options.h"

#include <stdalign.h>

enum {
    MOST_FILTERS = 4096,
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
    {9, sizeof(struct flexilib_library), offsetof(struct flexilib_filter, flags),
     offsetof(struct flexilib_option, choices), offsetof(struct flexilib_value, number)},
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

void *library_entry_copy_items(struct arena *arena, const void *items, size_t count, size_t size, size_t own_size)
{
    char *copies = arena_zalloc(arena, count * own_size);
    for (size_t i = 0; i < count; ++i)
        memcpy(copies + i * own_size, (const char *)items + i * size, size < own_size ? size : own_size);
    return copies;
}

bool library_entry_is_word(const char *name, const char *marks)
{
    size_t length = strlen(name);
    for (size_t i = 0; i < length; ++i) {
        char c = name[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || strchr(marks, c) != NULL))
            return false;
    }
    return length != 0 && length < SLOT_FILTER_BYTES;
}

static bool check_name(const struct flexilib_filter *filters, size_t index, const char *path, struct arena *arena,
                       struct error *error)
{
    const char *name = filters[index].name;
    if (name == NULL)
        return error_set(error, "%s: its filter %zu of flexilib_library has no name", path, index + 1);
    if (!library_entry_is_word(name, "-"))
        return error_set(error, "%s: filter '%s': a name is 1 to %d characters out of a-z, 0-9 and '-'", path,
                         wording_quote(arena, slice_from_text(name)), SLOT_FILTER_BYTES - 1);
    for (size_t i = 0; i < index; ++i) {
        if (strcmp(filters[i].name, name) == 0)
            return error_set(error, "%s: two of its filters are named '%s'", path, name);
    }
    return true;
}

static bool refuse_flags(const struct flexilib_filter *filter, const char *path, const char *sentence,
                         struct error *error)
{
    return error_set(error, "%s: filter '%s' %s", path, filter->name, sentence);
}

static bool check_flags(const struct flexilib_filter *filter, const char *path, struct error *error)
{
    const uint32_t known = FLEXILIB_BLOCKING | FLEXILIB_CONCURRENT | FLEXILIB_EXCLUSIVE | FLEXILIB_OBSERVES;
    bool is_exclusive = (filter->flags & FLEXILIB_EXCLUSIVE) != 0;
    if ((filter->flags & ~known) != 0)
        return error_set(error, "%s: filter '%s' has flags 0x%x, of which this FlexiLib does not know 0x%x", path,
                         filter->name, (unsigned)filter->flags, (unsigned)(filter->flags & ~known));
    if ((filter->flags & FLEXILIB_CONCURRENT) != 0 && (filter->flags & FLEXILIB_BLOCKING) == 0)
        return refuse_flags(filter, path, "is concurrent without being blocking, which is the only way to be it",
                            error);
    if ((filter->flags & FLEXILIB_OBSERVES) != 0 && filter->on_request_body == NULL && filter->on_response_body == NULL)
        return refuse_flags(filter, path, "observes bodies, but has no hook for them", error);
    if (is_exclusive && (filter->quiesce == NULL || filter->wake == NULL))
        return refuse_flags(filter, path, "is exclusive, which needs both of quiesce and wake", error);
    return is_exclusive || (filter->quiesce == NULL && filter->wake == NULL) ||
           refuse_flags(filter, path, "has quiesce or wake, but is not marked FLEXILIB_EXCLUSIVE", error);
}

/* filter is a copy, whose option table is replaced by one too. */
static bool read_filter(const struct flexilib_library *exported, struct flexilib_filter *filter, const char *path,
                        struct arena *arena, struct error *error)
{
    struct library_options_reader options = {
        .path = path,
        .filter = filter->name,
        .option_size = exported->option_size,
        .value_size = exported->value_size,
        .arena = arena,
        .error = error,
    };
    return check_flags(filter, path, error) && library_options_read(&options, filter);
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
    struct flexilib_filter *filters = library_entry_copy_items(arena, exported->filters, count, exported->filter_size,
                                                               sizeof(struct flexilib_filter));
    for (size_t i = 0; i < count; ++i) {
        if (!check_name(filters, i, path, arena, error) || !read_filter(exported, &filters[i], path, arena, error))
            return false;
    }
    *entry = (struct library_entry){
        .filters = filters,
        .filter_count = count,
        .value_size = exported->value_size,
        .abi_minor = exported->abi_minor,
        .wants_whole_requests = exported->filter_size <= offsetof(struct flexilib_filter, flags),
    };
    return true;
}
