/* A runner's side of workers that the test plays: how they come and go. */

#include "runner/runner_host.h"

#include "runner/link.h"
#include "runner/progress.h"

#include <setjmp.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* A worker, as the test plays it. */
struct worker {
    int fd; /* -1: its link has it */
    struct link link;
    struct progress *progress;
    unsigned answers;
    bool is_ended;
};

struct stage {
    struct loop *loop;
    struct runtime *runtime;
    struct runner_host *host;
};

static bool take(void *data, const struct frame *frame)
{
    struct worker *worker = data;
    worker->answers += frame->kind == FRAME_GONE && frame->exchange == 7 && frame->call == 1;
    return true;
}

static void on_ended(void *data)
{
    ((struct worker *)data)->is_ended = true;
}

static const struct link_owner owner = {take, on_ended};

static void wake(void *context)
{
}

static void open_stage(struct stage *stage)
{
    static const struct runtime_services services = {.wake = wake};
    stage->loop = loop_create();
    stage->runtime = runtime_create(&services, NULL, 0);
    stage->host = runner_host_create(&(struct runner_host_parts){.loop = stage->loop, .runtime = stage->runtime});
}

static void close_stage(struct stage *stage)
{
    runner_host_destroy(stage->host);
    runtime_destroy(stage->runtime);
    loop_destroy(stage->loop);
}

/* The runner hears of it, as the supervisor says so. */
static void announce(struct stage *stage, struct worker *worker, uint32_t slot)
{
    int fds[2];
    *worker = (struct worker){.link = {.fd = -1}};
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    worker->fd = fds[0];
    runner_host_add_peer(stage->host, fds[1], slot);
}

/* Comes to it itself, and asks about an exchange that nobody knows. */
static void join(struct stage *stage, struct worker *worker)
{
    worker->progress = progress_offer(worker->fd);
    assert_non_null(worker->progress);
    assert_true(link_open(&worker->link, stage->loop, worker->fd, &owner, worker));
    worker->fd = -1;
    link_begin(&worker->link, FRAME_CALL, 7, 1);
    assert_true(link_send(&worker->link));
}

static void leave(struct worker *worker)
{
    link_close(&worker->link);
    progress_close(worker->progress);
    if (worker->fd != -1)
        close(worker->fd);
}

static void stop_loop(struct timer *timer)
{
    loop_stop(timer->data);
}

/* Everything that has been sent arrives. */
static void settle(struct stage *stage)
{
    for (int i = 0; i < 6; ++i) {
        struct timer timer = {.on_timeout = stop_loop, .data = stage->loop};
        timer_start(stage->loop, &timer, 0);
        loop_run(stage->loop);
    }
}

/* One may stand still when its connection is there: in a hook of some filter, or stopped. */
static void a_silent_worker_holds_up_nobody(void **state)
{
    struct stage stage;
    struct worker silent, other;
    open_stage(&stage);
    announce(&stage, &silent, 1);
    announce(&stage, &other, 2);
    join(&stage, &other);
    settle(&stage);
    assert_int_equal(other.answers, 1);
    join(&stage, &silent);
    settle(&stage);
    assert_int_equal(silent.answers, 1);
    leave(&silent);
    leave(&other);
    settle(&stage);
    close_stage(&stage);
}

static void a_worker_that_asks_again_leaves_its_old_connection(void **state)
{
    struct stage stage;
    struct worker silent, joined, last;
    open_stage(&stage);
    announce(&stage, &silent, 1);
    announce(&stage, &joined, 1);
    join(&stage, &joined);
    settle(&stage);
    assert_int_equal(joined.answers, 1);
    char byte;
    assert_int_equal(recv(silent.fd, &byte, 1, MSG_DONTWAIT), 0);
    announce(&stage, &last, 1);
    settle(&stage);
    assert_true(joined.is_ended);
    leave(&silent);
    leave(&joined);
    /* the last one has not come when everything ends */
    close_stage(&stage);
    leave(&last);
}

static void who_sends_something_else_is_let_go(void **state)
{
    struct stage stage;
    struct worker stranger, dead;
    char byte;
    open_stage(&stage);
    announce(&stage, &stranger, 1);
    announce(&stage, &dead, 2);
    assert_int_equal(write(stranger.fd, "?", 1), 1);
    leave(&dead);
    settle(&stage);
    assert_int_equal(recv(stranger.fd, &byte, 1, MSG_DONTWAIT), 0);
    leave(&stranger);
    close_stage(&stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_silent_worker_holds_up_nobody),
        cmocka_unit_test(a_worker_that_asks_again_leaves_its_old_connection),
        cmocka_unit_test(who_sends_something_else_is_let_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
