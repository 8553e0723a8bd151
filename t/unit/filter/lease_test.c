#include "fake_coding.h"

#include "filter/exchange_state.h"

#include <sched.h>
#include <semaphore.h>

/* Filters that block: their hooks run on other threads, while the loop goes on with everything else. */

enum {
    MOST_THREADS = 4,
};

/* What a test that holds hooks has in its hands; hooks are told apart by nothing. */
struct gate {
    sem_t has_begun, may_end;
};

static struct gate gate;
static pthread_t loop;

static struct world *make_world(void)
{
    struct world *world = world_create();
    runtime_limit_pool(world->runtime,
                       &(struct pool_settings){.threads = MOST_THREADS, .queue = 2, .share_percent = 100});
    world->traces_no_timing = true;
    loop = pthread_self();
    sem_init(&gate.has_begun, 0, 0);
    sem_init(&gate.may_end, 0, 0);
    return world;
}

static void add_blocking(struct world *world, struct script *script, const char *name, uint32_t flags)
{
    script->filter.flags = FLEXILIB_BLOCKING | flags;
    add_filter(world, script, name);
}

/* Until the exchange at hand is over. */
static void run_to_end(struct world *world)
{
    while (world->exchange != NULL) {
        run_world(world);
        sched_yield();
    }
}

/* Until nothing lives any more, orphans included. */
static void run_out(struct world *world)
{
    while (runtime_exchange_count(world->runtime) != 0) {
        run_world(world);
        sched_yield();
    }
}

static void let_begin(unsigned count)
{
    while (count-- != 0)
        sem_wait(&gate.has_begun);
}

static void let_end(unsigned count)
{
    while (count-- != 0)
        sem_post(&gate.may_end);
}

static bool is_elsewhere(void)
{
    return !pthread_equal(pthread_self(), loop);
}

static flexilib_answer act_hold_thread(struct call *call)
{
    if (!is_elsewhere())
        abort();
    sem_post(&gate.has_begun);
    sem_wait(&gate.may_end);
    return FLEXILIB_CONTINUE;
}

static flexilib_answer act_elsewhere(struct call *call)
{
    if (!is_elsewhere())
        abort();
    if (call->data != NULL)
        call->core->pass(call->exchange);
    return FLEXILIB_CONTINUE;
}

static flexilib_answer act_here(struct call *call)
{
    if (is_elsewhere())
        abort();
    if (call->data != NULL)
        call->core->pass(call->exchange);
    return FLEXILIB_CONTINUE;
}

static void all_hooks_run_elsewhere(void **state)
{
    struct world *world = make_world();
    struct script a = {.acts = {act_here, act_here, act_here, act_here}};
    struct script b = {.acts = {act_elsewhere, act_elsewhere, act_elsewhere, act_elsewhere}};
    struct script c = {.acts = {act_here, act_here, act_here, act_here}};
    add_filter(world, &a, "a");
    add_blocking(world, &b, "b", 0);
    add_filter(world, &c, "c");
    start(world, "POST");
    run_to_end(world);
    expect_trace(world, "a.request b.request c.request a.request_end b.request_end c.request_end forward "
                        "c.response b.response a.response head pull c.response_end b.response_end a.response_end "
                        "last c.end b.end a.end finished ");
    assert_string_equal(world->body.data, "hello");
    assert_non_null(strstr(world->final_request, "question"));
    world_destroy(world);
}

static flexilib_answer act_change_request(struct call *call)
{
    const struct flexilib_core *core = call->core;
    struct flexilib_text text;
    char *memory = core->allocate(call->exchange, 4000);
    memset(memory, 'x', 4000);
    core->set_state(call->exchange, memory);
    core->set_path(call->exchange, FLEXILIB_ARG("/changed"));
    core->set_query(call->exchange, FLEXILIB_ARG("z=2"));
    core->set_header(call->exchange, FLEXILIB_REQUEST, FLEXILIB_ARG("x-a"), FLEXILIB_ARG("1"));
    core->set_attribute(call->exchange, FLEXILIB_ARG("b.c"), FLEXILIB_ARG("value"));
    if (!core->attribute(call->exchange, FLEXILIB_ARG("b.c"), &text) || core->peer_address(call->exchange).length != 9)
        abort();
    return FLEXILIB_CONTINUE;
}

