#include "process/handover_generation.h"

#include "base/alloc.h"
#include "process/generation_own.h"
#include "process/handover_supplies.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* A supervisor with one of everything, and its state. */
static struct supplies supplies;
static struct generations generations;
static struct reloads reloads;
static struct handover handover;
static char place[] = "/tmp/flexilib-handover-XXXXXX";

static void on_over(void *data, const struct reload *reload)
{
}

static void begin(struct supplies *its_supplies, struct generations *its_generations, struct reloads *its_reloads)
{
    supplies_init(its_supplies, "flexilib.yaml");
    generations_init(its_generations, its_supplies);
    reloads_init(its_reloads, its_generations, on_over, NULL);
}

static struct worker_process *make_worker(struct generation *generation)
{
    struct worker_process *worker = worker_process_create(&supplies, generation_on_message, generation);
    int channel[2], output[2], errors[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, channel), 0);
    assert_int_equal(pipe(output), 0);
    assert_int_equal(pipe(errors), 0);
    assert_true(worker_process_watch(worker, (int[]){channel[0], output[0], errors[0]}));
    worker->pid = getpid();
    worker->slot = slots_take(&supplies.slots);
    worker->state = WORKER_SERVING;
    worker->output.lines.length = 4;
    memcpy(worker->output.lines.data, "half", 4);
    return worker;
}

static void make_generation(void)
{
    const struct listen_options options = LISTEN_OPTIONS_NONE;
    struct generation_entry *entry = mem_zalloc(sizeof(*entry));
    struct generation *generation = mem_zalloc(sizeof(*generation));
    entry->generation = generation;
    generations.entries = entry;
    generations.serving = generation;
    generations.last_number = 7;
    generation->supplies = &supplies;
    generation->state = GENERATION_SERVING;
    generation->number = 7;
    generation->is_read = true;
    generation->snapshot = held_snapshot_create(&supplies.snapshots, 7);
    generation->count = 2;
    generation->places = mem_zalloc(2 * sizeof(*generation->places));
    generation->places[0].worker = make_worker(generation);
    generation->places[1].start_us = 5;
    generation->listeners[3] = listeners_take(&supplies.listeners, SLICE("tcp 127.0.0.1 0"), 3, &options);
    assert_non_null(generation->listeners[3]);
    generation->listen_options[3] = options;
    generation->logs[0] = logs_take(&supplies.logs, SLICE("/dev/null"));
    int number = server_table_take(&supplies.servers, SLICE("back"), SLICE("http://a"));
    assert_true(generation_add_server(generation, number));
    server_table_use(&supplies.servers, number);
}

static int set_up(void **state)
{
    struct error error = ERROR_INIT;
    assert_non_null(mkdtemp(place));
    setenv("FLEXILIB_RUNTIME_DIR", place, 1);
    begin(&supplies, &generations, &reloads);
    assert_true(supplies_open(&supplies, &error));
    make_generation();
    const struct watched_sight sight = {.kind = WATCH_FILE, .path = SLICE("/dev/null"), .content = 1, .status = 2};
    watched_add(&supplies.watched, &sight, 7);
    crash_policy_note(&supplies.crashes, 7, SLICE("/a.so"), SLICE_NONE, 1);
    crash_policy_quarantine(&supplies.crashes, 7, SLICE("/b.so"));
    crash_policy_refuse(&supplies.crashes, SLICE("/c.so"), SLICE("00"));
    reloads.last_id = 9;
    reloads.wanted = reload_create(9);
    reloads.kept[0] = held_snapshot_create(&supplies.snapshots, 6);
    handover_begin(&handover, "1.0");
    handover_supplies_add(&handover, &supplies, &supplies.program);
    handover_generations_add(&handover, &reloads);
    text_print(&handover.text, "\nend %zu\n", handover.record_count);
    return 0;
}

static int tear_down(void **state)
{
    snapshots_close(&supplies.snapshots);
    assert_int_equal(rmdir(place), 0);
    return 0;
}

static bool read_records(struct handover_reader *reader, struct supplies *its_supplies, struct reloads *its_reloads)
{
    while (handover_next(reader)) {
        if (!handover_supplies_take(reader, its_supplies) && !handover_generations_take(reader, its_reloads))
            handover_refuse(reader, "unknown");
    }
    return !reader->error->is_set && handover_supplies_complete(its_supplies, reader->error) &&
           handover_generations_complete(its_reloads->generations, reader->error);
}

