#include "process/blame.h"

#include "process/crash_place.h"
#include "process/memory_kills.h"
#include "process/obituary.h"
#include "process/slots.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char snapshot[] = "/run/x/1";

static struct crash_record record;
static struct death death;

static void add_mapping(uint64_t start, const char *path)
{
    struct crash_mapping *mapping = &record.mappings[record.mapping_count++];
    *mapping = (struct crash_mapping){start, start + 0x1000, start, record.paths_length, (uint32_t)strlen(path)};
    strcpy(record.paths + record.paths_length, path);
    record.paths_length += (uint32_t)strlen(path) + 1;
}

static int prepare(void **state)
{
    record = (struct crash_record){
        .magic = CRASH_RECORD_MAGIC,
        .version = CRASH_RECORD_VERSION,
        .size = sizeof(record),
        .progress = CRASH_COMPLETE,
        .kind = CRASH_SIGNAL,
        .machine = CRASH_MACHINE_X86_64,
        .pid = 42,
        .signal = SIGSEGV,
        .thread = CRASH_THREAD_LOOP,
        .stack_start = 0x9000,
        .stack_length = 0x1000,
        .sp = 0x9100,
    };
    add_mapping(0x1000, "/usr/bin/flexilib");
    add_mapping(0x3000, "/run/x/1/root/srv/greet.so");
    add_mapping(0x5000, "/run/x/10/root/srv/other.so");
    add_mapping(0x7000, "/lib/libc.so.6");
    death = (struct death){.pid = 42, .generation = 1, .status = SIGSEGV, .record = &record};
    return 0;
}

static void set_call(struct slot_call *call, const char *filter)
{
    call->hook = SLOT_HOOK_END;
    strcpy(call->filter, filter);
}

static void check(enum blame_certainty certainty, const char *filter, const char *library)
{
    struct blame blame;
    if (death.record != NULL)
        assert_true(crash_record_check(&record));
    blame_find(&death, snapshot, &blame);
    assert_int_equal(blame.certainty, certainty);
    assert_string_equal(blame.filter, filter);
    assert_string_equal(blame.library, library);
}

static void put_word(uint64_t address, uint64_t value)
{
    memcpy(record.stack + (address - record.stack_start), &value, sizeof(value));
}

static void test_a_crash_in_a_library_is_certain(void **state)
{
    record.pc = 0x3123;
    set_call(&record.call, "greet");
    check(BLAME_CERTAIN, "greet", "/srv/greet.so");
    record.thread = CRASH_THREAD_OTHER;
    record.call = (struct slot_call){.hook = SLOT_HOOK_NONE};
    check(BLAME_CERTAIN, "", "/srv/greet.so");
}

static void test_a_crash_of_ours_is_nobody_elses(void **state)
{
    record.pc = 0x1123;
    put_word(0x9200, 0x3123); /* of a call long ago */
    check(BLAME_NONE, "", "");
    set_call(&death.slot.call, "greet"); /* another thread's, as the record says */
    record.thread = CRASH_THREAD_POOL;
    check(BLAME_NONE, "", "");
    record.pc = 0x5123; /* a file of another generation is none of this one's */
    check(BLAME_NONE, "", "");
}

static void test_what_a_filter_called_is_the_filters(void **state)
{
    record.pc = 0x7123;
    set_call(&record.call, "greet");
    check(BLAME_CERTAIN, "greet", "");
    put_word(0x9200, 0x3123);
    check(BLAME_CERTAIN, "greet", "/srv/greet.so");
}

static void test_a_strangers_thread_is_guessed_from_its_stack(void **state)
{
    record.pc = 0x7123;
    record.thread = CRASH_THREAD_OTHER;
    check(BLAME_NONE, "", "");
    put_word(0x9200, 0x3123);
    check(BLAME_LIKELY, "", "/srv/greet.so");
}

static void test_nobody_is_blamed_for_what_was_sent(void **state)
{
    record.pc = 0x3123;
    record.sender = 7;
    set_call(&record.call, "greet");
    check(BLAME_NONE, "", "");
    record.sender = 42;
    check(BLAME_CERTAIN, "greet", "/srv/greet.so");
}

static void test_without_a_record_the_slot_speaks(void **state)
{
    death.record = NULL;
    check(BLAME_NONE, "", "");
    set_call(&death.slot.call, "greet");
    check(BLAME_LIKELY, "greet", "");
    death.status = SIGKILL;
    check(BLAME_POSSIBLE, "greet", "");
    death.status = 3 << 8;
    check(BLAME_LIKELY, "greet", "");
    death.threads.count = 2;
    set_call(&death.threads.calls[1], "greet");
    check(BLAME_LIKELY, "greet", "");
    set_call(&death.threads.calls[0], "hash");
    check(BLAME_POSSIBLE, "greet", "");
}

