#include "worker/isolating.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/log.h"
#include "runner/runner_client.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    DESCRIPTION_BYTES = 16 * 1024 * 1024, /* at most; a message has no more */
};

static int connect_runner(void *context, const struct runner_settings *runner, unsigned instance, bool is_patient)
{
    struct isolating *isolating = context;
    if (is_patient)
        return uplink_join_runner(isolating->uplink, runner->number, instance, runner->instances, runner->name);
    uplink_ask_runner(isolating->uplink, runner->number, instance, runner->instances, runner->name);
    return -1;
}

/* What a runner says of its library, for workers that come later. The caller frees it. */
static char *make_path(const struct isolating *isolating, const struct runner_settings *runner)
{
    struct text path = TEXT_INIT;
    text_print(&path, "%s/runner-%u", isolating->role->snapshot, runner->number);
    return path.data;
}

static void note(const struct isolating *isolating, const struct runner_settings *runner,
                 const struct runner_client *client)
{
    char *path = make_path(isolating, runner);
    if (!file_write(path, runner_client_description(client), 0600))
        log_line(LOG_LEVEL_WARNING, "cannot write down what library '%.*s' offers: %s", SLICE_ARG(runner->name),
                 strerror(errno));
    free(path);
}

/* Where that cannot be, the worker asks, and waits, like any other. */
static void recall(const struct isolating *isolating, const struct runner_settings *runner,
                   struct runner_client *client)
{
    struct text description = TEXT_INIT;
    char *path = make_path(isolating, runner);
    if (file_read(path, DESCRIPTION_BYTES, &description) && description.length != 0)
        runner_client_come_late(client, text_slice(&description));
    text_finish(&description);
    free(path);
}

static struct library *open_library(void *context, const struct runner_settings *runner, const char *path,
                                    struct error *error)
{
    struct isolating *isolating = context;
    struct runner_client *client = isolating->clients[runner->number];
    if (isolating->role->is_late)
        recall(isolating, runner, client);
    struct library *library = runner_client_open(client, path, error);
    if (library != NULL && isolating->role->is_first)
        note(isolating, runner, client);
    return library;
}

static const struct isolation_services services = {.open = open_library};

void isolating_open(struct isolating *isolating, const struct role *role, const struct settings *settings,
                    struct loop *loop, struct runtime *runtime, struct uplink *uplink)
{
    *isolating = (struct isolating){.settings = settings, .loop = loop, .uplink = uplink, .role = role};
    const struct runner_connector connector = {.connect = connect_runner, .context = isolating};
    isolating->clients = mem_zalloc((settings->runner_count + 1) * sizeof(struct runner_client *));
    for (size_t i = 0; i < settings->runner_count; ++i) {
        if (settings->runners[i]->is_used && !settings->is_without_filters)
            isolating->clients[i] = runner_client_create(settings->runners[i], loop, &connector);
    }
    runtime_use_isolation(runtime, &services, isolating);
}

void isolating_serve(struct isolating *isolating)
{
    for (size_t i = 0; isolating->clients != NULL && i < isolating->settings->runner_count; ++i) {
        if (isolating->clients[i] != NULL)
            runner_client_serve(isolating->clients[i]);
    }
}

void isolating_join(struct isolating *isolating, const struct message *message)
{
    size_t number = (size_t)message->numbers[0];
    struct runner_client *client = NULL;
    if (isolating->clients != NULL && number < isolating->settings->runner_count)
        client = isolating->clients[number];
    if (client != NULL)
        runner_client_join(client, (unsigned)message->numbers[1], message->fd, (int)message->numbers[2]);
    else if (message->fd != -1)
        close(message->fd);
}

void isolating_close(struct isolating *isolating)
{
    for (size_t i = 0; isolating->clients != NULL && i < isolating->settings->runner_count; ++i)
        runner_client_destroy(isolating->clients[i]);
    free(isolating->clients);
    *isolating = (struct isolating){0};
}
