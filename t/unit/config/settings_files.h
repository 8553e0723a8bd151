#ifndef SETTINGS_FILES_H
#define SETTINGS_FILES_H

/* Settings read from one file of a test, with the environment variables that have a say in them removed. */

#include "config/settings.h"
#include "files.h"

static inline struct settings *settings_try(struct files *files, const char *name, const char *content)
{
    files_write(files, name, content);
    source_destroy(files->source);
    files->source = source_create_live(NULL);
    return settings_load(files->source, name, &files->error);
}

static inline struct settings *settings_of(struct files *files, const char *name, const char *content)
{
    struct settings *settings = settings_try(files, name, content);
    if (settings == NULL)
        fail_msg("%s", files->error.message);
    return settings;
}

static inline int settings_clear_environment(void **state)
{
    unsetenv("PORT");
    unsetenv("ADDRESS");
    unsetenv("SERVER_THREAD_COUNT");
    unsetenv("RESPONSE_PREALLOCATION_KB");
    return 0;
}

static inline void assert_pattern(const struct pattern *pattern, enum pattern_kind kind, const char *text)
{
    assert_int_equal(pattern->kind, kind);
    assert_slice(pattern->text, text);
}

#endif
