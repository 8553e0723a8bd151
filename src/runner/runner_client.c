#include "runner/runner_client_own.h"

#include "base/alloc.h"
#include "base/log.h"
#include "filter/library.h"
#include "runner/refusal.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    JOIN_AGAIN_MS = 100,
};

static struct runner_use *find_use(const struct runner_client *client, uint64_t step)
{
    for (size_t i = 0; i < client->use_count; ++i) {
        if (client->uses[i].step == step)
            return &client->uses[i];
    }
    return NULL;
}

static void settle_use(struct runner_client *client, struct runner_use *use, const char *problem)
{
    for (unsigned i = 0; i < client->settings->instances && problem == NULL; ++i) {
        if (use->is_waited_for[i])
            return;
    }
    if (use->is_settled)
        return;
    use->is_settled = true;
    use->core->set_ready(use->core, problem, problem == NULL ? 0 : strlen(problem));
}

static void take_use_failure(struct runner_instance *instance, const struct frame *frame)
{
    struct runner_use *use = find_use(instance->client, frame->exchange);
    struct error refusal = ERROR_INIT;
    refusal_read(frame->payload, &refusal);
    if (use == NULL || use->is_being_created) {
        instance->refusal = refusal;
        instance->is_answered = true;
    } else if (use->is_settled) {
        log_line(LOG_LEVEL_ERROR, "library '%.*s': a process that took the place of another refuses: %s",
                 SLICE_ARG(instance->client->settings->name), refusal.message);
    } else {
        settle_use(instance->client, use, refusal.message);
    }
}

static void take_readiness(struct runner_instance *instance, const struct frame *frame, bool is_waiting_now)
{
    struct runner_use *use = find_use(instance->client, frame->exchange);
    if (use == NULL)
        return;
    use->is_waited_for[instance->number] = is_waiting_now;
    if (use->is_being_created)
        instance->is_answered = true;
    else
        settle_use(instance->client, use, NULL);
}

static bool take(void *data, const struct frame *frame)
{
    struct runner_instance *instance = data;
    switch (frame->kind) {
    case FRAME_ANSWERED:
    case FRAME_FINISHED:
    case FRAME_GONE:
        runner_visits_take(instance, frame);
        break;
    case FRAME_DESCRIBED:
        /* Whoever has read it before may still look at it. */
        if (instance->description.length == 0)
            text_add(&instance->description, frame->payload);
        instance->is_answered = true;
        break;
    case FRAME_REFUSED:
        refusal_read(frame->payload, &instance->refusal);
        instance->is_answered = true;
        break;
    case FRAME_CREATED:
        take_readiness(instance, frame, frame->call != 0);
        break;
    case FRAME_READY:
        take_readiness(instance, frame, false);
        break;
    case FRAME_FAILED:
        take_use_failure(instance, frame);
        break;
    default:
        break;
    }
    return instance->link.fd != -1;
}

static void forget_link(struct runner_instance *instance)
{
    instance->is_joined = false;
    runner_visits_leave(instance);
    link_close(&instance->link);
    progress_close(instance->progress);
    instance->progress = NULL;
    instance->calls = 0;
}

static void ask_for_link(struct runner_instance *instance);

static void on_ended(void *data)
{
    struct runner_instance *instance = data;
    struct runner_client *client = instance->client;
    forget_link(instance);
    error_set(&instance->refusal, "its process has ended");
    instance->is_answered = true;
    for (size_t i = 0; i < client->use_count; ++i) {
        if (client->uses[i].is_waited_for[instance->number] && !client->uses[i].is_being_created)
            settle_use(client, &client->uses[i], "its process has ended");
    }
    if (client->is_patient)
        return;
    runner_visits_flush(client);
    ask_for_link(instance);
}

static const struct link_owner link_owner = {.take = take, .ended = on_ended};

static void send_open(struct runner_instance *instance)
{
    text_add(link_begin(&instance->link, FRAME_OPEN, 0, 0), slice_from_text(instance->client->path));
    link_send(&instance->link);
}

static void send_create(struct runner_instance *instance, unsigned step)
{
    link_begin(&instance->link, FRAME_CREATE, step, 0);
    link_send(&instance->link);
}

static void on_retry(struct timer *timer)
{
    ask_for_link(timer->data);
}

static void start_link(struct runner_instance *instance, int fd)
{
    struct runner_client *client = instance->client;
    instance->progress = progress_offer(fd);
    if (instance->progress == NULL) {
        close(fd);
        timer_start(client->loop, &instance->retry, JOIN_AGAIN_MS);
        return;
    }
    if (!link_open(&instance->link, client->loop, fd, &link_owner, instance)) {
        progress_close(instance->progress);
        instance->progress = NULL;
        timer_start(client->loop, &instance->retry, JOIN_AGAIN_MS);
        return;
    }
    instance->is_joined = true;
    if (client->path == NULL)
        return;
    send_open(instance);
    for (size_t i = 0; i < client->use_count; ++i)
        send_create(instance, client->uses[i].step);
    runner_visits_flush(client);
}

