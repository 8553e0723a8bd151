#ifndef T_UNIT_FILTER_READING_H
#define T_UNIT_FILTER_READING_H

/* Options as they stand in a file, on their way to a filter's create. */

#include "fake.h"

#include "base/file.h"

struct reading {
    char path[64];
    struct source *source;
    struct arena arena;
    struct runtime *runtime;
    struct slot slot;
    struct step_settings step;
    const struct settings *settings;
    struct error error;
};

static inline void ignore_wake(void *context)
{
}

static inline struct reading *open_reading(const char *yaml)
{
    struct reading *reading = calloc(1, sizeof(*reading));
    snprintf(reading->path, sizeof(reading->path), "/tmp/flexilib-options-XXXXXX");
    int fd = mkstemp(reading->path);
    assert_true(fd >= 0);
    assert_true(file_write_all(fd, slice_from_text(yaml)));
    close(fd);
    arena_init(&reading->arena, 0);
    reading->source = source_create_live(NULL);
    reading->runtime = runtime_create(&(struct runtime_services){.wake = ignore_wake}, &reading->slot, 0);
    const struct node *node = node_load(reading->source, reading->path, &reading->arena, &reading->error);
    assert_string_equal(reading->error.message, "");
    reading->step = (struct step_settings){.name = SLICE("test"), .options = node, .place = node->place};
    return reading;
}

static inline void close_reading(struct reading *reading)
{
    unlink(reading->path);
    source_destroy(reading->source);
    runtime_destroy(reading->runtime);
    arena_finish(&reading->arena);
    free(reading);
}

static inline struct use *make_use(struct reading *reading, const struct flexilib_filter *filter)
{
    const struct option_scope scope = {reading->source, reading->settings};
    return use_create(reading->runtime, NULL, filter, &reading->step, &scope, &reading->error);
}

static inline bool has_text(struct flexilib_text text, const char *expected)
{
    return text.length == strlen(expected) && memcmp(text.data, expected, text.length) == 0;
}

#endif