/* Restores a state in a process of its own, as it takes descriptors and memory. */
static int restore(struct slice text)
{
    pid_t pid = fork();
    if (pid == 0) {
        static struct supplies its_supplies;
        struct generations its_generations;
        struct reloads its_reloads;
        struct handover_reader reader;
        struct error error = ERROR_INIT;
        int fd = memfd_create("state", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        if (write(fd, text.data, text.length) != (ssize_t)text.length)
            _exit(3);
        fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
        begin(&its_supplies, &its_generations, &its_reloads);
        if (!supplies_begin(&its_supplies, &error))
            _exit(3);
        bool is_fine = handover_open(&reader, fd, &error) && read_records(&reader, &its_supplies, &its_reloads);
        _exit(is_fine ? 0 : error.is_set ? 1 : 2);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void test_all_of_it_can_be_restored(void **state)
{
    int status = restore(text_slice(&handover.text));
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* Where the field with that number begins and ends. Returns false where there is none. */
static bool find_field(struct slice text, size_t number, size_t *start, size_t *end)
{
    size_t at = 0;
    for (; number != 0; --number) {
        while (at < text.length && text.data[at] != ' ' && text.data[at] != '\n')
            ++at;
        if (++at >= text.length)
            return false;
    }
    *start = *end = at;
    while (*end < text.length && text.data[*end] != ' ' && text.data[*end] != '\n')
        ++*end;
    return true;
}

static void check_end(int status, size_t number, const char *what)
{
    if (WIFEXITED(status) && WEXITSTATUS(status) <= 1)
        return;
    fail_msg("field %zu as %s ends the reader by %d (signal %d)", number, what, WEXITSTATUS(status), WTERMSIG(status));
}

/* It may be good all the same; but it never does more harm than to be refused, with a sentence. */
static void test_wrong_fields_are_refused_at_worst(void **state)
{
    static const char *const others[] = {"",  "-",   "-1", "0", "1", "3", "99999999999", "18446744073709551615",
                                         "'", "'%00"};
    const size_t other_count = sizeof(others) / sizeof(others[0]);
    struct slice text = text_slice(&handover.text);
    size_t start, end;
    for (size_t number = 0; find_field(text, number, &start, &end); ++number) {
        /* Each field meets some of them: all would take too long. */
        for (size_t i = number % 3; i < other_count; i += 3) {
            struct text changed = TEXT_INIT;
            text_add(&changed, slice_of(text.data, start));
            text_add(&changed, slice_from_text(others[i]));
            text_add(&changed, slice_skip(text, end));
            check_end(restore(text_slice(&changed)), number, others[i]);
            text_finish(&changed);
        }
    }
}

/* The same where the count at the end is right, as if it had been written so. */
static void check_record(struct slice text, size_t start, size_t end, int times, size_t number)
{
    struct text changed = TEXT_INIT;
    size_t tail = text.length - 1;
    while (text.data[tail - 1] != '\n')
        --tail;
    if (start < tail) {
        text_add(&changed, slice_of(text.data, start));
        for (int i = 0; i < times; ++i)
            text_add(&changed, slice_of(text.data + start, end - start));
        text_add(&changed, slice_of(text.data + end, tail - end));
        text_print(&changed, "end %zu\n", handover.record_count + (size_t)times - 1);
        check_end(restore(text_slice(&changed)), number, "one record less or more");
    }
    text_finish(&changed);
}

static void test_missing_and_repeated_records_are_refused_at_worst(void **state)
{
    struct slice text = text_slice(&handover.text);
    size_t number = 0;
    for (size_t start = 0; start < text.length; ++number) {
        size_t end = start + slice_find(slice_skip(text, start), '\n') + 1;
        for (int times = 0; times <= 2; times += 2) {
            struct text changed = TEXT_INIT;
            text_add(&changed, slice_of(text.data, start));
            for (int i = 0; i < times; ++i)
                text_add(&changed, slice_of(text.data + start, end - start));
            text_add(&changed, slice_skip(text, end));
            int status = restore(text_slice(&changed));
            check_end(status, number, times == 0 ? "no record" : "two records");
            assert_int_equal(WEXITSTATUS(status), 1);
            text_finish(&changed);
            check_record(text, start, end, times, number);
        }
        start = end;
    }
    assert_true(number > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_of_it_can_be_restored),
        cmocka_unit_test(test_wrong_fields_are_refused_at_worst),
        cmocka_unit_test(test_missing_and_repeated_records_are_refused_at_worst),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