static flexilib_answer act_change_body_only(struct call *call)
{
    call->core->write(call->exchange, FLEXILIB_ARG("<"));
    call->core->pass(call->exchange);
    call->core->write(call->exchange, FLEXILIB_ARG(">"));
    return FLEXILIB_CONTINUE;
}

static flexilib_answer act_change_body(struct call *call)
{
    if (call->core->state(call->exchange) == NULL)
        abort();
    return act_change_body_only(call);
}

static flexilib_answer act_change_response(struct call *call)
{
    call->core->set_status(call->exchange, 203);
    call->core->add_header(call->exchange, FLEXILIB_RESPONSE, FLEXILIB_ARG("x-b"), FLEXILIB_ARG("2"));
    return FLEXILIB_CONTINUE;
}

static void the_same_calls_work_there(void **state)
{
    struct world *world = make_world();
    struct script a = {.acts = {act_change_request, act_change_body, act_change_response, act_change_body}};
    world->pieces[0] = "one";
    world->pieces[1] = "two";
    world->piece_count = 2;
    world->body_length = 6;
    add_blocking(world, &a, "a", 0);
    start(world, "POST");
    run_to_end(world);
    assert_string_equal(world->final_request, "POST /changed?z=2\nAccept: */*\nx-a: 1\n\n<question>");
    assert_int_equal(world->final_status, 203);
    assert_string_equal(world->final_headers, "from: upstream\nx-b: 2\n");
    assert_string_equal(world->body.data, "<one><two>");
    world_destroy(world);
}

/* A world with the same filters, for another exchange beside that of the first. */
static struct world *share_world(const struct world *first)
{
    struct world *world = calloc(1, sizeof(*world));
    pthread_mutex_init(&world->trace_mutex, NULL);
    world->runtime = first->runtime;
    world->chain = first->chain;
    world->status = first->status;
    world->body_length = first->body_length;
    world->pieces[0] = first->pieces[0];
    world->piece_count = first->piece_count;
    world->traces_no_timing = true;
    start(world, "GET");
    return world;
}

static void leave_world(struct world *world)
{
    text_finish(&world->trace);
    text_finish(&world->body);
    free(world->lent);
    free(world->lent_request);
    free(world);
}

/* Until all of them are over; the first one is woken for them all. */
static void run_worlds(struct world *first, struct world **others, unsigned count)
{
    while (runtime_exchange_count(first->runtime) != 0) {
        run_world(first);
        for (unsigned i = 0; i < count; ++i)
            run_world(others[i]);
        sched_yield();
    }
    for (unsigned i = 0; i < count; ++i)
        assert_int_equal(others[i]->finishes, 1);
}

static void calls_of_a_use_follow_each_other(void **state)
{
    struct world *world = make_world();
    struct script a = {.acts = {act_hold_thread}};
    add_blocking(world, &a, "a", 0);
    start(world, "GET");
    let_begin(1);
    struct world *other = share_world(world);
    for (int i = 0; i < 100; ++i)
        sched_yield();
    assert_int_equal(sem_trywait(&gate.has_begun), -1);
    let_end(1);
    let_begin(1);
    let_end(1);
    run_worlds(world, &other, 1);
    leave_world(other);
    world_destroy(world);
}

static void calls_of_concurrent_ones_do_not(void **state)
{
    struct world *world = make_world(), *others[MOST_THREADS - 1];
    struct script a = {.acts = {act_hold_thread}};
    add_blocking(world, &a, "a", FLEXILIB_CONCURRENT);
    start(world, "GET");
    for (int i = 0; i < MOST_THREADS - 1; ++i)
        others[i] = share_world(world);
    let_begin(MOST_THREADS);
    let_end(MOST_THREADS);
    run_worlds(world, others, MOST_THREADS - 1);
    for (int i = 0; i < MOST_THREADS - 1; ++i)
        leave_world(others[i]);
    world_destroy(world);
}

static void who_leaves_meanwhile_is_let_go_at_once(void **state)
{
    struct world *world = make_world();
    struct script a = {.acts = {act_hold_thread}};
    add_blocking(world, &a, "a", 0);
    start(world, "GET");
    let_begin(1);
    text_clear(&world->trace);
    exchange_gone(world->exchange);
    expect_trace(world, "replaced finished ");
    assert_null(world->exchange);
    assert_false(world->is_paused);
    assert_int_equal(a.ends, 0);
    assert_int_equal(runtime_exchange_count(world->runtime), 1);
    let_end(1);
    run_out(world);
    expect_trace(world, "a.end ");
    world_destroy(world);
}

