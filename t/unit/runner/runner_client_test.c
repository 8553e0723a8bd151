/* A worker's side of runners that the test plays: whom calls go to, and what becomes of them when a process is gone. */

#include "runner/runner_client.h"

#include "../filter/fake.h"
#include "filter/isolated_message.h"
#include "filter/isolated_wire.h"
#include "filter/library.h"
#include "runner/link.h"
#include "runner/progress.h"
#include "runner/runner_client_own.h"

#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    MOST_INSTANCES = 2,
};

/* One process, as the test plays it. */
struct process {
    struct link link;
    struct progress *progress;
    bool is_open;
    uint64_t exchange, call; /* of the last call, */
    unsigned calls, ends;    /* and how many there were */
};

struct stage {
    struct loop *loop;
    struct runner_client *client;
    struct library *library;
    struct world *world;
    struct process processes[MOST_INSTANCES];
    unsigned asked;     /* for a connection, without waiting */
    bool has_body_hook; /* the filter has one for requests' bodies, and no others */
};

static bool take(void *data, const struct frame *frame)
{
    struct process *process = data;
    if (frame->kind == FRAME_CALL) {
        process->exchange = frame->exchange;
        process->call = frame->call;
        ++process->calls;
    }
    process->ends += frame->kind == FRAME_END;
    return true;
}

static void on_ended(void *data)
{
}

static const struct link_owner owner = {take, on_ended};

static void describe(struct link *link, bool has_body_hook)
{
    struct text *out = link_begin(link, FRAME_DESCRIBED, 0, 0);
    wire_add_number(out, FLEXILIB_ABI_MINOR);
    wire_add_byte(out, false);
    wire_add_byte(out, false);
    wire_add_number(out, 1);
    wire_add_text(out, SLICE("far"));
    wire_add_text(out, SLICE_NONE);
    wire_add_text(out, SLICE_NONE);
    for (int hook = 0; hook < 6; ++hook)
        wire_add_byte(out, has_body_hook ? hook == 1 : hook == 0 || hook == 2);
    wire_add_number(out, 0);
    wire_add_number(out, 0);
    link_send(link);
}

/* Says beforehand what it will be asked. */
static int open_process(struct stage *stage, unsigned number)
{
    int fds[2];
    struct process *process = &stage->processes[number];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    assert_true(link_open(&process->link, stage->loop, fds[1], &owner, process));
    process->is_open = true;
    process->calls = process->ends = 0;
    describe(&process->link, stage->has_body_hook);
    return fds[0];
}

static int connect_process(void *context, const struct runner_settings *runner, unsigned instance, bool is_patient)
{
    struct stage *stage = context;
    if (is_patient)
        return open_process(stage, instance);
    ++stage->asked;
    return -1;
}

static void accept_progress(struct process *process)
{
    process->progress = progress_accept(process->link.fd);
    assert_non_null(process->progress);
}

static void close_process(struct process *process)
{
    link_close(&process->link);
    progress_close(process->progress);
    process->progress = NULL;
    process->is_open = false;
}

static void stop_loop(struct timer *timer)
{
    loop_stop(timer->data);
}

/* Everything that has been sent arrives. */
static void settle(struct stage *stage)
{
    for (int i = 0; i < 4; ++i) {
        struct timer timer = {.on_timeout = stop_loop, .data = stage->loop};
        timer_start(stage->loop, &timer, 0);
        loop_run(stage->loop);
        run_world(stage->world);
    }
}

static struct runner_settings settings = {.name = SLICE("far")};

static void open_stage_with(struct stage *stage, unsigned instances, bool has_body_hook)
{
    struct error error = ERROR_INIT;
    const struct step_settings step = {.name = SLICE("far")};
    const struct runner_connector connector = {.connect = connect_process, .context = stage};
    *stage = (struct stage){.loop = loop_create(), .world = world_create(), .has_body_hook = has_body_hook};
    settings.instances = instances;
    stage->client = runner_client_create(&settings, stage->loop, &connector);
    for (unsigned i = 0; i < instances; ++i)
        accept_progress(&stage->processes[i]);
    stage->library = runner_client_open(stage->client, "/far.so", &error);
    assert_string_equal(error.message, "");
    for (unsigned i = 0; i < instances; ++i) {
        link_begin(&stage->processes[i].link, FRAME_CREATED, 0, 0);
        link_send(&stage->processes[i].link);
    }
    struct use *use =
        use_create(stage->world->runtime, stage->library, library_filter(stage->library, 0), &step, NULL, &error);
    assert_string_equal(error.message, "");
    stage->world->uses[stage->world->chain.count++] = use;
    runner_client_serve(stage->client);
}

