#include "metrics_probe.h"

#include <math.h>
#include <pthread.h>

static void workers_are_summed(void **state)
{
    struct metrics_table *table = make_table();
    struct metrics *one = metrics_create(table, 0, 1), *other = metrics_create(table, 3, 1);
    struct series *a = find_series(declare(one, METRIC_COUNTER, "jobs_total", NULL), NULL);
    struct series *b = find_series(declare(other, METRIC_COUNTER, "jobs_total", NULL), NULL);
    struct series *waiting_a = find_series(declare(one, METRIC_GAUGE, "jobs_waiting", NULL), NULL);
    struct series *waiting_b = find_series(declare(other, METRIC_GAUGE, "jobs_waiting", NULL), NULL);
    expect_text(table, 1, "# TYPE jobs_total counter\njobs_total 0\n# TYPE jobs_waiting gauge\njobs_waiting 0\n");
    series_add(a, 2);
    series_add(b, 0.5);
    series_set(waiting_a, 7);
    series_set(waiting_b, 1);
    series_add(waiting_b, -4);
    expect_text(table, 1, "# TYPE jobs_total counter\njobs_total 2.5\n# TYPE jobs_waiting gauge\njobs_waiting 4\n");
    metrics_destroy(one);
    one = metrics_create(table, 0, 2);
    series_add(find_series(declare(one, METRIC_COUNTER, "jobs_total", NULL), NULL), 1);
    expect_text(table, 2, "# TYPE jobs_total counter\njobs_total 3.5\n# TYPE jobs_waiting gauge\njobs_waiting 4\n");
    metrics_destroy(one);
    metrics_destroy(other);
    finish_table(table);
}

static void nonsense_is_not_counted(void **state)
{
    struct metrics_table *table = make_table();
    struct metrics *metrics = metrics_create(table, 0, 1);
    struct series *counter = find_series(declare(metrics, METRIC_COUNTER, "a_total", NULL), NULL);
    struct series *gauge = find_series(declare(metrics, METRIC_GAUGE, "b", NULL), NULL);
    struct series *histogram = find_series(declare(metrics, METRIC_HISTOGRAM, "c", NULL), NULL);
    static const double numbers[] = {-1, 0, NAN, INFINITY, -INFINITY};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); ++i)
        series_add(counter, numbers[i]);
    for (size_t i = 2; i < sizeof(numbers) / sizeof(numbers[0]); ++i) {
        series_add(gauge, numbers[i]);
        series_set(gauge, numbers[i]);
        series_observe(histogram, numbers[i]);
    }
    series_set(counter, 5);
    series_observe(counter, 5);
    series_observe(gauge, 5);
    series_add(histogram, 5);
    series_set(histogram, 5);
    expect_text(table, 1,
                "# TYPE a_total counter\na_total 0\n# TYPE b gauge\nb 0\n# TYPE c histogram\n"
                "c_bucket{le=\"0.1\"} 0\nc_bucket{le=\"1\"} 0\nc_bucket{le=\"2.5\"} 0\nc_bucket{le=\"+Inf\"} 0\n"
                "c_sum 0\nc_count 0\n");
    metrics_destroy(metrics);
    finish_table(table);
}

static void histograms_count_upwards(void **state)
{
    struct metrics_table *table = make_table();
    struct metrics *metrics = metrics_create(table, 0, 1);
    struct metric *metric = declare(metrics, METRIC_HISTOGRAM, "seconds", "what");
    series_observe(find_series(metric, "x"), 0.1);
    series_observe(find_series(metric, "x"), 0.25);
    series_observe(find_series(metric, "x"), 1);
    series_observe(find_series(metric, "x"), 100);
    series_observe(find_series(metric, "y"), -1);
    expect_text(table, 1,
                "# TYPE seconds histogram\n"
                "seconds_bucket{what=\"x\",le=\"0.1\"} 1\nseconds_bucket{what=\"x\",le=\"1\"} 3\n"
                "seconds_bucket{what=\"x\",le=\"2.5\"} 3\nseconds_bucket{what=\"x\",le=\"+Inf\"} 4\n"
                "seconds_sum{what=\"x\"} 101.35\nseconds_count{what=\"x\"} 4\n"
                "seconds_bucket{what=\"y\",le=\"0.1\"} 1\nseconds_bucket{what=\"y\",le=\"1\"} 1\n"
                "seconds_bucket{what=\"y\",le=\"2.5\"} 1\nseconds_bucket{what=\"y\",le=\"+Inf\"} 1\n"
                "seconds_sum{what=\"y\"} -1\nseconds_count{what=\"y\"} 1\n");
    metrics_destroy(metrics);
    finish_table(table);
}