static void who_leaves_before_is_never_worked_for(void **state)
{
    struct world *world = make_world();
    struct script a = {.acts = {act_hold_thread}};
    add_blocking(world, &a, "a", 0);
    start(world, "GET");
    let_begin(1);
    struct world *other = share_world(world);
    exchange_gone(other->exchange);
    expect_trace(other, "finished ");
    assert_int_equal(a.ends, 0);
    let_end(1);
    run_worlds(world, &other, 1);
    assert_int_equal(a.ends, 1);
    leave_world(other);
    world_destroy(world);
}

static flexilib_answer act_hold_and_reply(struct call *call)
{
    act_hold_thread(call);
    return act_reply(call);
}

static void what_takes_too_long_is_answered_504(void **state)
{
    struct world *world = make_world();
    struct script a = {0}, b = {.acts = {act_hold_and_reply}};
    add_filter(world, &a, "a");
    add_blocking(world, &b, "b", 0);
    start(world, "GET");
    let_begin(1);
    text_clear(&world->trace);
    exchange_deadline(world->exchange);
    run_world(world);
    expect_trace(world, "replaced head last finished ");
    assert_int_equal(world->final_status, 504);
    assert_string_equal(world->body.data, "504 Gateway Timeout\n");
    assert_int_equal(runtime_exchange_count(world->runtime), 1);
    let_end(1);
    run_out(world);
    expect_trace(world, "b.end a.end ");
    assert_int_equal(world->finishes, 1);
    world_destroy(world);
}

static void the_answer_may_outlive_the_work(void **state)
{
    struct world *world = make_world();
    struct script a = {.acts = {act_hold_thread}};
    add_blocking(world, &a, "a", 0);
    start(world, "GET");
    let_begin(1);
    world->is_stuck = true;
    exchange_deadline(world->exchange);
    assert_true(world->is_sending);
    let_end(1);
    while (__atomic_load_n(&a.ends, __ATOMIC_SEQ_CST) == 0) {
        run_world(world);
        sched_yield();
    }
    assert_memory_equal(world->exchange->request.path.data, "/path", 5);
    assert_int_equal(runtime_exchange_count(world->runtime), 2);
    world->is_stuck = false;
    run_out(world);
    world_destroy(world);
}

static void what_has_not_begun_in_time_is_answered_in_place(void **state)
{
    struct world *world = make_world();
    struct script a = {.acts = {act_hold_thread}}, b = {0};
    add_filter(world, &b, "b");
    add_blocking(world, &a, "a", 0);
    start(world, "GET");
    let_begin(1);
    struct world *other = share_world(world);
    exchange_deadline(other->exchange);
    run_world(other);
    expect_trace(other, "head last finished ");
    assert_int_equal(other->final_status, 504);
    assert_int_equal(b.ends, 1);
    assert_int_equal(a.ends, 0);
    let_end(1);
    run_worlds(world, &other, 1);
    leave_world(other);
    world_destroy(world);
}

static void a_response_under_way_is_cut(void **state)
{
    struct world *world = make_world();
    struct script a = {.acts = {[HOOK_RESPONSE_BODY] = act_hold_thread}};
    add_blocking(world, &a, "a", 0);
    start(world, "GET");
    while (sem_trywait(&gate.has_begun) != 0)
        run_world(world);
    assert_int_equal(world->final_status, 200);
    exchange_deadline(world->exchange);
    assert_true(world->is_aborted);
    assert_null(world->exchange);
    let_end(1);
    run_out(world);
    assert_int_equal(a.ends, 1);
    world_destroy(world);
}

static void *resume_elsewhere(void *data)
{
    resume(data);
    return NULL;
}

static flexilib_answer act_resume_early(struct call *call)
{
    pthread_t helper;
    flexilib_answer answer = act_pause(call);
    pthread_create(&helper, NULL, resume_elsewhere, call->script);
    pthread_join(helper, NULL);
    act_hold_thread(call);
    return answer;
}

static flexilib_answer act_resumed_elsewhere(struct call *call)
{
    return is_elsewhere() ? FLEXILIB_CONTINUE : FLEXILIB_FAIL;
}

