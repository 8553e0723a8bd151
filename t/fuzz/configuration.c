#include "configuration.h"

#include "base/file.h"
#include "config/settings.h"
#include "fuzz.h"

#include <unistd.h>

/* A folder as source_create_live records one: a second file to include, a library that is there, some variables. */
static void make_snapshot(char folder[64])
{
    static const char variables[] = "PORT=8080\0HOST=example.com\0EMPTY=\0UNSET\0SERVER_THREAD_COUNT=2\0ADDRESS=::1";
    char path[128];
    /* in memory where that can be: a disk is slow for a new file each time */
    snprintf(folder, 64, "%s/flexilib-fuzz-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    CLAIM(mkdtemp(folder) != NULL);
    snprintf(path, sizeof(path), "%s/environment", folder);
    CLAIM(file_write(path, slice_of(variables, sizeof(variables)), 0600));
    snprintf(path, sizeof(path), "%s/seen", folder);
    CLAIM(file_write(path, slice_of("/fuzz/greet.so", sizeof("/fuzz/greet.so")), 0600));
    snprintf(path, sizeof(path), "%s/root/fuzz/more.yaml", folder);
    CLAIM(file_write(path, SLICE("- match: /more\n  handler: hello\n"), 0600));
}

static const char *get_snapshot(void)
{
    static char folder[64];
    if (folder[0] == '\0')
        make_snapshot(folder);
    return folder;
}

static void __attribute__((destructor)) remove_snapshot(void)
{
    file_remove_tree(get_snapshot());
}

/* A tree that was accepted can be walked to its end, and every route leads somewhere. */
static size_t count_routes(const struct route_settings *routes, size_t count)
{
    size_t sum = count;
    for (size_t i = 0; i < count; ++i) {
        CLAIM(routes[i].target != TARGET_NONE);
        CLAIM(routes[i].target != TARGET_PROXY || routes[i].upstream->server_count != 0);
        sum += count_routes(routes[i].routes, routes[i].route_count);
    }
    return sum;
}

static void check_settings(const struct settings *settings)
{
    CLAIM(settings->listener_count != 0);
    CLAIM(count_routes(settings->routes, settings->route_count) >= settings->route_count);
    for (size_t i = 0; i < settings->upstream_count; ++i) {
        const struct upstream_settings *upstream = settings->upstreams[i];
        CLAIM(upstream->index == i && upstream->retry.tries != 0 && upstream->queue_timeout_ms > 0);
        CLAIM(upstream->eject.longest_ms >= upstream->eject.time_ms);
    }
    for (size_t i = 0; i < settings->trusted_proxy_count; ++i)
        CLAIM(settings->trusted_proxies[i].bits <= settings->trusted_proxies[i].address_bytes * 8);
    for (size_t i = 0; i < settings->error_pages.count; ++i)
        CLAIM(settings->error_pages.items[i].type.length != 0);
}

void configuration_try(const char *name, const uint8_t *bytes, size_t size)
{
    char path[256];
    struct error error = ERROR_INIT;
    snprintf(path, sizeof(path), "%s/root/fuzz/%s", get_snapshot(), name);
    CLAIM(file_write(path, slice_of((const char *)bytes, size), 0600));
    struct source *source = source_create_snapshot(get_snapshot());
    snprintf(path, sizeof(path), "/fuzz/%s", name);
    struct settings *settings = settings_load(source, path, &error);
    CLAIM((settings == NULL) == error.is_set);
    if (settings != NULL) {
        check_settings(settings);
    } else {
        struct text text = TEXT_INIT;
        error_describe(&error, &text);
        CLAIM(error.message[0] != '\0' && text.length != 0);
        text_finish(&text);
    }
    settings_destroy(settings);
    source_destroy(source);
}
