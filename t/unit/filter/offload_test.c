#include "fake.h"

#include "flexilib/ext/offload.h"

#include <semaphore.h>

/* Work that filters leave to threads: when it runs, whom it tells, and what becomes of it when nobody waits any more.
 */

struct work {
    const struct flexilib_offload *offload;
    pthread_t loop;
    sem_t has_begun, may_end;
    bool is_held;
    unsigned run, done, dropped;
    void *owner;             /* the filter that is to be told, where one is */
    struct work *is_awaited; /* may end when this one is dropped */
};

static struct work *work_of(struct script *script)
{
    return *(struct work **)script->text;
}

static void do_work(void *data)
{
    struct work *work = data;
    if (pthread_equal(pthread_self(), work->loop))
        abort();
    ++work->run;
    sem_post(&work->has_begun);
    if (work->is_held)
        sem_wait(&work->may_end);
}

static void on_work_done(void *filter, void *data)
{
    struct work *work = data;
    assert_true(pthread_equal(pthread_self(), work->loop));
    assert_ptr_equal(filter, work->owner);
    ++work->done;
}

static void drop_work(void *data)
{
    struct work *work = data;
    assert_true(pthread_equal(pthread_self(), work->loop));
    ++work->dropped;
    if (work->is_awaited != NULL)
        sem_post(&work->is_awaited->may_end);
}

static void init_work(struct work *work, bool is_held)
{
    *work = (struct work){.loop = pthread_self(), .is_held = is_held};
    sem_init(&work->has_begun, 0, 0);
    sem_init(&work->may_end, 0, 0);
}

static flexilib_answer offload_and_pause(struct call *call)
{
    struct work *work = work_of(call->script);
    call->script->ticket = call->core->ticket(call->exchange);
    work->offload = call->core->extension(call->core, FLEXILIB_OFFLOAD);
    return work->offload->run(call->core, call->script->ticket, do_work, work, drop_work) ? FLEXILIB_PAUSE
                                                                                          : FLEXILIB_FAIL;
}

static flexilib_answer take_work(struct call *call)
{
    assert_ptr_equal(call->data, work_of(call->script));
    return FLEXILIB_CONTINUE;
}

/* One filter that leaves its work to the pool, in a world with so many threads. */
static struct world *make_world(struct script *script, struct work *work, unsigned threads)
{
    struct world *world = world_create();
    runtime_limit_pool(world->runtime, &(struct pool_settings){.threads = threads, .queue = 1, .share_percent = 100});
    *script = (struct script){.acts = {[HOOK_REQUEST_HEAD] = offload_and_pause, [HOOK_RESUME] = take_work}};
    *(struct work **)script->text = work;
    add_filter(world, script, "a");
    return world;
}

static void run_until_finished(struct world *world)
{
    while (world->exchange != NULL) {
        run_world(world);
        sched_yield();
    }
}

static void work_ends_the_pause(void **state)
{
    struct script a;
    struct work work;
    init_work(&work, false);
    struct world *world = make_world(&a, &work, 2);
    start(world, "GET");
    run_until_finished(world);
    expect_trace(world, "a.request paused unpaused a.resume forward a.response head pull last a.end finished ");
    assert_int_equal(work.run, 1);
    assert_int_equal(work.dropped, 0);
    world_destroy(world);
}

/* Begins an exchange whose filter waits for work that is under way. */
static void start_held(struct world *world, struct work *work)
{
    init_work(work, true);
    start(world, "GET");
    sem_wait(&work->has_begun);
    assert_true(world->is_paused);
}

static void what_nobody_waits_for_any_more_is_dropped(void **state)
{
    struct script a;
    struct work work;
    struct world *world = make_world(&a, &work, 1);
    start_held(world, &work);
    exchange_gone(world->exchange);
    expect_trace(world, "a.request paused unpaused a.end finished ");
    assert_int_equal(work.dropped, 0);
    sem_post(&work.may_end);
    while (work.dropped == 0)
        run_world(world);
    assert_int_equal(work.dropped, 1);
    world_destroy(world);
}

static void what_has_not_begun_never_does(void **state)
{
    struct script a;
    struct work first, second;
    struct world *world = make_world(&a, &first, 1);
    start_held(world, &first);
    struct exchange *held = world->exchange;
    init_work(&second, false);
    *(struct work **)a.text = &second;
    world->is_paused = false;
    start(world, "GET");
    exchange_gone(world->exchange);
    assert_int_equal(second.dropped, 1);
    world->exchange = held;
    world->is_paused = true;
    *(struct work **)a.text = &first;
    sem_post(&first.may_end);
    run_until_finished(world);
    assert_int_equal(second.run, 0);
    assert_int_equal(first.dropped, 0);
    world_destroy(world);
}