static void a_result_may_come_while_the_hook_still_runs(void **state)
{
    struct world *world = make_world();
    struct script a = {.acts = {[HOOK_REQUEST_HEAD] = act_resume_early, [HOOK_RESUME] = act_resumed_elsewhere}};
    add_blocking(world, &a, "a", 0);
    start(world, "GET");
    let_begin(1);
    run_world(world);
    let_end(1);
    run_to_end(world);
    expect_trace(world, "a.request a.resume forward a.response head pull last a.end finished ");
    assert_int_equal(world->drops, 0);
    world_destroy(world);
}

static void results_for_those_who_have_left_are_dropped(void **state)
{
    struct world *world = make_world();
    struct script a = {.acts = {[HOOK_REQUEST_HEAD] = act_resume_early}};
    add_blocking(world, &a, "a", 0);
    start(world, "GET");
    let_begin(1);
    run_world(world);
    exchange_gone(world->exchange);
    let_end(1);
    run_out(world);
    assert_int_equal(world->drops, 1);
    world_destroy(world);
}

/* Takes all threads, and all places to wait in, and begins one exchange more, which is the last of the others. */
static void crowd(struct world *world, struct world *others[MOST_THREADS + 2])
{
    start(world, "GET");
    for (int i = 0; i < MOST_THREADS + 1; ++i)
        others[i] = share_world(world);
    let_begin(MOST_THREADS);
    others[MOST_THREADS + 1] = share_world(world);
    run_world(others[MOST_THREADS + 1]);
}

static void end_crowd(struct world *world, struct world *others[MOST_THREADS + 2])
{
    let_end(MOST_THREADS + 2);
    run_worlds(world, others, MOST_THREADS + 2);
    for (int i = 0; i < MOST_THREADS + 2; ++i)
        leave_world(others[i]);
    world_destroy(world);
}

static void without_a_thread_it_is_503(void **state)
{
    struct world *world = make_world(), *others[MOST_THREADS + 2];
    struct script a = {.acts = {act_hold_thread}};
    add_blocking(world, &a, "a", FLEXILIB_CONCURRENT);
    crowd(world, others);
    struct world *last = others[MOST_THREADS + 1];
    expect_trace(last, "head last finished ");
    assert_int_equal(last->final_status, 503);
    assert_non_null(strstr(last->final_headers, "retry-after: 1\n"));
    assert_int_equal(a.ends, 0);
    end_crowd(world, others);
}

static void without_a_thread_an_open_filter_is_left_out(void **state)
{
    struct world *world = make_world(), *others[MOST_THREADS + 2];
    struct script a = {.acts = {act_hold_thread}};
    add_blocking(world, &a, "a", FLEXILIB_CONCURRENT);
    world->uses[0]->on_error = ERROR_POLICY_OPEN;
    crowd(world, others);
    struct world *last = others[MOST_THREADS + 1];
    expect_trace(last, "forward head pull last finished ");
    assert_int_equal(last->final_status, 200);
    end_crowd(world, others);
}

/* What core calls ask memory for on a thread must not be what the loop takes it from meanwhile. */
static flexilib_answer act_allocate_much(struct call *call)
{
    sem_post(&gate.has_begun);
    for (int i = 0; i < 1000; ++i) {
        char *memory = call->core->allocate(call->exchange, 100);
        memset(memory, i, 100);
    }
    call->core->set_header(call->exchange, FLEXILIB_REQUEST, FLEXILIB_ARG("x-a"), FLEXILIB_ARG("1"));
    return FLEXILIB_CONTINUE;
}

static void the_loop_may_take_memory_meanwhile(void **state)
{
    struct world *world = make_world();
    struct script a = {.acts = {act_allocate_much}};
    add_blocking(world, &a, "a", 0);
    start(world, "GET");
    let_begin(1);
    for (int i = 0; i < 1000; ++i)
        memset(arena_alloc(&world->exchange->arena, 100), i, 100);
    run_to_end(world);
    assert_non_null(strstr(world->final_request, "x-a: 1"));
    world_destroy(world);
}