static void labels_are_fit_to_be_read(void **state)
{
    struct metrics_table *table = make_table();
    struct metrics *metrics = metrics_create(table, 0, 1);
    const struct slice labels[] = {SLICE("a"), SLICE("b")};
    const struct metric_declaration declaration = {
        .kind = METRIC_COUNTER,
        .name = SLICE("things_total"),
        .help = SLICE("things \\ \"seen\""),
        .labels = labels,
        .label_count = 2,
    };
    static const struct slice values[][2] = {
        {SLICE("plain"), SLICE("")},
        {SLICE("a\"b\\c"), SLICE("\xc3\xa4")},
        {SLICE("a\nb"), SLICE("\xff|")},
        {SLICE("a\tb"), SLICE("\xfe|")},
    };
    struct metric *metric = try_declare(metrics, &declaration);
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); ++i)
        series_add(metric_find_series(metric, values[i]), 1);
    expect_text(table, 1,
                "# HELP things_total things \\\\ \"seen\"\n# TYPE things_total counter\n"
                "things_total{a=\"plain\",b=\"\"} 1\n"
                "things_total{a=\"a\\\"b\\\\c\",b=\"\xc3\xa4\"} 1\n"
                "things_total{a=\"a?b\",b=\"?|\"} 2\n");
    metrics_destroy(metrics);
    finish_table(table);
}

static void series_have_a_limit(void **state)
{
    struct metrics_table *table = make_table();
    struct metrics *metrics = metrics_create(table, 0, 1);
    const struct slice labels[] = {SLICE("a")};
    const struct metric_declaration declaration = {
        .kind = METRIC_COUNTER,
        .name = SLICE("things_total"),
        .labels = labels,
        .label_count = 1,
        .most_series = 2,
    };
    struct metric *metric = try_declare(metrics, &declaration);
    char large[METRIC_VALUES_BYTES] = "";
    memset(large, 'x', sizeof(large) - 1);
    expect_text(table, 1, "# TYPE things_total counter\n");
    series_add(find_series(metric, large), 1);
    series_add(find_series(metric, "one"), 1);
    series_add(find_series(metric, "two"), 1);
    series_add(find_series(metric, "three"), 1);
    series_add(find_series(metric, "four"), 1);
    series_add(find_series(metric, "two"), 1);
    series_add(find_series(metric, "other"), 1);
    struct metrics *second = metrics_create(table, 1, 1);
    series_add(find_series(try_declare(second, &declaration), "five"), 1);
    series_add(find_series(try_declare(second, &declaration), "one"), 1);
    expect_text(table, 1,
                "# TYPE things_total counter\nthings_total{a=\"other\"} 5\nthings_total{a=\"one\"} 2\n"
                "things_total{a=\"two\"} 2\n");
    metrics_destroy(metrics);
    metrics_destroy(second);
    finish_table(table);
}

static void generations_may_change_their_mind(void **state)
{
    struct metrics_table *table = make_table();
    struct metrics *one = metrics_create(table, 0, 1), *two = metrics_create(table, 1, 2);
    struct metric *old = declare(one, METRIC_GAUGE, "size", NULL);
    assert_null(declare(one, METRIC_GAUGE, "size", "what"));
    assert_null(declare(one, METRIC_HISTOGRAM, "size", NULL));
    assert_ptr_equal(declare(one, METRIC_GAUGE, "size", NULL), old);
    series_set(find_series(old, NULL), 1);
    struct metric *changed = declare(two, METRIC_GAUGE, "size", "what");
    assert_non_null(changed);
    assert_null(declare(two, METRIC_GAUGE, "size", "which"));
    assert_null(declare(two, METRIC_GAUGE, "size", NULL));
    series_set(find_series(changed, "x"), 2);
    expect_text(table, 1, "# TYPE size gauge\nsize 1\n");
    expect_text(table, 2, "# TYPE size gauge\nsize{what=\"x\"} 2\n");
    expect_text(table, 3, "# TYPE size gauge\nsize{what=\"x\"} 2\n");
    expect_text(table, 0, "# TYPE size gauge\nsize 1\n");
    metrics_destroy(one);
    metrics_destroy(two);
    finish_table(table);
}