static void a_full_pool_says_so(void **state)
{
    struct script a;
    struct work work, own;
    struct world *world = make_world(&a, &work, 1);
    start_held(world, &work);
    init_work(&own, false);
    own.owner = &a;
    const struct flexilib_offload *offload = work.offload;
    assert_true(offload->run_for_filter(a.core, do_work, on_work_done, &own, drop_work));
    assert_false(offload->run_for_filter(a.core, do_work, on_work_done, &own, drop_work));
    assert_false(offload->run(a.core, a.ticket, do_work, &own, drop_work));
    assert_int_equal(own.dropped, 0);
    sem_post(&work.may_end);
    run_until_finished(world);
    world_destroy(world);
}

static void the_filter_s_own_work_is_told_to_it(void **state)
{
    struct script a;
    struct work work;
    init_work(&work, false);
    struct world *world = make_world(&a, &work, 1);
    const struct flexilib_offload *offload = a.core->extension(a.core, FLEXILIB_OFFLOAD);
    work.owner = &a;
    assert_true(offload->run_for_filter(a.core, do_work, on_work_done, &work, NULL));
    while (work.done == 0)
        run_world(world);
    assert_int_equal(work.done, 1);
    assert_int_equal(world->slot.call.hook, SLOT_HOOK_NONE);
    world_destroy(world);
}

static void the_end_of_a_filter_waits_for_what_has_begun(void **state)
{
    struct script a;
    struct work begun, waiting;
    init_work(&begun, true);
    init_work(&waiting, false);
    struct world *world = make_world(&a, &begun, 1);
    const struct flexilib_offload *offload = a.core->extension(a.core, FLEXILIB_OFFLOAD);
    assert_true(offload->run_for_filter(a.core, do_work, on_work_done, &begun, drop_work));
    sem_wait(&begun.has_begun);
    assert_true(offload->run_for_filter(a.core, do_work, on_work_done, &waiting, drop_work));
    begun.owner = &a;
    waiting.is_awaited = &begun;
    world_destroy(world);
    assert_int_equal(begun.done, 1);
    assert_int_equal(begun.dropped, 0);
    assert_int_equal(waiting.run + waiting.done, 0);
    assert_int_equal(waiting.dropped, 1);
}

static void a_spent_ticket_has_its_work_dropped(void **state)
{
    struct script a;
    struct work work, late;
    struct world *world = make_world(&a, &work, 2);
    start_held(world, &work);
    uint64_t ticket = a.ticket;
    sem_post(&work.may_end);
    run_until_finished(world);
    init_work(&late, false);
    assert_true(work.offload->run(a.core, ticket, do_work, &late, drop_work));
    assert_true(work.offload->run(a.core, 0, do_work, &late, drop_work));
    while (late.dropped != 2)
        run_world(world);
    world_destroy(world);
}

static bool offload_and_refuse(const struct flexilib_core *core, const struct flexilib_value *values, void **filter)
{
    struct script *script = (struct script *)(uintptr_t)use_of_core(core)->filter;
    const struct flexilib_offload *offload = core->extension(core, FLEXILIB_OFFLOAD);
    assert_true(offload->run_for_filter(core, do_work, on_work_done, work_of(script), drop_work));
    sem_wait(&work_of(script)->has_begun);
    core->refuse(core, -1, FLEXILIB_ARG("not today"));
    return false;
}

static void a_filter_that_did_not_come_about_is_told_nothing(void **state)
{
    struct world *world = world_create();
    struct script a = {.filter = {.name = "a", .create = offload_and_refuse}};
    struct work work;
    init_work(&work, false);
    *(struct work **)a.text = &work;
    struct step_settings step = {.name = SLICE("a")};
    struct error error = ERROR_INIT;
    assert_null(use_create(world->runtime, NULL, &a.filter, &step, NULL, &error));
    assert_int_equal(work.run, 1);
    assert_int_equal(work.done, 0);
    assert_int_equal(work.dropped, 1);
    world_destroy(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(work_ends_the_pause),
        cmocka_unit_test(what_nobody_waits_for_any_more_is_dropped),
        cmocka_unit_test(what_has_not_begun_never_does),
        cmocka_unit_test(a_full_pool_says_so),
        cmocka_unit_test(the_filter_s_own_work_is_told_to_it),
        cmocka_unit_test(the_end_of_a_filter_waits_for_what_has_begun),
        cmocka_unit_test(a_spent_ticket_has_its_work_dropped),
        cmocka_unit_test(a_filter_that_did_not_come_about_is_told_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
