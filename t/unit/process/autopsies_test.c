#include "process/autopsies.h"

#include "base/alloc.h"
#include "base/crash_maps.h"
#include "base/file.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static struct poller poller;
static struct program program;
static struct autopsies autopsies;
static struct held_snapshot *snapshot;
static struct crash_record record;
static int said; /* what goes to the console */

static void open_program(const char *path)
{
    program.fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_int_not_equal(program.fd, -1);
}

static void open_own_program(void)
{
    char path[4096];
    ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);
    assert_in_range(length, 1, sizeof(path) - 1);
    path[length] = '\0';
    *strrchr(path, '/') = '\0';
    strcpy(strrchr(path, '/'), "/flexilib");
    open_program(path);
}

static int prepare(void **state)
{
    record = (struct crash_record){
        .magic = CRASH_RECORD_MAGIC,
        .version = CRASH_RECORD_VERSION,
        .size = sizeof(record),
        .kind = CRASH_SIGNAL,
        .machine = CRASH_MACHINE_X86_64,
        .pc = (uint64_t)(uintptr_t)strlen,
    };
    crash_maps_read(-1, &record);
    record.pc = record.mappings[0].start + 0x10;
    record.progress = CRASH_COMPLETE;
    snapshot = mem_zalloc(sizeof(*snapshot));
    snapshot->users = 1;
    snapshot->folder = mem_copy_text("/tmp/flexilib-autopsies.XXXXXX", 30);
    autopsies_init(&autopsies, &poller, &program);
    said = memfd_create("said", MFD_CLOEXEC);
    return mkdtemp(snapshot->folder) == NULL || said == -1 || !poller_open(&poller);
}

static int finish(void **state)
{
    autopsies_finish(&autopsies);
    held_snapshot_release(snapshot);
    poller_close(&poller);
    close(program.fd);
    close(said);
    while (waitpid(-1, NULL, 0) > 0)
        ;
    return 0;
}

/* Has the log of work caught. */
static char *catch (void (*work)(void))
{
    int console = dup(STDERR_FILENO);
    assert_int_equal(ftruncate(said, 0), 0);
    lseek(said, 0, SEEK_SET);
    dup2(said, STDERR_FILENO);
    work();
    dup2(console, STDERR_FILENO);
    close(console);
    off_t length = lseek(said, 0, SEEK_END);
    char *text = mem_zalloc((size_t)length + 1);
    assert_int_equal(pread(said, text, (size_t)length, 0), length);
    return text;
}

static void tell(void)
{
    const struct autopsy_order order = {
        .level = LOG_LEVEL_ALERT,
        .sentence = SLICE("it died"),
        .addition = SLICE(", of nothing"),
        .record = &record,
        .snapshot = snapshot,
    };
    assert_true(record.progress != CRASH_COMPLETE || crash_record_check(&record));
    autopsies_tell(&autopsies, &order);
}

static void tell_to_the_end(void)
{
    tell();
    while (autopsies_are_under_way(&autopsies))
        poller_wait(&poller, 1000);
}

static void check_own_words(const char *text)
{
    assert_non_null(strstr(text, "alert: it died, at "));
    assert_non_null(strstr(text, "+0x"));
    assert_non_null(strstr(text, ", of nothing\n"));
    assert_non_null(strstr(text, "     #0 ") != NULL ? text : strstr(text, "    #0 "));
}

static void test_a_child_tells_more(void **state)
{
    open_own_program();
    char *text = catch (tell_to_the_end);
    check_own_words(text);
    assert_null(strstr(text, "AddressSanitizer"));
    free(text);
}

static void test_a_child_that_says_nothing_is_done_without(void **state)
{
    open_program("/bin/true");
    char *text = catch (tell_to_the_end);
    check_own_words(text);
    free(text);
}

static void test_a_program_that_is_none_is_done_without(void **state)
{
    open_program("/dev/null");
    char *text = catch (tell_to_the_end);
    check_own_words(text);
    free(text);
}

static void test_one_that_never_ends_its_words_is_cut(void **state)
{
    open_program("/bin/yes");
    char *text = catch (tell_to_the_end);
    check_own_words(text);
    assert_null(strstr(text, "autopsy"));
    free(text);
}