static void a_body_goes_on_when_all_of_it_is_through(void **state)
{
    struct world *world = make_world();
    struct script a = {.acts = {[HOOK_REQUEST_BODY] = act_elsewhere}}, b = {.acts = {[HOOK_REQUEST_BODY] = act_here}};
    const char *const pieces[] = {"one ", "two ", "three"};
    memcpy(world->request_pieces, pieces, sizeof(pieces));
    world->request_piece_count = 3;
    world->is_request_late = true;
    add_filter(world, &b, "b");
    add_blocking(world, &a, "a", 0);
    open_exchange(world, "PUT");
    stream_request(world, 13);
    exchange_start(world->exchange, &world->chain);
    run_to_end(world);
    expect_trace(world, "b.request a.request ask b.request_body a.request_body ask b.request_body a.request_body "
                        "ask b.request_end a.request_end forward a.response b.response head pull last a.end b.end "
                        "finished ");
    assert_string_equal(world->final_request, "PUT /path?q=1\nAccept: */*\n\none two three");
    world_destroy(world);
}

static void pieces_that_were_lent_outlive_their_lender(void **state)
{
    struct world *world = make_world();
    struct script a = {.acts = {[HOOK_RESPONSE_BODY] = act_hold_thread}};
    char *piece = strdup("hello");
    world->pieces[0] = piece;
    add_blocking(world, &a, "a", 0);
    start(world, "GET");
    while (sem_trywait(&gate.has_begun) != 0)
        run_world(world);
    memset(piece, 0, 5);
    free(piece);
    exchange_gone(world->exchange);
    let_end(1);
    run_out(world);
    world_destroy(world);
}

static void a_source_that_fails_meanwhile_is_told_of_later(void **state)
{
    struct world *world = make_world();
    struct script a = {.acts = {[HOOK_RESPONSE_HEAD] = act_hold_thread}};
    add_blocking(world, &a, "a", 0);
    start(world, "GET");
    while (sem_trywait(&gate.has_begun) != 0)
        run_world(world);
    exchange_fail(world->exchange, 502);
    run_world(world);
    assert_int_equal(world->final_status, 0);
    let_end(1);
    while (world->final_status == 0) {
        run_world(world);
        sem_post(&gate.may_end); /* the answer passes the filter too */
    }
    run_to_end(world);
    assert_int_equal(world->final_status, 502);
    world_destroy(world);
}

static void hold_end(void *filter, struct flexilib_exchange *exchange)
{
    on_end(filter, exchange);
    sem_post(&gate.has_begun);
    sem_wait(&gate.may_end);
}

static void add_holding_end(struct world *world, struct script *script)
{
    add_blocking(world, script, "a", 0);
    script->filter.on_end = hold_end;
    start(world, "GET");
    while (sem_trywait(&gate.has_begun) != 0)
        run_world(world);
}

static void an_end_may_take_its_time(void **state)
{
    struct world *world = make_world();
    struct script a = {0};
    add_holding_end(world, &a);
    assert_int_equal(world->finishes, 0);
    let_end(1);
    run_to_end(world);
    assert_int_equal(world->finishes, 1);
    assert_false(world->is_aborted);
    world_destroy(world);
}

static void nobody_has_to_wait_for_an_end(void **state)
{
    for (int is_gone = 0; is_gone < 2; ++is_gone) {
        struct world *world = make_world();
        struct script a = {0};
        add_holding_end(world, &a);
        if (is_gone != 0)
            exchange_gone(world->exchange);
        else
            exchange_deadline(world->exchange);
        assert_int_equal(world->finishes, 1);
        assert_false(world->is_aborted);
        assert_int_equal(world->final_status, 200);
        let_end(1);
        run_out(world);
        assert_int_equal(a.ends, 1);
        world_destroy(world);
    }
}

static flexilib_answer act_stream(struct call *call)
{
    call->core->reply_stream(call->exchange, 200, FLEXILIB_ARG("text/plain"));
    return FLEXILIB_REPLY;
}

static flexilib_answer act_stream_on(struct call *call)
{
    if (!is_elsewhere())
        abort();
    char number = (char)('1' + call->script->text[0]++);
    call->core->write(call->exchange, &number, 1);
    if (number == '3')
        call->core->end_reply(call->exchange);
    return FLEXILIB_CONTINUE;
}

