#include "scenario/stage.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/slot.h"

#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
    LOOK_EVERY_MS = 100,
};

static void wake(void *context)
{
    struct stage *stage = context;
    const uint64_t one = 1;
    atomic_store(&stage->is_woken, true);
    ssize_t ignored = write(stage->wake_fd, &one, sizeof(one));
    (void)ignored;
}

static const void *find_extension(void *context, const char *id)
{
    const struct stage *stage = context;
    return strcmp(id, FLEXILIB_TIMER) == 0 ? &stage->clock.extension : NULL;
}

static void make_runtime(struct stage *stage)
{
    const struct settings *settings = stage->scenario->settings;
    const struct runtime_services services = {.wake = wake,
                                              .context = stage,
                                              .settings = settings,
                                              .now_ms = stage->clock.extension.now_ms,
                                              .find_extension = find_extension};
    stage->runtime = runtime_create(&services, stage->options.slot, (size_t)settings->arena_bytes);
    runtime_use_decodings(stage->runtime, &body_decoding_services, &stage->decodings);
    runtime_use_timers(stage->runtime, &stage_clock_services, &stage->clock);
    runtime_use_fetches(stage->runtime, &stage_fetch_services, stage);
    runtime_limit_pool(stage->runtime, &settings->pool);
    if (stage->options.threads != NULL)
        runtime_show_threads(stage->runtime, stage->options.threads);
}

static void give_up_creating(void *data)
{
    struct stage *stage = data;
    stage->create_end = NULL;
    if (!stage->is_ready)
        runtime_blame_waiting(stage->runtime, stage->scenario->settings->create_timeout_ms, &stage->refusal);
}

void stage_init(struct stage *stage, const struct scenario *scenario, const struct stage_options *options)
{
    const struct settings *settings = scenario->settings;
    *stage = (struct stage){.scenario = scenario, .options = *options};
    stage->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    arena_init(&stage->arena, 0);
    stage_log_init(&stage->log, options->log_fd);
    stage_clock_init(&stage->clock);
    make_runtime(stage);
    stage->plan = plan_build(settings, options->source, stage->runtime, options->bundled_folder, &stage->refusal);
    if (stage->plan == NULL)
        return;
    const struct request_head any = {.method = SLICE("GET"), .path = SLICE("/")};
    stage->route = plan_find(stage->plan, &any, SLICE_NONE);
    stage->create_end =
        stage_clock_services.start(&stage->clock, (uint64_t)settings->create_timeout_ms, give_up_creating, stage);
    stage_settle(stage);
}

/* A hook may be running on another thread, and its exchange lives until it returns. */
static void wait_for_exchanges(struct stage *stage)
{
    uint64_t began_us = clock_monotonic_us();
    stage_settle(stage);
    while (runtime_exchange_count(stage->runtime) != 0 && stage_wait(stage, began_us))
        continue;
}

void stage_close(struct stage *stage)
{
    for (size_t i = 0; i < stage->client_count; ++i)
        stage_client_leave(stage->clients[i]);
    wait_for_exchanges(stage);
    runtime_end_fetches(stage->runtime);
    plan_destroy(stage->plan);
    stage->plan = NULL;
    stage_log_read(&stage->log, &stage->arena);
}

void stage_finish(struct stage *stage)
{
    stage_close(stage);
    for (size_t i = 0; i < stage->client_count; ++i)
        message_finish(&stage->clients[i]->seen);
    for (size_t i = 0; i < stage->ask_count; ++i)
        message_finish(&stage->asks[i]->seen);
    runtime_destroy(stage->runtime);
    stage_clock_finish(&stage->clock);
    stage_log_finish(&stage->log);
    arena_finish(&stage->arena);
    close(stage->wake_fd);
}

static void show_turn(const struct stage *stage)
{
    if (stage->options.slot != NULL)
        ++stage->options.slot->turns;
}

static bool move_anybody(struct stage *stage)
{
    show_turn(stage);
    if (atomic_exchange(&stage->is_woken, false)) {
        runtime_run_mailbox(stage->runtime);
        return true;
    }
    for (size_t i = 0; i < stage->client_count; ++i) {
        if (stage_client_move(stage->clients[i]))
            return true;
    }
    for (size_t i = 0; i < stage->ask_count; ++i) {
        if (ask_move(stage->asks[i]))
            return true;
    }
    return stage_clock_ring(&stage->clock);
}

static void check_readiness(struct stage *stage)
{
    if (stage->plan == NULL || stage->is_ready || stage->refusal.is_set)
        return;
    stage->is_ready = runtime_ready(stage->runtime, &stage->refusal) == RUNTIME_READY;
}

void stage_settle(struct stage *stage)
{
    while (move_anybody(stage))
        continue;
    check_readiness(stage);
    stage_log_read(&stage->log, &stage->arena);
}

static bool may_others_act(const struct stage *stage)
{
    for (size_t i = 0; i < stage->client_count; ++i) {
        if (stage->clients[i]->pause != NULL)
            return true;
    }
    bool is_waited_for = stage->plan != NULL && !stage->is_ready && !stage->refusal.is_set;
    return is_waited_for || runtime_has_jobs(stage->runtime);
}

bool stage_wait_for_anybody(struct stage *stage, uint64_t began_us)
{
    struct pollfd woken = {.fd = stage->wake_fd, .events = POLLIN};
    uint64_t count;
    if (clock_monotonic_us() - began_us >= stage->options.longest_wait_us)
        return false;
    if (poll(&woken, 1, LOOK_EVERY_MS) == 1 && read(stage->wake_fd, &count, sizeof(count)) == -1)
        return false;
    stage_settle(stage);
    return true;
}

bool stage_wait(struct stage *stage, uint64_t began_us)
{
    return may_others_act(stage) && stage_wait_for_anybody(stage, began_us);
}

void stage_pass_time(struct stage *stage, uint64_t duration_ms)
{
    uint64_t until_ms = stage->clock.now_ms + duration_ms, due_ms;
    while (stage_clock_next(&stage->clock, &due_ms) && due_ms <= until_ms) {
        stage_clock_set(&stage->clock, due_ms);
        stage_settle(stage);
    }
    stage_clock_set(&stage->clock, until_ms);
    stage_settle(stage);
}

void stage_tell(const struct stage *stage, const char *format, ...)
{
    char line[512];
    va_list arguments;
    if (stage->options.trace_fd == -1)
        return;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    struct text shown = TEXT_INIT;
    text_print(&shown, "#   %.*s\n", length, line);
    if (!file_write_all(stage->options.trace_fd, text_slice(&shown)))
        abort();
    text_finish(&shown);
}
