#include "base/dictionary_shard.h"

#include "dictionary_probe.h"

/* Writes and removes at random, and looks at the whole of it after each step. */
static void stays_in_order_whatever_is_done(void **state)
{
    struct dictionary_shard shard = make_shard();
    uint64_t random = 1;
    for (int i = 0; i < 20000; ++i) {
        change_at_random(&shard, &random);
        assert_false(shard.is_corrupt);
        if (i % 50 == 0)
            expect_order(&shard);
    }
    expect_order(&shard);
    finish_shard(&shard);
}

static void what_was_used_last_is_kept(void **state)
{
    struct dictionary_shard shard = make_shard();
    char key[16];
    for (unsigned i = 0; i < 10 * BLOCKS; ++i) {
        snprintf(key, sizeof(key), "key %u", i);
        assert_true(write_value(&shard, key, SLICE("value")));
        if (i == 0)
            assert_true(write_value(&shard, "kept", SLICE("value")));
        if (i % 8 == 0)
            assert_true(has_key(&shard, "kept"));
    }
    unsigned found = 0;
    for (unsigned i = 0; i < 10 * BLOCKS; ++i) {
        snprintf(key, sizeof(key), "key %u", i);
        bool is_there = has_key(&shard, key);
        found += is_there;
        if (i >= 10 * BLOCKS - BLOCKS * 7 / 8)
            assert_true(is_there);
    }
    assert_int_equal(found, BLOCKS - 1);
    expect_order(&shard);
    finish_shard(&shard);
}

static void large_values_push_out_as_many_as_needed(void **state)
{
    struct dictionary_shard shard = make_shard();
    static char large[DICTIONARY_MORE_BYTES * (BLOCKS - 1)];
    char key[16];
    for (unsigned i = 0; i < BLOCKS; ++i) {
        snprintf(key, sizeof(key), "key %u", i);
        assert_true(write_value(&shard, key, SLICE("value")));
    }
    assert_true(write_value(&shard, "large", slice_of(large, DICTIONARY_MORE_BYTES * 10)));
    for (unsigned i = 0; i < BLOCKS; ++i) {
        snprintf(key, sizeof(key), "key %u", i);
        assert_int_equal(has_key(&shard, key), i >= 11);
    }
    assert_true(write_value(&shard, "all", slice_of(large, sizeof(large))));
    assert_true(has_key(&shard, "all"));
    assert_false(has_key(&shard, "large"));
    expect_order(&shard);
    assert_false(write_value(&shard, "too large", slice_of(large, sizeof(large) + DICTIONARY_ENTRY_BYTES)));
    assert_false(shard.is_corrupt);
    expect_order(&shard);
    finish_shard(&shard);
}

/* What a worker leaves that dies between any two steps: links half changed, or a value half written. */
static void what_a_dead_holder_left_is_put_in_order(void **state)
{
    struct dictionary_shard shard = make_shard();
    assert_true(write_value(&shard, "a", SLICE("value")));
    assert_true(write_value(&shard, "b", SLICE("value")));
    assert_true(dictionary_shard_recover(&shard));
    assert_true(has_key(&shard, "a"));
    shard.head->writing = find_key(&shard, "a");
    assert_false(dictionary_shard_recover(&shard));
    assert_false(has_key(&shard, "a"));
    assert_true(has_key(&shard, "b"));
    expect_order(&shard);
    shard.head->is_changing = 1;
    shard.head->newest = 77;
    assert_false(dictionary_shard_recover(&shard));
    assert_false(has_key(&shard, "b"));
    expect_order(&shard);
    shard.head->writing = UINT32_MAX;
    assert_true(write_value(&shard, "a", SLICE("value")));
    shard.head->writing = UINT32_MAX;
    assert_false(dictionary_shard_recover(&shard));
    assert_false(shard.is_corrupt);
    assert_true(dictionary_shard_recover(&shard));
    finish_shard(&shard);
}

static void run_until_killed(struct dictionary_shard *shard, uint32_t number)
{
    uint64_t random = number + (uint64_t)getpid() * 1000;
    for (;;) {
        if (!shared_lock_take(&shard->head->lock, number))
            dictionary_shard_recover(shard);
        change_at_random(shard, &random);
        if (shard->is_corrupt)
            abort();
        shared_lock_release(&shard->head->lock, number);
    }
}

static pid_t start_process(struct dictionary_shard *shard, uint32_t number)
{
    pid_t pid = fork();
    if (pid == 0)
        run_until_killed(shard, number);
    return pid;
}

/* Mostly one of them is in the midst of something. */
static void killed_processes_leave_no_mess(void **state)
{
    enum { PROCESSES = 4, KILLS = 300 };
    struct dictionary_shard shard = make_shard();
    pid_t pids[PROCESSES];
    unsigned losses = 0;
    for (uint32_t i = 0; i < PROCESSES; ++i)
        pids[i] = start_process(&shard, i);
    for (uint32_t i = 0; i < KILLS; ++i) {
        uint32_t victim = i % PROCESSES, turns = __atomic_load_n(&shard.head->lock.turns, __ATOMIC_RELAXED);
        while (__atomic_load_n(&shard.head->lock.turns, __ATOMIC_RELAXED) - turns < 100)
            sched_yield();
        int status;
        kill(pids[victim], SIGKILL);
        assert_int_equal(waitpid(pids[victim], &status, 0), pids[victim]);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        shared_lock_bury(&shard.head->lock, victim);
        if (!shared_lock_take(&shard.head->lock, PROCESSES))
            losses += !dictionary_shard_recover(&shard);
        expect_order(&shard);
        shared_lock_release(&shard.head->lock, PROCESSES);
        pids[victim] = start_process(&shard, victim);
    }
    for (uint32_t i = 0; i < PROCESSES; ++i) {
        kill(pids[i], SIGKILL);
        assert_int_equal(waitpid(pids[i], NULL, 0), pids[i]);
    }
    print_message("# %u of %d killed processes were in the midst of a change\n", losses, KILLS);
    finish_shard(&shard);
}

/* A shard is looked into whose memory somebody has written over, here and there or everywhere. */
static void nonsense_harms_nobody(void **state)
{
    struct dictionary_shard shard = make_shard();
    uint64_t random = 7;
    unsigned corruptions = 0;
    for (int i = 0; i < 3000; ++i) {
        spoil(&shard, &random, i % 3 == 0 ? SHARD_BYTES : 64);
        for (int j = 0; j < 200 && !shard.is_corrupt; ++j)
            change_at_random(&shard, &random);
        corruptions += shard.is_corrupt;
        if (i % 2 == 0)
            dictionary_shard_recover(&shard);
        dictionary_shard_clear(&shard);
        assert_true(write_value(&shard, "a", SLICE("value")));
        assert_true(has_key(&shard, "a"));
        expect_order(&shard);
    }
    assert_true(corruptions > 1000);
    finish_shard(&shard);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stays_in_order_whatever_is_done),
        cmocka_unit_test(what_was_used_last_is_kept),
        cmocka_unit_test(large_values_push_out_as_many_as_needed),
        cmocka_unit_test(what_a_dead_holder_left_is_put_in_order),
        cmocka_unit_test(killed_processes_leave_no_mess),
        cmocka_unit_test(nonsense_harms_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