static void a_reply_may_be_streamed_from_there(void **state)
{
    struct world *world = make_world();
    struct script a = {.acts = {[HOOK_REQUEST_HEAD] = act_stream, [HOOK_REPLY_BODY] = act_stream_on}};
    add_blocking(world, &a, "a", 0);
    start(world, "GET");
    run_to_end(world);
    assert_string_equal(world->body.data, "123");
    world_destroy(world);
}

static unsigned releases;

static void note_release(void *data)
{
    if (is_elsewhere())
        abort();
    ++releases;
}

static flexilib_answer act_lend(struct call *call)
{
    const struct flexilib_core *core = call->core;
    core->reply_lent(call->exchange, 200, NULL, 0, "first", 5, note_release, NULL);
    core->reply_lent(call->exchange, 99, NULL, 0, "none", 4, note_release, NULL);
    core->reply_lent(call->exchange, 200, NULL, 0, "second", 6, note_release, NULL);
    return FLEXILIB_REPLY;
}

static void what_is_lent_is_given_back_on_the_loop(void **state)
{
    struct world *world = make_world();
    struct script a = {.acts = {act_lend}};
    releases = 0;
    add_blocking(world, &a, "a", 0);
    start(world, "GET");
    run_to_end(world);
    while (releases < 3)
        run_world(world);
    assert_string_equal(world->body.data, "second");
    assert_int_equal(releases, 3);
    world_destroy(world);
}

static void a_result_without_on_resume_is_dropped_on_the_loop(void **state)
{
    struct world *world = make_world();
    struct script a = {.acts = {act_pause}};
    add_blocking(world, &a, "a", 0);
    a.filter.on_resume = NULL;
    start(world, "GET");
    while (!world->is_paused || exchange_is_leased(world->exchange))
        run_world(world);
    resume(&a);
    run_to_end(world);
    assert_int_equal(world->drops, 1);
    assert_int_equal(world->final_status, 200);
    world_destroy(world);
}

static void *let_one_end(void *data)
{
    let_end(1);
    return NULL;
}

static void settling_waits_for_what_still_runs(void **state)
{
    struct world *world = make_world();
    struct script a = {.acts = {act_hold_thread}};
    pthread_t helper;
    add_blocking(world, &a, "a", 0);
    start(world, "GET");
    let_begin(1);
    exchange_gone(world->exchange);
    assert_int_equal(pthread_create(&helper, NULL, let_one_end, NULL), 0);
    runtime_settle(world->runtime);
    pthread_join(helper, NULL);
    assert_int_equal(a.ends, 1);
    assert_int_equal(runtime_exchange_count(world->runtime), 0);
    world_destroy(world);
}

struct fake_tls {
    struct exchange_tls view;
    int holds;
};

static struct slice find_fact(struct exchange_tls *view, flexilib_tls_fact fact)
{
    if (((struct fake_tls *)view)->holds == 0)
        abort();
    return SLICE("TLSv1.3");
}

static void hold_facts(struct exchange_tls *view)
{
    ++((struct fake_tls *)view)->holds;
}

static void release_facts(struct exchange_tls *view)
{
    --((struct fake_tls *)view)->holds;
}

static flexilib_answer act_ask_tls(struct call *call)
{
    struct flexilib_text text;
    act_hold_thread(call);
    return call->core->tls(call->exchange, FLEXILIB_TLS_VERSION, &text) ? FLEXILIB_CONTINUE : FLEXILIB_FAIL;
}

static void facts_of_tls_are_kept_for_it(void **state)
{
    struct world *world = make_world();
    struct script a = {.acts = {[HOOK_REQUEST_HEAD] = act_ask_tls, [HOOK_RESPONSE_HEAD] = act_elsewhere}};
    struct fake_tls tls = {.view = {find_fact, hold_facts, release_facts}};
    add_blocking(world, &a, "a", 0);
    for (int is_gone = 0; is_gone < 2; ++is_gone) {
        open_exchange(world, "GET");
        world->exchange->tls = &tls.view;
        exchange_start(world->exchange, &world->chain);
        let_begin(1);
        if (is_gone != 0)
            exchange_gone(world->exchange);
        assert_int_equal(tls.holds, 1);
        let_end(1);
        run_out(world);
        assert_int_equal(tls.holds, 0);
    }
    world_destroy(world);
}

static flexilib_answer act_decode(struct call *call)
{
    bool is_request = call->core->status(call->exchange) == 0;
    return call->core->decode(call->exchange, is_request ? FLEXILIB_REQUEST : FLEXILIB_RESPONSE) ? FLEXILIB_CONTINUE
                                                                                                 : FLEXILIB_FAIL;
}