static void open_stage(struct stage *stage, unsigned instances)
{
    open_stage_with(stage, instances, false);
}

static void close_stage(struct stage *stage)
{
    world_destroy(stage->world);
    library_close(stage->library);
    runner_client_destroy(stage->client);
    for (unsigned i = 0; i < MOST_INSTANCES; ++i) {
        if (stage->processes[i].is_open)
            close_process(&stage->processes[i]);
    }
    loop_destroy(stage->loop);
}

static void answer(struct process *process, enum frame_kind kind, flexilib_answer given)
{
    const struct isolated_answer said = {.answer = given, .is_reply = given == FLEXILIB_REPLY, .reply_status = 200};
    isolated_answer_print(&said, link_begin(&process->link, kind, process->exchange, process->call));
    link_send(&process->link);
}

static void join_again(struct stage *stage, unsigned number)
{
    runner_client_join(stage->client, number, open_process(stage, number), 0);
    accept_progress(&stage->processes[number]);
    settle(stage);
}

static void an_exchange_is_answered(void **state)
{
    struct stage stage;
    struct process *process = &stage.processes[0];
    open_stage(&stage, 1);
    start(stage.world, "GET");
    settle(&stage);
    assert_int_equal(process->calls, 1);
    answer(process, FRAME_FINISHED, FLEXILIB_REPLY);
    settle(&stage);
    assert_int_equal(stage.world->final_status, 200);
    assert_int_equal(stage.world->finishes, 1);
    assert_int_equal(process->ends, 0);
    close_stage(&stage);
}

static void the_end_is_told_where_something_is_kept(void **state)
{
    struct stage stage;
    struct process *process = &stage.processes[0];
    open_stage(&stage, 1);
    start(stage.world, "GET");
    settle(&stage);
    answer(process, FRAME_ANSWERED, FLEXILIB_CONTINUE);
    settle(&stage);
    assert_int_equal(process->calls, 2);
    answer(process, FRAME_ANSWERED, FLEXILIB_CONTINUE);
    settle(&stage);
    assert_int_equal(stage.world->finishes, 1);
    assert_int_equal(process->ends, 1);
    close_stage(&stage);
}

static void a_call_that_was_begun_is_lost(void **state)
{
    struct stage stage;
    struct process *process = &stage.processes[0];
    open_stage(&stage, 1);
    start(stage.world, "GET");
    settle(&stage);
    atomic_store(&process->progress->begun, process->call);
    close_process(process);
    settle(&stage);
    assert_int_equal(stage.world->final_status, 502);
    assert_int_equal(stage.asked, 1);
    close_stage(&stage);
}

static void one_that_took_too_long_is_told_so(void **state)
{
    struct stage stage;
    struct process *process = &stage.processes[0];
    open_stage(&stage, 1);
    start(stage.world, "GET");
    settle(&stage);
    atomic_store(&process->progress->begun, process->call);
    progress_tell_late(process->progress, (const char[SLOT_REQUEST_BYTES]){"00c0ffee"});
    close_process(process);
    settle(&stage);
    assert_int_equal(stage.world->final_status, 504);
    close_stage(&stage);
}

static void a_call_that_was_not_begun_is_made_again(void **state)
{
    struct stage stage;
    struct process *process = &stage.processes[0];
    open_stage(&stage, 1);
    start(stage.world, "GET");
    settle(&stage);
    close_process(process);
    settle(&stage);
    assert_int_equal(stage.world->finishes, 0);
    join_again(&stage, 0);
    assert_int_equal(process->calls, 1);
    answer(process, FRAME_FINISHED, FLEXILIB_REPLY);
    settle(&stage);
    assert_int_equal(stage.world->final_status, 200);
    close_stage(&stage);
}

static void another_process_takes_it_at_once(void **state)
{
    struct stage stage;
    open_stage(&stage, 2);
    start(stage.world, "GET");
    settle(&stage);
    unsigned first = stage.processes[0].calls == 1 ? 0 : 1;
    struct process *other = &stage.processes[1 - first];
    assert_int_equal(other->calls, 0);
    close_process(&stage.processes[first]);
    settle(&stage);
    assert_int_equal(other->calls, 1);
    answer(other, FRAME_FINISHED, FLEXILIB_REPLY);
    settle(&stage);
    assert_int_equal(stage.world->final_status, 200);
    close_stage(&stage);
}