static void join(struct runner_instance *instance, int fd, int error_number)
{
    if (fd != -1)
        start_link(instance, fd);
    else if (instance->client->is_patient)
        error_set(&instance->refusal, "its process cannot be started: %s", strerror(error_number));
    else
        timer_start(instance->client->loop, &instance->retry, JOIN_AGAIN_MS);
}

static void ask_for_link(struct runner_instance *instance)
{
    struct runner_client *client = instance->client;
    bool is_patient = client->is_patient;
    int fd = client->connector.connect(client->connector.context, client->settings, instance->number, is_patient);
    if (is_patient)
        join(instance, fd, errno);
}

void runner_client_join(struct runner_client *client, unsigned number, int fd, int error_number)
{
    if (number < client->settings->instances && !client->instances[number].is_joined)
        join(&client->instances[number], fd, error_number);
    else if (fd != -1)
        close(fd);
}

struct runner_client *runner_client_create(const struct runner_settings *settings, struct loop *loop,
                                           const struct runner_connector *connector)
{
    struct runner_client *client = mem_zalloc(sizeof(*client));
    client->settings = settings;
    client->loop = loop;
    client->connector = *connector;
    client->is_patient = true;
    LIST_INIT(&client->waiting);
    client->instances = mem_zalloc(settings->instances * sizeof(*client->instances));
    for (unsigned i = 0; i < settings->instances; ++i) {
        struct runner_instance *instance = &client->instances[i];
        instance->client = client;
        instance->number = i;
        instance->link.fd = -1;
        instance->retry = (struct timer){.on_timeout = on_retry, .data = instance};
        LIST_INIT(&instance->visits);
        ask_for_link(instance);
    }
    return client;
}

void runner_client_serve(struct runner_client *client)
{
    client->is_patient = false;
    for (unsigned i = 0; i < client->settings->instances; ++i) {
        if (!client->instances[i].is_joined)
            ask_for_link(&client->instances[i]);
    }
}

void runner_client_destroy(struct runner_client *client)
{
    if (client == NULL)
        return;
    client->is_patient = true;
    for (unsigned i = 0; i < client->settings->instances; ++i) {
        struct runner_instance *instance = &client->instances[i];
        timer_stop(client->loop, &instance->retry);
        forget_link(instance);
        numbers_finish(&instance->exchanges);
        text_finish(&instance->description);
    }
    for (size_t i = 0; i < client->use_count; ++i)
        free(client->uses[i].is_waited_for);
    free(client->uses);
    free(client->instances);
    free(client->path);
    free(client);
}

/* Waits for what was asked. Returns false and fills error where it is refused. */
static bool wait_for_answer(struct runner_instance *instance, struct error *error)
{
    while (!instance->is_answered && !instance->refusal.is_set && link_wait(&instance->link))
        continue;
    if (!instance->is_answered)
        error_set(&instance->refusal, "its process has ended");
    instance->is_answered = false;
    if (!instance->refusal.is_set)
        return true;
    if (!error->is_set)
        *error = instance->refusal;
    return false;
}

static bool create(void *context, unsigned step, const struct flexilib_core *core, bool *is_waiting_now,
                   struct error *error)
{
    struct runner_client *client = context;
    unsigned count = client->settings->instances;
    client->uses = mem_grow(client->uses, client->use_count, &client->use_capacity, sizeof(*client->uses));
    struct runner_use *use = &client->uses[client->use_count++];
    *use = (struct runner_use){.step = step, .core = core, .is_being_created = true};
    use->is_waited_for = mem_zalloc(count * sizeof(*use->is_waited_for));
    bool is_created = true;
    for (unsigned i = 0; i < count && is_created; ++i) {
        if (client->instances[i].is_joined)
            send_create(&client->instances[i], step);
        is_created = client->is_late || wait_for_answer(&client->instances[i], error);
    }
    use->is_being_created = false;
    for (unsigned i = 0; i < count; ++i)
        *is_waiting_now = *is_waiting_now || use->is_waited_for[i];
    use->is_settled = !*is_waiting_now;
    if (is_created)
        return true;
    free(use->is_waited_for);
    --client->use_count;
    return false;
}

static const struct isolated_services services = {
    .create = create, .call = runner_visits_call, .end = runner_visits_end};

void runner_client_come_late(struct runner_client *client, struct slice description)
{
    client->is_late = true;
    text_add(&client->instances[0].description, description);
}

struct slice runner_client_description(const struct runner_client *client)
{
    return text_slice(&client->instances[0].description);
}

struct library *runner_client_open(struct runner_client *client, const char *path, struct error *error)
{
    if (client->path == NULL)
        client->path = mem_copy_text(path, strlen(path));
    for (unsigned i = 0; i < client->settings->instances; ++i) {
        struct runner_instance *instance = &client->instances[i];
        if (instance->is_joined)
            send_open(instance);
        if (!client->is_late && !wait_for_answer(instance, error))
            return NULL;
    }
    return library_open_isolated(text_slice(&client->instances[0].description), path, &services, client, error);
}
