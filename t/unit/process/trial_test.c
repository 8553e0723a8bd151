#include "process/trial.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <unistd.h>

/* Whatever the code does that is run, its caller is told. */

static void show_hook(struct slot *slot)
{
    memcpy(slot->call.filter, "gate", sizeof("gate"));
    slot->call.hook = SLOT_HOOK_CREATE;
}

static int return_number(struct slot *slot, struct slot_threads *threads, void *data)
{
    return *(int *)data;
}

static int kill_itself(struct slot *slot, struct slot_threads *threads, void *data)
{
    show_hook(slot);
    raise(SIGKILL);
    return 0;
}

static int leave(struct slot *slot, struct slot_threads *threads, void *data)
{
    show_hook(slot);
    _exit(0);
}

static int hang(struct slot *slot, struct slot_threads *threads, void *data)
{
    show_hook(slot);
    while (slot->call.hook == SLOT_HOOK_CREATE)
        pause();
    return 0;
}

static int move_for_long(struct slot *slot, struct slot_threads *threads, void *data)
{
    for (int i = 0; i < 30; ++i) {
        ++slot->turns;
        usleep(100 * 1000);
    }
    return 7;
}

static void assert_outcome(struct trial trial, enum trial_outcome expected, int expected_status,
                           const char *expected_sentence)
{
    struct text sentence = TEXT_INIT;
    int status = 0;
    trial.what = "the trial";
    assert_int_equal(trial_run(&trial, &status, &sentence), expected);
    assert_int_equal(status, expected_status);
    assert_string_equal(sentence.data == NULL ? "" : sentence.data, expected_sentence);
    text_finish(&sentence);
}

static void gives_what_was_returned(void **state)
{
    int number = 42;
    assert_outcome((struct trial){.run = return_number, .data = &number}, TRIAL_RETURNED, 42, "");
    assert_outcome((struct trial){.run = return_number, .data = &number, .limit_ms = 60000}, TRIAL_RETURNED, 42, "");
}

static void tells_of_signals_and_exits(void **state)
{
    assert_outcome((struct trial){.run = kill_itself}, TRIAL_ENDED, 0,
                   "the trial was ended by signal 9 (Killed), in filter 'gate' (create)");
    assert_outcome((struct trial){.run = leave}, TRIAL_ENDED, 0,
                   "a library ended the trial with status 0, in filter 'gate' (create)");
}

static void ends_what_does_not_move(void **state)
{
    assert_outcome((struct trial){.run = hang, .limit_ms = 1000}, TRIAL_ENDED, 0,
                   "the trial did not end: nothing has moved for 1 s, in filter 'gate' (create)");
}

static void lets_what_moves_go_on(void **state)
{
    assert_outcome((struct trial){.run = move_for_long, .limit_ms = 2000}, TRIAL_RETURNED, 7, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_what_was_returned),
        cmocka_unit_test(tells_of_signals_and_exits),
        cmocka_unit_test(ends_what_does_not_move),
        cmocka_unit_test(lets_what_moves_go_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
