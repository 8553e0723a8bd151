#include "process/obituary.h"

#include "process/slots.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void check_obituary(const struct death *death, const char *expected)
{
    struct text text = TEXT_INIT;
    obituary_print(death, &text);
    assert_string_equal(text.data, expected);
    text_finish(&text);
}

static void test_all_that_is_known_is_told(void **state)
{
    struct death death = {
        .pid = 1234,
        .generation = 1,
        .status = SIGSEGV,
        .lived_us = 1234499,
        .slot.call = {.hook = SLOT_HOOK_REQUEST_HEAD, .filter = "crash", .request.id = "0123456789abcdef"},
    };
    check_obituary(&death, "worker 1234 of generation 1 was killed by signal 11 (Segmentation fault) after 1.234 s, in "
                           "filter 'crash' (on_request_head) for request 0123456789abcdef");
    death.slot.call = (struct slot_call){.hook = SLOT_HOOK_LOAD, .filter = "crash"};
    check_obituary(&death, "worker 1234 of generation 1 was killed by signal 11 (Segmentation fault) after 1.234 s, in "
                           "library 'crash' (loading)");
    death.slot.call.hook = SLOT_HOOK_REQUEST_HEAD;
    check_obituary(&death, "worker 1234 of generation 1 was killed by signal 11 (Segmentation fault) after 1.234 s, in "
                           "filter 'crash' (on_request_head)");
    death.slot.call.hook = SLOT_HOOK_NONE;
    check_obituary(&death, "worker 1234 of generation 1 was killed by signal 11 (Segmentation fault) after 1.234 s");
    death.status = 3 << 8;
    check_obituary(&death, "worker 1234 of generation 1 exited with status 3 after 1.234 s");
}

static void show_call(struct slot_threads *threads, const char *filter, const char *request)
{
    struct slot_call *call = &threads->calls[threads->count++];
    call->hook = SLOT_HOOK_OFFLOAD;
    strcpy(call->filter, filter);
    strcpy(call->request.id, request);
}

static void test_threads_may_have_been_it(void **state)
{
    struct slot slot = {0};
    struct slot_threads threads = {0};
    struct text text = TEXT_INIT;
    show_call(&threads, "idle", "");
    threads.calls[0].hook = SLOT_HOOK_NONE;
    show_call(&threads, "hash", "0123456789abcdef");
    obituary_print_slot(&slot, &threads, &text);
    assert_string_equal(text.data, ", in filter 'hash' (offload) for request 0123456789abcdef");
    text_clear(&text);
    slot.call = (struct slot_call){.hook = SLOT_HOOK_END, .filter = "greet"};
    show_call(&threads, "hash", "0123456789abcde0");
    show_call(&threads, "sleep", "");
    for (int i = 0; i < 3; ++i)
        show_call(&threads, i == 0 ? "three" : i == 1 ? "four" : "five", "");
    obituary_print_slot(&slot, &threads, &text);
    assert_string_equal(text.data,
                        ", in filter 'greet' (on_end) or in filter 'hash' (offload) for one of 2 requests or "
                        "in filter 'sleep' (offload) or in filter 'three' (offload)");
    text_finish(&text);
}

static void test_of_a_long_name_the_end_is_shown(void **state)
{
    char shown[SLOT_FILTER_BYTES] = "";
    slot_show_name(SLICE("greet"), shown);
    assert_string_equal(shown, "greet");
    char exact[SLOT_FILTER_BYTES] = "";
    slot_show_name(SLICE("a-name-of-sixty-three-characters-which-is-as-long-as-one-may-be"), exact);
    assert_string_equal(exact, "a-name-of-sixty-three-characters-which-is-as-long-as-one-may-be");
    char cut[SLOT_FILTER_BYTES] = "";
    slot_show_name(SLICE("/a/path/of/which/nobody/wants/to/know/the/first/half/but/the/name/greet.so"), cut);
    assert_string_equal(cut, "...ch/nobody/wants/to/know/the/first/half/but/the/name/greet.so");
}

static struct slots slots;

static int open_slots(void **state)
{
    return !slots_open(&slots);
}

static int close_slots(void **state)
{
    slots_close(&slots);
    return 0;
}

static void test_a_slot_tells_what_its_worker_wrote(void **state)
{
    int number = slots_take(&slots);
    struct slot *slot = slots_attach(slots.fd, number, 42);
    assert_non_null(slot);
    strcpy(slot->call.filter, "greet");
    struct slot copy = slots_read(&slots, number);
    assert_int_equal(copy.pid, 42);
    assert_string_equal(copy.call.filter, "greet");
    int other = slots_take(&slots);
    assert_int_not_equal(other, number);
    slots_release(&slots, number);
    assert_int_equal(slots_take(&slots), number);
    assert_int_equal(slots_read(&slots, number).pid, 0);
}

static void test_nothing_in_a_slot_is_trusted(void **state)
{
    int number = slots_take(&slots);
    struct slot *slot = slots_attach(slots.fd, number, 42);
    memset(slot->call.filter, 'x', sizeof(slot->call.filter));
    memcpy(slot->call.request.id, "a\nb\033[2Jc'\x7f", 11);
    slot->call.hook = 4000000000u;
    struct slot copy = slots_read(&slots, number);
    assert_int_equal(strlen(copy.call.filter), SLOT_FILTER_BYTES - 1);
    assert_string_equal(copy.call.request.id, "a?b?[2Jc??");
    assert_string_equal(slot_hook_name(copy.call.hook), "");
    memset(slot, 0xff, sizeof(*slot));
    copy = slots_read(&slots, number);
    assert_int_equal(copy.call.hook, 0);
    assert_int_equal(copy.call.filter[0], 0);
    assert_int_equal(slots_read(&slots, -1).magic, 0);
    assert_int_equal(slots_read(&slots, SLOTS_COUNT).magic, 0);
    assert_null(slots_attach(slots.fd, SLOTS_COUNT, 42));
}

static void test_nor_in_what_threads_say(void **state)
{
    int number = slots_take(&slots);
    struct slot_threads *threads = &slots_attach_details(slots.fd, number)->threads, copy;
    slots_read_threads(&slots, number, &copy);
    assert_int_equal(copy.count, 0);
    memset(threads, 0xff, sizeof(*threads));
    memset(threads->calls[1].filter, 'x', SLOT_FILTER_BYTES);
    slots_read_threads(&slots, number, &copy);
    assert_int_equal(copy.count, SLOT_THREADS);
    assert_int_equal(strlen(copy.calls[1].filter), SLOT_FILTER_BYTES - 1);
    slots_read_threads(&slots, SLOTS_COUNT, &copy);
    assert_int_equal(copy.count, 0);
    slots_release(&slots, number);
    slots_read_threads(&slots, number, &copy);
    assert_int_equal(copy.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_that_is_known_is_told),
        cmocka_unit_test(test_threads_may_have_been_it),
        cmocka_unit_test(test_of_a_long_name_the_end_is_shown),
        cmocka_unit_test(test_a_slot_tells_what_its_worker_wrote),
        cmocka_unit_test(test_nothing_in_a_slot_is_trusted),
        cmocka_unit_test(test_nor_in_what_threads_say),
    };
    return cmocka_run_group_tests(tests, open_slots, close_slots);
}