static void test_places_and_causes_are_told(void **state)
{
    struct text text = TEXT_INIT;
    record.pc = 0x3123;
    record.fault_address = 0x10;
    record.machine = CRASH_MACHINE_UNKNOWN;
    assert_true(crash_record_check(&record));
    obituary_print_place(&death, snapshot, &text);
    obituary_print_cause(&death, &text);
    assert_string_equal(text.data, ", at greet.so+0x123, touching address 0x10");
    text_clear(&text);
    record.pc = 0xdead;
    death.was_for_want_of_memory = true;
    record.signal = SIGABRT;
    obituary_print_place(&death, snapshot, &text);
    obituary_print_cause(&death, &text);
    assert_string_equal(text.data, ", at 0xdead, likely by the kernel for want of memory");
    text_finish(&text);
}

static void test_kills_for_want_of_memory_are_counted(void **state)
{
    static const char events[] = "low 0\nhigh 1\nmax 2\noom 3\noom_kill 4\noom_group_kill 5\n";
    assert_int_equal(memory_kills_parse(events, "oom_kill"), 4);
    assert_int_equal(memory_kills_parse(events, "oom"), 3);
    assert_int_equal(memory_kills_parse(events, "kill"), 0);
    assert_int_equal(memory_kills_parse("oom_kill x\n", "oom_kill"), 0);
    assert_int_equal(memory_kills_parse("", "oom_kill"), 0);
}

static void fill(unsigned char *bytes, size_t count, int round)
{
    for (size_t i = 0; i < count; ++i)
        bytes[i] = round % 4 == 0 ? 0xff : (unsigned char)rand();
}

/* A worker that wants to harm its supervisor can write there what it likes. */
static void test_nonsense_harms_nobody(void **state)
{
    struct slots slots;
    assert_true(slots_open(&slots));
    int number = slots_take(&slots);
    struct slot *slot = slots_attach(slots.fd, number, 42);
    struct slot_details *details = slots_attach_details(slots.fd, number);
    srand(2);
    for (int round = 0; round < 100; ++round) {
        struct crash_record *crash = &details->records[SLOT_RECORD_CRASH];
        fill((unsigned char *)slot, sizeof(*slot), round);
        fill((unsigned char *)details, sizeof(*details), round);
        slot->magic = SLOT_MAGIC;
        slot->version = SLOT_VERSION;
        slot->size = sizeof(*slot);
        crash->magic = CRASH_RECORD_MAGIC;
        crash->version = CRASH_RECORD_VERSION;
        crash->size = sizeof(*crash);
        crash->progress = CRASH_COMPLETE;
        crash->machine = (uint32_t)round % 3;
        crash->thread = (uint32_t)round % 4;
        struct death dead = {.pid = 42, .status = SIGSEGV, .slot = slots_read(&slots, number)};
        struct text text = TEXT_INIT;
        slots_read_threads(&slots, number, &dead.threads);
        dead.record = slots_read_record(&slots, number, SLOT_RECORD_CRASH);
        assert_non_null(dead.record);
        blame_find(&dead, snapshot, &dead.blame);
        obituary_print(&dead, &text);
        obituary_print_place(&dead, snapshot, &text);
        obituary_print_cause(&dead, &text);
        crash_place_print_frames(dead.record, &text);
        text_finish(&text);
        death_finish(&dead);
    }
    slots_release(&slots, number);
    assert_null(slots_read_record(&slots, number, SLOT_RECORD_CRASH));
    assert_null(slots_read_record(&slots, -1, SLOT_RECORD_CRASH));
    slots_close(&slots);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_a_crash_in_a_library_is_certain, prepare),
        cmocka_unit_test_setup(test_a_crash_of_ours_is_nobody_elses, prepare),
        cmocka_unit_test_setup(test_what_a_filter_called_is_the_filters, prepare),
        cmocka_unit_test_setup(test_a_strangers_thread_is_guessed_from_its_stack, prepare),
        cmocka_unit_test_setup(test_nobody_is_blamed_for_what_was_sent, prepare),
        cmocka_unit_test_setup(test_without_a_record_the_slot_speaks, prepare),
        cmocka_unit_test_setup(test_places_and_causes_are_told, prepare),
        cmocka_unit_test(test_kills_for_want_of_memory_are_counted),
        cmocka_unit_test(test_nonsense_harms_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
