#include "base/dictionary_store.h"

#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum {
    REGION_BYTES = DICTIONARY_LEAST_BYTES,
};

static void *make_region(void)
{
    static const uint64_t secret[2] = {1, 2};
    void *memory = mmap(NULL, REGION_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(memory, MAP_FAILED);
    dictionary_region_head_init(memory, REGION_BYTES, secret);
    return memory;
}

static struct dictionary_query ask(const char *key, uint64_t now_ms)
{
    return (struct dictionary_query){.name = 1, .key = slice_from_text(key), .now_ms = now_ms};
}

static bool has(struct dictionary_store *store, const char *key, uint64_t now_ms)
{
    size_t length;
    return dictionary_store_get(store, ask(key, now_ms), NULL, 0, &length);
}

static bool set(struct dictionary_store *store, const char *key, const char *value, uint64_t now_ms, uint64_t ttl_ms)
{
    return dictionary_store_set(store, ask(key, now_ms), slice_from_text(value), ttl_ms);
}

static void expect_text(struct dictionary_store *store, const char *key, const char *value)
{
    char buffer[64] = "";
    size_t length = 0;
    assert_true(dictionary_store_get(store, ask(key, 0), buffer, sizeof(buffer), &length));
    assert_int_equal(length, strlen(value));
    assert_memory_equal(buffer, value, length);
}

static void values_are_set_and_changed(void **state)
{
    struct dictionary_store *store = dictionary_store_create_private();
    assert_false(has(store, "a", 0));
    assert_true(set(store, "a", "one", 0, 0));
    expect_text(store, "a", "one");
    assert_false(dictionary_store_add(store, ask("a", 0), SLICE("two"), 0));
    expect_text(store, "a", "one");
    assert_true(dictionary_store_add(store, ask("b", 0), SLICE("two"), 0));
    expect_text(store, "b", "two");
    assert_false(dictionary_store_replace(store, ask("a", 0), SLICE("two"), SLICE("three"), 0));
    assert_false(dictionary_store_replace(store, ask("c", 0), SLICE_NONE, SLICE("three"), 0));
    expect_text(store, "a", "one");
    assert_true(dictionary_store_replace(store, ask("a", 0), SLICE("one"), SLICE("eleven"), 0));
    expect_text(store, "a", "eleven");
    assert_true(set(store, "a", "", 0, 0));
    expect_text(store, "a", "");
    assert_true(dictionary_store_replace(store, ask("a", 0), SLICE_NONE, SLICE("x"), 0));
    expect_text(store, "a", "x");
    assert_true(dictionary_store_remove(store, ask("a", 0)));
    assert_false(dictionary_store_remove(store, ask("a", 0)));
    assert_false(has(store, "a", 0));
    assert_true(set(store, "", "no key", 0, 0));
    expect_text(store, "", "no key");
    dictionary_store_destroy(store);
}

static void numbers_are_added_to(void **state)
{
    struct dictionary_store *store = dictionary_store_create_private();
    int64_t sum = 0;
    assert_true(dictionary_store_increment(store, ask("n", 0), 5, 0, &sum));
    assert_int_equal(sum, 5);
    assert_true(dictionary_store_increment(store, ask("n", 0), -7, 0, &sum));
    assert_int_equal(sum, -2);
    assert_true(dictionary_store_increment(store, ask("n", 0), INT64_MAX, 0, &sum));
    assert_false(dictionary_store_increment(store, ask("n", 0), INT64_MAX, 0, &sum));
    assert_int_equal(sum, INT64_MAX - 2);
    sum = 100;
    assert_true(dictionary_store_set(store, ask("m", 0), slice_of((const char *)&sum, sizeof(sum)), 0));
    assert_true(dictionary_store_increment(store, ask("m", 0), 1, 0, &sum));
    assert_int_equal(sum, 101);
    assert_true(set(store, "text", "1", 0, 0));
    assert_false(dictionary_store_increment(store, ask("text", 0), 1, 0, &sum));
    expect_text(store, "text", "1");
    dictionary_store_destroy(store);
}

/* Keys of any length leave the number in one piece. */
static void numbers_may_have_long_keys(void **state)
{
    struct dictionary_store *store = dictionary_store_create_private();
    char key[DICTIONARY_MOST_KEY_BYTES];
    memset(key, 'k', sizeof(key));
    for (size_t length = 0; length <= sizeof(key); ++length) {
        struct dictionary_query query = {.key = slice_of(key, length)};
        int64_t sum = 0;
        assert_true(dictionary_store_increment(store, query, (int64_t)length, 0, &sum));
        assert_true(dictionary_store_increment(store, query, 1, 0, &sum));
        assert_int_equal(sum, length + 1);
    }
    dictionary_store_destroy(store);
}

static void times_end_values(void **state)
{
    struct dictionary_store *store = dictionary_store_create_private();
    int64_t sum;
    assert_true(set(store, "a", "x", 1000, 50));
    assert_true(has(store, "a", 1049));
    assert_false(has(store, "a", 1050));
    assert_false(has(store, "a", 1049));
    assert_true(dictionary_store_increment(store, ask("n", 1000), 1, 50, &sum));
    assert_true(dictionary_store_increment(store, ask("n", 1049), 1, 50, &sum));
    assert_int_equal(sum, 2);
    assert_true(dictionary_store_increment(store, ask("n", 1050), 1, 50, &sum));
    assert_int_equal(sum, 1);
    assert_true(set(store, "b", "x", 1000, 50));
    assert_true(set(store, "b", "y", 1040, 0));
    assert_true(has(store, "b", UINT64_MAX));
    assert_true(dictionary_store_add(store, ask("c", 1000), SLICE("x"), 50));
    assert_false(dictionary_store_add(store, ask("c", 1049), SLICE("x"), 50));
    assert_true(dictionary_store_add(store, ask("c", 1050), SLICE("x"), 50));
    assert_false(dictionary_store_replace(store, ask("c", 1100), SLICE("x"), SLICE("y"), 50));
    assert_false(dictionary_store_remove(store, ask("c", 1100)));
    assert_true(set(store, "d", "x", 1000, UINT64_MAX));
    assert_true(has(store, "d", UINT64_MAX));
    dictionary_store_destroy(store);
}

static void sizes_have_bounds(void **state)
{
    struct dictionary_store *store = dictionary_store_create_private();
    size_t most = DICTIONARY_MOST_VALUE_BYTES, length = 0;
    char *large = calloc(2, most), *read = calloc(2, most);
    memset(large, 'v', 2 * most);
    struct dictionary_query query = {.key = slice_of(large, DICTIONARY_MOST_KEY_BYTES)};
    assert_true(dictionary_store_set(store, query, slice_of(large, most), 0));
    assert_true(dictionary_store_get(store, query, read, 2 * most, &length));
    assert_int_equal(length, most);
    assert_memory_equal(read, large, most);
    assert_int_equal(read[most], 0);
    memset(read, 0, most);
    assert_true(dictionary_store_get(store, query, read, 100, &length));
    assert_int_equal(length, most);
    assert_int_equal(read[99], 'v');
    assert_int_equal(read[100], 0);
    assert_false(dictionary_store_set(store, query, slice_of(large, most + 1), 0));
    assert_false(dictionary_store_add(store, ask("x", 0), slice_of(large, most + 1), 0));
    assert_false(dictionary_store_replace(store, query, slice_of(large, most), slice_of(large, most + 1), 0));
    query.key.length++;
    int64_t sum;
    assert_false(dictionary_store_set(store, query, SLICE("x"), 0));
    assert_false(dictionary_store_get(store, query, read, most, &length));
    assert_false(dictionary_store_increment(store, query, 1, 0, &sum));
    assert_false(dictionary_store_remove(store, query));
    free(large);
    free(read);
    dictionary_store_destroy(store);
}

static void names_separate(void **state)
{
    struct dictionary_store *store = dictionary_store_create_private();
    uint64_t a = dictionary_store_name(store, SLICE("a")), b = dictionary_store_name(store, SLICE("b"));
    struct dictionary_query in_a = {.name = a, .key = SLICE("key")}, in_b = {.name = b, .key = SLICE("key")};
    size_t length;
    assert_int_not_equal(a, b);
    assert_true(dictionary_store_set(store, in_a, SLICE("x"), 0));
    assert_false(dictionary_store_get(store, in_b, NULL, 0, &length));
    assert_true(dictionary_store_add(store, in_b, SLICE("y"), 0));
    assert_true(dictionary_store_remove(store, in_a));
    assert_true(dictionary_store_get(store, in_b, NULL, 0, &length));
    dictionary_store_destroy(store);
}

/* Of many more than fit, the newest are there. */
static void room_is_bounded(void **state)
{
    void *region = make_region();
    struct dictionary_store *store = dictionary_store_create(region, REGION_BYTES, 0);
    const int count = 40000, most = REGION_BYTES / DICTIONARY_BLOCK_BYTES;
    int found = 0;
    char key[16];
    assert_non_null(store);
    for (int i = 0; i < count; ++i) {
        snprintf(key, sizeof(key), "%d", i);
        assert_true(set(store, key, "value", 0, 0));
    }
    for (int i = 0; i < count; ++i) {
        snprintf(key, sizeof(key), "%d", i);
        bool is_there = has(store, key, 0);
        found += is_there;
        if (i >= count - most * 3 / 4)
            assert_true(is_there);
    }
    assert_in_range(found, most * 9 / 10, most);
    dictionary_store_destroy(store);
    munmap(region, REGION_BYTES);
}

static void regions_of_another_kind_are_refused(void **state)
{
    struct dictionary_region_head *head = make_region();
    assert_null(dictionary_store_create(head, REGION_BYTES - 4096, 0));
    head->version++;
    assert_null(dictionary_store_create(head, REGION_BYTES, 0));
    head->version--;
    head->size--;
    assert_null(dictionary_store_create(head, REGION_BYTES, 0));
    munmap(head, REGION_BYTES);
}

enum {
    PROCESSES = 4,
    COUNTERS = 40,
    KILLS = 100,
};

struct record {
    uint64_t begun[PROCESSES][COUNTERS], done[PROCESSES][COUNTERS];
};

static void count_until_killed(struct dictionary_store *store, struct record *record, uint32_t number)
{
    for (uint32_t i = number;; i = (i + 1) % COUNTERS) {
        char key[16];
        int64_t sum;
        snprintf(key, sizeof(key), "counter %u", i);
        __atomic_add_fetch(&record->begun[number][i], 1, __ATOMIC_RELEASE);
        if (!dictionary_store_increment(store, ask(key, 0), 1, 0, &sum))
            abort();
        __atomic_add_fetch(&record->done[number][i], 1, __ATOMIC_RELEASE);
    }
}

static pid_t start_counting(void *region, struct record *record, uint32_t number)
{
    pid_t pid = fork();
    if (pid == 0)
        count_until_killed(dictionary_store_create(region, REGION_BYTES, number), record, number);
    return pid;
}

static void wait_for_counts(const struct record *record, uint32_t number)
{
    uint64_t before = __atomic_load_n(&record->done[number][0], __ATOMIC_RELAXED);
    while (__atomic_load_n(&record->done[number][0], __ATOMIC_RELAXED) < before + 3)
        sched_yield();
}

static void end(void *region, pid_t pid, uint32_t number)
{
    int status;
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    dictionary_region_head_bury(region, number);
}

static void expect_exact_counts(struct dictionary_store *store, const struct record *record)
{
    for (uint32_t i = 0; i < COUNTERS; ++i) {
        uint64_t begun = 0, done = 0;
        char key[16];
        int64_t sum = 0;
        for (int j = 0; j < PROCESSES; ++j) {
            begun += record->begun[j][i];
            done += record->done[j][i];
        }
        snprintf(key, sizeof(key), "counter %u", i);
        assert_true(dictionary_store_increment(store, ask(key, 0), 0, 0, &sum));
        assert_in_range(sum, done, begun);
    }
}

static void counts_are_exact_though_processes_are_killed(void **state)
{
    void *region = make_region();
    struct dictionary_store *store = dictionary_store_create(region, REGION_BYTES, PROCESSES);
    struct record *record = mmap(NULL, sizeof(*record), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t pids[PROCESSES];
    expect_exact_counts(store, record);
    for (uint32_t i = 0; i < PROCESSES; ++i)
        pids[i] = start_counting(region, record, i);
    for (int i = 0; i < KILLS; ++i) {
        uint32_t victim = (uint32_t)i % PROCESSES;
        wait_for_counts(record, victim);
        end(region, pids[victim], victim);
        pids[victim] = start_counting(region, record, victim);
    }
    for (uint32_t i = 0; i < PROCESSES; ++i)
        end(region, pids[i], i);
    expect_exact_counts(store, record);
    dictionary_store_destroy(store);
    munmap(record, sizeof(*record));
    munmap(region, REGION_BYTES);
}

static void nonsense_is_forgotten(void **state)
{
    struct dictionary_region_head *head = make_region();
    struct dictionary_store *store = dictionary_store_create(head, REGION_BYTES, 0);
    uint32_t *words = (uint32_t *)(void *)head;
    assert_true(set(store, "a", "x", 0, 0));
    for (size_t i = sizeof(*head) / sizeof(uint32_t); i < REGION_BYTES / sizeof(uint32_t); ++i)
        words[i] = (uint32_t)i * 2654435761u;
    memset(head->shards, 0xff, sizeof(head->shards));
    for (size_t i = 0; i < DICTIONARY_SHARDS; ++i)
        head->shards[i].lock = (struct shared_lock){0};
    for (int i = 0; i < 1000; ++i) {
        char key[16];
        snprintf(key, sizeof(key), "%d", i);
        has(store, key, 0);
        (void)!set(store, key, "x", 0, 0);
        assert_true(set(store, key, "y", 0, 0));
        expect_text(store, key, "y");
    }
    dictionary_store_destroy(store);
    munmap(head, REGION_BYTES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_set_and_changed),
        cmocka_unit_test(numbers_are_added_to),
        cmocka_unit_test(numbers_may_have_long_keys),
        cmocka_unit_test(times_end_values),
        cmocka_unit_test(sizes_have_bounds),
        cmocka_unit_test(names_separate),
        cmocka_unit_test(room_is_bounded),
        cmocka_unit_test(regions_of_another_kind_are_refused),
        cmocka_unit_test(counts_are_exact_though_processes_are_killed),
        cmocka_unit_test(nonsense_is_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