struct wrong {
    const char *message;
    struct metric_declaration declaration;
};

static void wrong_declarations_are_told(void **state)
{
    static const struct slice twice[] = {SLICE("a"), SLICE("b"), SLICE("a")}, bound[] = {SLICE("le")},
                              capital[] = {SLICE("A")}, reserved[] = {SLICE("__a")};
    static const double falling[] = {1, 1}, endless[] = {INFINITY}, fine[METRIC_MOST_BUCKETS + 1] = {0};
    static const struct wrong wrongs[] = {
        {"it is no counter, gauge or histogram", {.kind = 0, .name = SLICE("a_total")}},
        {"it is no counter, gauge or histogram", {.kind = 4, .name = SLICE("a_total")}},
        {"its name is not made of a-z, 0-9 and _, or too long", {.kind = METRIC_GAUGE, .name = SLICE("")}},
        {"its name is not made of a-z, 0-9 and _, or too long", {.kind = METRIC_GAUGE, .name = SLICE("Size")}},
        {"its name is not made of a-z, 0-9 and _, or too long", {.kind = METRIC_GAUGE, .name = SLICE("1a")}},
        {"its name is not made of a-z, 0-9 and _, or too long", {.kind = METRIC_GAUGE, .name = SLICE("a b")}},
        {"names that begin with flexilib_ are FlexiLib's own", {.kind = METRIC_GAUGE, .name = SLICE("flexilib_size")}},
        {"the name of a counter ends in _total", {.kind = METRIC_COUNTER, .name = SLICE("jobs")}},
        {"only a counter's name ends in _total, and none in _bucket, _count or _sum",
         {.kind = METRIC_GAUGE, .name = SLICE("jobs_total")}},
        {"only a counter's name ends in _total, and none in _bucket, _count or _sum",
         {.kind = METRIC_GAUGE, .name = SLICE("a_sum")}},
        {"its help is not one line of text", {.kind = METRIC_GAUGE, .name = SLICE("a"), .help = SLICE("two\nlines")}},
        {"its help is not one line of text", {.kind = METRIC_GAUGE, .name = SLICE("a"), .help = SLICE("\xff")}},
        {"it has more than 8 labels", {.kind = METRIC_GAUGE, .name = SLICE("a"), .labels = twice, .label_count = 9}},
        {"it has the label 'a' twice", {.kind = METRIC_GAUGE, .name = SLICE("a"), .labels = twice, .label_count = 3}},
        {"a histogram has its own label 'le'",
         {.kind = METRIC_HISTOGRAM,
          .name = SLICE("a"),
          .labels = bound,
          .label_count = 1,
          .buckets = fine,
          .bucket_count = 1}},
        {"a label's name is not made of a-z, 0-9 and _, begins with __, or is too long",
         {.kind = METRIC_GAUGE, .name = SLICE("a"), .labels = capital, .label_count = 1}},
        {"a label's name is not made of a-z, 0-9 and _, begins with __, or is too long",
         {.kind = METRIC_GAUGE, .name = SLICE("a"), .labels = reserved, .label_count = 1}},
        {"only a histogram has buckets",
         {.kind = METRIC_GAUGE, .name = SLICE("a"), .buckets = fine, .bucket_count = 1}},
        {"a histogram has 1 to 32 buckets", {.kind = METRIC_HISTOGRAM, .name = SLICE("a"), .buckets = fine}},
        {"a histogram has 1 to 32 buckets",
         {.kind = METRIC_HISTOGRAM, .name = SLICE("a"), .buckets = fine, .bucket_count = 33}},
        {"its buckets are not finite and ascending",
         {.kind = METRIC_HISTOGRAM, .name = SLICE("a"), .buckets = falling, .bucket_count = 2}},
        {"its buckets are not finite and ascending",
         {.kind = METRIC_HISTOGRAM, .name = SLICE("a"), .buckets = endless, .bucket_count = 1}},
        {"it may have 8192 series at most", {.kind = METRIC_GAUGE, .name = SLICE("a"), .most_series = 8193}},
    };
    struct metrics *metrics = metrics_create_private();
    for (size_t i = 0; i < sizeof(wrongs) / sizeof(wrongs[0]); ++i) {
        struct error error = ERROR_INIT;
        assert_null(metrics_declare(metrics, &wrongs[i].declaration, &error));
        assert_string_equal(error.message, wrongs[i].message);
    }
    metrics_destroy(metrics);
}