static void what_is_kept_is_lost(void **state)
{
    struct stage stage;
    struct process *process = &stage.processes[0];
    open_stage(&stage, 1);
    start(stage.world, "GET");
    settle(&stage);
    answer(process, FRAME_ANSWERED, FLEXILIB_CONTINUE);
    settle(&stage);
    assert_int_equal(process->calls, 2);
    close_process(process);
    settle(&stage);
    assert_int_equal(stage.world->final_status, 502);
    close_stage(&stage);
}

static void who_leaves_is_not_waited_for(void **state)
{
    struct stage stage;
    struct process *process = &stage.processes[0];
    open_stage(&stage, 1);
    start(stage.world, "GET");
    settle(&stage);
    close_process(process);
    settle(&stage);
    exchange_gone(stage.world->exchange);
    settle(&stage);
    assert_int_equal(stage.world->finishes, 1);
    join_again(&stage, 0);
    assert_int_equal(process->calls, 0);
    close_stage(&stage);
}

static void nonsense_is_passed_over(void **state)
{
    struct stage stage;
    struct process *process = &stage.processes[0];
    open_stage(&stage, 1);
    start(stage.world, "GET");
    settle(&stage);
    for (int kind = 0; kind < 16; ++kind) {
        link_begin(&process->link, (enum frame_kind)kind, process->exchange + 1, process->call);
        link_send(&process->link);
        if (kind == FRAME_FINISHED || kind == FRAME_GONE)
            continue;
        link_begin(&process->link, (enum frame_kind)kind, process->exchange, process->call + 1);
        link_send(&process->link);
    }
    settle(&stage);
    assert_int_equal(stage.world->finishes, 0);
    link_begin(&process->link, FRAME_GONE, process->exchange, process->call);
    link_send(&process->link);
    settle(&stage);
    assert_int_equal(stage.world->final_status, 502);
    close_stage(&stage);
}

/* What is written to standard error from here on. */
static FILE *begin_log(int *saved)
{
    FILE *file = tmpfile();
    *saved = dup(STDERR_FILENO);
    assert_true(dup2(fileno(file), STDERR_FILENO) >= 0);
    return file;
}

static void expect_log(FILE *file, int saved, const char *expected)
{
    char text[512];
    dup2(saved, STDERR_FILENO);
    close(saved);
    rewind(file);
    text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
    fclose(file);
    assert_string_equal(text, expected);
}

/* Nor copied, which would hold up the worker. */
static void a_body_that_is_too_large_is_not_sent(void **state)
{
    struct stage stage;
    struct process *process = &stage.processes[0];
    open_stage_with(&stage, 1, true);
    struct link *link = &stage.client->instances[0].link;
    link->most_payload_bytes = 4096;
    char *body = calloc(1, link->most_payload_bytes + 1);
    open_exchange(stage.world, "POST");
    stage.world->exchange->request_body = slice_of(body, link->most_payload_bytes + 1);
    int saved;
    FILE *log = begin_log(&saved);
    exchange_start(stage.world->exchange, &stage.world->chain);
    settle(&stage);
    expect_log(log, saved,
               "error: filter 'far': a body that on_request_body was to have is too large to be sent to its process "
               "(request 00c0ffee)\n");
    assert_int_equal(process->calls, 0);
    assert_int_equal(stage.world->final_status, 502);
    assert_true(link->out.capacity < link->most_payload_bytes);
    close_stage(&stage);
    free(body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_exchange_is_answered),
        cmocka_unit_test(the_end_is_told_where_something_is_kept),
        cmocka_unit_test(a_call_that_was_begun_is_lost),
        cmocka_unit_test(one_that_took_too_long_is_told_so),
        cmocka_unit_test(a_call_that_was_not_begun_is_made_again),
        cmocka_unit_test(another_process_takes_it_at_once),
        cmocka_unit_test(what_is_kept_is_lost),
        cmocka_unit_test(who_leaves_is_not_waited_for),
        cmocka_unit_test(nonsense_is_passed_over),
        cmocka_unit_test(a_body_that_is_too_large_is_not_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
