#include "worker/exclusive.h"

#include "base/alloc.h"
#include "base/log.h"
#include "filter/quiesce.h"

#include <stdlib.h>

enum {
    LOOK_EVERY_MS = 2,
    LONGEST_KEEPING_MS = 10 * 1000,
};

void exclusive_init(struct exclusive *exclusive, struct loop *loop, struct runtime *runtime, struct uplink *uplink)
{
    *exclusive = (struct exclusive){.loop = loop, .runtime = runtime, .uplink = uplink};
    runtime_put_off_exclusive(runtime);
}

void exclusive_finish(struct exclusive *exclusive)
{
    if (exclusive->loop == NULL)
        return;
    timer_stop(exclusive->loop, &exclusive->look_timer);
    timer_stop(exclusive->loop, &exclusive->keep_timer);
    free(exclusive->names);
}

bool exclusive_create(struct exclusive *exclusive, int64_t workers, struct error *error)
{
    struct text names = TEXT_INIT;
    bool is_fine = true;
    if (runtime_lists_exclusive(exclusive->runtime, &names)) {
        uplink_tell(exclusive->uplink, MESSAGE_EXCLUSIVE, text_slice(&names), workers, 0, 0);
        while (!exclusive->has_leave)
            loop_run(exclusive->loop);
        is_fine = runtime_create_exclusive(exclusive->runtime, error);
    }
    text_finish(&names);
    return is_fine;
}

void exclusive_go_on(struct exclusive *exclusive)
{
    exclusive->has_leave = true;
    loop_stop(exclusive->loop);
}

static enum quiesce_patience choose_patience(const struct exclusive *exclusive)
{
    uint64_t waited_ms = loop_now_ms(exclusive->loop) - exclusive->since_ms;
    if (waited_ms < exclusive->limit_ms / 5)
        return QUIESCE_PATIENT;
    return waited_ms < exclusive->limit_ms / 5 * 4 ? QUIESCE_IMPATIENT : QUIESCE_OUT_OF_PATIENCE;
}

static void look(struct exclusive *exclusive)
{
    struct text reason = TEXT_INIT;
    enum quiesce_result result = runtime_quiesce(exclusive->runtime, slice_from_text(exclusive->names),
                                                 (uint32_t)exclusive->round, choose_patience(exclusive), &reason);
    if (result == QUIESCE_WAITING)
        timer_start(exclusive->loop, &exclusive->look_timer, LOOK_EVERY_MS);
    else
        uplink_tell(exclusive->uplink, MESSAGE_QUIESCED, text_slice(&reason), exclusive->round, 0, 0);
    text_finish(&reason);
}

static void on_look(struct timer *timer)
{
    look(timer->data);
}

static void on_kept_long_enough(struct timer *timer)
{
    const struct exclusive *exclusive = timer->data;
    log_line(LOG_LEVEL_WARNING,
             "requests to filters that have given up what they own are no longer kept back, after %d s",
             LONGEST_KEEPING_MS / 1000);
    runtime_let_go(exclusive->runtime);
}

void exclusive_quiesce(struct exclusive *exclusive, const struct message *message)
{
    free(exclusive->names);
    exclusive->names = mem_copy_text(message->text.data, message->text.length);
    exclusive->round = message->numbers[0];
    exclusive->limit_ms = message->numbers[1] < 0 ? 0 : (uint64_t)message->numbers[1];
    exclusive->since_ms = loop_now_ms(exclusive->loop);
    exclusive->look_timer = (struct timer){.on_timeout = on_look, .data = exclusive};
    exclusive->keep_timer = (struct timer){.on_timeout = on_kept_long_enough, .data = exclusive};
    timer_start(exclusive->loop, &exclusive->keep_timer, LONGEST_KEEPING_MS);
    look(exclusive);
}

static void stop_waiting(struct exclusive *exclusive)
{
    exclusive->round = 0;
    timer_stop(exclusive->loop, &exclusive->look_timer);
    timer_stop(exclusive->loop, &exclusive->keep_timer);
}

void exclusive_wake(struct exclusive *exclusive, const struct message *message)
{
    stop_waiting(exclusive);
    runtime_wake_exclusive(exclusive->runtime, (uint32_t)message->numbers[0]);
}

void exclusive_retire(struct exclusive *exclusive)
{
    stop_waiting(exclusive);
    runtime_let_go(exclusive->runtime);
}