static void end_late_ones(void)
{
    autopsies_step(&autopsies, 0);
    assert_true(autopsies_are_under_way(&autopsies));
    assert_true(autopsies_need(&autopsies, snapshot));
    autopsies_step(&autopsies, autopsies_deadline(&autopsies));
    assert_false(autopsies_are_under_way(&autopsies));
    assert_false(autopsies_need(&autopsies, snapshot));
}

static void test_one_that_takes_too_long_is_ended(void **state)
{
    open_own_program();
    char *text = catch (tell);
    assert_string_equal(text, "");
    assert_int_equal(snapshot->users, 2);
    free(text);
    text = catch (end_late_ones);
    check_own_words(text);
    assert_int_equal(snapshot->users, 1);
    assert_int_equal(autopsies_deadline(&autopsies), 0);
    free(text);
}

static void tell_many(void)
{
    for (int i = 0; i < 12; ++i)
        tell();
}

static void test_too_many_at_a_time_are_told_without(void **state)
{
    open_own_program();
    char *text = catch (tell_many);
    int count = 0;
    for (const char *at = text; (at = strstr(at, "alert: it died")) != NULL; ++at)
        ++count;
    assert_int_equal(count, 4);
    assert_int_equal(snapshot->users, 9);
    free(text);
}

static void check_printable(const char *text)
{
    for (; *text != '\0'; ++text)
        assert_true(*text == '\n' || (*text >= 0x20 && *text < 0x7f));
}

static void test_nonsense_is_printed_clean(void **state)
{
    open_own_program();
    srand(3);
    for (int round = 0; round < 6; ++round) {
        for (size_t i = offsetof(struct crash_record, kind); i < sizeof(record); ++i)
            ((unsigned char *)&record)[i] = (unsigned char)rand();
        record.machine = round % 3;
        record.progress = CRASH_COMPLETE;
        char *text = catch (tell_to_the_end);
        assert_non_null(strstr(text, "alert: it died, at "));
        check_printable(text);
        free(text);
    }
}

static void tell_without_record(void)
{
    const struct autopsy_order order = {.level = LOG_LEVEL_ERROR, .sentence = SLICE("it went"), .snapshot = snapshot};
    autopsies_tell(&autopsies, &order);
}

static void test_without_a_record_it_is_told_at_once(void **state)
{
    open_own_program();
    char *text = catch (tell_without_record);
    assert_non_null(strstr(text, "error: it went\n"));
    free(text);
}

static void test_arguments_are_read(void **state)
{
    open_program("/bin/true");
    struct autopsy_role role;
    const char *good[] = {"flexilib", ROLE_AUTOPSY, "/tmp/x", "www", "33", "44", NULL};
    const char *bad[] = {"flexilib", ROLE_AUTOPSY, "/tmp/x", "www", "-1", "44", NULL};
    if (fcntl(AUTOPSY_RECORD_FD, F_GETFD) == -1)
        assert_int_equal(dup2(said, AUTOPSY_RECORD_FD), AUTOPSY_RECORD_FD);
    assert_true(autopsy_role_parse(6, (char **)good, &role));
    assert_int_equal(role.uid, 33);
    assert_int_equal(role.gid, 44);
    assert_string_equal(role.user, "www");
    assert_false(autopsy_role_parse(6, (char **)bad, &role));
    assert_false(autopsy_role_parse(5, (char **)good, &role));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_child_tells_more, prepare, finish),
        cmocka_unit_test_setup_teardown(test_a_child_that_says_nothing_is_done_without, prepare, finish),
        cmocka_unit_test_setup_teardown(test_a_program_that_is_none_is_done_without, prepare, finish),
        cmocka_unit_test_setup_teardown(test_one_that_never_ends_its_words_is_cut, prepare, finish),
        cmocka_unit_test_setup_teardown(test_one_that_takes_too_long_is_ended, prepare, finish),
        cmocka_unit_test_setup_teardown(test_too_many_at_a_time_are_told_without, prepare, finish),
        cmocka_unit_test_setup_teardown(test_nonsense_is_printed_clean, prepare, finish),
        cmocka_unit_test_setup_teardown(test_without_a_record_it_is_told_at_once, prepare, finish),
        cmocka_unit_test_setup_teardown(test_arguments_are_read, prepare, finish),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
