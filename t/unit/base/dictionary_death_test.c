/* A process that changes a shard is stopped after each instruction: whatever stands in memory then is what its death
 * would leave, and has to be put in order again. */

#include "dictionary_probe.h"

#include <sys/ptrace.h>

enum {
    MOST_INSTRUCTIONS = 2000000,
};

struct step {
    const char *name;
    void (*prepare)(struct dictionary_shard *shard);
    void (*change)(struct dictionary_shard *shard);
};

static void add_some(struct dictionary_shard *shard)
{
    assert_true(write_value(shard, "a", SLICE("first")));
    assert_true(write_value(shard, "b", SLICE("second")));
    assert_true(write_value(shard, "number", slice_of("\1\0\0\0\0\0\0", 8)));
    assert_true(write_value(shard, "c", SLICE("third")));
}

static void fill(struct dictionary_shard *shard)
{
    char key[16];
    for (unsigned i = 0; i < 2 * BLOCKS; ++i) {
        snprintf(key, sizeof(key), "key %u", i);
        assert_true(write_value(shard, key, SLICE("value")));
    }
    add_some(shard);
}

static void grow_old(struct dictionary_shard *shard)
{
    add_some(shard);
    shard->head->stamp += BLOCKS;
}

static void change_number(struct dictionary_shard *shard)
{
    uint64_t *number = dictionary_shard_number(shard, find_key(shard, "number"));
    if (number != NULL)
        __atomic_store_n(number, UINT64_MAX, __ATOMIC_RELAXED);
}

static void change_value(struct dictionary_shard *shard)
{
    (void)!write_value(shard, "b", SLICE("another"));
}

static void add_value(struct dictionary_shard *shard)
{
    (void)!write_value(shard, "new", SLICE("value"));
}

static void grow_value(struct dictionary_shard *shard)
{
    static char large[1000];
    (void)!write_value(shard, "b", slice_of(large, sizeof(large)));
}

static void remove_value(struct dictionary_shard *shard)
{
    dictionary_shard_remove(shard, find_key(shard, "b"));
}

static void look(struct dictionary_shard *shard)
{
    (void)!find_key(shard, "b");
}

static bool is_stopped(pid_t pid)
{
    int status;
    return waitpid(pid, &status, 0) == pid && WIFSTOPPED(status);
}

static pid_t start_traced(struct dictionary_shard *shard, const struct step *step)
{
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) == -1)
        _exit(EXIT_FAILURE);
    raise(SIGSTOP);
    step->change(shard);
    _exit(EXIT_SUCCESS);
}

static bool is_one_of(struct dictionary_shard *shard, const char *key, struct slice before, struct slice after)
{
    uint32_t number = find_key(shard, key);
    return number != 0 &&
           (dictionary_shard_is_value(shard, number, before) || dictionary_shard_is_value(shard, number, after));
}

/* What stands there, if the process died now. Says whether everything was still there. */
static bool bury(const struct dictionary_shard *shard, struct dictionary_shard *copy)
{
    memcpy(copy->head, shard->head, SHARD_BYTES);
    bool is_whole = dictionary_shard_recover(copy);
    expect_order(copy);
    if (!is_whole)
        return false;
    assert_true(is_one_of(copy, "a", SLICE("first"), SLICE("first")));
    assert_true(is_one_of(copy, "c", SLICE("third"), SLICE("third")));
    assert_true(
        is_one_of(copy, "number", slice_of("\1\0\0\0\0\0\0", 8), slice_of("\377\377\377\377\377\377\377\377", 8)));
    return true;
}

/* Returns how often something would have been lost; -1 where processes cannot be stopped like that here. */
static int die_everywhere(const struct step *step)
{
    struct dictionary_shard shard = make_shard(), copy = make_shard();
    int losses = 0;
    step->prepare(&shard);
    pid_t pid = start_traced(&shard, step);
    if (!is_stopped(pid))
        losses = -1;
    for (int i = 0; losses >= 0 && i < MOST_INSTRUCTIONS; ++i) {
        losses += !bury(&shard, &copy);
        if (ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL) == -1 || !is_stopped(pid))
            break;
    }
    finish_shard(&shard);
    finish_shard(&copy);
    return losses;
}

static void expect_losses(const struct step *step, bool is_lossy)
{
    int losses = die_everywhere(step);
    if (losses == -1)
        skip();
    print_message("# %s: after %d instructions something would be lost\n", step->name, losses);
    assert_int_equal(losses != 0, is_lossy);
}

static void numbers_and_looks_cost_nothing(void **state)
{
    expect_losses(&(struct step){"a number changes", add_some, change_number}, false);
    expect_losses(&(struct step){"a look", add_some, look}, false);
}

static void other_changes_leave_order(void **state)
{
    expect_losses(&(struct step){"a value changes", add_some, change_value}, true);
    expect_losses(&(struct step){"a value comes", add_some, add_value}, true);
    expect_losses(&(struct step){"a value pushes another out", fill, add_value}, true);
    expect_losses(&(struct step){"a value grows", fill, grow_value}, true);
    expect_losses(&(struct step){"a value goes", add_some, remove_value}, true);
    expect_losses(&(struct step){"a look at an old value", grow_old, look}, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_and_looks_cost_nothing),
        cmocka_unit_test(other_changes_leave_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