static void room_runs_out_softly(void **state)
{
    struct metrics_table *table = make_table();
    struct metrics *metrics = metrics_create(table, 0, 1);
    char name[32];
    int declared = 0;
    struct metric *first = declare(metrics, METRIC_GAUGE, "first", "a"), *metric;
    do {
        snprintf(name, sizeof(name), "metric_%d", declared);
        metric = declare(metrics, METRIC_HISTOGRAM, name, "a");
    } while (metric != NULL && ++declared < 2 * METRICS_MOST);
    assert_int_equal(declared, METRICS_MOST - 1);
    assert_ptr_equal(declare(metrics, METRIC_GAUGE, "first", "a"), first);
    for (int i = 0; i < declared; ++i) {
        snprintf(name, sizeof(name), "metric_%d", i);
        metric = declare(metrics, METRIC_HISTOGRAM, name, "a");
        for (int j = 0; j < 20; ++j) {
            snprintf(name, sizeof(name), "value %d", j);
            series_observe(find_series(metric, name), 1);
        }
    }
    assert_in_range(metrics_table_count_series(table), METRICS_MOST_CELLS / 5 - 20, METRICS_MOST_CELLS / 5 + 1);
    series_set(find_series(first, "x"), 3);
    struct text text = TEXT_INIT;
    metrics_text_add(table, 1, &text);
    assert_non_null(strstr(text.data, "metric_510_count{a=\"other\"} 20\n"));
    text_finish(&text);
    metrics_destroy(metrics);
    finish_table(table);
}

/* Those of the last slots share rows, and have no gauges that their death could clear. */
static void there_may_be_more_workers_than_rows(void **state)
{
    struct metrics_table *table = make_table();
    struct metrics *one = metrics_create(table, 1, 1), *other = metrics_create(table, METRICS_ROWS + 1, 1);
    series_add(find_series(declare(one, METRIC_COUNTER, "a_total", NULL), NULL), 1);
    series_add(find_series(declare(other, METRIC_COUNTER, "a_total", NULL), NULL), 1);
    series_set(find_series(declare(one, METRIC_GAUGE, "b", NULL), NULL), 1);
    series_set(find_series(declare(other, METRIC_GAUGE, "b", NULL), NULL), 5);
    series_add(find_series(declare(other, METRIC_GAUGE, "b", NULL), NULL), 5);
    expect_text(table, 1, "# TYPE a_total counter\na_total 2\n# TYPE b gauge\nb 1\n");
    metrics_destroy(one);
    metrics_destroy(other);
    finish_table(table);
}

enum {
    PROCESSES = 4,
    THREADS = 2,
    ROUNDS = 20000,
};

static void *count_in_thread(void *data)
{
    struct metrics *metrics = data;
    for (int i = 0; i < ROUNDS; ++i) {
        char value[16];
        snprintf(value, sizeof(value), "%d", i % 50);
        struct metric *metric = declare(metrics, METRIC_COUNTER, i % 2 ? "odd_total" : "even_total", "number");
        series_add(find_series(metric, value), 1);
    }
    return NULL;
}

static void count_in_process(struct metrics_table *table, uint32_t slot)
{
    struct metrics *metrics = metrics_create(table, slot, 1);
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; ++i) {
        if (pthread_create(&threads[i], NULL, count_in_thread, metrics) != 0)
            abort();
    }
    for (int i = 0; i < THREADS; ++i)
        pthread_join(threads[i], NULL);
    metrics_destroy(metrics);
}

