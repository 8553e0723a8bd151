/* A process that adds metrics and series is stopped after each instruction: whatever stands in memory then is what its
 * death would leave, and others have to get on with it. */

#include "metrics_probe.h"

#include <stddef.h>
#include <sys/ptrace.h>

enum {
    MOST_INSTRUCTIONS = 2000000,
    METRICS_USED = 4,
    SERIES_USED = 10,
#ifdef __SANITIZE_ADDRESS__
    STRIDE = 16, /* of ten times as many instructions */
#else
    STRIDE = 1,
#endif
    VICTIM = 2,
};

/* As a worker does it that starts. */
static void count_something(struct metrics *metrics)
{
    struct metric *metric = declare(metrics, METRIC_COUNTER, "visits_total", "who");
    series_add(find_series(metric, "a"), 1);
    series_add(find_series(metric, "b"), 1);
    series_add(find_series(declare(metrics, METRIC_COUNTER, "others_total", NULL), NULL), 1);
    series_observe(find_series(declare(metrics, METRIC_HISTOGRAM, "seconds", "what"), "c"), 1);
}

static pid_t start_traced(struct metrics_table *table)
{
    struct metrics *metrics = metrics_create(table, VICTIM, 1);
    pid_t pid = fork();
    if (pid == 0) {
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) == -1)
            _exit(EXIT_FAILURE);
        raise(SIGSTOP);
        count_something(metrics);
        _exit(EXIT_SUCCESS);
    }
    metrics_destroy(metrics);
    return pid;
}

static bool is_stopped(pid_t pid)
{
    int status;
    return waitpid(pid, &status, 0) == pid && WIFSTOPPED(status);
}

/* All of it that is in use, but for what was counted. */
static void copy_table(const struct metrics_table *from, struct metrics_table *to)
{
    memcpy(to, from, offsetof(struct metrics_table, metrics[METRICS_USED]));
    memcpy(to->buckets, from->buckets, sizeof(to->buckets));
    memcpy(to->series, from->series, SERIES_USED * sizeof(to->series[0]));
}

static void bury(const struct metrics_table *table, struct metrics_table *copy)
{
    copy_table(table, copy);
    memset(copy->cells[0], 0, 64 * sizeof(copy->cells[0][0]));
    shared_lock_bury(&copy->lock, VICTIM);
    struct metrics *metrics = metrics_create(copy, 0, 1);
    count_something(metrics);
    metrics_destroy(metrics);
    expect_text(copy, 1,
                "# TYPE visits_total counter\nvisits_total{who=\"a\"} 1\nvisits_total{who=\"b\"} 1\n"
                "# TYPE others_total counter\nothers_total 1\n# TYPE seconds histogram\n"
                "seconds_bucket{what=\"c\",le=\"0.1\"} 0\nseconds_bucket{what=\"c\",le=\"1\"} 1\n"
                "seconds_bucket{what=\"c\",le=\"2.5\"} 1\nseconds_bucket{what=\"c\",le=\"+Inf\"} 1\n"
                "seconds_sum{what=\"c\"} 1\nseconds_count{what=\"c\"} 1\n");
}

static void others_go_on_wherever_one_dies(void **state)
{
    struct metrics_table *table = make_table(), *copy = make_table();
    pid_t pid = start_traced(table);
    unsigned held = 0;
    if (!is_stopped(pid))
        skip();
    for (int i = 0; i < MOST_INSTRUCTIONS; ++i) {
        held += table->lock.word != 0;
        if (i % STRIDE == 0)
            bury(table, copy);
        if (ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL) == -1 || !is_stopped(pid))
            break;
    }
    print_message("# after %u instructions the lock was held\n", held);
    assert_true(held > 100);
    finish_table(table);
    finish_table(copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(others_go_on_wherever_one_dies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
