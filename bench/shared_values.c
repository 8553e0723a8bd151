/* What a filter's calls of the dictionary and of metrics cost, in nanoseconds: alone, and in two processes that use the
 * same keys. */

#include "base/clock.h"
#include "base/dictionary_store.h"
#include "base/metrics.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    CALLS = 300000,
    ROUNDS = 3,
    MOST_KEYS = 100000,
};

struct world {
    struct dictionary_store *store;
    struct series *counter, *histogram;
    struct metric *metric;
    size_t keys;
    uint64_t random;
};

struct measurement {
    const char *name;
    void (*call)(struct world *world);
};

static void *share(size_t bytes)
{
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
        abort();
    return memory;
}

/* As a rate limit by addresses asks. */
static struct dictionary_query ask_for(size_t number, char key[32])
{
    size_t length = 0;
    for (const char *prefix = "2001:db8::"; *prefix != '\0'; ++prefix)
        key[length++] = *prefix;
    for (int i = 0; i < 5; ++i, number /= 16)
        key[length++] = "0123456789abcdef"[number % 16];
    return (struct dictionary_query){
        .name = 1,
        .key = slice_of(key, length),
        .now_ms = clock_monotonic_us() / 1000,
    };
}

static struct dictionary_query ask(struct world *world, char key[32])
{
    world->random = world->random * 6364136223846793005u + 1442695040888963407u;
    return ask_for((world->random >> 33) % world->keys, key);
}

static void get(struct world *world)
{
    char key[32], value[16];
    size_t length;
    dictionary_store_get(world->store, ask(world, key), value, sizeof(value), &length);
}

static void set(struct world *world)
{
    static const char value[16];
    char key[32];
    (void)!dictionary_store_set(world->store, ask(world, key), slice_of(value, sizeof(value)), 60000);
}

static void replace(struct world *world)
{
    char key[32], value[16] = "";
    size_t length = 0;
    struct dictionary_query query = ask(world, key);
    if (dictionary_store_get(world->store, query, value, sizeof(value), &length))
        dictionary_store_replace(world->store, query, slice_of(value, length), slice_of(value, length), 60000);
}

static void increment(struct world *world)
{
    char key[32];
    int64_t sum;
    struct dictionary_query query = ask(world, key);
    query.name = 2;
    dictionary_store_increment(world->store, query, 1, 60000, &sum);
}

static void count(struct world *world)
{
    series_add(world->counter, 1);
}

static void observe(struct world *world)
{
    series_observe(world->histogram, 0.3);
}

static void count_by_label(struct world *world)
{
    const struct slice values[] = {SLICE("200")};
    series_add(metric_find_series(world->metric, values), 1);
}

static const struct measurement measurements[] = {
    {"dictionary: get", get},
    {"dictionary: set", set},
    {"dictionary: get and replace", replace},
    {"dictionary: increment", increment},
    {"metrics: add", count},
    {"metrics: observe", observe},
    {"metrics: series and add", count_by_label},
};

static uint64_t cpu_ns(void)
{
    struct timespec taken;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &taken);
    return (uint64_t)taken.tv_sec * 1000000000 + (uint64_t)taken.tv_nsec;
}

/* Every key has a value, and a number by another name. */
static void fill(struct world *world)
{
    static const char value[16];
    char key[32];
    int64_t sum;
    for (size_t i = 0; i < world->keys; ++i) {
        struct dictionary_query query = ask_for(i, key);
        (void)!dictionary_store_set(world->store, query, slice_of(value, sizeof(value)), 0);
        query.name = 2;
        dictionary_store_increment(world->store, query, 1, 0, &sum);
    }
}

static double measure(struct world *world, const struct measurement *measurement)
{
    uint64_t best_ns = UINT64_MAX;
    for (int round = 0; round < ROUNDS; ++round) {
        uint64_t started_ns = cpu_ns();
        for (int i = 0; i < CALLS; ++i)
            measurement->call(world);
        uint64_t taken_ns = cpu_ns() - started_ns;
        best_ns = taken_ns < best_ns ? taken_ns : best_ns;
    }
    return (double)best_ns / CALLS;
}

static struct metric *declare(struct metrics *metrics, enum metric_kind kind, const char *name, size_t labels)
{
    static const double bounds[] = {0.01, 0.1, 1, 10};
    static const struct slice label = {"status", 6};
    struct error error = ERROR_INIT;
    const struct metric_declaration declaration = {
        .kind = (int32_t)kind,
        .name = slice_from_text(name),
        .labels = &label,
        .label_count = labels,
        .buckets = bounds,
        .bucket_count = kind == METRIC_HISTOGRAM ? 4 : 0,
    };
    return metrics_declare(metrics, &declaration, &error);
}

static struct world make_world(void *region, uint64_t bytes, struct metrics_table *table, uint32_t worker, size_t keys)
{
    struct metrics *metrics = metrics_create(table, worker, 1);
    return (struct world){
        .store = dictionary_store_create(region, bytes, worker),
        .counter = metric_find_series(declare(metrics, METRIC_COUNTER, "a_total", 0), NULL),
        .histogram = metric_find_series(declare(metrics, METRIC_HISTOGRAM, "b", 0), NULL),
        .metric = declare(metrics, METRIC_COUNTER, "c_total", 1),
        .keys = keys,
        .random = worker,
    };
}

/* With a sibling that does the same until it is ended. */
static double measure_beside(struct world *world, struct world *sibling, const struct measurement *measurement)
{
    pid_t pid = fork();
    if (pid == 0) {
        for (;;)
            measurement->call(sibling);
    }
    double taken_ns = measure(world, measurement);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    return taken_ns;
}

int main(void)
{
    static const uint64_t secret[2] = {1, 2};
    const uint64_t bytes = 64 * 1024 * 1024;
    printf("ns per call%38s%14s%14s%14s\n", "100 keys", "100,000 keys", "100 keys x 2", "100,000 x 2");
    for (size_t i = 0; i < sizeof(measurements) / sizeof(measurements[0]); ++i) {
        printf("%-34s", measurements[i].name);
        for (int j = 0; j < 4; ++j) {
            void *region = share(bytes);
            struct metrics_table *table = share(sizeof(*table));
            dictionary_region_head_init(region, bytes, secret);
            metrics_table_init(table, secret);
            size_t keys = j % 2 == 0 ? 100 : MOST_KEYS;
            struct world world = make_world(region, bytes, table, 0, keys);
            struct world sibling = make_world(region, bytes, table, 1, keys);
            fill(&world);
            printf("%14.0f",
                   j < 2 ? measure(&world, &measurements[i]) : measure_beside(&world, &sibling, &measurements[i]));
            fflush(stdout);
            munmap(region, bytes);
            munmap(table, sizeof(*table));
        }
        printf("\n");
    }
    return 0;
}