static void all_may_count_at_once(void **state)
{
    struct metrics_table *table = make_table();
    pid_t pids[PROCESSES];
    for (uint32_t i = 0; i < PROCESSES; ++i) {
        pids[i] = fork();
        if (pids[i] == 0) {
            count_in_process(table, i);
            _exit(EXIT_SUCCESS);
        }
    }
    for (int i = 0; i < PROCESSES; ++i) {
        int status;
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_int_equal(status, 0);
    }
    struct text text = TEXT_INIT;
    int lines = 0;
    char expected[32];
    snprintf(expected, sizeof(expected), "\"} %d", PROCESSES * THREADS * ROUNDS / 50);
    metrics_text_add(table, 1, &text);
    for (const char *found = text.data; (found = strstr(found, expected)) != NULL; ++found)
        ++lines;
    assert_int_equal(lines, 50);
    assert_int_equal(metrics_table_count_metrics(table), 2);
    assert_int_equal(metrics_table_count_series(table), 52);
    text_finish(&text);
    finish_table(table);
}

static void scribble(struct metrics_table *table, uint64_t *random)
{
    uint32_t *words = (uint32_t *)(void *)&table->rows_used;
    size_t count = ((char *)table->cells - (char *)words) / sizeof(uint32_t);
    for (int i = 0; i < 20000; ++i) {
        *random = *random * 6364136223846793005u + 1442695040888963407u;
        uint64_t draw = *random >> 20;
        /* at the beginning of each part, and anywhere */
        size_t place = draw % 4 == 0 ? draw / 4 % 400 : draw / 4 % count;
        words[place] = (uint32_t)(draw % 3 == 0 ? draw / 8 % 40000 : draw * 77);
    }
}

/* Somebody writes over all of it; others go on with what they know. */
static void nonsense_in_the_table_harms_nobody(void **state)
{
    uint64_t random = 5;
    for (int round = 0; round < 60; ++round) {
        struct metrics_table *table = make_table();
        struct metrics *metrics = metrics_create(table, 0, 1);
        struct metric *known = declare(metrics, METRIC_HISTOGRAM, "known", "a");
        struct series *series = find_series(known, "x");
        for (int i = 0; i < 5; ++i) {
            scribble(table, &random);
            table->metric_count %= 7;
            table->series_count %= i == 0 ? UINT32_MAX : 100;
            series_observe(series, 1);
            series_observe(find_series(known, "x"), 1);
            series_observe(find_series(known, "y"), 1);
            struct metric *metric = declare(metrics, METRIC_COUNTER, "new_total", "a");
            if (metric != NULL)
                series_add(find_series(metric, "z"), 1);
            struct text text = TEXT_INIT;
            metrics_text_add(table, 1, &text);
            text_finish(&text);
        }
        metrics_destroy(metrics);
        finish_table(table);
    }
}

/* What a worker knows of a metric's shape is what it has declared. */
static void metrics_cannot_be_exchanged(void **state)
{
    struct metrics_table *table = make_table();
    struct metrics *metrics = metrics_create(table, 0, 1);
    assert_non_null(declare(metrics, METRIC_GAUGE, "first", "a"));
    assert_non_null(declare(metrics, METRIC_GAUGE, "second", NULL));
    snprintf(table->metrics[0].name, METRIC_NAME_BYTES, "third");
    table->metrics[0].label_count = 0;
    assert_null(declare(metrics, METRIC_GAUGE, "third", NULL));
    table->metrics[1].rest = 0;
    metrics_destroy(metrics);
    metrics = metrics_create(table, 1, 1);
    assert_non_null(declare(metrics, METRIC_GAUGE, "third", NULL));
    assert_null(declare(metrics, METRIC_GAUGE, "second", NULL));
    table->series[1].cell = METRICS_MOST_CELLS;
    table->metrics[1].rest = 1;
    assert_null(declare(metrics, METRIC_GAUGE, "second", NULL));
    metrics_destroy(metrics);
    finish_table(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(workers_are_summed),
        cmocka_unit_test(nonsense_is_not_counted),
        cmocka_unit_test(histograms_count_upwards),
        cmocka_unit_test(labels_are_fit_to_be_read),
        cmocka_unit_test(series_have_a_limit),
        cmocka_unit_test(generations_may_change_their_mind),
        cmocka_unit_test(wrong_declarations_are_told),
        cmocka_unit_test(room_runs_out_softly),
        cmocka_unit_test(there_may_be_more_workers_than_rows),
        cmocka_unit_test(all_may_count_at_once),
        cmocka_unit_test(metrics_cannot_be_exchanged),
        cmocka_unit_test(nonsense_in_the_table_harms_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