static void add_coding(struct world *world, struct headers *headers)
{
    headers_add(headers, &world->exchange->arena, SLICE("content-encoding"), SLICE("run"));
}

static void start_coded(struct world *world)
{
    open_exchange(world, "PUT");
    stream_request(world, 6);
    add_coding(world, &world->exchange->request.headers);
    add_coding(world, &world->exchange->response.headers);
    exchange_start(world->exchange, &world->chain);
}

static void codings_are_taken_off_for_it(void **state)
{
    struct world *world = make_world();
    struct script a = {.acts = {NULL, act_elsewhere, NULL, act_elsewhere}};
    struct script b = {.acts = {act_decode, act_elsewhere, act_decode, act_elsewhere}};
    struct script c = {.acts = {NULL, act_change_body_only, NULL, act_elsewhere}};
    const char *const pieces[] = {"a3", "b9c", "1"};
    use_fake_coding(world);
    memcpy(world->request_pieces, pieces, sizeof(pieces));
    world->request_piece_count = 3;
    world->is_request_late = true;
    memcpy(world->pieces, pieces, sizeof(pieces));
    world->piece_count = 3;
    world->body_length = 6;
    add_blocking(world, &a, "a", 0);
    add_blocking(world, &b, "b", 0);
    add_blocking(world, &c, "c", 0);
    start_coded(world);
    run_to_end(world);
    assert_string_equal(world->final_request, "PUT /path?q=1\nAccept: */*\n\n<aaa><bbbb><bbbb><b><c>");
    assert_string_equal(world->body.data, "aaabbbbbbbbbc");
    assert_null(strstr(world->final_headers, "content-encoding"));
    world_destroy(world);
    assert_int_equal(fake_codings.open, 0);
}

static void without_room_for_that_it_fails(void **state)
{
    struct world *world = make_world();
    struct script a = {.acts = {act_decode, act_elsewhere}};
    use_fake_coding(world);
    fake_codings.most = 0;
    world->request_pieces[0] = "a3";
    world->request_piece_count = 1;
    add_blocking(world, &a, "a", 0);
    start_coded(world);
    run_to_end(world);
    assert_int_equal(world->final_status, 503);
    world_destroy(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_hooks_run_elsewhere),
        cmocka_unit_test(the_same_calls_work_there),
        cmocka_unit_test(calls_of_a_use_follow_each_other),
        cmocka_unit_test(calls_of_concurrent_ones_do_not),
        cmocka_unit_test(who_leaves_meanwhile_is_let_go_at_once),
        cmocka_unit_test(who_leaves_before_is_never_worked_for),
        cmocka_unit_test(what_takes_too_long_is_answered_504),
        cmocka_unit_test(the_answer_may_outlive_the_work),
        cmocka_unit_test(what_has_not_begun_in_time_is_answered_in_place),
        cmocka_unit_test(a_response_under_way_is_cut),
        cmocka_unit_test(a_result_may_come_while_the_hook_still_runs),
        cmocka_unit_test(results_for_those_who_have_left_are_dropped),
        cmocka_unit_test(without_a_thread_it_is_503),
        cmocka_unit_test(without_a_thread_an_open_filter_is_left_out),
        cmocka_unit_test(the_loop_may_take_memory_meanwhile),
        cmocka_unit_test(a_body_goes_on_when_all_of_it_is_through),
        cmocka_unit_test(pieces_that_were_lent_outlive_their_lender),
        cmocka_unit_test(a_source_that_fails_meanwhile_is_told_of_later),
        cmocka_unit_test(an_end_may_take_its_time),
        cmocka_unit_test(nobody_has_to_wait_for_an_end),
        cmocka_unit_test(a_reply_may_be_streamed_from_there),
        cmocka_unit_test(what_is_lent_is_given_back_on_the_loop),
        cmocka_unit_test(a_result_without_on_resume_is_dropped_on_the_loop),
        cmocka_unit_test(settling_waits_for_what_still_runs),
        cmocka_unit_test(facts_of_tls_are_kept_for_it),
        cmocka_unit_test(codings_are_taken_off_for_it),
        cmocka_unit_test(without_room_for_that_it_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
